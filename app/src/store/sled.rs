//! The durable engine sled 0.34: one tree.
//!
//! sled's own flush is `sync_file_range`, which does not survive a power loss: it neither syncs
//! the file's metadata nor empties the drive's cache. So each commit is one atomic batch, then
//! sled's flush (the log reaches the file), then `fsync` of every file of sled's.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::folder::{sync_dir, Folder};
use super::kv::{Batch, Entry, EntryIter, Kv};
use super::{Engine, StoreError};

/// Memory for sled's page cache, bytes.
const CACHE_BYTES: u64 = 256 << 20;

/// The durable engine sled.
pub struct SledKv {
    db: sled::Db,
    folder: Folder,
    files: Mutex<Files>,
    /// Dropped after `db`.
    _release: Release,
}

/// Milliseconds to wait at most until sled's threads have let go of a dropped database.
const RELEASE_TRIES: u32 = 5000;

/// Files to sync: the log stays open, blobs (values too large for the log) are synced once.
struct Files {
    log: File,
    synced_blobs: BTreeSet<OsString>,
}

/// sled's own threads let go of the file a moment after the database is dropped. Waits for that,
/// so that whoever drops a database can open it again.
struct Release {
    log: PathBuf,
}

impl Drop for Release {
    fn drop(&mut self) {
        let Ok(log) = File::open(&self.log) else {
            return;
        };
        for _ in 0..RELEASE_TRIES {
            match log.try_lock() {
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
                _ => return,
            }
        }
    }
}

impl SledKv {
    /// Opens or creates the database in the folder `path`.
    ///
    /// # Errors
    /// [`StoreError::Open`] if another process holds it, the disk refuses or sled finds it corrupt;
    /// [`StoreError::OtherEngine`] if another engine made the folder.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let folder = Folder::claim(path, Engine::Sled)?;
        let config = sled::Config::default()
            .path(path)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None);
        // sled asserts on some corrupt files instead of returning an error.
        let db = catch_unwind(AssertUnwindSafe(|| config.open()))
            .map_err(|_| folder.refuse("the database engine panicked on its files"))?
            .map_err(|error| folder.refuse(error))?;
        let log = File::open(path.join("db")).map_err(|error| folder.refuse(error))?;
        sync_dir(path).map_err(|error| folder.refuse(error))?;
        Ok(Self {
            db,
            folder,
            files: Mutex::new(Files {
                log,
                synced_blobs: BTreeSet::new(),
            }),
            _release: Release {
                log: path.join("db"),
            },
        })
    }

    /// Makes every file of the database survive a power loss.
    fn sync_files(&self) -> std::io::Result<()> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let blobs = self.folder.path().join("blobs");
        let mut new_blobs = false;
        for entry in fs::read_dir(&blobs)? {
            let name = entry?.file_name();
            if files.synced_blobs.contains(&name) {
                continue;
            }
            match File::open(blobs.join(&name)) {
                Ok(blob) => blob.sync_all()?,
                // sled has collected it meanwhile.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            }
            new_blobs = true;
            files.synced_blobs.insert(name);
        }
        if new_blobs {
            sync_dir(&blobs)?;
        }
        files.log.sync_all()
    }
}

fn engine(action: &'static str) -> impl Fn(sled::Error) -> StoreError {
    move |error| StoreError::Engine {
        action,
        reason: error.to_string(),
    }
}

fn to_entry(item: sled::Result<(sled::IVec, sled::IVec)>) -> Result<Entry, StoreError> {
    let (key, value) = item.map_err(engine("reading a range"))?;
    Ok((key.to_vec(), value.to_vec()))
}

impl Kv for SledKv {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.db.get(key).map_err(engine("reading a key"))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn range(&self, from: &[u8], to: &[u8]) -> Box<dyn EntryIter + '_> {
        // An inverted range is empty, whatever the engine makes of it.
        let to = if from <= to { to } else { from };
        Box::new(self.db.range(from.to_vec()..to.to_vec()).map(to_entry))
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let mut writes = sled::Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) => writes.insert(key, value),
                None => writes.remove(key),
            }
        }
        self.db
            .apply_batch(writes)
            .map_err(engine("writing a batch"))?;
        self.db.flush().map_err(engine("flushing a batch"))?;
        self.sync_files().map_err(|error| StoreError::Engine {
            action: "syncing its files",
            reason: error.to_string(),
        })
    }

    fn note_durable(&self, height: u64) -> Result<(), StoreError> {
        self.folder.note(height)
    }

    fn noted_height(&self) -> Result<u64, StoreError> {
        self.folder.noted()
    }
}
