//! The truth, computed once a nonce by the reference.

use std::collections::BTreeMap;
use std::sync::Mutex;

use race::Preset;
use race_app::oracle::{RaceOracle, Recomputation, Truth};

/// Recomputes on demand and remembers; counts what was started.
#[derive(Default)]
pub struct Oracle {
    known: Mutex<BTreeMap<Recomputation, Truth>>,
    started: Mutex<Vec<Recomputation>>,
}

impl Oracle {
    /// Recomputations that the chain started.
    pub fn started(&self) -> Vec<Recomputation> {
        self.started.lock().unwrap().clone()
    }

    pub fn truth(&self, what: &Recomputation) -> Truth {
        let mut known = self.known.lock().unwrap();
        *known.entry(what.clone()).or_insert_with(|| {
            let preset = Preset::by_name(&what.preset).unwrap();
            let got = race::recompute(preset, &what.race_seed, &what.public_key, what.nonce);
            let (leaf, check_digest) = (got.leaf, got.check_digest);
            Truth {
                leaf,
                check_digest,
                appropriate: got.appropriate,
            }
        })
    }

    /// Remembers what a participant computed itself.
    pub fn learn(&self, what: Recomputation, truth: Truth) {
        self.known.lock().unwrap().insert(what, truth);
    }
}

impl RaceOracle for Oracle {
    fn start(&self, what: &Recomputation) {
        self.started.lock().unwrap().push(what.clone());
    }

    fn join(&self, what: &Recomputation) -> Truth {
        self.truth(what)
    }
}
