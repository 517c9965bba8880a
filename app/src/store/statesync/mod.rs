//! Snapshots for state sync: the state of one height in chunks, each checked against the app hash.
//!
//! | file | what is in it |
//! |---|---|
//! | [`format`] | manifest and chunks as bytes, their limits; pure |
//! | [`take`] | from a committed height to chunks |
//! | [`shelf`] | the folder of finished snapshots: taken, listed, read, dropped |
//! | [`restore`] | from chunks to the committed height of an empty store |
//! | [`file`] | a snapshot in one file, to carry it elsewhere |
//!
//! # What a chunk proves
//!
//! The manifest names every store with its root; a tree over them has the app hash, so a manifest is
//! checked before a byte of state is fetched. It also names every chunk's SHA-256, so a bad chunk is
//! told apart from a bad snapshot: the first is its sender's fault, the second that of all who offer
//! it. A chunk has one or more parts, each a run of a store's leaves in the order of the tree, with the
//! siblings on the right of its last leaf: together with the leaves before, which are there already,
//! they give the store's root. Nothing that is not under the app hash is written.
//!
//! Invariant: the bytes depend on the keys and values alone, not on the way there (tree versions are
//! not among them), so all nodes offer the same snapshot of a height.

pub mod file;
pub mod format;
pub mod restore;
pub mod shelf;
pub mod take;

use std::path::{Path, PathBuf};

use super::StoreError;

/// Why a snapshot is not taken, offered or restored.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The state database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file or folder of snapshots failed.
    #[error("{action} {path}: {source}; check the disk's space and rights", path = path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The manifest contradicts itself, the app hash or a limit. Whoever offers it is wrong.
    #[error("the snapshot's manifest is refused: {0}")]
    Manifest(String),
    /// The bytes are not the chunk that the manifest names. Whoever sent them is wrong.
    #[error("chunk {index} is not the one that the manifest names: {reason}")]
    Foreign {
        /// Which chunk.
        index: u32,
        /// What differs.
        reason: String,
    },
    /// The chunk is the manifest's, but not under the app hash. Whoever offers the snapshot is wrong.
    #[error("chunk {index} does not belong to the state: {reason}")]
    Lie {
        /// Which chunk.
        index: u32,
        /// What does not hold.
        reason: String,
    },
    /// An entry is larger than a chunk may be.
    #[error("the entry {key} of store {store:?} has {bytes} bytes, more than a chunk may have")]
    TooLarge {
        /// The store.
        store: String,
        /// The key in hex.
        key: String,
        /// Size of the entry.
        bytes: usize,
    },
    /// The store has a state already.
    #[error("the state database is at height {0}; a snapshot is restored into an empty one only")]
    NotEmpty(u64),
}

fn failed<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl Fn(std::io::Error) -> SnapshotError + 'a {
    move |source| SnapshotError::Io {
        action,
        path: path.to_path_buf(),
        source,
    }
}
