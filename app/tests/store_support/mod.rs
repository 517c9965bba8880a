//! What the tests of the store share: both engines, and a short way to write a block.
#![allow(dead_code)] // each test file uses its own part

use std::path::Path;
use std::sync::Arc;

use race_app::store::{Changes, Kv, MemKv, SledKv, Snapshot, Store};

/// A place for a database that can be opened again and again, as after a restart.
pub enum Place {
    Memory(Arc<MemKv>),
    Sled(tempfile::TempDir),
}

impl Place {
    pub fn memory() -> Self {
        Self::Memory(Arc::new(MemKv::new()))
    }

    pub fn sled() -> Self {
        Self::Sled(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn both() -> [Self; 2] {
        [Self::memory(), Self::sled()]
    }

    pub fn kv(&self) -> Arc<dyn Kv> {
        match self {
            Self::Memory(kv) => Arc::clone(kv) as Arc<dyn Kv>,
            Self::Sled(folder) => open_sled(folder.path()),
        }
    }

    pub fn open(&self) -> Store {
        Store::open(self.kv()).expect("the store opens")
    }

    pub fn open_keeping(&self, versions: u64) -> Store {
        Store::open_keeping(self.kv(), versions).expect("the store opens")
    }
}

pub fn open_sled(path: &Path) -> Arc<dyn Kv> {
    Arc::new(SledKv::open(path).expect("the database opens"))
}

/// Changes from (store, key, value) with an empty value for a deletion.
pub fn changes(writes: &[(&str, &[u8], &[u8])]) -> Changes {
    let one = |(store, key, value): &(&str, &[u8], &[u8])| {
        (
            (store.to_string(), key.to_vec()),
            (!value.is_empty()).then(|| value.to_vec()),
        )
    };
    writes.iter().map(one).collect()
}

/// Prepares and commits the next block.
pub fn block(store: &Store, writes: &[(&str, &[u8], &[u8])]) -> Snapshot {
    let prepared = store
        .prepare(store.latest().height() + 1, changes(writes))
        .expect("prepares");
    let app_hash = prepared.app_hash();
    let snapshot = store.commit(prepared).expect("commits");
    assert_eq!(snapshot.app_hash(), app_hash);
    snapshot
}

/// All entries of a store in a snapshot.
pub fn all(snapshot: &Snapshot, store: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    snapshot.range(store, b"", None).collect()
}
