//! What can go wrong in the store, in words an operator can act on.

use std::path::PathBuf;

/// An error of the state store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database at `path` does not open. Nothing was changed or repaired.
    #[error(
        "the state database at {path} does not open: {reason}. Nothing was repaired. \
         Stop any other process that uses it. If it is damaged, move it aside \
         (`mv {path} {path}.aside`) and start again: CometBFT then replays its blocks from the first; \
         if it no longer has them, restore the state by state sync",
        path = path.display()
    )]
    Open {
        /// Folder of the database.
        path: PathBuf,
        /// What the engine or our own check said.
        reason: String,
    },
    /// The folder belongs to another engine than the configured one.
    #[error(
        "the state database at {path} was written by the engine {found}, and {configured} is \
         configured. Set `[store] backend = \"{found}\"`, or move it aside (`mv {path} {path}.aside`) \
         and start again: CometBFT then replays its blocks",
        path = path.display()
    )]
    OtherEngine {
        /// Folder of the database.
        path: PathBuf,
        /// The engine that its folder names.
        found: String,
        /// The engine that was to open it.
        configured: &'static str,
    },
    /// The database engine failed while reading or writing.
    #[error(
        "the state database failed while {action}: {reason}; stop the node and check the disk"
    )]
    Engine {
        /// What was being done.
        action: &'static str,
        /// What the engine said.
        reason: String,
    },
    /// What the database holds contradicts itself.
    #[error(
        "the state database is damaged: {0}. Nothing was repaired. Move it aside and restore the state \
         by replay or state sync"
    )]
    Damaged(String),
    /// The database was written by another version of this program.
    #[error("the state database has format {found}, this program reads format {expected}; use the version that wrote it")]
    Format {
        /// Format number in the database.
        found: u32,
        /// Format number that this program writes.
        expected: u32,
    },
    /// The tree library refused an update or a proof.
    #[error("the state tree of store {store:?} failed: {reason}")]
    Tree {
        /// Name of the store; empty for the root tree.
        store: String,
        /// What the tree said.
        reason: String,
    },
    /// Blocks are prepared and committed one after the other.
    #[error("expected changes for height {expected}, got height {got}")]
    WrongHeight {
        /// The height that may come next.
        expected: u64,
        /// The height that was given.
        got: u64,
    },
    /// The changes were prepared on another state than the latest.
    #[error("the changes of height {height} were prepared on height {base}, but the latest is {latest}; prepare them again")]
    Superseded {
        /// Height of the prepared changes.
        height: u64,
        /// Height that they were prepared on.
        base: u64,
        /// Latest durable height.
        latest: u64,
    },
    /// A past height that is no longer kept.
    #[error("height {height} is no longer kept; the oldest kept is {oldest}")]
    Pruned {
        /// The height asked for.
        height: u64,
        /// The oldest height that can be read.
        oldest: u64,
    },
    /// A height that has not been committed.
    #[error("height {height} is in the future; the latest is {latest}")]
    Future {
        /// The height asked for.
        height: u64,
        /// The latest height.
        latest: u64,
    },
    /// A height before or after an upgrade.
    #[error("the state of height {height} has app version {found}, this program reads {own}; read it with the program of that version")]
    OtherVersion {
        /// The height asked for.
        height: u64,
        /// The version of its state.
        found: u64,
        /// The program's.
        own: u64,
    },
    /// ICS-23 cannot prove an empty value, so none is stored.
    #[error("empty value for key {key} of store {store:?}: delete the key instead")]
    EmptyValue {
        /// Name of the store.
        store: String,
        /// The key in hex.
        key: String,
    },
    /// ICS-23 cannot prove an empty key, so none is stored.
    #[error("empty key in store {store:?}: a key has at least one byte")]
    EmptyKey {
        /// Name of the store.
        store: String,
    },
    /// A store's name has 1 to 32 of `a-z 0-9 _`.
    #[error("{0:?} is no store name: expected 1 to 32 of a-z, 0-9 and _")]
    StoreName(String),
    /// An empty tree has no proofs.
    #[error("the state at height {height} is empty, so nothing can be proved about it")]
    NothingToProve {
        /// The height asked for.
        height: u64,
    },
    /// A proof does not prove what it should.
    #[error("the proof does not hold: {0}")]
    Proof(String),
}
