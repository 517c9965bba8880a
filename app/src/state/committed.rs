//! Committed state as the base of layers.

use super::Base;
use crate::store::{Entry, Snapshot};

/// # Panics
/// When the database fails, as [`Snapshot::get`] says.
impl Base for Snapshot {
    fn get(&self, store: &str, key: &[u8]) -> Option<Vec<u8>> {
        Self::get(self, store, key)
    }

    fn scan(&self, store: &str, prefix: &[u8]) -> Vec<Entry> {
        self.prefix(store, prefix).collect()
    }

    fn first(&self, store: &str, prefix: &[u8], count: usize) -> Vec<Entry> {
        self.prefix(store, prefix).take(count).collect()
    }
}
