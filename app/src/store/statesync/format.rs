//! Manifest and chunks as bytes. Pure.
//!
//! A manifest is a protobuf message. A chunk is a list of parts: the number of the store in the
//! manifest, the number of entries, the entries (length and bytes of key and value), length and bytes of
//! the proof; numbers are varints. Decoding allocates nothing for what is announced, only for what is
//! there.

use prost::encoding::{decode_varint, encode_varint, encoded_len_varint};
use prost::Message;
use sha2::{Digest, Sha256};

use super::SnapshotError;
use crate::store::layout::is_store_name;
use crate::store::{snapshot, EMPTY_ROOT};

/// The format of this program, as ABCI names it. Others are refused.
pub const FORMAT: u32 = 1;

/// Most bytes of a chunk: CometBFT carries 16 MB.
pub const MAX_CHUNK_BYTES: usize = 10_000_000;

/// Most entries of a chunk, which bounds what a decoded one takes in memory.
pub const MAX_CHUNK_ENTRIES: usize = 65_536;

/// Most chunks of a snapshot: about 160 GB.
pub const MAX_CHUNKS: usize = 16_384;

/// Most stores of a snapshot.
pub const MAX_STORES: usize = 256;

/// Most bytes of a manifest; CometBFT carries 4 MB with what is around it.
pub const MAX_MANIFEST_BYTES: usize = 1 << 20;

/// Room that a chunk keeps for the proof of a part: at most 256 siblings of 65 bytes.
const PROOF_ROOM: usize = 17_000;

/// What a snapshot consists of.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Manifest {
    /// The height after whose block the state is.
    #[prost(uint64, tag = "1")]
    pub height: u64,
    /// The app hash after it, 32 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub app_hash: Vec<u8>,
    /// Every store with a key, in the order of names.
    #[prost(message, repeated, tag = "3")]
    pub stores: Vec<StoreRoot>,
    /// SHA-256 of every chunk, 32 bytes each.
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub chunks: Vec<Vec<u8>>,
    /// Bytes of all chunks.
    #[prost(uint64, tag = "5")]
    pub bytes: u64,
}

/// A store of the manifest.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct StoreRoot {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Root of its tree, 32 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub root: Vec<u8>,
}

/// SHA-256: of a manifest's bytes what a snapshot is known by, of a chunk's what the manifest names.
pub fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The root of a store of a manifest that was checked.
pub(super) fn root_of(store: &StoreRoot) -> [u8; 32] {
    store.root.as_slice().try_into().unwrap_or(EMPTY_ROOT)
}

impl Manifest {
    /// Decodes a manifest and checks that its limits hold and that its stores have its app hash.
    ///
    /// # Errors
    /// [`SnapshotError::Manifest`] says what is wrong.
    pub fn check(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let refused = |reason: String| Err(SnapshotError::Manifest(reason));
        if bytes.len() > MAX_MANIFEST_BYTES {
            return refused(format!(
                "it has {} bytes, the limit is {MAX_MANIFEST_BYTES}",
                bytes.len()
            ));
        }
        let manifest =
            Self::decode(bytes).map_err(|error| SnapshotError::Manifest(error.to_string()))?;
        if manifest.height == 0 {
            return refused("it has no height".into());
        }
        if !(1..=MAX_CHUNKS).contains(&manifest.chunks.len()) {
            return refused(format!(
                "it has {} chunks, expected 1 to {MAX_CHUNKS}",
                manifest.chunks.len()
            ));
        }
        if manifest.chunks.iter().any(|hash| hash.len() != 32) {
            return refused("the digest of a chunk has not 32 bytes".into());
        }
        if !(1..=MAX_STORES).contains(&manifest.stores.len()) {
            return refused(format!(
                "it has {} stores, expected 1 to {MAX_STORES}",
                manifest.stores.len()
            ));
        }
        let ordered = manifest
            .stores
            .is_sorted_by(|left, right| left.name < right.name);
        let named = |store: &StoreRoot| is_store_name(&store.name) && store.root.len() == 32;
        if !ordered || !manifest.stores.iter().all(named) {
            return refused("its stores are out of order or malformed".into());
        }
        let stores = manifest.stores.iter();
        let roots = stores.map(|store| (store.name.clone().into_bytes(), Some(store.root.clone())));
        if snapshot::root_over(roots.collect())?.as_slice() != manifest.app_hash {
            return refused("its stores do not have its app hash".into());
        }
        Ok(manifest)
    }
}

