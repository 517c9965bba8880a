//! Commits to disk: a database whose commits are timed.

use std::sync::Arc;
use std::time::Instant;

use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use race_app::store::{Batch, EntryIter, Kv, StoreError};

use super::SECONDS;

/// The numbers of commits to disk.
#[derive(Debug, Clone)]
pub struct Commits(Histogram);

impl Commits {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let seconds = Histogram::new(SECONDS);
        registry.register_with_unit(
            "store_commit_duration",
            "How long it took to make a block's state durable, fsync included",
            Unit::Seconds,
            seconds.clone(),
        );
        Self(seconds)
    }

    /// The same database, with its commits timed.
    pub fn timed(&self, kv: Arc<dyn Kv>) -> Arc<dyn Kv> {
        Arc::new(Timed {
            kv,
            seconds: self.0.clone(),
        })
    }
}

struct Timed {
    kv: Arc<dyn Kv>,
    seconds: Histogram,
}

impl Kv for Timed {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.kv.get(key)
    }

    fn range(&self, from: &[u8], to: &[u8]) -> Box<dyn EntryIter + '_> {
        self.kv.range(from, to)
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let since = Instant::now();
        let outcome = self.kv.commit(batch);
        self.seconds.observe(since.elapsed().as_secs_f64());
        outcome
    }

    fn note_durable(&self, height: u64) -> Result<(), StoreError> {
        self.kv.note_durable(height)
    }

    fn noted_height(&self) -> Result<u64, StoreError> {
        self.kv.noted_height()
    }
}
