use race_proto::race::beacon::v1::{Purpose, Round};
use race_proto::race::duty::v1::{MsgProveOmission, MsgRevealDuties};
use race_proto::race::model::v1::MsgAnnounceModel;
use race_proto::race::session::v1::SessionStatus;
use race_proto::race::settlement::v1::TaskStatus;

use crate::world::{World, MODEL, UNITS};
use race_app::{pricing, session, settlement};

const EVEN: &[u64] = &[1 << 20; 4];

/// 10 prompt tokens and `tokens` of output at the genesis price.
fn fee(tokens: u128) -> u128 {
    (10 + tokens) * u128::from(UNITS) * 1_000
}

#[test]
fn a_session_is_pinned_by_a_round_that_was_opened_after_it() {
    let mut world = World::new(EVEN);
    let id = world.open(10_000_000, 1_000_000, 100);
    assert_eq!(world.session(id).status(), SessionStatus::Pending);
    assert_eq!(world.session(id).max_index, 10);
    assert_eq!(world.pool("session_escrow"), 10_000_000);
    let height = world.height;
    let early = Round {
        id: Some(race_app::beacon::id(Purpose::SessionRound, 1, 1, 99)),
        opened: height - 1,
        seed: vec![7; 32],
        ..Round::default()
    };
    let context = world.context();
    session::phase::session_round_done(&mut world.state, &context, &early);
    assert_eq!(
        world.session(id).status(),
        SessionStatus::Pending,
        "it was known before"
    );
    let later = Round {
        opened: height,
        ..early
    };
    session::phase::session_round_done(&mut world.state, &context, &later);
    assert_eq!(world.session(id).status(), SessionStatus::Active);
    let pin = session::newest_pin(&world.state, &world.session(id)).unwrap();
    assert_eq!((pin.epoch, pin.round, pin.hosts.len()), (1, 99, 4));
    assert_eq!(
        pin.price_per_unit,
        pricing::current(&world.state).to_string()
    );
}

#[test]
fn a_session_waits_as_long_as_nobody_hosts_its_model() {
    let mut world = World::new(EVEN);
    for n in 0..4 {
        let sender = world.nodes[n].hot.to_string();
        world.must(&MsgAnnounceModel {
            sender,
            model_id: MODEL.into(),
            loaded: false,
        });
    }
    let id = world.open(1_000_000, 1_000_000, 500);
    world.run(15);
    assert_eq!(world.session(id).status(), SessionStatus::Pending);
    let sender = world.nodes[2].hot.to_string();
    world.must(&MsgAnnounceModel {
        sender,
        model_id: MODEL.into(),
        loaded: true,
    });
    world.run(12);
    assert_eq!(world.session(id).status(), SessionStatus::Active);
    assert_eq!(world.executor(id, 0, 0), 2);
}

#[test]
fn every_epoch_pins_an_open_session_again() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(10_000_000, 1_000_000);
    let first = session::newest_pin(&world.state, &world.session(id)).unwrap();
    world.run_to_epoch(2);
    assert_eq!(
        session::newest_pin(&world.state, &world.session(id)).unwrap(),
        first
    );
    world.run(12);
    let second = session::newest_pin(&world.state, &world.session(id)).unwrap();
    assert_eq!(second.epoch, 2);
    assert_ne!(second.seed, first.seed);
    assert!(
        session::pin(&world.state, 1, id).is_some(),
        "duties of epoch 1 still need it"
    );
}

#[test]
fn a_settled_request_moves_its_fee_from_escrow_to_the_held_fees() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(10_000_000, 1_000_000);
    let node = world.serve(id, 3, 20);
    assert_eq!(world.session(id).spent, fee(20).to_string());
    assert_eq!(world.pool("session_escrow"), 10_000_000 - fee(20));
    assert_eq!(world.pool("settlement_held"), fee(20));
    let task = world.task(id, 3);
    assert_eq!(task.status(), TaskStatus::Settled);
    assert_eq!(task.executor, world.nodes[node].address);
    let work = settlement::workload(&world.state, 1, &world.nodes[node].address);
    assert_eq!((work.assigned, work.served, work.tasks), (1, 1, 1));
}

#[test]
fn a_request_never_costs_more_than_the_ceiling() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(1_000_000, 100_000);
    world.serve(id, 0, 500);
    assert_eq!(world.task(id, 0).fee, "100000");
}

