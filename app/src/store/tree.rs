//! The trees: one Jellyfish Merkle tree per store, and the root tree over their roots.
//!
//! Invariant: a root depends on the keys and values alone, not on the order or the heights of
//! the writes, so a restored or replayed state has the same app hash.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jmt::storage::{HasPreimage, LeafNode, Node, NodeKey, TreeReader};
use jmt::{JellyfishMerkleTree, KeyHash, OwnedValue, Version};
use sha2::Sha256;

use super::kv::Kv;
use super::{layout, StoreError};

/// Root of a tree without a key, hence the app hash of the empty state.
pub const EMPTY_ROOT: [u8; 32] = *b"SPARSE_MERKLE_PLACEHOLDER_HASH__";

type Tree<'a> = JellyfishMerkleTree<'a, Reader<'a>, Sha256>;

/// Where a proof finds the values behind the leaves.
pub type ValueOf<'a> = &'a dyn Fn(&[u8]) -> Result<Option<Vec<u8>>, StoreError>;

/// What an update of one tree writes.
pub struct TreeUpdate {
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
    raw_keys: RefCell<BTreeMap<KeyHash, Vec<u8>>>,
    value_of: Option<ValueOf<'a>>,
}

impl<'a> Reader<'a> {
    fn new(kv: &'a dyn Kv, store: &'a str) -> Self {
        Self {
            kv,
            store,
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
}

impl TreeReader for Reader<'_> {
    fn get_node_option(&self, node_key: &NodeKey) -> anyhow::Result<Option<Node>> {
        let Some(stored) = self.kv.get(&layout::node_key(self.store, node_key))? else {
            return Ok(None);
        };
        let (node, raw_key) = layout::decode_node(&stored)?;
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

/// Computes the tree of `store` after `changes` (`None` deletes) on top of `version`; the result
/// is its next version. Every change must really change something. Writes nothing.
pub fn update(
    kv: &dyn Kv,
    store: &str,
    version: u64,
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
) -> Result<TreeUpdate, StoreError> {
    let reader = Reader::new(kv, store);
    let next = version
        .checked_add(1)
        .ok_or_else(|| reader.error("versions are used up"))?;
    let mut changed = BTreeMap::new();
    let mut values = BTreeMap::new();
    for (key, value) in changes {
        let hash = KeyHash::with::<Sha256>(&key);
        changed.insert(hash, key);
        values.insert(hash, value);
    }
    let (root, batch) = Tree::new(&reader)
        .put_value_set(values, next)
        .map_err(|error| reader.error(format!("{error:#}")))?;

    let known = reader.raw_keys.borrow();
    let mut nodes = Vec::with_capacity(batch.node_batch.nodes().len());
    for (key, node) in batch.node_batch.nodes().iter() {
        let raw_key: &[u8] = match node {
            // An empty tree has no node; the reader takes a missing root for an empty tree.
            Node::Null => continue,
            Node::Internal(_) => &[],
            Node::Leaf(leaf) => {
                let hash = leaf.key_hash();
                let raw = changed.get(&hash).or_else(|| known.get(&hash));
                raw.ok_or_else(|| reader.error("a moved leaf was never read"))?
            }
        };
        nodes.push((
            layout::node_key(store, key),
            layout::encode_node(node, raw_key)?,
        ));
    }
    let stale = batch.stale_node_index_batch.iter();
    let stale: BTreeSet<Vec<u8>> = stale
        .map(|stale| layout::node_key(store, &stale.node_key))
        .collect();
    Ok(TreeUpdate {
        root: root.0,
        nodes,
        stale: stale.into_iter().collect(),
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
