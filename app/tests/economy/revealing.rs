//! How verdicts come: in one message or in several.

use race_app::duty::{self, MAX_VERDICTS};
use race_app::treasury;
use race_proto::race::duty::v1::{MsgProveOmission, MsgRevealDuties, Outcome, Verdict};
use race_proto::race::settlement::v1::Task;

use crate::world::World;

fn passes(tasks: &[Task]) -> Vec<Verdict> {
    let pass = |task| World::verdict(task, Outcome::Pass);
    tasks.iter().map(pass).collect()
}

#[test]
fn a_checker_with_more_duties_than_a_message_holds_reveals_them_all_and_is_paid() {
    // Of two hosts each checks all that the other serves.
    let mut world = World::new(&[9 << 20, 1 << 20]);
    let id = world.open_pinned(600_000_000, 100_000);
    let (heavy, checker) = (0, 1);
    let fell: Vec<u32> = (0..5_000)
        .filter(|index| world.executor(id, *index, 0) == heavy)
        .take(MAX_VERDICTS + 2)
        .collect();
    for batch in fell.chunks(1_024) {
        world.serve_all(batch.iter().map(|index| (id, *index)), 10);
        world.end_block();
    }
    assert_eq!(world.epoch(), 1);
    world.run_to_epoch(2);
    world.run_to(duty::windows(&world.state, 1).reveal_start);
    let due = world.duties(checker, 1);
    assert_eq!(due.len(), MAX_VERDICTS + 2);
    assert_eq!(
        world.reveal(checker, 1, passes(&due)).unwrap_err().code,
        2,
        "too many for one"
    );
    for page in due.chunks(MAX_VERDICTS) {
        world.reveal(checker, 1, passes(page)).unwrap();
        world.end_block();
    }
    world.reveal(heavy, 1, Vec::new()).unwrap();
    let reveal = duty::reveal(&world.state, 1, &world.nodes[checker].address).unwrap();
    assert_eq!(
        (reveal.done, reveal.verdict_roots.len()),
        (due.len() as u64, 2)
    );
    world.run_to_epoch(3);
    let address = &world.nodes[checker].address;
    let release = treasury::release(&world.state, 1, address).unwrap();
    // 40% of each fee of 60000.
    let checked = due.len() as u128 * 24_000;
    let fees = release.released.parse::<u128>().unwrap() - release.minted.parse::<u128>().unwrap();
    assert_eq!((fees, release.forfeited.as_str()), (checked, "0"));
}

#[test]
fn verdicts_that_follow_are_on_later_tasks_and_under_the_same_rho() {
    let mut world = World::new(&[1 << 20; 4]);
    let id = world.open_pinned(100_000_000, 1_000_000);
    world.serve_all((0..12).map(|index| (id, index)), 90);
    world.run_to_epoch(2);
    world.run_to(duty::windows(&world.state, 1).reveal_start);
    let due = passes(&world.duties(0, 1));
    world.reveal(0, 1, due[1..3].to_vec()).unwrap();
    let code = |world: &mut World, verdicts: &[Verdict]| {
        world.reveal(0, 1, verdicts.to_vec()).unwrap_err().code
    };
    for behind in [&due[..1], &due[2..], &[]] {
        assert_eq!(code(&mut world, behind), 5);
    }
    let foreign = MsgRevealDuties {
        sender: world.nodes[0].hot.to_string(),
        epoch: 1,
        signature: world.rho(1, 1).to_vec(),
        verdicts: due[3..].to_vec(),
    };
    assert_eq!(world.send(&foreign).unwrap_err().code, 7);
    world.reveal(0, 1, due[3..].to_vec()).unwrap();
    let reveal = duty::reveal(&world.state, 1, &world.nodes[0].address).unwrap();
    assert_eq!(reveal.done, due.len() as u64 - 1);
    world.run_to(duty::windows(&world.state, 1).reveal_end + 1);
    assert_eq!(code(&mut world, &due[due.len() - 1..]), 3);
}

#[test]
fn what_a_later_message_may_bring_is_no_omission_yet() {
    let mut world = World::new(&[1 << 20; 4]);
    let id = world.open_pinned(100_000_000, 1_000_000);
    world.serve_all((0..12).map(|index| (id, index)), 90);
    world.run_to_epoch(2);
    world.run_to(duty::windows(&world.state, 1).reveal_start);
    let due = world.duties(0, 1);
    world.reveal(0, 1, passes(&due[1..2])).unwrap();
    let proof = |world: &World, task: &Task| MsgProveOmission {
        sender: world.nodes[1].hot.to_string(),
        epoch: 1,
        validator: world.nodes[0].address.to_vec(),
        session_id: task.session_id,
        index: task.index,
    };
    let (before, after) = (proof(&world, &due[0]), proof(&world, &due[2]));
    world.must(&before);
    assert_eq!(world.send(&after).unwrap_err().code, 22);
    world.run_to(duty::windows(&world.state, 1).reveal_end + 1);
    world.must(&after);
    let reveal = duty::reveal(&world.state, 1, &world.nodes[0].address).unwrap();
    assert_eq!((reveal.done, reveal.omitted), (1, 2));
}
