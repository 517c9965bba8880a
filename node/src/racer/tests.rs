//! The racer over real finds files, with the reference and with backends that do as a test says.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{channel, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use race::backend::{self, Backend, BackendError};
use race::seed::NonceInput;
use race::Race;

use super::finds::Finds;
use super::nonces::Share;
use super::worker::Search;
use super::*;

fn start() -> Start {
    Start {
        id: (4, 1),
        preset: &race::preset::TINY,
        seed: [9; 32],
        public_key: [7; 32],
    }
}

fn config(nonces: &str) -> config::Race {
    config::Race {
        backend: "reference".into(),
        threads: 1,
        nonces: nonces.parse().unwrap(),
        ..config::Race::default()
    }
}

fn node(home: &Path, nonces: &str) -> Racer {
    Racer::new(home, config(nonces), None, Preempt::default())
}

/// Races until `enough`, which sees how many were found.
fn race_until(racer: &mut Racer, enough: impl Fn(u64) -> bool) {
    loop {
        racer.start(&start());
        match racer.progress() {
            Some((_, progress)) if enough(progress.found) => return,
            _ => std::thread::yield_now(),
        }
    }
}

/// What an uninterrupted search finds among the first `tried` nonces.
fn expected(tried: u64) -> Vec<Leaf> {
    let race = Race::new(start().preset, start().seed);
    let never = AtomicBool::new(false);
    let options = Default::default();
    let mut backend = backend::load("reference", race, options, &never, &mut |_, _| ()).unwrap();
    let mut search = race::prover::Search::new(&start().public_key, 0..tried);
    search.run(backend.as_mut(), &never, &mut |_| ()).unwrap();
    search.found().to_vec()
}

fn on_disk(home: &Path) -> Finds {
    let path = folder(home).join("4-1.finds");
    Finds::read(&path, &start().of()).unwrap().unwrap()
}

#[test]
fn a_race_that_was_cut_short_goes_on_with_everything_it_had() {
    let home = tempfile::tempdir().unwrap();
    let mut first = node(home.path(), "all");
    race_until(&mut first, |found| found >= 3);
    // As a killed process: nothing is finished. Its file alone is left.
    drop(first);
    let before = on_disk(home.path());
    assert!(before.leaves().len() >= 3);

    let mut second = node(home.path(), "all");
    race_until(&mut second, |found| found > before.leaves().len() as u64);
    second.finish();
    drop(second);
    let after = on_disk(home.path());
    let tried = after.tried().len();
    assert!(tried > before.tried().len());
    // One after the other, none twice, none skipped: what one search of the same nonces finds.
    assert!(after.tried().missing_from(0..tried).is_empty());
    assert_eq!(after.leaves(), expected(tried));
}

#[test]
fn a_submitted_root_can_be_opened_whatever_was_found_after_it() {
    let home = tempfile::tempdir().unwrap();
    let mut racer = node(home.path(), "all");
    race_until(&mut racer, |found| found >= 2);
    let count = racer.found(&start());
    let submitted = racer.proof(&start(), count).unwrap().root();
    race_until(&mut racer, |found| found > count);
    let larger = racer.found(&start());
    assert_ne!(racer.proof(&start(), larger).unwrap().root(), submitted);
    assert_eq!(racer.proof(&start(), count).unwrap().root(), submitted);
    drop(racer);
    let mut restarted = node(home.path(), "all");
    assert_eq!(restarted.proof(&start(), count).unwrap().root(), submitted);
    assert!(restarted.proof(&start(), 1 << 30).is_none());
}

#[test]
fn what_other_processes_find_is_merged_and_counted_once() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    // The third repeats the second's nonces, as a mistaken operator lets it.
    for (name, nonces) in [("2-of-2", "2/2"), ("again", "2/2")] {
        let preempt = Preempt::default();
        let mut other = Racer::beside(&folder, name.into(), config(nonces), preempt);
        race_until(&mut other, |found| found >= 3);
    }
    // A copy that is still arriving, and the file of another race under this one's name.
    let whole = std::fs::read(folder.join("4-1.2-of-2.finds")).unwrap();
    std::fs::write(folder.join("4-1.copy.finds"), &whole[..whole.len() - 20]).unwrap();
    std::fs::write(folder.join("4-1.odd.finds"), b"something else").unwrap();

    let mut racer = node(home.path(), "1/2");
    race_until(&mut racer, |found| found >= 3);
    racer.finish();
    let count = racer.found(&start());
    let tree = racer.proof(&start(), count).unwrap();
    let nonces: BTreeSet<u64> = tree.leaves().iter().map(|leaf| leaf.nonce).collect();
    assert_eq!(nonces.len() as u64, count, "each once");
    let split = Share::All.range().end / 2;
    assert!(nonces.iter().filter(|nonce| **nonce < split).count() >= 3);
    assert!(nonces.iter().filter(|nonce| **nonce >= split).count() >= 3);
    // Merged finds are the node's own from then on.
    drop(racer);
    let mut restarted = node(home.path(), "1/2");
    assert_eq!(
        restarted.proof(&start(), count).unwrap().root(),
        tree.root()
    );
}

