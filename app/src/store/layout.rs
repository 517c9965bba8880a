//! Where everything lies in the engine: every physical key in one file.
//!
//! | first byte | rest of the key | value |
//! |---|---|---|
//! | `m` | | [`Meta`] |
//! | `h` | height | [`HeightRecord`] |
//! | `f` | store, escaped raw key, 0 0, inverted height | 1 and the value, or 0 where deleted |
//! | `n` | store, version, number of nibbles, nibbles | tree node, and for a leaf its raw key |
//! | `r` | | the mark of a restore that is not finished |
//! | `s` | height, chunk number | physical keys that nobody needs from this height on |
//!
//! Numbers are big-endian; a store is a length byte and its name; the root tree is the store with
//! the empty name. The escape (0 becomes 0 255) keeps the order of raw keys although the inverted
//! height follows them, so that the newest version at or below a height is the first entry at or
//! after (key, height): reads and walks work alike at every kept height.

use borsh::{BorshDeserialize, BorshSerialize};
use jmt::storage::{Node, NodeKey};

use super::{StoreError, EMPTY_ROOT};

/// The format this program writes.
pub const FORMAT: u32 = 1;

/// Stale keys are written in chunks of about this many bytes, well below the size at which the
/// engine would put a value into a file of its own.
const STALE_CHUNK_BYTES: usize = 8 << 10;

/// Room for an encoded inner node with all its children.
const INTERNAL_NODE_BYTES: usize = 900;

/// Room for an encoded leaf without its raw key.
const LEAF_NODE_BYTES: usize = 65;

const TOMBSTONE: u8 = 0;
const PRESENT: u8 = 1;

/// The one record that says what is durable.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Meta {
    /// [`FORMAT`].
    #[prost(uint32, tag = "1")]
    pub format: u32,
    /// Latest committed height.
    #[prost(uint64, tag = "2")]
    pub height: u64,
    /// Oldest height that can still be read.
    #[prost(uint64, tag = "3")]
    pub oldest: u64,
    /// The height that came by state sync, 0 for none.
    #[prost(uint64, tag = "4")]
    pub restored: u64,
}

/// What the state was at one height.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct HeightRecord {
    /// Root of the root tree, 32 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub app_hash: Vec<u8>,
    /// Version of the root tree.
    #[prost(uint64, tag = "2")]
    pub root_version: u64,
    /// Every store that ever had a key, in the order of names.
    #[prost(message, repeated, tag = "3")]
    pub stores: Vec<StoreRecord>,
}

/// One store at one height.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct StoreRecord {
    /// Name of the store.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Version of its tree: grows at each height that changes it.
    #[prost(uint64, tag = "2")]
    pub version: u64,
    /// Root of its tree, 32 bytes; empty while the store has no key.
    #[prost(bytes = "vec", tag = "3")]
    pub root: Vec<u8>,
}

impl StoreRecord {
    /// [`Self::root`], or the root of an empty tree.
    pub fn root_hash(&self) -> Result<[u8; 32], StoreError> {
        match self.root.as_slice() {
            [] => Ok(EMPTY_ROOT),
            root => root.try_into().map_err(|_| {
                StoreError::Damaged(format!(
                    "the root of store {:?} has not 32 bytes",
                    self.name
                ))
            }),
        }
    }
}

impl HeightRecord {
    /// [`Self::app_hash`] with its length checked.
    pub fn app_hash(&self) -> Result<[u8; 32], StoreError> {
        let app_hash = self.app_hash.as_slice().try_into();
        app_hash.map_err(|_| StoreError::Damaged("an app hash has not 32 bytes".into()))
    }

    /// The record of a store, if it ever had a key.
    pub fn store(&self, name: &str) -> Option<&StoreRecord> {
        let found = self
            .stores
            .binary_search_by(|record| record.name.as_str().cmp(name));
        found.ok().and_then(|index| self.stores.get(index))
    }
}

/// Key of [`Meta`].
pub fn meta_key() -> Vec<u8> {
    b"m".to_vec()
}

