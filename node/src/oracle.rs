//! The chain's own recomputation of disputed nonces, on a background thread.
//!
//! A dispute names its block of judgement when it opens; by then the thread has usually finished.
//! Results are exact, so it does not matter which node computed them, or when. Disputes that open in
//! one block are computed together: reading the weights from their stream is most of the work for
//! one nonce, and is done once for all of a race.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use race::{recompute_all, Preset};
use race_app::oracle::{RaceOracle, Recomputation, Truth};

/// Finished results kept for blocks that are executed again (replay, another round).
const KEPT: usize = 256;

#[derive(Default)]
struct State {
    /// `None`: asked for and not known yet.
    results: BTreeMap<Recomputation, Option<Truth>>,
    /// Asked for and not begun.
    waiting: Vec<Recomputation>,
    /// Whether a thread is at work.
    working: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    finished: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Recomputes with the plain integer reference, which needs little memory for any preset.
#[derive(Default)]
pub struct Oracle {
    shared: Arc<Shared>,
}

/// Recomputes nonces of one race, in their order.
fn compute(of: &[Recomputation]) -> Vec<Truth> {
    let Some(first) = of.first() else {
        return Vec::new();
    };
    let preset = Preset::by_name(&first.preset)
        .unwrap_or_else(|e| panic!("the chain's preset is none of this binary's: {e}"));
    let claims: Vec<_> = of
        .iter()
        .map(|what| (what.public_key, what.nonce))
        .collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let recomputed = recompute_all(preset, &first.race_seed, &claims, threads);
    let truth = |r: &race::Recomputed| Truth {
        leaf: r.leaf,
        check_digest: r.check_digest,
        appropriate: r.appropriate,
    };
    recomputed.iter().map(truth).collect()
}

/// Works until nothing waits.
fn work(shared: &Shared) {
    loop {
        let mut state = shared.state();
        let mut batch = std::mem::take(&mut state.waiting);
        let Some(race) = batch.first().map(|w| (w.preset.clone(), w.race_seed)) else {
            state.working = false;
            return;
        };
        // Those of other races wait for the next turn.
        batch.retain(|what| {
            let same = (&what.preset, what.race_seed) == (&race.0, race.1);
            if !same {
                state.waiting.push(what.clone());
            }
            same
        });
        drop(state);
        // A block would wait for ever for a result that never comes: better to stop aloud.
        let Ok(truths) = std::panic::catch_unwind(|| compute(&batch)) else {
            tracing::error!("a recomputation failed; the node cannot judge the dispute and stops");
            std::process::abort();
        };
        let mut state = shared.state();
        for (what, truth) in batch.into_iter().zip(truths) {
            state.results.insert(what, Some(truth));
        }
        drop(state);
        shared.finished.notify_all();
    }
}

impl RaceOracle for Oracle {
    fn start(&self, what: &Recomputation) {
        let mut state = self.shared.state();
        if state.results.contains_key(what) {
            return;
        }
        while state.results.len() >= KEPT {
            state.results.pop_first();
        }
        state.results.insert(what.clone(), None);
        state.waiting.push(what.clone());
        if !state.working {
            state.working = true;
            let shared = Arc::clone(&self.shared);
            std::thread::spawn(move || work(&shared));
        }
    }

    fn join(&self, what: &Recomputation) -> Truth {
        self.start(what);
        let mut state = self.shared.state();
        loop {
            match state.results.get(what) {
                Some(Some(truth)) => return *truth,
                Some(None) => {
                    let waited = self.shared.finished.wait(state);
                    state = waited.unwrap_or_else(PoisonError::into_inner);
                }
                // Pushed out by later ones.
                None => {
                    drop(state);
                    self.start(what);
                    state = self.shared.state();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(seed: u8, key: u8, nonce: u64) -> Recomputation {
        Recomputation {
            preset: "tiny".to_owned(),
            race_seed: [seed; 32],
            public_key: [key; 32],
            nonce,
        }
    }

    #[test]
    fn disputes_of_several_races_are_each_joined_with_their_own_truth() {
        let oracle = Oracle::default();
        let all: Vec<_> = (0..24).map(|i| asked(i % 3, i % 2, u64::from(i))).collect();
        for what in &all {
            oracle.start(what);
        }
        for what in &all {
            let alone = race::recompute(
                &race::preset::TINY,
                &what.race_seed,
                &what.public_key,
                what.nonce,
            );
            let truth = oracle.join(what);
            assert_eq!(
                (truth.leaf, truth.check_digest),
                (alone.leaf, alone.check_digest)
            );
        }
    }

    #[test]
    fn more_than_are_kept_are_joined_all_the_same() {
        let oracle = Oracle::default();
        let first = asked(0, 0, 0);
        let truth = oracle.join(&first);
        for nonce in 1..=KEPT as u64 {
            oracle.join(&asked(9, 9, nonce));
        }
        assert!(!oracle.shared.state().results.contains_key(&first));
        assert_eq!(oracle.join(&first), truth);
    }
}
