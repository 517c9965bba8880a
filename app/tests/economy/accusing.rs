use race_proto::race::duty::v1::{MsgCommitBallot, Outcome, ReverificationStatus};
use race_proto::race::settlement::v1::{Task, TaskStatus};

use crate::world::World;
use race_app::{duty, reputation, treasury};

const EVEN: &[u64] = &[1 << 20; 4];
const FEE: u128 = 300_000;

/// Serves requests until some node has two; returns that node and its two indices.
fn two_tasks_of_one_node(world: &mut World, id: u64) -> (usize, u32, u32) {
    let mut by_node = [None; 4];
    for index in 0.. {
        let node = world.executor(id, index, 0);
        if let Some(first) = by_node[node].replace(index) {
            world.serve_all((0..=index).map(|index| (id, index)), 90);
            return (node, first, index);
        }
    }
    unreachable!()
}

fn released(world: &World, node: usize, epoch: u64) -> (u128, u128) {
    let release = treasury::release(&world.state, epoch, &world.nodes[node].address).unwrap();
    (
        release.released.parse().unwrap(),
        release.minted.parse().unwrap(),
    )
}

#[test]
fn a_convicted_forger_loses_everything_and_the_user_is_refunded_in_full() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let (forger, forged, _) = two_tasks_of_one_node(&mut world, id);
    world.run_to_epoch(2);
    let user = world.balance(&world.alice);
    let finder = (forger + 1) % 4;
    world.reveal_all(|node, task| {
        let is_it = task.session_id == id && task.index == u64::from(forged);
        if node == finder && is_it {
            Outcome::False
        } else {
            Outcome::Pass
        }
    });
    let task = world.task(id, forged);
    assert_eq!(task.status(), TaskStatus::Contested);
    world.vote(&task, |_| Outcome::False);

    assert_eq!(world.case(&task).status(), ReverificationStatus::False);
    assert_eq!(world.task(id, forged).status(), TaskStatus::False);
    assert_eq!(
        world.balance(&world.alice),
        user + FEE,
        "refunded in full, at once"
    );
    let reputation = reputation::get(&world.state, &world.nodes[forger].address);
    assert_eq!((reputation.value, reputation.convictions), (0, 1));
    let treasury_before = world.pool("treasury");
    let before = world.operators();
    world.run_to_epoch(3);
    let after = world.operators();
    assert_eq!(after[&forger], before[&forger], "not a coin");
    assert_eq!(released(&world, forger, 1), (0, 0));
    // Its other task's part, below the cap, goes to who found it out; its checking to the treasury.
    assert!(world.pool("treasury") > treasury_before);
    let (finders, minted) = released(&world, finder, 1);
    let (others, other_minted) = released(&world, (forger + 2) % 4, 1);
    let served = |node: usize| {
        let address = &world.nodes[node].address;
        race_app::settlement::tasks(&world.state, 1)
            .iter()
            .filter(|t| t.executor == address)
            .count()
    };
    let own = |node: usize| served(node) as u128 * 120_000;
    let checks = |node: usize| {
        let address = world.nodes[node].address.to_vec();
        race_app::settlement::tasks(&world.state, 1)
            .iter()
            .filter(|t| t.status() == TaskStatus::Final && t.checkers.contains(&address))
            .count() as u128
            * 40_000
    };
    assert_eq!(
        finders - minted,
        own(finder) + checks(finder) + 120_000,
        "with the bounty"
    );
    let other = (forger + 2) % 4;
    assert_eq!(others - other_minted, own(other) + checks(other));
}

