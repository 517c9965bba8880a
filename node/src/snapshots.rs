//! Snapshots of the state, taken beside the consensus: a thread at the lowest priority reads a pinned
//! height while blocks go on.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use race_app::store::statesync::shelf::Shelf;
use race_app::store::statesync::SnapshotError;
use race_app::store::Snapshot;

use crate::config::StateSync;
use crate::preempt::lower_priority;

/// Where snapshots lie below a home.
pub fn folder(home: &Path) -> PathBuf {
    home.join("data").join("snapshots")
}

/// Takes snapshots when they are due.
pub struct Snapshots {
    shelf: Arc<Shelf>,
    interval: u64,
    /// The height of which one is being taken; 0 for none.
    taking: Arc<AtomicU64>,
}

impl Snapshots {
    /// Opens the folder of a home.
    ///
    /// # Errors
    /// It cannot be made or read.
    pub fn open(home: &Path, config: &StateSync) -> Result<Self, SnapshotError> {
        let shelf = Shelf::open(&folder(home), config.snapshot_keep_recent)?;
        Ok(Self {
            shelf: Arc::new(shelf),
            interval: config.snapshot_interval,
            taking: Arc::default(),
        })
    }

    /// The folder.
    pub fn shelf(&self) -> Arc<Shelf> {
        Arc::clone(&self.shelf)
    }

    /// The height of the oldest snapshot, one that is being taken included.
    pub fn oldest(&self) -> Option<u64> {
        // In this order: what is finished meanwhile is in the folder.
        let taking = self.taking.load(Ordering::SeqCst);
        let taking = (taking > 0).then_some(taking);
        self.shelf.oldest().into_iter().chain(taking).min()
    }

    /// Begins the snapshot of a committed height if one is due, and returns at once. While one is being
    /// taken, no other begins.
    pub fn follow(&self, snapshot: &Snapshot) {
        let height = snapshot.height();
        let due = height.checked_rem(self.interval) == Some(0);
        let (none, order) = (0, Ordering::SeqCst);
        let begin = || self.taking.compare_exchange(none, height, order, order);
        if !due || begin().is_err() {
            return;
        }
        let (shelf, taking) = (Arc::clone(&self.shelf), Arc::clone(&self.taking));
        let snapshot = snapshot.clone();
        std::thread::spawn(move || {
            let _over = Over(taking);
            lower_priority();
            match shelf.take(&snapshot) {
                Ok(manifest) => tracing::info!(
                    height,
                    chunks = manifest.chunks.len(),
                    bytes = manifest.bytes,
                    "a snapshot was taken"
                ),
                Err(error) => tracing::error!(height, %error, "no snapshot was taken"),
            }
        });
    }
}

/// Says that the thread is over, however it ended.
struct Over(Arc<AtomicU64>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(0, Ordering::SeqCst);
    }
}
