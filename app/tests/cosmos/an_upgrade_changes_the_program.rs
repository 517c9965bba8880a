use std::sync::{Arc, Mutex};

use race_app::app::{App, NewBlock};
use race_app::gov;
use race_app::store::statesync::shelf::Shelf;
use race_app::store::{MemKv, Store, StoreError};
use race_app::testing::next::{account_by_number, NEXT};
use race_app::testing::{committee, Builder, Chain, FakeOracle, Wallet};
use race_app::upgrade::{self, Halt, Program};
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::gov::v1::{
    MsgSubmitProposal, MsgVote, QueryProposalRequest, QueryProposalResponse, VoteOption,
};
use race_proto::cosmos::upgrade::v1beta1::{
    MsgCancelUpgrade, MsgSoftwareUpgrade, Plan, QueryAppliedPlanRequest, QueryAppliedPlanResponse,
    QueryCurrentPlanRequest, QueryCurrentPlanResponse,
};
use race_proto::Any;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{
    RequestApplySnapshotChunk, RequestFinalizeBlock, RequestInfo, RequestInitChain,
    RequestLoadSnapshotChunk, RequestOfferSnapshot,
};
use tendermint_proto::v0_38::types::{ConsensusParams, VersionParams};

/// The plan's height.
const HEIGHT: i64 = 20;

fn start() -> Chain {
    let mut builder = Builder::new(3).param("gov/voting_period", 3_000);
    for index in 0..3 {
        let operator = Wallet::named(&format!("node{index} operator"));
        builder = builder.fund(operator, 1_000_000_000);
    }
    builder.start()
}

fn plan(name: &str, height: i64) -> Any {
    Wallet::message(&MsgSoftwareUpgrade {
        authority: gov::authority().to_string(),
        plan: Some(Plan {
            name: name.into(),
            height,
            info: "https://example.org/v2".into(),
            ..Plan::default()
        }),
    })
}

fn cancel() -> Any {
    let authority = gov::authority().to_string();
    Wallet::message(&MsgCancelUpgrade { authority })
}

fn proposal(message: Any) -> (Wallet, Any) {
    let alice = Wallet::named("alice");
    let submit = MsgSubmitProposal {
        messages: vec![message],
        initial_deposit: vec![Coin {
            denom: "nicoin".into(),
            amount: "10000000000".into(),
        }],
        proposer: alice.address(),
        title: "A title".into(),
        summary: "A summary".into(),
        ..MsgSubmitProposal::default()
    };
    let submit = Wallet::message(&submit);
    (alice, submit)
}

/// Puts a message to the vote, and votes for it; why it failed, if it did.
fn pass(chain: &mut Chain, proposal_id: u64, message: Any) -> String {
    let (alice, submit) = proposal(message);
    chain.send(&alice, vec![submit]).unwrap();
    chain.step();
    for node in 0..3 {
        let operator = chain.nodes[node].operator.clone();
        let vote = MsgVote {
            proposal_id,
            voter: operator.address(),
            option: VoteOption::Yes as i32,
            metadata: String::new(),
        };
        chain.send(&operator, vec![Wallet::message(&vote)]).unwrap();
    }
    chain.steps(4);
    let answer: QueryProposalResponse = chain
        .query(
            "/cosmos.gov.v1.Query/Proposal",
            &QueryProposalRequest { proposal_id },
        )
        .unwrap();
    answer.proposal.unwrap().failed_reason
}

fn planned(chain: &Chain) -> Option<Plan> {
    let path = "/cosmos.upgrade.v1beta1.Query/CurrentPlan";
    let answer: QueryCurrentPlanResponse = chain.query(path, &QueryCurrentPlanRequest {}).unwrap();
    answer.plan
}

/// A chain at the height before the plan's.
fn due() -> Chain {
    let mut chain = start();
    assert_eq!(pass(&mut chain, 1, plan("v2", HEIGHT)), "");
    assert_eq!(planned(&chain).unwrap().height, HEIGHT);
    chain.steps(HEIGHT as u64 - 1 - chain.height);
    chain
}

fn program(program: Program, store: Store) -> App {
    let signer = Arc::new(committee::NoShares);
    App::of(program, store, Arc::new(FakeOracle), signer)
}

fn block(chain: &Chain) -> NewBlock {
    NewBlock {
        height: chain.height + 1,
        time_ms: chain.time_ms + 1_000,
        ..NewBlock::default()
    }
}

