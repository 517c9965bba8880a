//! The trees: one Jellyfish Merkle tree per store, and the root tree over their roots.
//!
//! Invariant: a root depends on the keys and values alone, not on the order or the heights of
//! the writes, so a restored or replayed state has the same app hash.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jmt::storage::{HasPreimage, LeafNode, NibblePath, Node, NodeKey, TreeReader, TreeUpdateBatch};
use jmt::{JellyfishMerkleTree, KeyHash, OwnedValue, Version};
use sha2::Sha256;

use super::kv::Kv;
use super::{layout, StoreError};

/// Root of a tree without a key, hence the app hash of the empty state.
pub const EMPTY_ROOT: [u8; 32] = *b"SPARSE_MERKLE_PLACEHOLDER_HASH__";

type Tree<'a> = JellyfishMerkleTree<'a, Reader<'a>, Sha256>;

/// Where a proof finds the values behind the leaves.
pub type ValueOf<'a> = &'a dyn Fn(&[u8]) -> Result<Option<Vec<u8>>, StoreError>;

/// A tree that is to be updated.
pub struct Base<'a> {
    /// Name of its store; empty for the root tree.
    pub store: &'a str,
    /// Its version.
    pub version: u64,
    /// Its root; [`EMPTY_ROOT`] if it has no key.
    pub root: [u8; 32],
}

/// What an update of one tree writes.
pub struct TreeUpdate {
    /// The version that it makes.
    pub version: u64,
    /// Root after the update; [`EMPTY_ROOT`] if no key is left.
    pub root: [u8; 32],
    /// Physical entries to write.
    pub nodes: Vec<(Vec<u8>, Vec<u8>)>,
    /// Physical keys of nodes that the new version no longer uses.
    pub stale: Vec<Vec<u8>>,
}

/// Reads one tree. Remembers the raw keys of the leaves that it passes: a leaf holds its key's
/// hash only, but moved leaves and proofs of absence need the key.
struct Reader<'a> {
    kv: &'a dyn Kv,
    store: &'a str,
    /// The version that has no key: an empty tree has no node, not even a root.
    empty: Option<Version>,
    /// Encoded nodes of a version that is not written yet, over those of the engine.
    pending: BTreeMap<NodeKey, Vec<u8>>,
    raw_keys: RefCell<BTreeMap<KeyHash, Vec<u8>>>,
    value_of: Option<ValueOf<'a>>,
}

impl<'a> Reader<'a> {
    fn new(kv: &'a dyn Kv, store: &'a str) -> Self {
        Self {
            kv,
            store,
            empty: None,
            pending: BTreeMap::new(),
            raw_keys: RefCell::default(),
            value_of: None,
        }
    }

    fn error(&self, reason: impl ToString) -> StoreError {
        StoreError::Tree {
            store: self.store.to_string(),
            reason: reason.to_string(),
        }
    }

    /// Adds a version's nodes to those pending, and what it no longer uses to `stale`, unless that
    /// was pending as well.
    fn absorb(
        &mut self,
        batch: &TreeUpdateBatch,
        written: &BTreeMap<KeyHash, Vec<u8>>,
        stale: &mut BTreeSet<NodeKey>,
    ) -> Result<(), StoreError> {
        for gone in &batch.stale_node_index_batch {
            if self.pending.remove(&gone.node_key).is_none() {
                stale.insert(gone.node_key.clone());
            }
        }
        for (key, node) in batch.node_batch.nodes() {
            let raw_key: &[u8] = match node {
                Node::Null => {
                    self.empty = Some(key.version());
                    continue;
                }
                Node::Internal(_) => &[],
                Node::Leaf(leaf) => {
                    let hash = leaf.key_hash();
                    let known = &*self.raw_keys.get_mut();
                    let raw = written.get(&hash).or_else(|| known.get(&hash));
                    raw.ok_or_else(|| StoreError::Tree {
                        store: self.store.to_string(),
                        reason: "a moved leaf was never read".into(),
                    })?
                }
            };
            let encoded = layout::encode_node(node, raw_key)?;
            self.pending.insert(key.clone(), encoded);
        }
        Ok(())
    }
}