#[test]
fn a_forger_forfeits_the_running_epoch_too() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let (forger, forged, _) = two_tasks_of_one_node(&mut world, id);
    world.run_to_epoch(2);
    world.reveal_all(|_, task| {
        if task.index == u64::from(forged) {
            Outcome::False
        } else {
            Outcome::Pass
        }
    });
    let task = world.task(id, forged);
    world.run_to(world.case(&task).reveal_end + 1);
    assert_eq!(
        world.task(id, forged).status(),
        TaskStatus::False,
        "accusers alone are a majority"
    );
    for epoch in [1, 2] {
        let forfeit = treasury::forfeit(&world.state, epoch, &world.nodes[forger].address).unwrap();
        assert!(forfeit.all);
        assert_eq!(forfeit.reason, "false answer");
    }
    world.run_to_epoch(4);
    assert_eq!(released(&world, forger, 2), (0, 0));
}

#[test]
fn a_false_accuser_loses_its_reputation_and_what_it_earned_by_checking() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let executor = world.serve(id, 0, 90);
    let accuser = (executor + 1) % 4;
    reputation::credit(&mut world.state, &world.nodes[accuser].address, 500);
    let before = world.operators();
    world.run_to_epoch(2);
    world.reveal_all(|node, _| {
        if node == accuser {
            Outcome::False
        } else {
            Outcome::Pass
        }
    });
    let task = world.task(id, 0);
    world.vote(&task, |_| Outcome::Pass);
    assert_eq!(world.case(&task).status(), ReverificationStatus::Upheld);
    assert_eq!(world.task(id, 0).status(), TaskStatus::Settled);
    let lost = reputation::get(&world.state, &world.nodes[accuser].address);
    assert_eq!((lost.value, lost.convictions), (0, 1));
    world.run_to_epoch(3);
    let after = world.operators();
    let (_, minted) = released(&world, executor, 1);
    assert_eq!(
        after[&executor] - before[&executor],
        120_000 + minted,
        "the executor is paid"
    );
    let (got, minted) = released(&world, accuser, 1);
    assert_eq!(got - minted, 0, "its 40000 for checking are forfeited");
    assert_eq!(world.pool("treasury"), 40_000);
    assert_eq!(
        reputation::get(&world.state, &world.nodes[executor].address).value,
        100
    );
}

#[test]
fn half_of_the_weight_is_not_enough_to_convict_anybody() {
    let mut world = World::new(&[200, 200, 200, 100, 100]);
    let id = world.open_pinned(1_000_000_000, 1_000_000);
    let index = (0..200).find(|i| world.executor(id, *i, 0) <= 2).unwrap();
    let executor = world.serve(id, index, 90);
    let heavy: Vec<usize> = (0..3).filter(|node| *node != executor).collect();
    world.run_to_epoch(2);
    world.reveal_all(|node, _| {
        if node == heavy[0] {
            Outcome::False
        } else {
            Outcome::Pass
        }
    });
    let task = world.task(id, index);
    let case = world.case(&task);
    assert_eq!(case.electorate, 600);
    // 200 accuse and 100 confirm: 300 of 600.
    world.vote(&task, |node| {
        if node == 3 {
            Outcome::False
        } else {
            Outcome::Pass
        }
    });
    let case = world.case(&task);
    assert_eq!((case.false_weight, case.pass_weight), (300, 300));
    assert_eq!(case.status(), ReverificationStatus::Void);
    for node in [executor, heavy[0]] {
        let reputation = reputation::get(&world.state, &world.nodes[node].address);
        assert_eq!(reputation.convictions, 0);
    }
}

#[test]
fn abstaining_confirms_nothing_and_costs_the_checking_rewards() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let executor = world.serve(id, 0, 90);
    let accuser = (executor + 1) % 4;
    world.run_to_epoch(2);
    world.reveal_all(|node, _| {
        if node == accuser {
            Outcome::False
        } else {
            Outcome::Pass
        }
    });
    let task = world.task(id, 0);
    world.run_to(world.case(&task).reveal_end + 1);
    assert_eq!(world.case(&task).status(), ReverificationStatus::Void);
    let absent = &world.nodes[(executor + 2) % 4].address;
    let forfeit = treasury::forfeit(&world.state, 1, absent).unwrap();
    assert!(!forfeit.all);
    let accuser = &world.nodes[accuser].address;
    assert!(treasury::forfeit(&world.state, 1, accuser).is_none());
}

