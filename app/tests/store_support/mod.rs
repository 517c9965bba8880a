//! What the tests of the store share: every engine, and a short way to write a block.
#![allow(dead_code)] // each test file uses its own part

use std::sync::Arc;

use race_app::store::{Changes, Engine, Kv, MemKv, Snapshot, Store};

/// A place for a database that can be opened again and again, as after a restart.
pub enum Place {
    Memory(Arc<MemKv>),
    Disk(Engine, tempfile::TempDir),
}

impl Place {
    pub fn memory() -> Self {
        Self::Memory(Arc::new(MemKv::new()))
    }

    pub fn disk(engine: Engine) -> Self {
        Self::Disk(engine, tempfile::tempdir().expect("a temporary folder"))
    }

    /// A new place on every engine.
    pub fn all() -> Vec<Self> {
        let disks = Engine::ALL.into_iter().map(Self::disk);
        std::iter::once(Self::memory()).chain(disks).collect()
    }

    pub fn kv(&self) -> Arc<dyn Kv> {
        match self {
            Self::Memory(kv) => Arc::clone(kv) as Arc<dyn Kv>,
            Self::Disk(engine, folder) => engine.open(folder.path()).expect("the database opens"),
        }
    }

    pub fn open(&self) -> Store {
        Store::open(self.kv()).expect("the store opens")
    }

    pub fn open_keeping(&self, versions: u64) -> Store {
        Store::open_keeping(self.kv(), versions).expect("the store opens")
    }
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