#[test]
fn the_old_program_halts_before_the_height_and_decides_nothing_about_it() {
    let mut chain = start();
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&told);
    chain
        .app
        .on_halt(move |halt| list.lock().unwrap().push(halt.clone()));
    pass(&mut chain, 1, plan("v2", HEIGHT));
    chain.steps(HEIGHT as u64 - 1 - chain.height);

    let halt = chain.app.halt().unwrap();
    assert!(matches!(
        &halt,
        Halt::Due {
            version: 2,
            height: 20,
            ..
        }
    ));
    assert_eq!(*told.lock().unwrap(), [halt]);
    assert!(!chain.app.process_proposal(&[]));
    // What the committee signed would be in it.
    assert!(chain
        .app
        .prepare_proposal(&chain.votes, Vec::new(), 1_000_000)
        .is_empty());
    // CometBFT gets no answer about a block that others decided.
    let app = chain.app.clone();
    std::thread::spawn(move || Application::finalize_block(&app, block_of_others()));
    assert_eq!(chain.app.latest().height(), 19);
}

fn block_of_others() -> RequestFinalizeBlock {
    RequestFinalizeBlock {
        height: HEIGHT,
        ..RequestFinalizeBlock::default()
    }
}

#[test]
fn the_new_program_migrates_in_its_first_block_and_goes_on() {
    let mut chain = due();
    let old = chain.app.clone();
    let store = old.store().clone();
    chain.app = program(NEXT, store.clone());
    assert_eq!(chain.app.halt(), None);

    // Until that block the header's version is the old one; what is read is migrated already.
    assert_eq!(chain.app.info(RequestInfo::default()).app_version, 1);
    let first = |app: &App| app.read(0, |_, state| account_by_number(state, 0)).unwrap();
    assert!(first(&chain.app).is_some());
    assert_eq!(planned(&chain), None);

    // Two processes of the new program agree.
    let twin = program(NEXT, store);
    let new = block(&chain);
    let (a, b) = (chain.app.finalize_block(&new), twin.finalize_block(&new));
    assert_eq!((a.app_hash, a.app_version), (b.app_hash, Some(2)));

    let carol = Wallet::named("carol");
    let alice = Wallet::named("alice");
    chain.send(&alice, vec![alice.pays(&carol, 7)]).unwrap();
    assert_eq!(chain.step().app_version, Some(2));
    assert_eq!(chain.app.info(RequestInfo::default()).app_version, 2);
    let applied: QueryAppliedPlanResponse = chain
        .query(
            "/cosmos.upgrade.v1beta1.Query/AppliedPlan",
            &QueryAppliedPlanRequest { name: "v2".into() },
        )
        .unwrap();
    assert_eq!(applied.height, HEIGHT);
    for _ in 0..10 {
        assert_eq!(chain.step().app_version, None);
    }
    // The new layout is kept up.
    let found = chain.read(|_, state| {
        let number = race_app::auth::account(state, &carol.account).unwrap();
        account_by_number(state, number.account_number)
    });
    assert_eq!(found, Some(carol.account));

    // Heights before the upgrade are of another layout.
    let refused = chain.app.read(19, |_, _| ()).unwrap_err();
    assert!(matches!(
        refused,
        StoreError::OtherVersion {
            found: 1,
            own: 2,
            ..
        }
    ));
    // The old program does not touch the new state.
    let halt = program(Program::default(), chain.app.store().clone()).halt();
    assert!(matches!(
        halt,
        Some(Halt::Outdated {
            found: 2,
            own: 1,
            ..
        })
    ));
}

#[test]
fn the_new_program_does_not_start_early_or_without_a_plan() {
    let mut chain = start();
    chain.steps(2);
    let early = |chain: &Chain| {
        let halt = program(NEXT, chain.app.store().clone()).halt();
        halt.unwrap().to_string()
    };
    assert!(early(&chain).contains("no upgrade is planned"));
    pass(&mut chain, 1, plan("v2", HEIGHT));
    let refused = early(&chain);
    assert!(
        refused.contains("'v2' is planned for height 20"),
        "{refused}"
    );
    // The plan is withdrawn: all go on as they were.
    assert_eq!(pass(&mut chain, 2, cancel()), "");
    assert_eq!(planned(&chain), None);
    chain.steps(15);
    assert_eq!(chain.app.halt(), None);
}

