use proptest::prelude::*;
use race_proto::race::race::v1::MsgSubmitRace;

use super::*;
use crate::testing::{Chain, Signing, Wallet};

fn mempool(chain: &Chain) -> Mempool {
    chain.read(|_, state| Mempool::new(state.clone()))
}

fn checked(chain: &Chain, mempool: &mut Mempool, tx: &[u8], recheck: bool) -> Option<TxError> {
    chain.read(|context, _| mempool.check(context, tx, recheck).error)
}

/// A protocol transaction that decodes, of the first node.
fn free(chain: &Chain) -> CheckedTx {
    let hot = &chain.nodes[0].hot;
    let message = MsgSubmitRace {
        sender: hot.address(),
        epoch: 1,
        attempt: 1,
        root: vec![1; 32],
        count: 1,
    };
    let tx = chain.sign_free(hot, vec![Wallet::message(&message)]);
    chain.read(|_, state| decode(state, &tx).unwrap())
}

#[test]
fn a_node_has_a_quota_of_free_transactions_and_another_node_its_own() {
    let mut chain = Chain::new(2);
    crate::testing::honest::act(&mut chain);
    let deals = chain.mempool.clone();
    let mut mempool = mempool(&chain);
    let tx = free(&chain);
    for _ in 0..PROTOCOL_PER_ACCOUNT {
        mempool.count(&tx);
    }
    let first = deals
        .iter()
        .position(|deal| chain.read(|_, state| decode(state, deal).unwrap().signers == tx.signers));
    let first = first.unwrap();
    let refused = checked(&chain, &mut mempool, &deals[first], false).unwrap();
    assert_eq!(refused.code, 20, "{refused}");
    assert_eq!(
        checked(&chain, &mut mempool, &deals[1 - first], false),
        None
    );
}

#[test]
fn the_bytes_of_free_transactions_are_limited_too() {
    let chain = Chain::new(1);
    let mut mempool = mempool(&chain);
    let mut tx = free(&chain);
    tx.size = 512 << 10;
    for _ in 0..4 {
        mempool.within_protocol_quota(&tx).unwrap();
        mempool.count(&tx);
    }
    tx.size = 1;
    assert_eq!(mempool.within_protocol_quota(&tx).unwrap_err().code, 20);
}

#[test]
fn users_cannot_fill_the_mempool_with_bytes() {
    let chain = Chain::new(1);
    let alice = Wallet::named("alice");
    let tx = chain.sign(&alice, vec![alice.pays(&alice, 1)]);
    let mut tx = chain.read(|_, state| decode(state, &tx).unwrap());
    let mut mempool = mempool(&chain);
    tx.size = 64 << 10;
    for account in 0..USER_BYTES >> 16 {
        tx.fee_payer = Wallet::named(&account.to_string()).account;
        mempool.within_user_quota(&tx).unwrap();
        mempool.count(&tx);
    }
    tx.fee_payer = alice.account;
    assert_eq!(mempool.within_user_quota(&tx).unwrap_err().code, 20);
    assert!(mempool.within_protocol_quota(&free(&chain)).is_ok());
}

/// What somebody hands to CheckTx.
#[derive(Debug, Clone)]
enum Offer {
    /// A transfer with a sequence this far from the expected one.
    Transfer { from: bool, ahead: i8 },
    /// An earlier offer again.
    Replay(usize),
    /// A transfer with a changed byte.
    Damaged { from: bool, at: usize },
    /// More than the account has for fees.
    TooDear { from: bool },
}

fn offers() -> impl Strategy<Value = Vec<Offer>> {
    let offer = prop_oneof![
        4 => (any::<bool>(), prop_oneof![5 => Just(0i8), 1 => -2i8..3])
            .prop_map(|(from, ahead)| Offer::Transfer { from, ahead }),
        1 => any::<usize>().prop_map(Offer::Replay),
        1 => (any::<bool>(), any::<usize>()).prop_map(|(from, at)| Offer::Damaged { from, at }),
        1 => any::<bool>().prop_map(|from| Offer::TooDear { from }),
    ];
    proptest::collection::vec(offer, 1..25)
}

/// The offers as bytes, each signed for what CheckTx expects when all before were taken.
fn signed(chain: &Chain, mempool: &mut Mempool, offers: &[Offer]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let wallets = ["alice", "bob"].map(Wallet::named);
    let (mut offered, mut taken): (Vec<Vec<u8>>, Vec<Vec<u8>>) = Default::default();
    for offer in offers {
        let sign = |from: bool, ahead: i8, fee: u128| {
            let (from, to) = (&wallets[usize::from(from)], &wallets[usize::from(!from)]);
            let record = crate::auth::account(&mempool.state, &from.account).unwrap();
            let signing = Signing {
                sequence: record.sequence.saturating_add_signed(ahead.into()),
                fee,
                ..chain.signing(from)
            };
            from.sign(vec![from.pays(to, 1)], &signing)
        };
        let tx = match offer {
            Offer::Transfer { from, ahead } => sign(*from, *ahead, 100_000),
            Offer::Replay(which) => match offered.len() {
                0 => continue,
                count => offered[which % count].clone(),
            },
            Offer::Damaged { from, at } => {
                let mut tx = sign(*from, 0, 100_000);
                let at = at % tx.len();
                tx[at] ^= 1;
                tx
            }
            Offer::TooDear { from } => sign(*from, 0, u128::from(u64::MAX)),
        };
        if checked(chain, mempool, &tx, false).is_none() {
            taken.push(tx.clone());
        }
        offered.push(tx);
    }
    (offered, taken)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn refused_transactions_leave_nothing_and_the_block_does_what_was_checked(offers in offers()) {
        let mut chain = Chain::new(1);
        let mut used = mempool(&chain);
        let (_, taken) = signed(&chain, &mut used, &offers);
        let mut rebuilt = mempool(&chain);
        for tx in &taken {
            prop_assert_eq!(checked(&chain, &mut rebuilt, tx, true), None);
        }
        prop_assert_eq!(used.state.changes(), rebuilt.state.changes());
        prop_assert_eq!(used.waiting(), rebuilt.waiting());
        let results = chain.block(taken).results;
        prop_assert!(results.iter().all(|result| result.code == 0), "{:?}", results);
        let after = mempool(&chain);
        for wallet in ["alice", "bob"].map(Wallet::named) {
            let sequence = |state| crate::auth::account(state, &wallet.account).unwrap().sequence;
            prop_assert_eq!(sequence(&used.state), sequence(&after.state));
        }
    }
}