impl TreeReader for Reader<'_> {
    fn get_node_option(&self, node_key: &NodeKey) -> anyhow::Result<Option<Node>> {
        if self.empty == Some(node_key.version()) && node_key.nibble_path().is_empty() {
            return Ok(Some(Node::Null));
        }
        let (node, raw_key) = match self.pending.get(node_key) {
            Some(encoded) => layout::decode_node(encoded)?,
            None => match self.kv.get(&layout::node_key(self.store, node_key))? {
                Some(stored) => layout::decode_node(&stored)?,
                None => return Ok(None),
            },
        };
        if let Node::Leaf(leaf) = &node {
            self.raw_keys.borrow_mut().insert(leaf.key_hash(), raw_key);
        }
        Ok(Some(node))
    }

    fn get_value_option(
        &self,
        _: Version,
        key_hash: KeyHash,
    ) -> anyhow::Result<Option<OwnedValue>> {
        let raw_key = self.preimage(key_hash)?;
        match (raw_key, self.value_of) {
            (Some(raw_key), Some(value_of)) => Ok(value_of(&raw_key)?),
            _ => Ok(None),
        }
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        anyhow::bail!("not supported: only the tree library's own restore asks for it")
    }
}

impl HasPreimage for Reader<'_> {
    fn preimage(&self, key_hash: KeyHash) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.raw_keys.borrow().get(&key_hash).cloned())
    }
}

/// Root of `store` at `version`, if that version is in the database.
pub fn root(kv: &dyn Kv, store: &str, version: u64) -> Result<Option<[u8; 32]>, StoreError> {
    let reader = Reader::new(kv, store);
    let root = Tree::new(&reader).get_root_hash_option(version);
    Ok(root
        .map_err(|error| reader.error(format!("{error:#}")))?
        .map(|root| root.0))
}

/// Computes the tree after `changes` (`None` deletes) on top of `base`. Every change must really
/// change something. Writes nothing.
///
/// The library writes many keys in one pass that hashes each node once, but it deletes key by key.
/// So deletions make a version of their own, which is never written, and the writes follow on it.
pub fn update(
    kv: &dyn Kv,
    base: &Base<'_>,
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
) -> Result<TreeUpdate, StoreError> {
    let mut reader = Reader {
        empty: (base.root == EMPTY_ROOT).then_some(base.version),
        ..Reader::new(kv, base.store)
    };
    let next = |reader: &Reader<'_>, version: u64| {
        version
            .checked_add(1)
            .ok_or_else(|| reader.error("versions are used up"))
    };
    // The library takes a missing root for an empty tree.
    let old_root = Tree::new(&reader)
        .get_root_hash(base.version)
        .map_err(|error| reader.error(format!("{error:#}")))?;
    if old_root.0 != base.root {
        return Err(StoreError::Damaged(format!(
            "the tree of store {:?} has not the root that its record says",
            base.store
        )));
    }

    let mut written = Vec::new();
    let mut deleted = Vec::new();
    let mut changed = BTreeMap::new();
    for (key, value) in changes {
        let hash = KeyHash::with::<Sha256>(&key);
        match value {
            Some(value) => {
                changed.insert(hash, key);
                written.push((hash, value));
            }
            None => deleted.push((hash, None)),
        }
    }
    let mut version = base.version;
    let mut root = EMPTY_ROOT;
    let mut stale = BTreeSet::new();
    if !deleted.is_empty() {
        version = next(&reader, version)?;
        let (new_root, batch) = Tree::new(&reader)
            .put_value_set(deleted, version)
            .map_err(|error| reader.error(format!("{error:#}")))?;
        root = new_root.0;
        reader.absorb(&batch, &changed, &mut stale)?;
    }
    if !written.is_empty() {
        version = next(&reader, version)?;
        let (roots, batch) = Tree::new(&reader)
            .batch_put_value_sets(vec![written], None, version)
            .map_err(|error| reader.error(format!("{error:#}")))?;
        let new_root = roots.last();
        root = new_root
            .ok_or_else(|| reader.error("the tree has no root"))?
            .0;
        reader.absorb(&batch, &changed, &mut stale)?;
    }

    let nodes = reader.pending.into_iter();
    let stale = stale.iter();
    Ok(TreeUpdate {
        version,
        root,
        nodes: nodes
            .map(|(key, encoded)| (layout::node_key(base.store, &key), encoded))
            .collect(),
        stale: stale.map(|key| layout::node_key(base.store, key)).collect(),
    })
}