#[test]
fn an_executor_that_serves_its_accuser_and_nobody_else_is_not_paid_and_the_accuser_keeps_its_reputation(
) {
    // Rate 1: a task has one checker of five in the mean.
    let mut world = World::with(&[1 << 20; 6], &[("reputation/start_millis", 1_000)]);
    let id = world.open_pinned(100_000_000, 1_000_000);
    world.serve_all((0..20).map(|index| (id, index)), 90);
    world.run_to_epoch(2);
    world.run_to(duty::windows(&world.state, 1).reveal_start);
    let duties: Vec<Vec<Task>> = (0..6).map(|node| world.duties(node, 1)).collect();
    let drawn = |index: u64| -> Vec<usize> {
        let is_it = |task: &Task| task.index == index;
        (0..6)
            .filter(|node| duties[*node].iter().any(is_it))
            .collect()
    };
    let forged = (0..20).find(|index| drawn(*index).len() == 1).unwrap();
    let accuser = drawn(forged)[0];
    reputation::credit(&mut world.state, &world.nodes[accuser].address, 500);
    let user = world.balance(&world.alice);
    world.reveal_all(|_, task| match task.index == forged {
        true => Outcome::False,
        false => Outcome::Pass,
    });
    let task = world.task(id, forged as u32);
    world.vote(&task, |_| Outcome::CannotCheck);

    let case = world.case(&task);
    assert_eq!(case.status(), ReverificationStatus::Void);
    assert_eq!((case.false_weight, case.pass_weight), (1 << 20, 0));
    let task = world.task(id, forged as u32);
    assert_eq!((task.status(), task.fee.as_str()), (TaskStatus::Final, "0"));
    assert_eq!(world.balance(&world.alice), user + FEE);
    let reputation = reputation::get(&world.state, &world.nodes[accuser].address);
    assert_eq!((reputation.value, reputation.convictions), (500, 0));
    for node in &world.nodes {
        assert!(treasury::forfeit(&world.state, 1, &node.address).is_none());
    }
    world.run_to_epoch(3);
    let executor = (0..6)
        .find(|node| task.executor == world.nodes[*node].address)
        .unwrap();
    // Both have what the other tasks earned, and nothing of this one.
    let earned = |node: usize| -> u128 {
        let address = world.nodes[node].address.to_vec();
        let part = |index: u32| {
            let task = world.task(id, index);
            let checkers = task.checkers.len() as u128;
            let own = match (task.executor == address, checkers) {
                (false, _) => 0,
                (true, 0) => 240_000,
                (true, _) => 120_000,
            };
            let checked = task.checkers.contains(&address);
            own + if checked { 120_000 / checkers } else { 0 }
        };
        let others = (0..20).filter(|index| u64::from(*index) != forged);
        others.map(part).sum()
    };
    for node in [executor, accuser] {
        let (released, minted) = released(&world, node, 1);
        assert_eq!(released - minted, earned(node));
    }
}

