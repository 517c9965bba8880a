//! Committed state that remembers what was read of it.
//!
//! CheckTx, proposals and the block that follows read the same accounts and parameters from one snapshot,
//! thousands of times a second; from the database each read takes about 20 us.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::Base;

/// What is remembered at most: keys and values, in bytes. A flood that asks for ever new accounts gets no more.
const LIMIT: usize = 32 << 20;

/// What an entry costs besides its key and value.
const ENTRY: usize = 96;

#[derive(Default)]
struct Memory {
    values: BTreeMap<String, BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
    bytes: usize,
}

impl Memory {
    fn get(&self, store: &str, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        self.values.get(store)?.get(key)
    }

    fn keep(&mut self, store: &str, key: &[u8], value: &Option<Vec<u8>>) {
        let size = key.len().saturating_add(value.as_ref().map_or(0, Vec::len));
        let bytes = self.bytes.saturating_add(size).saturating_add(ENTRY);
        if bytes > LIMIT {
            return;
        }
        self.bytes = bytes;
        let of_store = self.values.entry(store.to_owned()).or_default();
        of_store.insert(key.to_vec(), value.clone());
    }
}

/// A view that never changes, with what was read of it. Clones share that.
#[derive(Clone)]
pub struct Remembered {
    base: Arc<dyn Base>,
    memory: Arc<RwLock<Memory>>,
}

impl Remembered {
    /// A view of which nothing was read yet.
    pub fn new(base: Arc<dyn Base>) -> Self {
        Self {
            base,
            memory: Arc::default(),
        }
    }
}

impl Base for Remembered {
    fn get(&self, store: &str, key: &[u8]) -> Option<Vec<u8>> {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = memory.get(store, key) {
            return value.clone();
        }
        drop(memory);
        let value = self.base.get(store, key);
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        memory.keep(store, key, &value);
        value
    }

    fn scan(&self, store: &str, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.base.scan(store, prefix)
    }

    fn first(&self, store: &str, prefix: &[u8], count: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.base.first(store, prefix, count)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Answers with the key itself unless it is empty, and counts.
    #[derive(Default)]
    struct Counting(AtomicU64);

    impl Base for Counting {
        fn get(&self, _: &str, key: &[u8]) -> Option<Vec<u8>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            (!key.is_empty()).then(|| key.to_vec())
        }
        fn scan(&self, _: &str, _: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
            Vec::new()
        }
    }

    #[test]
    fn a_value_and_its_absence_are_read_once() {
        let counting = Arc::new(Counting::default());
        let view = Remembered::new(counting.clone());
        for _ in 0..3 {
            assert_eq!(view.get("bank", b"a"), Some(b"a".to_vec()));
            assert_eq!(view.clone().get("bank", b""), None);
        }
        assert_eq!(counting.0.load(Ordering::SeqCst), 2);
        assert_eq!(view.get("auth", b"a"), Some(b"a".to_vec()));
        assert_eq!(counting.0.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn beyond_its_limit_it_reads_and_forgets() {
        let counting = Arc::new(Counting::default());
        let view = Remembered::new(counting.clone());
        let long = vec![1; LIMIT / 2];
        for _ in 0..3 {
            assert_eq!(view.get("bank", &long), Some(long.clone()));
        }
        assert_eq!(counting.0.load(Ordering::SeqCst), 3);
    }
}