/// Proves that `key` has a value, or has none, in the tree of `store` at `version`. The tree must
/// not be empty.
pub fn prove(
    kv: &dyn Kv,
    store: &str,
    version: u64,
    key: &[u8],
    value_of: ValueOf<'_>,
) -> Result<(Option<Vec<u8>>, ics23::CommitmentProof), StoreError> {
    let reader = Reader {
        value_of: Some(value_of),
        ..Reader::new(kv, store)
    };
    Tree::new(&reader)
        .get_with_ics23_proof(key.to_vec(), version)
        .map_err(|error| reader.error(format!("{error:#}")))
}

/// The siblings on the right of the way to `key`, which the tree of `store` has at `version`: with all
/// leaves up to `key` they give the root. In the tree library's own encoding.
pub fn right_siblings(
    kv: &dyn Kv,
    store: &str,
    version: u64,
    key: &[u8],
) -> Result<Vec<u8>, StoreError> {
    // The library reads the value as well and drops it.
    let value_of = |_: &[u8]| Ok(Some(Vec::new()));
    let reader = Reader {
        value_of: Some(&value_of),
        ..Reader::new(kv, store)
    };
    let proof = Tree::new(&reader)
        .get_range_proof(KeyHash::with::<Sha256>(key), version)
        .map_err(|error| reader.error(format!("{error:#}")))?;
    borsh::to_vec(&proof).map_err(|error| reader.error(error))
}

/// The raw keys of the tree of `store` at `version`, in the order of its leaves.
pub fn leaves<'a>(kv: &'a dyn Kv, store: &'a str, version: u64) -> Leaves<'a> {
    let root = NodeKey::new(version, NibblePath::from_iter([]));
    Leaves {
        reader: Reader::new(kv, store),
        ahead: vec![root],
    }
}

/// A walk over the leaves of a tree. See [`leaves`].
pub struct Leaves<'a> {
    reader: Reader<'a>,
    /// Nodes still to visit, the next one last.
    ahead: Vec<NodeKey>,
}

impl Leaves<'_> {
    fn step(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        while let Some(key) = self.ahead.pop() {
            let stored = self
                .reader
                .kv
                .get(&layout::node_key(self.reader.store, &key))?
                .ok_or_else(|| self.reader.error(format!("the node {key:?} is missing")))?;
            match layout::decode_node(&stored)? {
                (Node::Leaf(_), raw_key) => return Ok(Some(raw_key)),
                (Node::Null, _) => {}
                (Node::Internal(node), _) => {
                    let path = key.nibble_path();
                    let children = node.children_sorted().map(|(nibble, child)| {
                        let path = path.nibbles().chain([nibble]).collect();
                        NodeKey::new(child.version, path)
                    });
                    let first = self.ahead.len();
                    self.ahead.extend(children);
                    if let Some(added) = self.ahead.get_mut(first..) {
                        added.reverse();
                    }
                }
            }
        }
        Ok(None)
    }
}

impl Iterator for Leaves<'_> {
    type Item = Result<Vec<u8>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.step();
        if found.is_err() {
            self.ahead.clear();
        }
        found.transpose()
    }
}