#[test]
fn a_race_that_is_over_is_not_started_again() {
    let home = tempfile::tempdir().unwrap();
    let mut racer = node(home.path(), "all");
    race_until(&mut racer, |found| found >= 1);
    assert!(job::posted(&folder(home.path())).is_some());
    racer.finish();
    racer.start(&start());
    assert!(racer.progress().is_none());
    assert!(job::posted(&folder(home.path())).is_none());
    racer.prune(5);
    assert_eq!(std::fs::read_dir(folder(home.path())).unwrap().count(), 0);
}

/// A backend that finds every nonce appropriate or none, asks `at` before each batch, and ends early
/// when it is told so, as all do at each layer.
struct Scripted<F> {
    race: Race,
    at: F,
    batches: Sender<(Range<u64>, bool)>,
}

impl<F: FnMut(u64) + Send> Backend for Scripted<F> {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn race(&self) -> &Race {
        &self.race
    }

    fn batch(&self) -> usize {
        4
    }

    fn forward(
        &mut self,
        inputs: &[NonceInput],
        cancel: &AtomicBool,
    ) -> Result<Vec<Vec<i8>>, BackendError> {
        let first = inputs[0].nonce;
        (self.at)(first);
        let cancelled = cancel.load(Ordering::Relaxed);
        let batch = first..first + inputs.len() as u64;
        self.batches.send((batch, !cancelled)).unwrap();
        match cancelled {
            true => Err(BackendError::Cancelled),
            false => Ok(vec![vec![0; self.race.preset().d_model]; inputs.len()]),
        }
    }
}

#[test]
fn a_request_ends_a_short_batch_which_is_tried_again_after_it() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("4-1.finds");
    let search = Arc::new(Search::open(&path, start(), &Share::Range(0..16)).unwrap());
    let (preempt, control) = (Preempt::default(), Arc::new(Control::default()));
    preempt.governs(&control);
    let (batches, seen) = channel();
    let request = Arc::new(Mutex::new(None));
    let mut scripted = Scripted {
        race: Race::new(start().preset, start().seed),
        at: {
            let request = Arc::clone(&request);
            let mut asked = BTreeSet::new();
            // A request comes in the middle of the first and of the third batch.
            move |first| {
                if matches!(first, 0 | 5) && asked.insert(first) {
                    *request.lock().unwrap() = Some(preempt.begin());
                }
            }
        },
        batches,
    };
    let racing = std::thread::spawn({
        let (search, control) = (Arc::clone(&search), Arc::clone(&control));
        move || search.run(&mut scripted, &control, Duration::MAX)
    });
    // How long the first takes is not known yet: it is kept. It measures, with a part of a batch.
    assert_eq!(seen.recv(), Ok((0..1, true)));
    assert!(seen.try_recv().is_err(), "no batch begins during a request");
    drop(request.lock().unwrap().take());
    assert_eq!(seen.recv(), Ok((1..5, true)));
    assert_eq!(seen.recv(), Ok((5..9, false)), "given up");
    assert_eq!(search.progress().tried, 5);
    drop(request.lock().unwrap().take());
    assert_eq!(seen.recv(), Ok((5..9, true)), "tried again, none skipped");
    assert_eq!(seen.recv(), Ok((9..13, true)));
    assert_eq!(seen.recv(), Ok((13..16, true)));
    assert_eq!(racing.join().unwrap(), Ok(()));
    assert_eq!(search.progress().tried, 16);
}

#[test]
fn a_stop_ends_any_batch_and_a_request_does_not_hold_it_up() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("4-1.finds");
    let search = Search::open(&path, start(), &Share::All).unwrap();
    let (preempt, control) = (Preempt::default(), Arc::new(Control::default()));
    preempt.governs(&control);
    let (batches, seen) = channel();
    let request = Mutex::new(None);
    let stops = Arc::clone(&control);
    let mut scripted = Scripted {
        race: Race::new(start().preset, start().seed),
        at: move |_| {
            *request.lock().unwrap() = Some(preempt.begin());
            stops.stop();
        },
        batches,
    };
    assert_eq!(search.run(&mut scripted, &control, Duration::MAX), Ok(()));
    assert_eq!(seen.recv(), Ok((0..1, false)));
    assert_eq!(search.progress().tried, 0);
}

#[test]
fn workers_of_one_process_try_each_nonce_once() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("4-1.finds");
    let search = Search::open(&path, start(), &Share::Range(0..400)).unwrap();
    let (batches, seen) = channel();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let mut scripted = Scripted {
                race: Race::new(start().preset, start().seed),
                at: |_| (),
                batches: batches.clone(),
            };
            let search = &search;
            scope.spawn(move || search.run(&mut scripted, &Control::default(), Duration::MAX));
        }
    });
    drop(batches);
    let mut nonces: Vec<u64> = seen.iter().flat_map(|(batch, _)| batch).collect();
    nonces.sort_unstable();
    assert_eq!(nonces, (0..400).collect::<Vec<_>>());
    assert_eq!(search.progress().tried, 400);
}