#[test]
fn a_request_has_no_more_tokens_than_its_models_context_holds() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(10_000_000, 1_000_000);
    // Of 512 the prompt has 10.
    let (node, long) = (world.executor(id, 0, 0), world.record(id, 0, 0, 503));
    let error = world.settle(node, vec![long]).unwrap_err();
    assert!(error.log.contains("context holds 512"), "{error}");
    world.serve(id, 0, 502);
}

#[test]
fn a_request_is_settled_once() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(10_000_000, 1_000_000);
    let node = world.serve(id, 0, 20);
    world.end_block();
    let again = world.record(id, 0, 0, 20);
    let error = world.settle(node, vec![again]).unwrap_err();
    assert_eq!((error.codespace, error.code), ("race_settlement", 4));
    assert!(error.log.contains("was settled already"), "{error}");
    // Nor under the pin of a later epoch.
    world.run_to_epoch(2);
    world.run(12);
    let node = world.executor(id, 0, 0);
    let again = world.record(id, 0, 0, 20);
    let error = world.settle(node, vec![again]).unwrap_err();
    assert!(error.log.contains("was settled already"), "{error}");
}

#[test]
fn only_the_drawn_executor_settles() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(10_000_000, 1_000_000);
    let other = (world.executor(id, 0, 0) + 1) % 4;
    let record = world.record(id, 0, 0, 20);
    let error = world.settle(other, vec![record]).unwrap_err();
    assert!(error.log.contains("fell to"), "{error}");
}

#[test]
fn an_acknowledgement_of_something_else_is_refused() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(10_000_000, 1_000_000);
    let node = world.executor(id, 0, 0);
    let good = world.record(id, 0, 0, 20);
    let mut more = good.clone();
    more.output_tokens += 1;
    let mut longer = good.clone();
    longer.prompt_tokens += 1;
    let mut other = good.clone();
    other.digest = vec![8; 32];
    let mut unsigned = good.clone();
    unsigned.acknowledgement[0] ^= 1;
    for bad in [more, longer, other, unsigned] {
        let error = world.settle(node, vec![bad]).unwrap_err();
        assert!(error.log.contains("acknowledgement"), "{error}");
    }
    assert_eq!(world.settle(node, vec![good]).unwrap(), [""]);
}

#[test]
fn one_bad_record_does_not_cost_the_others() {
    let mut world = World::new(&[1 << 20]);
    let id = world.open_pinned(3_000_000, 1_000_000);
    let records = vec![world.record(id, 0, 0, 20), world.record(id, 3, 0, 20)];
    let refused = world.settle(0, records).unwrap();
    assert_eq!(refused[0], "");
    assert!(refused[1].contains("indices below 3"), "{}", refused[1]);
    let unsorted = vec![world.record(id, 2, 0, 20), world.record(id, 1, 0, 20)];
    assert_eq!(world.settle(0, unsorted).unwrap_err().code, 2);
}

#[test]
fn settlements_are_taken_up_to_the_grace_past_the_switch() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(10_000_000, 1_000_000);
    let (a, b) = (world.executor(id, 0, 0), world.executor(id, 1, 0));
    let [first, second] = [0, 1].map(|index| world.record(id, index, 0, 20));
    world.run_to_epoch(2);
    let end = settlement::settle_end(&world.state, 1).unwrap();
    assert_eq!(end, world.height - 1 + 5);
    world.run_to(end);
    assert_eq!(world.settle_for(a, 1, vec![first]).unwrap(), [""]);
    world.end_block();
    let error = world.settle_for(b, 1, vec![second]).unwrap_err();
    assert_eq!(
        (error.codespace, error.code),
        ("race_settlement", 3),
        "{error}"
    );
}

#[test]
fn a_record_copied_by_the_next_executor_pays_it_nothing() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let index = (0..100)
        .find(|i| world.executor(id, *i, 0) != world.executor(id, *i, 1))
        .unwrap();
    let mut copied = world.record(id, index, 0, 20);
    copied.attempt = 1;
    let error = world
        .settle(world.executor(id, index, 1), vec![copied])
        .unwrap_err();
    assert!(error.log.contains("acknowledgement"), "{error}");
}