#[test]
fn ballots_are_cast_by_voters_in_time_and_once() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let executor = world.serve(id, 0, 90);
    let (accuser, voter) = ((executor + 1) % 4, (executor + 2) % 4);
    world.run_to_epoch(2);
    let calm = world.task(id, 0);
    let early = world
        .commit_ballot(voter, &calm, Outcome::Pass)
        .unwrap_err();
    assert_eq!(early.code, 14, "not contested");
    world.reveal_all(|node, _| {
        if node == accuser {
            Outcome::False
        } else {
            Outcome::Pass
        }
    });
    let task = world.task(id, 0);
    for node in [executor, accuser] {
        assert_eq!(
            world
                .commit_ballot(node, &task, Outcome::Pass)
                .unwrap_err()
                .code,
            16
        );
    }
    world.commit_ballot(voter, &task, Outcome::Pass).unwrap();
    assert_eq!(
        world
            .commit_ballot(voter, &task, Outcome::False)
            .unwrap_err()
            .code,
        17
    );
    assert_eq!(
        world
            .reveal_ballot(voter, &task, Outcome::Pass)
            .unwrap_err()
            .code,
        15
    );
    world.run_to(world.case(&task).commit_end + 1);
    let late = MsgCommitBallot {
        sender: world.nodes[(executor + 3) % 4].hot.to_string(),
        task_id: task.id.clone(),
        commitment: vec![0; 32],
    };
    assert_eq!(world.send(&late).unwrap_err().code, 15);
    assert_eq!(
        world
            .reveal_ballot(voter, &task, Outcome::False)
            .unwrap_err()
            .code,
        20
    );
    world.reveal_ballot(voter, &task, Outcome::Pass).unwrap();
    assert_eq!(
        world
            .reveal_ballot(voter, &task, Outcome::Pass)
            .unwrap_err()
            .code,
        19
    );
}

#[test]
fn verdicts_come_only_from_those_drawn_with_their_own_rho_in_the_window() {
    let mut world = World::new(EVEN);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let executor = world.serve(id, 0, 90);
    let checker = (executor + 1) % 4;
    let task = world.task(id, 0);
    let pass = || vec![World::verdict(&task, Outcome::Pass)];
    assert_eq!(
        world.reveal(checker, 1, pass()).unwrap_err().code,
        4,
        "the epoch runs"
    );
    world.run_to_epoch(2);
    assert_eq!(
        world.reveal(checker, 1, pass()).unwrap_err().code,
        3,
        "settlements come first"
    );
    world.run_to(race_app::duty::windows(&world.state, 1).reveal_start);
    assert_eq!(
        world.reveal(executor, 1, pass()).unwrap_err().code,
        9,
        "its own task"
    );
    let foreign = race_proto::race::duty::v1::MsgRevealDuties {
        sender: world.nodes[checker].hot.to_string(),
        epoch: 1,
        signature: world.rho(executor, 1).to_vec(),
        verdicts: pass(),
    };
    assert_eq!(
        world.send(&foreign).unwrap_err().code,
        7,
        "another node's rho"
    );
    world.reveal(checker, 1, pass()).unwrap();
    assert_eq!(
        world.reveal(checker, 1, pass()).unwrap_err().code,
        5,
        "once"
    );
    world.run_to(race_app::duty::windows(&world.state, 1).reveal_end + 1);
    assert_eq!(
        world
            .reveal((executor + 2) % 4, 1, pass())
            .unwrap_err()
            .code,
        3
    );
}

#[test]
fn a_task_that_is_contested_at_the_release_is_paid_when_it_is_decided() {
    let mut world = World::with(EVEN, &[("duty/reverify_commit_blocks", 60)]);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let executor = world.serve(id, 0, 90);
    let accuser = (executor + 1) % 4;
    world.run_to_epoch(2);
    world.reveal_all(|node, _| {
        if node == accuser {
            Outcome::False
        } else {
            Outcome::Pass
        }
    });
    world.run_to_epoch(3);
    let task = world.task(id, 0);
    assert_eq!(task.status(), TaskStatus::Contested);
    assert_eq!(world.pool("settlement_held"), FEE);
    let before = world.operators();
    world.vote(&task, |_| Outcome::Pass);
    assert_eq!(world.epoch(), 3);
    assert_eq!(world.task(id, 0).status(), TaskStatus::Settled);
    world.run_to_epoch(4);
    assert_eq!(world.task(id, 0).status(), TaskStatus::Final);
    assert_eq!(world.pool("settlement_held"), 0);
    let minted: u128 = treasury::release(&world.state, 2, &world.nodes[executor].address)
        .map_or(0, |release| release.minted.parse().unwrap());
    assert_eq!(
        world.operators()[&executor] - before[&executor],
        120_000 + minted
    );
}
