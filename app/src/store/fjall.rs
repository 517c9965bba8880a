//! The durable engine fjall 3: a log-structured merge tree, one keyspace.
//!
//! Each commit is one batch in fjall's journal and one fsync of it. A batch has a checksum: after a
//! crash a torn one at the end of the journal is dropped as a whole. fjall does the same with whole
//! batches that were damaged later; the noted height tells.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;

use fjall::{Database, Guard, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::folder::Folder;
use super::kv::{Batch, Entry, EntryIter, Kv};
use super::{Engine, StoreError};

/// Memory for blocks of fjall's tables, bytes.
const CACHE_BYTES: u64 = 256 << 20;

/// Bytes in memory before they become a table: what a restart reads again from the journal.
const MEMTABLE_BYTES: u64 = 64 << 20;

/// The durable engine fjall.
pub struct FjallKv {
    db: Database,
    entries: Keyspace,
    folder: Folder,
}

impl FjallKv {
    /// Opens or creates the database in the folder `path`.
    ///
    /// # Errors
    /// [`StoreError::Open`] if another process holds it, the disk refuses or fjall finds it corrupt;
    /// [`StoreError::OtherEngine`] if another engine made the folder.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let folder = Folder::claim(path, Engine::Fjall)?;
        let open = || {
            let db = Database::builder(path).cache_size(CACHE_BYTES).open()?;
            let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
            let entries = db.keyspace("state", options)?;
            Ok::<_, fjall::Error>((db, entries))
        };
        // fjall asserts on some corrupt files instead of returning an error.
        let (db, entries) = catch_unwind(AssertUnwindSafe(open))
            .map_err(|_| folder.refuse("the database engine panicked on its files"))?
            .map_err(|error| folder.refuse(error))?;
        Ok(Self {
            db,
            entries,
            folder,
        })
    }
}

fn engine(action: &'static str) -> impl Fn(fjall::Error) -> StoreError {
    move |error| StoreError::Engine {
        action,
        reason: error.to_string(),
    }
}

fn to_entry(item: Guard) -> Result<Entry, StoreError> {
    let (key, value) = item.into_inner().map_err(engine("reading a range"))?;
    Ok((key.to_vec(), value.to_vec()))
}

impl Kv for FjallKv {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.entries.get(key).map_err(engine("reading a key"))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn range(&self, from: &[u8], to: &[u8]) -> Box<dyn EntryIter + '_> {
        // An inverted range is empty, whatever the engine makes of it.
        let to = if from <= to { to } else { from };
        Box::new(self.entries.range(from..to).map(to_entry))
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let mut writes = self.db.batch().durability(Some(PersistMode::SyncAll));
        for (key, value) in batch {
            match value {
                Some(value) => writes.insert(&self.entries, key, value),
                None => writes.remove(&self.entries, key),
            }
        }
        writes.commit().map_err(engine("writing a batch"))
    }

    fn note_durable(&self, height: u64) -> Result<(), StoreError> {
        self.folder.note(height)
    }

    fn noted_height(&self) -> Result<u64, StoreError> {
        self.folder.noted()
    }
}
