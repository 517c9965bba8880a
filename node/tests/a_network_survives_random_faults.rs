//! Real nodes are killed, paused, cut off, given slow and full disks and wrong clocks, and one signs twice,
//! in an order that a seed gives, while clients send coins. There is one history, with all that a client was
//! told is in it; every coin is accounted for; and blocks go on within 30 seconds of each healing.
//!
//! By default each kind of fault comes once. `FAULT_SECONDS=3600` goes on for so long, `FAULT_NODES=7`
//! changes the size (4 to 7), `FAULT_LONGEST_MS` how long a fault lasts at most, and `FAULT_SEED` repeats the
//! order of a printed seed. When it fails it prints the seed and what had happened, and keeps the homes.

mod faults;
mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use faults::checks::{acknowledged_is_in_the_chain, unindexed, History};
use faults::fault::{Round, Rounds};
use faults::load::Load;
use faults::{Net, Recovery, PROGRESS_LIMIT};

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}: a number")))
}

/// What happened, for whoever has to find out why it failed.
struct Story {
    seed: u64,
    nodes: u16,
    folder: Option<tempfile::TempDir>,
    rounds: Vec<Round>,
}

impl Drop for Story {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let kept: Option<PathBuf> = self.folder.take().map(tempfile::TempDir::keep);
            let (seed, nodes) = (self.seed, self.nodes);
            eprintln!("FAULT_SEED={seed} FAULT_NODES={nodes}: the homes are in {kept:?}; it was:");
            for (number, round) in self.rounds.iter().enumerate() {
                eprintln!("  {number}: {round:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_history_goes_on_with_all_that_was_told() {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let seed = number("FAULT_SEED").unwrap_or(now.as_secs());
    let nodes = u16::try_from(number("FAULT_NODES").unwrap_or(4)).unwrap();
    assert!((4..=7).contains(&nodes), "FAULT_NODES: 4 to 7");
    let lasting = Duration::from_secs(number("FAULT_SECONDS").unwrap_or(0));
    let longest = Duration::from_millis(number("FAULT_LONGEST_MS").unwrap_or(3_000));
    eprintln!("FAULT_SEED={seed} FAULT_NODES={nodes}");

    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().to_owned();
    let mut story = Story {
        seed,
        nodes,
        folder: Some(folder),
        rounds: Vec::new(),
    };
    let mut net = Net::start(&home, nodes).await;
    let chains = net.chains();
    let all: Vec<_> = chains.iter().collect();
    let load = Load::start(&chains, &net.users().unwrap(), seed);
    let mut history = History::default();
    let mut rounds = Rounds::new(seed, nodes.into(), longest);
    let mut survived: BTreeMap<String, u32> = BTreeMap::new();
    let mut worst = Recovery::default();
    let begin = Instant::now();
    while begin.elapsed() < lasting || !rounds.are_complete() {
        let round = rounds.next();
        story.rounds.push(round.clone());
        let at = begin.elapsed().as_secs();
        let before = net.highest().await;
        let bears = net.bears(&round.faults).await;
        eprintln!("{at:>5} s, height {before}: {:?}", round.faults);
        for fault in &round.faults {
            net.strike(fault).await;
        }
        tokio::time::sleep(round.lasts).await;
        let meanwhile = net.highest().await.saturating_sub(before);
        let stood = bears && meanwhile == 0 && round.lasts >= PROGRESS_LIMIT;
        assert!(!stood, "more than two thirds of the power made no block");
        for fault in &round.faults {
            net.heal(fault).await;
        }
        let recovery = net.recovers(Instant::now()).await;
        worst.progress = worst.progress.max(recovery.progress);
        worst.all = worst.all.max(recovery.all);
        history.is_one(&all).await;
        history.has_an_exact_supply(all[0]).await;
        for fault in &round.faults {
            *survived.entry(fault.name()).or_default() += 1;
        }
        eprintln!(
            "         {meanwhile} blocks in {:.1} s; healed: blocks after {:.1} s, all nodes after {:.1} s",
            round.lasts.as_secs_f32(),
            recovery.progress.as_secs_f32(),
            recovery.all.as_secs_f32(),
        );
    }
    let acknowledged = load.acknowledged();
    assert!(!acknowledged.is_empty(), "nothing was acknowledged");
    acknowledged_is_in_the_chain(all[0], &acknowledged).await;
    let mut not_found = Vec::new();
    for node in &all {
        not_found.push(unindexed(node, &acknowledged).await);
    }
    eprintln!(
        "{} s, {nodes} nodes, seed {seed}: {} faults {survived:?}; {} blocks; {} transactions acknowledged of \
         {} submitted, not found by hash at each node: {not_found:?}; after a healing, blocks within {:.1} s and every node within {:.1} s",
        begin.elapsed().as_secs(),
        survived.values().sum::<u32>(),
        history.height,
        acknowledged.len(),
        load.submitted(),
        worst.progress.as_secs_f32(),
        worst.all.as_secs_f32(),
    );
    drop(load);
    net.stop().await;
}
