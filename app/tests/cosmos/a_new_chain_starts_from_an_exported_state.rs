use std::sync::Arc;

use race_app::app::{App, NewBlock};
use race_app::export::{export, ExportError};
use race_app::genesis::{AppGenesis, GENESIS_POWER};
use race_app::params;
use race_app::store::{MemKv, Store};
use race_app::testing::{committee, Builder, Chain, FakeOracle};
use race_app::{auth, bank, node};

const NEXT: &str = "race-test-2";

fn exported(chain: &Chain) -> AppGenesis {
    let nodes = chain.nodes.iter();
    let nodes = nodes
        .map(|node| node.genesis(NEXT, GENESIS_POWER))
        .collect();
    let height = chain.height;
    let genesis = chain.app.read(0, |_, state| export(state, height, nodes));
    genesis.unwrap().unwrap()
}

fn app() -> App {
    let store = Store::open(Arc::new(MemKv::new())).unwrap();
    App::new(store, Arc::new(FakeOracle), Arc::new(committee::NoShares))
}

#[test]
fn it_has_the_coins_parameters_and_issuance_of_the_old_one_and_makes_blocks() {
    let mut chain = Builder::new(4).param("epoch/serve_blocks", 12).start();
    chain.run_until("two epochs", 400, |chain| chain.epoch().number >= 3);
    let genesis = exported(&chain);
    // As a file.
    let genesis = AppGenesis::from_json(&genesis.to_json()).unwrap();

    let next = app();
    let (validators, _) = next
        .init_chain(NEXT, 1, chain.time_ms + 1_000, &genesis)
        .unwrap();
    assert_eq!(validators.len(), 4);
    for height in 1..=5 {
        next.finalize_block(&NewBlock {
            height,
            time_ms: chain.time_ms + 1_000 * (height + 1),
            ..NewBlock::default()
        });
        next.commit();
    }
    let balances = |app: &App| {
        let state = |state: &_| {
            let all = bank::balances(state).into_iter();
            let people = all.filter(|(account, _)| auth::module_name(account).is_none());
            (bank::supply(state), people.collect::<Vec<_>>())
        };
        app.read(0, |_, s| state(s)).unwrap()
    };
    let (old_supply, old) = balances(&chain.app);
    let (new_supply, new) = balances(&next);
    assert_eq!(new_supply, old_supply);
    for (account, amount) in old {
        let now = new.iter().find(|(other, _)| *other == account);
        // What was held for it came back to it.
        assert!(now.is_some_and(|(_, now)| *now >= amount), "{account}");
    }
    let values = |app: &App| {
        let read =
            |state: &_| -> Vec<u64> { params::all().map(|p| params::get(state, p)).collect() };
        app.read(0, |_, state| read(state)).unwrap()
    };
    assert_eq!(values(&next), values(&chain.app));
    let nodes = next.read(0, |_, state| node::all(state).len()).unwrap();
    assert_eq!(nodes, 4);

    // Exported once more, it is the same.
    let again = next.read(0, |_, state| export(state, 5, genesis.nodes.clone()));
    let again = again.unwrap().unwrap();
    assert_eq!(again.accounts, genesis.accounts);
    assert_eq!(
        again.carried.as_ref().map(|carried| &carried.minted),
        genesis.carried.as_ref().map(|carried| &carried.minted)
    );
}

#[test]
fn what_does_not_add_up_or_has_the_old_id_is_refused() {
    let mut chain = Builder::new(4).start();
    chain.steps(3);
    let genesis = exported(&chain);
    let refused = |chain_id: &str, genesis: &AppGenesis| {
        let refused = app().init_chain(chain_id, 1, chain.time_ms, genesis);
        refused.unwrap_err().to_string()
    };
    // The nodes' proofs are for the new id, so the coins are looked at first.
    let old = refused(&chain.chain_id, &genesis);
    assert!(old.contains("give it another"), "{old}");
    let mut less = genesis.clone();
    less.accounts.pop();
    let less = refused(NEXT, &less);
    assert!(less.contains("the exported chain had"), "{less}");
}

#[test]
fn before_the_first_block_there_is_nothing_to_export() {
    let chain = Builder::new(4).start();
    let refused = chain
        .app
        .read_next(|_, state| export(state, 0, Vec::new()))
        .unwrap();
    assert!(matches!(refused, Err(ExportError::Empty)));
}