/// Key of the mark that a restore is under way: what is there is no state yet.
pub fn restore_key() -> Vec<u8> {
    b"r".to_vec()
}

/// Key of the [`HeightRecord`] of `height`.
pub fn height_key(height: u64) -> Vec<u8> {
    [b"h".as_slice(), &height.to_be_bytes()].concat()
}

/// Whether `name` may name a store: 1 to 32 of `a-z 0-9 _`.
pub fn is_store_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=32).contains(&name.len()) && name.bytes().all(allowed)
}

fn store_prefix(kind: u8, store: &str) -> Vec<u8> {
    prefix_with_room(kind, store, 0)
}

/// The prefix, with `room` bytes kept free: keys are made in great numbers.
fn prefix_with_room(kind: u8, store: &str, room: usize) -> Vec<u8> {
    let size = store.len().saturating_add(room).saturating_add(2);
    let mut out = Vec::with_capacity(size);
    out.push(kind);
    out.push(u8::try_from(store.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(store.as_bytes());
    out
}

fn push_escaped(out: &mut Vec<u8>, raw: &[u8]) {
    for &byte in raw {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
}

/// Key of the value of (`store`, `key`) written at `height`.
pub fn flat_key(store: &str, key: &[u8], height: u64) -> Vec<u8> {
    let mut out = prefix_with_room(b'f', store, key.len().saturating_mul(2).saturating_add(10));
    push_escaped(&mut out, key);
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&(!height).to_be_bytes());
    out
}

/// First key after all versions of (`store`, `key`).
pub fn flat_key_end(store: &str, key: &[u8]) -> Vec<u8> {
    let mut out = store_prefix(b'f', store);
    push_escaped(&mut out, key);
    out.extend_from_slice(&[0, 1]);
    out
}

/// Bounds of the flat entries with `from <= raw key < to`; without `to`, up to the store's end.
pub fn flat_range(store: &str, from: &[u8], to: Option<&[u8]>) -> (Vec<u8>, Vec<u8>) {
    let prefix = store_prefix(b'f', store);
    let mut start = prefix.clone();
    push_escaped(&mut start, from);
    let end = match to {
        Some(to) => {
            let mut end = prefix;
            push_escaped(&mut end, to);
            end
        }
        // The kind is a letter, so a prefix always has an end.
        None => prefix_end(&prefix).unwrap_or_default(),
    };
    (start, end)
}

/// First key after all keys that start with `prefix`; `None` if there is no such key.
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != 0xff)?;
    let mut end = prefix.get(..=last)?.to_vec();
    if let Some(byte) = end.last_mut() {
        *byte = byte.saturating_add(1);
    }
    Some(end)
}

/// Raw key and height of a flat entry of `store`.
pub fn parse_flat_key(store: &str, physical: &[u8]) -> Result<(Vec<u8>, u64), StoreError> {
    let damaged = || StoreError::Damaged(format!("a key of store {store:?} does not parse"));
    let skip = store.len().saturating_add(2);
    let mut raw = Vec::with_capacity(physical.len());
    let mut bytes = physical.get(skip..).ok_or_else(damaged)?.iter();
    loop {
        match bytes.next().ok_or_else(damaged)? {
            0 => match bytes.next().ok_or_else(damaged)? {
                0xff => raw.push(0),
                0 => break,
                _ => return Err(damaged()),
            },
            &byte => raw.push(byte),
        }
    }
    let height = bytes.as_slice().try_into().map_err(|_| damaged())?;
    Ok((raw, !u64::from_be_bytes(height)))
}

/// Encodes a flat value; `None` says that the key was deleted.
pub fn encode_flat(value: Option<&[u8]>) -> Vec<u8> {
    match value {
        Some(value) => [&[PRESENT], value].concat(),
        None => vec![TOMBSTONE],
    }
}

