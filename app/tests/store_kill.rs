//! A process killed at any moment loses no committed block.

mod store_support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use race_app::store::{Engine, Store};
use store_support::{block, Place};

const ENGINE: &str = "STORE_KILL_ENGINE";
const FOLDER: &str = "STORE_KILL_FOLDER";
const KILLS: u64 = 20;
const KEEP: u64 = 3;

fn engine(name: &str) -> Engine {
    let found = Engine::ALL.into_iter().find(|engine| engine.name() == name);
    found.expect("a known engine")
}

/// Not a test of its own: the process that the next tests kill. It commits without end and says
/// before each commit what it will write, and after it that it is durable.
#[test]
fn the_process_that_is_killed() {
    let (Ok(name), Ok(folder)) = (std::env::var(ENGINE), std::env::var(FOLDER)) else {
        return;
    };
    let store = engine(&name).open_store(folder.as_ref(), KEEP).unwrap();
    loop {
        let height = store.latest().height() + 1;
        println!("\nprepares {height}");
        block_at(&store, height);
        println!("\ncommitted {height}");
    }
}

/// The same block at the same height in every process.
fn block_at(store: &Store, height: u64) {
    let keys: Vec<_> = (0..60u64)
        .map(|n| (n * height % 97).to_be_bytes())
        .collect();
    let value = height.to_be_bytes();
    let writes: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(n, key)| {
            let value: &[u8] = if n % 7 == 3 { b"" } else { &value };
            (["bank", "race"][n % 2], key.as_slice(), value)
        })
        .collect();
    block(store, &writes);
}

/// Starts the process, waits for `lines` of what it says, waits a little more, and kills it.
/// Returns the last height that it called durable.
fn run_and_kill(engine: Engine, folder: &Path, lines: usize, delay: Duration) -> Option<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["the_process_that_is_killed", "--exact", "--nocapture"])
        .env(ENGINE, engine.name())
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let is_word = |line: &String| line.starts_with("prepares") || line.starts_with("committed");
    let mut heard: Vec<String> = said
        .by_ref()
        .map_while(Result::ok)
        .filter(is_word)
        .take(lines)
        .collect();
    // Decides nothing but where in a commit the kill falls.
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
    heard.extend(said.map_while(Result::ok).filter(is_word));
    let heights = heard
        .iter()
        .filter_map(|line| line.strip_prefix("committed "));
    heights.filter_map(|height| height.parse().ok()).next_back()
}

fn a_killed_process_loses_no_committed_block(engine: Engine) {
    let folder = tempfile::tempdir().unwrap();
    let reference = Place::memory().open();
    let mut durable = 0;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..KILLS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let delay = Duration::from_micros(random % 4000);
        let lines = 1 + (random >> 32) as usize % 8;
        durable = run_and_kill(engine, folder.path(), lines, delay).unwrap_or(durable);

        let store = engine.open_store(folder.path(), KEEP).unwrap();
        let latest = store.latest();
        assert!(
            latest.height() >= durable,
            "{engine}: {durable} was durable, {} is there",
            latest.height()
        );
        latest.check().unwrap();
        while reference.latest().height() < latest.height() {
            block_at(&reference, reference.latest().height() + 1);
        }
        assert_eq!(latest.app_hash(), reference.latest().app_hash(), "{engine}");
    }
    assert!(durable > 0);
}

#[test]
fn a_killed_process_loses_no_block_that_fjall_committed() {
    a_killed_process_loses_no_committed_block(Engine::Fjall);
}

#[test]
fn a_killed_process_loses_no_block_that_sled_committed() {
    a_killed_process_loses_no_committed_block(Engine::Sled);
}
