use race_proto::race::duty::v1::Outcome;
use race_proto::race::settlement::v1::TaskStatus;
use race_proto::race::treasury::v1::Release;

use crate::world::World;
use race_app::{auth, bank, reputation, settlement, treasury};

const EVEN: &[u64] = &[1 << 20; 4];

fn release(world: &World, node: usize, epoch: u64) -> Release {
    treasury::release(&world.state, epoch, &world.nodes[node].address).unwrap()
}

fn n(text: &str) -> u128 {
    text.parse().unwrap()
}

#[test]
fn an_epochs_work_is_paid_at_the_end_of_the_next_and_no_coin_is_lost() {
    let mut world = World::new(EVEN);
    let supply = bank::supply(&world.state);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let executors: Vec<usize> = world.serve_all((0..8).map(|i| (id, i)), 90);
    let fee = 300_000;
    let before = world.operators();
    world.run_to_epoch(2);
    world.reveal_all(|_, _| Outcome::Pass);
    assert_eq!(
        world.operators(),
        before,
        "nothing is paid before the end of the next epoch"
    );
    assert_eq!(world.pool("settlement_held"), 8 * fee);
    world.run_to_epoch(3);

    // Every task was checked by the three others: 20% to the fund, half of the rest to the
    // executor, a third of the other half to each checker.
    assert_eq!(world.pool("settlement_held"), 0);
    assert_eq!(world.pool("rewards_held"), 0);
    let (executor_part, checker_part) = (120_000, 40_000);
    let mut minted = 0;
    for (node, operator) in world.nodes.iter().enumerate() {
        let served = executors.iter().filter(|e| **e == node).count() as u128;
        let earned = served * executor_part + (8 - served) * checker_part;
        let release = release(&world, node, 1);
        assert_eq!(n(&release.released) - n(&release.minted), earned);
        assert_eq!(release.forfeited, "0");
        assert_eq!(
            world.balance(&operator.operator) - before[&node],
            n(&release.released) - n(&release.bonded)
        );
        minted += n(&release.minted);
    }
    // The subsidy of the epoch's time at 50 M icoin a year: a fifth to the training fund.
    let issued = world.minted();
    assert!(minted > 0 && issued > minted);
    assert_eq!(world.pool("training_fund"), 8 * fee / 5 + (issued - minted));
    assert_eq!(bank::supply(&world.state), supply + issued);
    assert_eq!(world.task(id, 0).status(), TaskStatus::Final);
}

#[test]
fn reputation_grows_by_the_tokens_of_tasks_that_passed_a_check() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let executor = world.serve(id, 0, 90);
    world.run_to_epoch(2);
    world.reveal_all(|_, _| Outcome::Pass);
    world.run_to_epoch(3);
    let reputation = reputation::get(&world.state, &world.nodes[executor].address);
    assert_eq!(
        (
            reputation.value,
            reputation.checked_units,
            reputation.convictions
        ),
        (100, 100, 0)
    );
}

#[test]
fn what_nobody_could_check_is_no_pass() {
    let mut world = World::new(EVEN);
    world.run_to_epoch(2);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let before = world.balance(&world.alice);
    let executor = world.serve(id, 0, 90);
    world.run_to_epoch(3);
    world.reveal_all(|_, _| Outcome::CannotCheck);
    world.run_to_epoch(4);
    assert_eq!(
        reputation::get(&world.state, &world.nodes[executor].address).value,
        0
    );
    assert!(world.task(id, 0).checkers.is_empty());
    // It is refunded, was not served, and is held against nobody who tried.
    let task = world.task(id, 0);
    assert_eq!((task.status(), task.fee.as_str()), (TaskStatus::Final, "0"));
    assert_eq!(world.balance(&world.alice), before + 300_000);
    assert_eq!(world.pool("settlement_held"), 0);
    let work = settlement::workload(&world.state, 2, &world.nodes[executor].address);
    assert_eq!((work.assigned, work.served), (1, 0));
    assert_eq!(world.session(id).settled, 0);
    let other = release(&world, (executor + 1) % 4, 2);
    assert!(n(&other.minted) > 0);
    assert_eq!(other.forfeited, "0");
    assert!(treasury::release(&world.state, 2, &world.nodes[executor].address).is_none());
}