#[test]
fn a_retry_earns_the_fee_and_changes_nobodys_fulfilment() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let index = (0..100)
        .find(|i| world.executor(id, *i, 0) != world.executor(id, *i, 1))
        .unwrap();
    let (absent, second) = (world.executor(id, index, 0), world.executor(id, index, 1));
    let record = world.record(id, index, 1, 20);
    assert_eq!(world.settle(second, vec![record]).unwrap(), [""]);
    let work = |n: usize| settlement::workload(&world.state, 1, &world.nodes[n].address);
    assert_eq!(
        (
            work(second).assigned,
            work(second).served,
            work(second).tasks
        ),
        (0, 0, 1)
    );
    assert_eq!(
        (
            work(absent).assigned,
            work(absent).served,
            work(absent).tasks
        ),
        (0, 0, 0),
        "a record is no evidence against the first"
    );
    assert_eq!(world.task(id, index).fee, fee(20).to_string());
}

#[test]
fn what_is_left_at_expiry_goes_back_to_the_owner() {
    let mut world = World::new(EVEN);
    let before = world.balance(&world.alice);
    let id = world.open(10_000_000, 1_000_000, 20);
    let expiry = world.session(id).expiry_height;
    while world.session(id).pinned_epoch == 0 {
        world.end_block();
    }
    world.serve(id, 0, 20);
    world.run_to(expiry + 5);
    assert_eq!(
        world.session(id).status(),
        SessionStatus::Active,
        "settlements have the grace"
    );
    world.end_block();
    assert_eq!(world.session(id).status(), SessionStatus::Closed);
    assert_eq!(world.balance(&world.alice), before - fee(20));
    assert_eq!(world.pool("session_escrow"), 0);
    let node = world.executor(id, 1, 0);
    let record = world.record(id, 1, 0, 20);
    let error = world.settle_for(node, 1, vec![record]).unwrap_err();
    assert!(
        error.log.contains("expired") || error.log.contains("not taken"),
        "{error}"
    );
}

#[test]
fn sessions_that_make_no_sense_are_refused() {
    let mut world = World::new(EVEN);
    let code = |world: &mut World,
                change: fn(&mut race_proto::race::session::v1::MsgOpenSession)| {
        let mut msg = world.open_message(1_000_000, 500_000, 100);
        change(&mut msg);
        let error = world.send(&msg).unwrap_err();
        (error.codespace, error.code)
    };
    assert_eq!(
        code(&mut world, |m| m.ceiling = crate::world::coin(1_000_001)),
        ("race_session", 3)
    );
    assert_eq!(
        code(&mut world, |m| m.ceiling = crate::world::coin(0)),
        ("race_session", 2)
    );
    assert_eq!(
        code(&mut world, |m| m.session_key = vec![0; 32]),
        ("race_session", 4)
    );
    assert_eq!(
        code(&mut world, |m| m.integrity_level = 1),
        ("race_session", 5)
    );
    assert_eq!(
        code(&mut world, |m| m.ceiling = crate::world::coin(99_999)),
        ("race_session", 10)
    );
    assert_eq!(
        code(&mut world, |m| m.expiry_height = 5),
        ("race_session", 6)
    );
    assert_eq!(
        code(&mut world, |m| m.model_id = "none".into()),
        ("race_session", 7)
    );
    assert_eq!(
        code(&mut world, |m| m.escrow = crate::world::coin(u128::MAX)),
        ("sdk", 5)
    );
}

#[test]
fn an_owner_has_a_limited_number_of_sessions_open() {
    let mut world = World::with(EVEN, &[("session/max_open_per_owner", 2)]);
    world.open(1_000_000, 1_000_000, 20);
    let last = world.open(1_000_000, 1_000_000, 20);
    let third = world.open_message(1_000_000, 1_000_000, 100);
    let error = world.send(&third).unwrap_err();
    assert_eq!((error.codespace, error.code), ("race_session", 11));
    while world.session(last).status() != SessionStatus::Closed {
        world.end_block();
    }
    world.open(1_000_000, 1_000_000, 100);
    world.open(1_000_000, 1_000_000, 100);
}

#[test]
fn an_attempt_that_does_not_exist_costs_only_its_own_record() {
    let mut world = World::new(&[1 << 20]);
    let id = world.open_pinned(10_000_000, 1_000_000);
    let mut fourth = world.record(id, 1, 2, 20);
    fourth.attempt = 3;
    let pin = session::newest_pin(&world.state, &world.session(id)).unwrap();
    assert!(session::executor(&pin, 1, 2).is_some());
    assert_eq!(session::executor(&pin, 1, 3), None);
    let records = vec![world.record(id, 0, 0, 20), fourth];
    let refused = world.settle(0, records).unwrap();
    assert_eq!(refused[0], "");
    assert!(refused[1].contains("attempt from 0 to 2"), "{}", refused[1]);
}

