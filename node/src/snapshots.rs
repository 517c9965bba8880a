//! Snapshots of the state, taken beside the consensus: a thread at the lowest priority reads a pinned
//! height while blocks go on.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
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
    busy: Arc<AtomicBool>,
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
            busy: Arc::default(),
        })
    }

    /// The folder.
    pub fn shelf(&self) -> Arc<Shelf> {
        Arc::clone(&self.shelf)
    }

    /// Begins the snapshot of a committed height if one is due, and returns at once. While one is being
    /// taken, no other begins.
    pub fn follow(&self, snapshot: &Snapshot) {
        let due = snapshot.height().checked_rem(self.interval) == Some(0);
        if !due || self.busy.swap(true, Ordering::SeqCst) {
            return;
        }
        let (shelf, busy) = (Arc::clone(&self.shelf), Arc::clone(&self.busy));
        let snapshot = snapshot.clone();
        std::thread::spawn(move || {
            let _over = Over(busy);
            lower_priority();
            let height = snapshot.height();
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
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}