#[test]
fn what_most_could_check_is_paid_and_costs_who_could_not() {
    let mut world = World::new(EVEN);
    world.run_to_epoch(2);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let executor = world.serve(id, 0, 90);
    let unable = (executor + 1) % 4;
    world.run_to_epoch(3);
    world.reveal_all(|node, _| match node == unable {
        true => Outcome::CannotCheck,
        false => Outcome::Pass,
    });
    world.run_to_epoch(4);
    let task = world.task(id, 0);
    assert_eq!(
        (task.status(), task.fee.as_str()),
        (TaskStatus::Final, "300000")
    );
    assert_eq!(release(&world, unable, 2).released, "0");
    assert!(n(&release(&world, executor, 2).released) > 0);
    assert_eq!(world.session(id).settled, 1);
}

#[test]
fn an_artifact_withheld_from_some_costs_them_pay_for_checking_and_nothing_else() {
    // Rate 5: all five others check each task.
    let mut world = World::with(&[1 << 20; 6], &[("reputation/start_millis", 5_000)]);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let executors = world.serve_all((0..12).map(|index| (id, index)), 90);
    let unable: Vec<usize> = (0..6).filter(|node| *node != executors[0]).collect();
    world.run_to_epoch(2);
    world.reveal_all(
        |node, task| match task.index == 0 && unable[..2].contains(&node) {
            true => Outcome::CannotCheck,
            false => Outcome::Pass,
        },
    );
    world.run_to_epoch(3);
    assert_eq!(world.task(id, 0).fee, "300000");
    for node in &unable[..2] {
        let served = executors.iter().filter(|e| *e == node).count() as u128;
        let done = 12 - served - 1;
        // Each task that it checked was checked by all five others.
        let checking = done * 24_000 * done / (done + 1);
        let release = release(&world, *node, 1);
        let coins = n(&release.released) - n(&release.minted);
        assert_eq!(coins, served * 120_000 + checking);
        assert_eq!(n(&release.forfeited), done * 24_000 - checking);
    }
}

#[test]
fn who_says_of_every_task_that_it_cannot_check_it_is_not_released_in_full() {
    let mut world = World::new(&[9 << 20, 1 << 20]);
    world.run_to_epoch(2);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let executors = world.serve_all((0..12).map(|index| (id, index)), 90);
    world.run_to_epoch(3);
    world.reveal_all(|node, _| match node {
        0 => Outcome::Pass,
        _ => Outcome::CannotCheck,
    });
    world.run_to_epoch(4);
    let unable = executors.iter().filter(|e| **e == 0).count() as u128;
    assert!(unable > 1);
    let lazy = release(&world, 1, 2);
    let all = n(&lazy.released) + n(&lazy.forfeited);
    // Fees and subsidy are rounded each.
    assert!(all / (unable + 1) - n(&lazy.released) <= 1, "{lazy:?}");
    // What nobody checked is not paid for, whoever is right.
    for (index, executor) in (0..).zip(&executors) {
        assert_eq!(world.task(id, index).fee == "0", *executor == 0);
    }
    assert_eq!(release(&world, 0, 2).forfeited, "0");
}

#[test]
fn who_reveals_no_duties_is_released_nothing() {
    let mut world = World::new(EVEN);
    world.run_to_epoch(2);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let executor = world.serve(id, 0, 90);
    let silent = (executor + 1) % 4;
    world.run_to_epoch(3);
    world.run_to(race_app::duty::windows(&world.state, 2).reveal_start);
    for node in (0..4).filter(|node| *node != silent) {
        let verdicts = world
            .duties(node, 2)
            .iter()
            .map(|t| World::verdict(t, Outcome::Pass))
            .collect();
        world.reveal(node, 2, verdicts).unwrap();
    }
    world.run_to_epoch(4);
    assert_eq!(release(&world, silent, 2).released, "0");
    assert!(n(&release(&world, silent, 2).forfeited) > 0);
    assert!(n(&release(&world, executor, 2).released) > 0);
}

#[test]
fn an_epoch_without_tasks_needs_no_reveal_and_pays_those_who_were_ready() {
    let mut world = World::new(EVEN);
    world.run_to_epoch(4);
    // In epoch 1 the model was loaded after its first block; in epoch 2 it was there all along.
    assert!(treasury::release(&world.state, 1, &world.nodes[0].address).is_none());
    let parts: Vec<u128> = (0..4)
        .map(|node| n(&release(&world, node, 2).minted))
        .collect();
    assert!(
        parts[0] > 0 && parts.iter().all(|part| *part == parts[0]),
        "{parts:?}"
    );
}

