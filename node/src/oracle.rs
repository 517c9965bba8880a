//! The chain's own recomputation of disputed nonces, on a background thread.
//!
//! A dispute names its block of judgement when it opens; by then the thread has usually finished.
//! Results are exact, so it does not matter which node computed them, or when.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use race::Preset;
use race_app::oracle::{RaceOracle, Recomputation, Truth};

/// Finished results kept for blocks that are executed again (replay, another round).
const KEPT: usize = 256;

#[derive(Default)]
struct Shared {
    results: Mutex<BTreeMap<Recomputation, Option<Truth>>>,
    finished: Condvar,
}

impl Shared {
    fn results(&self) -> MutexGuard<'_, BTreeMap<Recomputation, Option<Truth>>> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Recomputes with the plain integer reference, which needs little memory for any preset.
#[derive(Default)]
pub struct Oracle {
    shared: Arc<Shared>,
}

fn compute(what: &Recomputation) -> Truth {
    let preset = Preset::by_name(&what.preset)
        .unwrap_or_else(|e| panic!("the chain's preset is none of this binary's: {e}"));
    let truth = race::recompute(preset, &what.race_seed, &what.public_key, what.nonce);
    Truth {
        leaf: truth.leaf,
        check_digest: truth.check_digest,
        appropriate: truth.appropriate,
    }
}

impl RaceOracle for Oracle {
    fn start(&self, what: &Recomputation) {
        let mut results = self.shared.results();
        if results.contains_key(what) {
            return;
        }
        while results.len() >= KEPT {
            results.pop_first();
        }
        results.insert(what.clone(), None);
        drop(results);
        let (shared, what) = (Arc::clone(&self.shared), what.clone());
        std::thread::spawn(move || {
            // A block would wait for ever for a result that never comes: better to stop aloud.
            let Ok(truth) = std::panic::catch_unwind(|| compute(&what)) else {
                tracing::error!(
                    "a recomputation failed; the node cannot judge the dispute and stops"
                );
                std::process::abort();
            };
            shared.results().insert(what, Some(truth));
            shared.finished.notify_all();
        });
    }

    fn join(&self, what: &Recomputation) -> Truth {
        self.start(what);
        let mut results = self.shared.results();
        loop {
            match results.get(what) {
                Some(Some(truth)) => return *truth,
                // Pushed out by later ones: computed here.
                None => return compute(what),
                Some(None) => {
                    results = self
                        .shared
                        .finished
                        .wait(results)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}
