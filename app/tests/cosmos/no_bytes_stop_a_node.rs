//! What comes from outside is refused, never a panic.

use proptest::prelude::*;
use race_app::registry;
use race_app::testing::{Chain, Wallet};
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::RequestQuery;

fn chain() -> Chain {
    let mut chain = Chain::new(1);
    chain.steps(2);
    chain
}

/// A transaction with some of its bytes changed, cut off or repeated.
fn mutated(mut tx: Vec<u8>, changes: &[(u16, u8)], cut: u16) -> Vec<u8> {
    for (at, to) in changes {
        let at = usize::from(*at) % tx.len();
        tx[at] = *to;
    }
    let keep = tx.len() - usize::from(cut) % 8;
    tx.truncate(keep);
    tx
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn in_a_transaction(
        cases in proptest::collection::vec((proptest::collection::vec((any::<u16>(), any::<u8>()), 0..6), any::<u16>()), 8),
        garbage in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut chain = chain();
        let alice = Wallet::named("alice");
        let tx = chain.sign(&alice, vec![alice.pays(&Wallet::named("carol"), 1)]);
        let mut txs = vec![garbage];
        txs.extend(cases.iter().map(|(changes, cut)| mutated(tx.clone(), changes, *cut)));
        for tx in &txs {
            chain.app.check_tx(tx, false);
            chain.app.simulate(tx);
            chain.app.process_proposal(&[tx.clone().into()]);
        }
        chain.block(txs);
    }

    #[test]
    fn in_a_query(data in proptest::collection::vec(any::<u8>(), 0..80), height in -2i64..5, prove: bool) {
        let chain = chain();
        let paths = registry::queries().map(|query| query.path).chain([
            "/store/bank/key", "/store//key", "/store/bank", "/app/version", "/cosmos.tx.v1beta1.Service/Simulate",
        ]);
        for path in paths {
            let request = RequestQuery { path: path.into(), data: data.clone().into(), height, prove };
            Application::query(&chain.app, request);
        }
    }

    #[test]
    fn in_a_message(value in proptest::collection::vec(any::<u8>(), 0..120)) {
        for message in registry::messages() {
            drop((message.parse)(&value));
        }
    }
}