#[test]
fn a_node_settles_once_in_a_block_and_a_limited_number_in_an_epoch() {
    let mut world = World::with(&[1 << 20], &[("settlement/max_per_epoch", 3)]);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let batch = |world: &World, indices: std::ops::Range<u32>| {
        indices
            .map(|i| world.record(id, i, 0, 20))
            .collect::<Vec<_>>()
    };
    let first = batch(&world, 0..2);
    assert_eq!(world.settle(0, first).unwrap(), ["", ""]);
    let second = batch(&world, 2..4);
    let error = world.settle(0, second.clone()).unwrap_err();
    assert_eq!((error.codespace, error.code), ("race_settlement", 16));
    world.end_block();
    let refused = world.settle(0, second).unwrap();
    assert_eq!(refused[0], "");
    assert!(
        refused[1].contains("settlement/max_per_epoch"),
        "{}",
        refused[1]
    );
}

#[test]
fn a_node_settles_no_more_than_its_share_of_what_a_switch_pays() {
    let mut world = World::with(EVEN, &[("settlement/max_tasks", 4)]);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let node = world.serve(id, 0, 20);
    world.end_block();
    let next = (1..100)
        .find(|i| world.executor(id, *i, 0) == node)
        .unwrap();
    let record = world.record(id, next, 0, 20);
    let error = world.settle(node, vec![record]).unwrap_err();
    assert!(error.log.contains("settlement/max_tasks"), "{error}");
    let other = (1..100)
        .find(|i| world.executor(id, *i, 0) != node)
        .unwrap();
    world.serve(id, other, 20);
}

#[test]
fn an_omission_is_proved_once_and_only_when_there_is_one() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(10_000_000, 1_000_000);
    let executor = world.serve(id, 0, 20);
    world.run_to_epoch(2);
    world.run_to(race_app::duty::windows(&world.state, 1).reveal_start);
    let (lazy, honest) = ((executor + 1) % 4, (executor + 2) % 4);
    assert_eq!(
        world.duties(lazy, 1).len(),
        1,
        "at reputation zero everyone checks"
    );
    let proof = |world: &World, validator: usize| MsgProveOmission {
        sender: world.nodes[executor].hot.to_string(),
        epoch: 1,
        validator: world.nodes[validator].address.to_vec(),
        session_id: id,
        index: 0,
    };
    let early = proof(&world, lazy);
    assert_eq!(
        world.send(&early).unwrap_err().code,
        10,
        "nothing is revealed yet"
    );
    world.reveal(lazy, 1, vec![]).unwrap();
    let task = world.task(id, 0);
    let verdict = World::verdict(&task, race_proto::race::duty::v1::Outcome::Pass);
    world.reveal(honest, 1, vec![verdict]).unwrap();
    world.run_to(race_app::duty::windows(&world.state, 1).reveal_end + 1);
    world.must(&early);
    assert_eq!(world.send(&early).unwrap_err().code, 12, "once");
    let wrong = proof(&world, honest);
    assert_eq!(
        world.send(&wrong).unwrap_err().code,
        11,
        "it gave its verdict"
    );
    let reveal = race_app::duty::reveal(&world.state, 1, &world.nodes[lazy].address).unwrap();
    assert_eq!((reveal.done, reveal.omitted), (0, 1));
}

#[test]
fn duties_of_an_epoch_that_is_paid_are_not_revealed_however_long_the_window() {
    let mut world = World::with(EVEN, &[("duty/reveal_blocks", 10_000)]);
    let id = world.open_pinned(10_000_000, 1_000_000);
    let executor = world.serve(id, 0, 20);
    world.run_to_epoch(2);
    let signature = world.rho((executor + 1) % 4, 1).to_vec();
    world.run_to_epoch(3);
    let late = MsgRevealDuties {
        sender: world.nodes[(executor + 1) % 4].hot.to_string(),
        epoch: 1,
        signature,
        verdicts: vec![],
    };
    let error = world.send(&late).unwrap_err();
    assert_eq!((error.codespace, error.code), ("race_duty", 13), "{error}");
}
