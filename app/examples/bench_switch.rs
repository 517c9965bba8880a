//! Measures the switch that pays an epoch's tasks, and the later one that forgets them, over a store on disk.
//!
//! `bench_switch [TASKS] [HOSTS] [FOLDER]`, by default 20000 tasks that four hosts serve and check, and a new folder
//! inside the system's folder for temporary files. A line for each switch.

// A measurement reads the clock; the state machine never does.
#![allow(clippy::disallowed_types)]

#[allow(dead_code)]
#[path = "../tests/economy/world.rs"]
mod world;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use race_app::state::State;
use race_app::store::{Engine, Store};
use race_app::{duty, treasury};
use race_proto::race::duty::v1::Outcome;
use world::World;

/// Tasks of a settlement.
const BATCH: usize = 1_000;

/// Writes what the last block changed, and reads from the store from then on.
fn commit(world: &mut World, store: &Store) -> (usize, u128, u128) {
    let changes = world.state.changes().clone();
    let (writes, height) = (changes.len(), store.latest().height() + 1);
    let at = Instant::now();
    let prepared = store.prepare(height, changes).expect("prepares");
    let hashed = at.elapsed().as_millis();
    let at = Instant::now();
    let snapshot = store.commit(prepared).expect("commits");
    let committed = at.elapsed().as_millis();
    world.state = State::new(Arc::new(snapshot));
    (writes, hashed, committed)
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u32| {
        arguments
            .next()
            .map_or(default, |n| n.parse().expect("a number"))
    };
    let (tasks, hosts) = (number(20_000), number(4));
    let folder = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(folder).expect("a folder");
    let store = Engine::Fjall
        .open_store(folder.path(), 20)
        .expect("a store");

    let limits = [
        ("settlement/max_per_epoch", 1_000_000),
        ("settlement/max_tasks", 1_000_000),
        ("treasury/keep_epochs", 1),
    ];
    let mut world = World::with(&vec![1 << 20; hosts as usize], &limits);
    let ceiling = 100_000;
    let id = world.open_pinned(ceiling * u128::from(tasks), ceiling);
    let indices: Vec<u32> = (0..tasks).collect();
    for batch in indices.chunks(BATCH) {
        world.serve_all(batch.iter().map(|index| (id, *index)), 10);
        world.end_block();
    }
    assert_eq!(world.epoch(), 1, "too many tasks for an epoch");
    world.run_to_epoch(2);
    world.run_to(duty::windows(&world.state, 1).reveal_start);
    for node in 0..world.nodes.len() {
        let due = world.duties(node, 1);
        for page in due.chunks(duty::MAX_VERDICTS) {
            let pass = |task| World::verdict(task, Outcome::Pass);
            let verdicts = page.iter().map(pass).collect();
            world.reveal(node, 1, verdicts).expect("reveals");
        }
    }
    commit(&mut world, &store);
    while world.epoch() < 5 {
        let epoch = world.epoch();
        let at = Instant::now();
        treasury::invariants::all(&world.state).expect("every coin is there");
        let checks = at.elapsed();
        let at = Instant::now();
        world.end_block();
        let executed = at.elapsed().saturating_sub(checks).as_millis();
        let (writes, hashed, committed) = commit(&mut world, &store);
        if world.epoch() > epoch {
            println!(
                "switch to epoch {}: {tasks} tasks of epoch 1, {hosts} hosts: executed in {executed} ms, \
                 {writes} writes hashed in {hashed} ms and committed in {committed} ms",
                world.epoch()
            );
        }
    }
}
