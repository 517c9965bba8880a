use std::sync::Arc;

use race_app::app::{App, NewBlock};
use race_app::export::{export, ExportError};
use race_app::genesis::{AppGenesis, GENESIS_POWER};
use race_app::params;
use race_app::state::State;
use race_app::store::{MemKv, Store};
use race_app::testing::{committee, Builder, Chain, FakeOracle, Wallet};
use race_app::{auth, bank, gov, model, node};
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::gov::v1::{MsgSubmitProposal, MsgVote, VoteOption};
use race_proto::race::model::v1::{Model, MsgRegisterModel, MsgRetireModel};

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
fn models_that_governance_registered_or_retired_are_taken_over() {
    let operator = Wallet::named("node0 operator");
    let mut chain = Builder::new(1)
        .param("gov/voting_period", 3_000)
        .fund(operator.clone(), 1_000_000_000)
        .model("team/old")
        .start();
    let authority = gov::authority().to_string();
    let old = chain.read(|_, state| model::get(state, "team/old").unwrap());
    let register = MsgRegisterModel {
        authority: authority.clone(),
        model: Some(Model {
            id: "team/new".into(),
            ..old
        }),
    };
    let retire = MsgRetireModel {
        authority,
        id: "team/old".into(),
    };
    let alice = Wallet::named("alice");
    let proposal = MsgSubmitProposal {
        messages: vec![Wallet::message(&register), Wallet::message(&retire)],
        initial_deposit: vec![Coin {
            denom: "nicoin".into(),
            amount: "10000000000".into(),
        }],
        proposer: alice.address(),
        title: "Models".into(),
        summary: "One comes, one goes".into(),
        ..MsgSubmitProposal::default()
    };
    chain
        .send(&alice, vec![Wallet::message(&proposal)])
        .unwrap();
    chain.step();
    let vote = MsgVote {
        proposal_id: 1,
        voter: operator.address(),
        option: VoteOption::Yes as i32,
        metadata: String::new(),
    };
    chain.send(&operator, vec![Wallet::message(&vote)]).unwrap();
    chain.steps(5);
    let of = |state: &State| -> Vec<(String, bool, u64)> {
        let models = model::all(state).into_iter();
        models
            .map(|m| (m.id, m.retired, m.registered_height))
            .collect()
    };
    let before = chain.read(|_, state| of(state));
    let names = before
        .iter()
        .map(|(id, retired, _)| (id.as_str(), *retired));
    let expected = [("team/new", false), ("team/old", true)];
    assert_eq!(names.collect::<Vec<_>>(), expected);
    assert!(before[0].2 > 0);

    let genesis = AppGenesis::from_json(&exported(&chain).to_json()).unwrap();
    let next = app();
    next.init_chain(NEXT, 1, chain.time_ms + 1_000, &genesis)
        .unwrap();
    let after = next.read_next(|_, state| of(state)).unwrap();
    assert_eq!(
        after,
        expected.map(|(id, retired)| (id.to_owned(), retired, 0))
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
