//! Decoded tree nodes in memory.
//!
//! Nearly all nodes that a block reads were written or read by the blocks before it. The cache
//! never decides anything: a node is written once under its key and version and never changes, so
//! a hit and a read from the engine are the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jmt::storage::Node;

/// What an internal node takes in memory at most, bytes, its share of the map included.
const INTERNAL_BYTES: usize = 1200;

/// As [`INTERNAL_BYTES`], for a leaf without its raw key.
const LEAF_BYTES: usize = 250;

/// A decoded node and, for a leaf, its raw key. Behind a pointer, since a map moves its values and
/// an inner node has about a kilobyte.
pub type SharedNode = Arc<(Node, Vec<u8>)>;

/// Nodes by their physical key, in two generations: what is used moves to the young one; when that
/// has half of the bytes, the old one is forgotten and the young one becomes the old one.
#[derive(Debug)]
pub struct NodeCache {
    limit_bytes: usize,
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: BTreeMap<Vec<u8>, SharedNode>,
    young_bytes: usize,
    old: BTreeMap<Vec<u8>, SharedNode>,
}

fn weight(key: &[u8], shared: &SharedNode) -> usize {
    let (node, raw_key) = shared.as_ref();
    let fixed = match node {
        Node::Internal(_) => INTERNAL_BYTES,
        Node::Leaf(_) | Node::Null => LEAF_BYTES,
    };
    fixed
        .saturating_add(key.len())
        .saturating_add(raw_key.len())
}

impl NodeCache {
    /// An empty cache that takes about `limit_bytes` at most.
    pub fn new(limit_bytes: usize) -> Self {
        Self {
            limit_bytes,
            generations: Mutex::default(),
        }
    }

    /// The node under a physical key.
    pub fn get(&self, key: &[u8]) -> Option<SharedNode> {
        let mut generations = self.lock();
        if let Some(found) = generations.young.get(key) {
            return Some(found.clone());
        }
        let (key, found) = generations.old.remove_entry(key)?;
        generations.insert(self.limit_bytes, key, found.clone());
        Some(found)
    }

    /// Remembers a node.
    pub fn insert(&self, key: Vec<u8>, node: SharedNode) {
        self.lock().insert(self.limit_bytes, key, node);
    }

    /// Forgets a node that later heights do not use.
    pub fn remove(&self, key: &[u8]) {
        let mut generations = self.lock();
        if let Some(gone) = generations.young.remove(key) {
            generations.young_bytes = generations.young_bytes.saturating_sub(weight(key, &gone));
        }
        generations.old.remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        // Whatever a panic left undone, each entry is whole, and the bytes are only an estimate.
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn insert(&mut self, limit_bytes: usize, key: Vec<u8>, node: SharedNode) {
        let added = weight(&key, &node);
        if self.young_bytes.saturating_add(added) > limit_bytes / 2 {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if let Some(replaced) = self.young.insert(key, node) {
            self.young_bytes = self.young_bytes.saturating_sub(weight(&[], &replaced));
        }
        self.young_bytes = self.young_bytes.saturating_add(added);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: usize) -> Vec<u8> {
        n.to_be_bytes().to_vec()
    }

    fn node(n: usize) -> SharedNode {
        Arc::new((Node::Null, key(n)))
    }

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let cache = NodeCache::new(20 * weight(&key(0), &node(0)));
        for n in 0..1000 {
            cache.insert(key(n), node(n));
            assert_eq!(cache.get(&key(0)), Some(node(0)), "after {n}");
        }
        assert_eq!(cache.get(&key(1)), None);
        assert_eq!(cache.get(&key(999)), Some(node(999)));
    }

    #[test]
    fn the_bytes_stay_below_the_limit() {
        let one = weight(&key(0), &node(0));
        let cache = NodeCache::new(20 * one);
        for n in 0..1000 {
            cache.insert(key(n % 70), node(n));
            cache.get(&key(n.wrapping_mul(31) % 70));
            let generations = cache.lock();
            assert!(generations.young.len() + generations.old.len() <= 20);
        }
    }

    #[test]
    fn a_removed_node_is_gone_from_both_generations() {
        let cache = NodeCache::new(4 * weight(&key(0), &node(0)));
        for n in 0..3 {
            cache.insert(key(n), node(n));
        }
        for n in 0..3 {
            cache.remove(&key(n));
            assert_eq!(cache.get(&key(n)), None);
        }
    }
}
