//! The engine in memory.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

use super::kv::{Batch, Entry, EntryIter, Kv};
use super::StoreError;

/// An engine that keeps everything in memory and nothing after the process.
#[derive(Debug, Default)]
pub struct MemKv {
    map: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl MemKv {
    /// An empty engine.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of physical entries, to see that pruning works.
    pub fn len(&self) -> usize {
        self.read().len()
    }

    /// Whether nothing was ever written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<Vec<u8>, Vec<u8>>> {
        // A batch is applied by code that does not panic, so a poisoned lock holds whole batches.
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kv for MemKv {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read().get(key).cloned())
    }

    fn range(&self, from: &[u8], to: &[u8]) -> Box<dyn EntryIter + '_> {
        Box::new(MemIter {
            kv: self,
            from: Bound::Included(from.to_vec()),
            to: Bound::Excluded(to.to_vec()),
        })
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in batch {
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
        Ok(())
    }
}

/// Walks the map entry by entry, so that no lock is held between two steps.
struct MemIter<'a> {
    kv: &'a MemKv,
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
}

impl MemIter<'_> {
    fn is_over(&self) -> bool {
        match (&self.from, &self.to) {
            (Bound::Included(from), Bound::Excluded(to))
            | (Bound::Excluded(from), Bound::Excluded(to)) => from >= to,
            _ => true,
        }
    }

    fn step(&mut self, backwards: bool) -> Option<Entry> {
        // `BTreeMap::range` panics on a range that ends before it starts.
        if self.is_over() {
            return None;
        }
        let map = self.kv.read();
        let mut range = map.range((self.from.clone(), self.to.clone()));
        let found = if backwards {
            range.next_back()
        } else {
            range.next()
        };
        let (key, value) = found?;
        let bound = Bound::Excluded(key.clone());
        if backwards {
            self.to = bound;
        } else {
            self.from = bound;
        }
        Some((key.clone(), value.clone()))
    }
}

impl Iterator for MemIter<'_> {
    type Item = Result<Entry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step(false).map(Ok)
    }
}

impl DoubleEndedIterator for MemIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(true).map(Ok)
    }
}