/// A part of a chunk: entries of one store.
#[derive(Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The store's place in the manifest.
    pub store: usize,
    /// Raw keys and values, in the order of the tree.
    pub entries: Vec<(&'a [u8], &'a [u8])>,
    /// The siblings on the right of the last entry.
    pub proof: &'a [u8],
}

/// Decodes a chunk that has its digest. Nothing in it is empty, and it has nothing after its parts.
///
/// # Errors
/// What is wrong with it.
pub fn parts(chunk: &[u8]) -> Result<Vec<Part<'_>>, String> {
    let mut rest = chunk;
    let mut parts: Vec<Part<'_>> = Vec::new();
    let mut total = 0usize;
    while !rest.is_empty() {
        let store = number(&mut rest)?;
        if parts.last().is_some_and(|last| last.store >= store) {
            return Err("its parts are out of order".into());
        }
        let count = number(&mut rest)?;
        total = total.saturating_add(count);
        if count == 0 || total > MAX_CHUNK_ENTRIES {
            return Err(format!(
                "it has {total} entries and a part of {count}, expected 1 to {MAX_CHUNK_ENTRIES}"
            ));
        }
        let mut entries = Vec::new();
        for _ in 0..count {
            let (key, value) = (run(&mut rest)?, run(&mut rest)?);
            if key.is_empty() || value.is_empty() {
                return Err("it has an empty key or value".into());
            }
            entries.push((key, value));
        }
        let proof = run(&mut rest)?;
        parts.push(Part {
            store,
            entries,
            proof,
        });
    }
    match parts.is_empty() {
        true => Err("it is empty".into()),
        false => Ok(parts),
    }
}

fn number(rest: &mut &[u8]) -> Result<usize, String> {
    let number = decode_varint(rest).map_err(|error| error.to_string())?;
    usize::try_from(number).map_err(|error| error.to_string())
}

fn run<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], String> {
    let length = number(rest)?;
    let (run, after) = rest
        .split_at_checked(length)
        .ok_or("it ends within an entry")?;
    *rest = after;
    Ok(run)
}

fn push_run(out: &mut Vec<u8>, run: &[u8]) {
    push_number(out, run.len());
    out.extend_from_slice(run);
}

fn push_number(out: &mut Vec<u8>, number: usize) {
    // A length in memory fits.
    encode_varint(u64::try_from(number).unwrap_or(u64::MAX), out);
}

/// How large chunks become.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most bytes of one.
    pub bytes: usize,
    /// Most entries of one.
    pub entries: usize,
}

impl Default for Limits {
    /// What nodes use: all of them the same, or their snapshots differ.
    fn default() -> Self {
        Self {
            bytes: MAX_CHUNK_BYTES,
            entries: MAX_CHUNK_ENTRIES,
        }
    }
}

/// Fills one chunk after the other.
pub(super) struct Filler {
    limits: Limits,
    bytes: Vec<u8>,
    entries: usize,
    /// The part that is being filled.
    part: Vec<u8>,
    part_entries: usize,
}

impl Filler {
    /// Nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            bytes: Vec::new(),
            entries: 0,
            part: Vec::new(),
            part_entries: 0,
        }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Bytes that an entry takes.
    pub fn size(key: &[u8], value: &[u8]) -> usize {
        let one = |run: &[u8]| {
            let length = u64::try_from(run.len()).unwrap_or(u64::MAX);
            encoded_len_varint(length).saturating_add(run.len())
        };
        one(key).saturating_add(one(value))
    }

    /// Whether an entry of `size` bytes still fits, with its proof.
    pub fn fits(&self, size: usize) -> bool {
        let with_it = [self.bytes.len(), self.part.len(), size, PROOF_ROOM]
            .into_iter()
            .fold(0usize, usize::saturating_add);
        with_it <= self.limits.bytes && self.entries < self.limits.entries
    }

    /// Adds an entry to the part.
    pub fn push(&mut self, key: &[u8], value: &[u8]) {
        push_run(&mut self.part, key);
        push_run(&mut self.part, value);
        self.part_entries = self.part_entries.saturating_add(1);
        self.entries = self.entries.saturating_add(1);
    }

    /// Ends the part of `store`; nothing if it has no entry.
    pub fn end_part(&mut self, store: usize, proof: &[u8]) {
        if self.part_entries == 0 {
            return;
        }
        push_number(&mut self.bytes, store);
        push_number(&mut self.bytes, self.part_entries);
        self.bytes.append(&mut self.part);
        push_run(&mut self.bytes, proof);
        self.part_entries = 0;
    }

    /// The finished chunk; leaves an empty one.
    pub fn finish(&mut self) -> Vec<u8> {
        std::mem::replace(self, Self::new(self.limits)).bytes
    }
}