#[test]
fn the_new_program_goes_on_from_a_snapshot_of_the_height_before() {
    let mut chain = due();
    let folder = tempfile::tempdir().unwrap();
    let shelf = Arc::new(Shelf::open(folder.path(), 2).unwrap());
    shelf.take(&chain.app.latest()).unwrap();
    chain.app.offer_snapshots(shelf);
    let app_hash = chain.app_hash.to_vec();
    let new = block(&chain);
    let first = program(NEXT, chain.app.store().clone());
    let expected = first.finalize_block(&new).app_hash;
    // A snapshot is offered when blocks after it are there.
    let offering = chain.app.clone();
    chain.app = first;
    chain.steps(2);
    let [snapshot] = offering.list_snapshots().snapshots.try_into().unwrap();

    let restored = |version: Program| {
        let app = program(version, Store::open(Arc::new(MemKv::new())).unwrap());
        app.offer_snapshot(RequestOfferSnapshot {
            snapshot: Some(snapshot.clone()),
            app_hash: app_hash.clone().into(),
        });
        for index in 0..snapshot.chunks {
            let chunk = offering.load_snapshot_chunk(RequestLoadSnapshotChunk {
                height: snapshot.height,
                format: snapshot.format,
                chunk: index,
            });
            app.apply_snapshot_chunk(RequestApplySnapshotChunk {
                index,
                chunk: chunk.chunk,
                sender: String::new(),
            });
        }
        assert_eq!(app.latest().height(), 19);
        app
    };
    // CometBFT compares it with the header of height 20, which the old version is in.
    let new_program = restored(NEXT);
    assert_eq!(new_program.info(RequestInfo::default()).app_version, 1);
    assert_eq!(new_program.finalize_block(&new).app_hash, expected);
    let halt = restored(Program::default()).halt();
    assert!(matches!(halt, Some(Halt::Due { .. })));
}

#[test]
#[should_panic(expected = "the chain began with app version 1")]
fn the_new_program_does_not_replay_a_chain_from_its_first_block() {
    let app = program(NEXT, Store::open(Arc::new(MemKv::new())).unwrap());
    let request = RequestInitChain {
        consensus_params: Some(ConsensusParams {
            version: Some(VersionParams { app: 1 }),
            ..ConsensusParams::default()
        }),
        ..RequestInitChain::default()
    };
    Application::init_chain(&app, request);
}

#[test]
fn a_chain_may_begin_with_a_later_version() {
    let app = program(NEXT, Store::open(Arc::new(MemKv::new())).unwrap());
    app.init_chain("race-test-1", 1, 1, &Builder::new(3).genesis())
        .unwrap();
    app.finalize_block(&NewBlock {
        height: 1,
        time_ms: 2,
        ..NewBlock::default()
    });
    app.commit();
    assert_eq!((app.halt(), app.version()), (None, 2));
}

#[test]
fn who_is_asked_to_halts_after_that_height() {
    let mut chain = start();
    chain.app.halt_after(3);
    chain.steps(2);
    assert_eq!(chain.app.halt(), None);
    chain.step();
    assert_eq!(chain.app.halt(), Some(Halt::Asked { height: 3 }));
}

#[test]
fn a_plan_that_cannot_be_carried_out_is_refused() {
    let mut chain = start();
    for (message, says) in [
        (plan("summer", HEIGHT), "named after the app version"),
        (plan("v02", HEIGHT), "named after the app version"),
    ] {
        let (alice, submit) = proposal(message);
        let refused = chain.send(&alice, vec![submit]).unwrap_err();
        assert!(refused.log.contains(says), "{refused}");
    }
    let failed = pass(&mut chain, 1, plan("v2", 2));
    assert!(failed.contains("not after this block's"), "{failed}");
    let failed = pass(&mut chain, 2, plan("v1", 100));
    assert!(failed.contains("brings a higher one"), "{failed}");

    // Nobody but governance plans.
    let alice = Wallet::named("alice");
    let own = Wallet::message(&MsgCancelUpgrade {
        authority: alice.address(),
    });
    chain.send(&alice, vec![own]).unwrap();
    let results = chain.step().results;
    assert!(results.iter().any(|r| r.log.contains("invalid authority")));
    assert_eq!(chain.read(|_, state| upgrade::plan(state)), None);
}
