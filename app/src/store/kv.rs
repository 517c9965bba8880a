//! The ordered key-value engine below the store.
//!
//! [`MemKv`](super::MemKv) is for tests and tools, an [`Engine`](super::Engine) for nodes. Every test
//! of the store runs on all of them.

use super::StoreError;

/// A physical key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// An iterator over entries that can be walked from both ends.
pub trait EntryIter: DoubleEndedIterator<Item = Result<Entry, StoreError>> {}

impl<T: DoubleEndedIterator<Item = Result<Entry, StoreError>>> EntryIter for T {}

/// Writes that happen all or not at all. `None` removes the key; the last write of a key wins.
pub type Batch = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// An ordered key-value engine.
///
/// Invariants: keys are ordered by their bytes; `commit` is atomic towards readers and towards
/// crashes; once it has returned, the batch survives a power loss (for a durable engine).
pub trait Kv: Send + Sync {
    /// The value of `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Entries with `from <= key < to`, in order. Entries written during the walk may or may not
    /// be seen; the store tells them apart by the height inside the key.
    fn range(&self, from: &[u8], to: &[u8]) -> Box<dyn EntryIter + '_>;

    /// Applies the batch and makes it durable.
    fn commit(&self, batch: Batch) -> Result<(), StoreError>;

    /// Notes, outside of the database, that `height` is durable in it. Never above what is durable.
    fn note_durable(&self, _height: u64) -> Result<(), StoreError> {
        Ok(())
    }

    /// The height noted last; 0 without one. A database below it has lost what it had.
    fn noted_height(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}