#[test]
fn gas_fees_are_shared_by_power_and_released_like_rewards() {
    let mut world = World::new(&[300, 100, 100, 100]);
    let collector = auth::module_account("fee_collector");
    bank::transfer(&mut world.state, &world.alice, &collector, 6_001).unwrap();
    world.run_to_epoch(2);
    assert_eq!(world.pool("rewards_held"), 6_000);
    assert_eq!(world.pool("fee_collector"), 1, "what rounding leaves waits");
    let before = world.operators();
    world.run_to_epoch(3);
    let after = world.operators();
    let got: Vec<u128> = (0..4).map(|node| after[&node] - before[&node]).collect();
    assert_eq!(got[0], 3_000);
    assert_eq!(got[1], 1_000);
}

#[test]
fn an_omitted_duty_lowers_what_is_released_in_proportion() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let executors: Vec<usize> = world.serve_all((0..12).map(|i| (id, i)), 90);
    let lazy = 0;
    world.run_to_epoch(2);
    world.run_to(race_app::duty::windows(&world.state, 1).reveal_start);
    let due = world.duties(lazy, 1);
    for node in 0..4 {
        // The lazy one leaves out its last duty.
        let left_out = usize::from(node == lazy);
        let duties = world.duties(node, 1);
        let verdicts = duties[..duties.len() - left_out]
            .iter()
            .map(|task| World::verdict(task, Outcome::Pass))
            .collect();
        world.reveal(node, 1, verdicts).unwrap();
    }
    let omitted = due.last().unwrap();
    let proof = race_proto::race::duty::v1::MsgProveOmission {
        sender: world.nodes[1].hot.to_string(),
        epoch: 1,
        validator: world.nodes[lazy].address.to_vec(),
        session_id: id,
        index: omitted.index,
    };
    world.run_to(race_app::duty::windows(&world.state, 1).reveal_end + 1);
    world.must(&proof);
    world.run_to_epoch(3);
    // Its own tasks had three checkers each; it gave one verdict less than was due.
    let served = executors.iter().filter(|e| **e == lazy).count() as u128;
    let (done, due) = (due.len() as u128 - 1, due.len() as u128);
    let release = release(&world, lazy, 1);
    let expected = served * 120_000 * done / due + done * 40_000 * done / due;
    assert_eq!(n(&release.released) - n(&release.minted), expected);
}

#[test]
fn fees_call_for_minting_only_from_sessions_used_in_earnest() {
    let mut world = World::with(EVEN, &[("settlement/min_indices", 10)]);
    let [full, few, skipping] = [0; 3].map(|_| world.open(100_000_000, 1_000_000, 10_000));
    while world.session(skipping).pinned_epoch == 0 {
        world.end_block();
    }
    let requests = (0..10).flat_map(|index| [(full, index), (skipping, index * 2), (few, index)]);
    world.serve_all(requests.filter(|request| *request != (few, 0)), 90);
    world.run_to_epoch(2);
    world.reveal_all(|_, _| Outcome::Pass);
    world.run_to_epoch(3);
    assert_eq!(
        treasury::issuance(&world.state).fees_counted,
        (10 * 300_000).to_string()
    );
}

#[test]
fn the_fee_of_a_retry_calls_for_no_minting() {
    let mut world = World::with(EVEN, &[("settlement/min_indices", 1)]);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let (second, record) = (world.executor(id, 0, 1), world.record(id, 0, 1, 90));
    assert_eq!(world.settle(second, vec![record]).unwrap(), [""]);
    world.end_block();
    world.serve(id, 1, 90);
    world.run_to_epoch(2);
    world.reveal_all(|_, _| Outcome::Pass);
    world.run_to_epoch(3);
    assert_eq!(world.task(id, 0).status(), TaskStatus::Final);
    assert_eq!(treasury::issuance(&world.state).fees_counted, "300000");
}

#[test]
fn records_of_old_epochs_are_forgotten_and_nothing_can_be_settled_twice() {
    let mut world = World::with(EVEN, &[("treasury/keep_epochs", 1)]);
    let long = world.open_pinned(100_000_000, 1_000_000);
    let short = world.open(100_000_000, 1_000_000, 12);
    world.serve(long, 0, 90);
    world.run_to_epoch(6);
    assert!(race_app::session::get(&world.state, short).is_none());
    assert!(race_app::settlement::tasks(&world.state, 1).is_empty());
    assert!(race_app::session::pin(&world.state, 1, long).is_none());
    assert!(treasury::release(&world.state, 1, &world.nodes[0].address).is_none());
    while world.session(long).pinned_epoch < 6 {
        world.end_block();
    }
    let (node, again) = (world.executor(long, 0, 0), world.record(long, 0, 0, 90));
    let error = world.settle(node, vec![again]).unwrap_err();
    assert!(error.log.contains("was settled already"), "{error}");
}