/// Decodes a flat value.
pub fn decode_flat(mut stored: Vec<u8>) -> Result<Option<Vec<u8>>, StoreError> {
    match stored.first() {
        Some(&PRESENT) => {
            stored.remove(0);
            Ok(Some(stored))
        }
        Some(&TOMBSTONE) if stored.len() == 1 => Ok(None),
        _ => Err(StoreError::Damaged("a value has an unknown tag".into())),
    }
}

/// Key of a tree node of `store`.
pub fn node_key(store: &str, key: &NodeKey) -> Vec<u8> {
    let path = key.nibble_path();
    let mut out = prefix_with_room(b'n', store, path.num_nibbles().saturating_add(9));
    out.extend_from_slice(&key.version().to_be_bytes());
    // A path has at most 64 nibbles.
    out.push(u8::try_from(path.num_nibbles()).unwrap_or(u8::MAX));
    out.extend(path.nibbles().map(u8::from));
    out
}

/// Bounds of the tree nodes of `store` with a version above `version`.
pub fn nodes_after(store: &str, version: u64) -> (Vec<u8>, Vec<u8>) {
    let prefix = store_prefix(b'n', store);
    let next = version.saturating_add(1).to_be_bytes();
    // The kind is a letter, so a prefix always has an end.
    let end = prefix_end(&prefix).unwrap_or_default();
    ([prefix.as_slice(), &next].concat(), end)
}

/// Encodes a tree node; a leaf is followed by the raw key that it stands for, which proofs of
/// absence need and which then lives exactly as long as the leaf.
pub fn encode_node(node: &Node, raw_key: &[u8]) -> Result<Vec<u8>, StoreError> {
    let size = match node {
        Node::Internal(_) => INTERNAL_NODE_BYTES,
        Node::Leaf(_) | Node::Null => LEAF_NODE_BYTES.saturating_add(raw_key.len()),
    };
    let mut out = Vec::with_capacity(size);
    node.serialize(&mut out)
        .map_err(|error| StoreError::Damaged(format!("a tree node does not encode: {error}")))?;
    out.extend_from_slice(raw_key);
    Ok(out)
}

/// Decodes a tree node and, for a leaf, its raw key.
pub fn decode_node(stored: &[u8]) -> Result<(Node, Vec<u8>), StoreError> {
    let mut rest = stored;
    let node = Node::deserialize(&mut rest)
        .map_err(|error| StoreError::Damaged(format!("a tree node does not parse: {error}")))?;
    Ok((node, rest.to_vec()))
}

/// Bounds of the stale records of `height`.
pub fn stale_range(height: u64) -> (Vec<u8>, Vec<u8>) {
    let start = [b"s".as_slice(), &height.to_be_bytes()].concat();
    let end = prefix_end(&start).unwrap_or_default();
    (start, end)
}

/// The stale records of `height` that list `keys`.
pub fn stale_records(height: u64, keys: &[Vec<u8>]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut chunks: Vec<Vec<u8>> = Vec::new();
    for key in keys {
        let full = chunks
            .last()
            .is_none_or(|chunk| chunk.len() >= STALE_CHUNK_BYTES);
        if full {
            chunks.push(Vec::new());
        }
        if let Some(chunk) = chunks.last_mut() {
            prost::encoding::encode_varint(u64::try_from(key.len()).unwrap_or(u64::MAX), chunk);
            chunk.extend_from_slice(key);
        }
    }
    let numbered = (0u32..).zip(chunks);
    let (prefix, _) = stale_range(height);
    numbered
        .map(|(number, chunk)| ([prefix.as_slice(), &number.to_be_bytes()].concat(), chunk))
        .collect()
}

/// The physical keys that a stale record lists.
pub fn parse_stale_record(mut record: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
    let damaged = || StoreError::Damaged("a stale record does not parse".into());
    let mut keys = Vec::new();
    while !record.is_empty() {
        let length = prost::encoding::decode_varint(&mut record).map_err(|_| damaged())?;
        let length = usize::try_from(length).map_err(|_| damaged())?;
        let (key, rest) = record.split_at_checked(length).ok_or_else(damaged)?;
        keys.push(key.to_vec());
        record = rest;
    }
    Ok(keys)
}
