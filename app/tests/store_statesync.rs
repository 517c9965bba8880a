//! Snapshots for state sync: what is restored is the state, and nothing else is ever taken for it.

mod store_support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use proptest::prelude::*;
use prost::Message as _;
use race_app::store::statesync::format::{self, Limits, Manifest};
use race_app::store::statesync::restore::Blocks;
use race_app::store::statesync::shelf::Shelf;
use race_app::store::statesync::take::take;
use race_app::store::statesync::{file, SnapshotError};
use race_app::store::{Batch, Changes, EntryIter, Kv, MemKv, Snapshot, Store, StoreError};
use store_support::{all, changes, Place};

/// Chunks of a few entries.
const SMALL: Limits = Limits {
    bytes: 18_000,
    entries: 7,
};

struct Taken {
    manifest: Manifest,
    chunks: Vec<Vec<u8>>,
}

fn taken(snapshot: &Snapshot) -> Taken {
    let mut chunks = Vec::new();
    let manifest = take(snapshot, SMALL, |chunk| {
        chunks.push(chunk.to_vec());
        Ok(())
    });
    Taken {
        manifest: manifest.unwrap(),
        chunks,
    }
}

fn restore(taken: &Taken, store: &Store) -> Result<Snapshot, SnapshotError> {
    let manifest = Manifest::check(&taken.manifest.encode_to_vec())?;
    let mut restore = store.restore(manifest, Blocks::None)?;
    for (index, chunk) in (0u32..).zip(&taken.chunks) {
        if let Some(snapshot) = restore.apply(index, chunk)? {
            return Ok(snapshot);
        }
    }
    panic!("the last chunk ended nothing");
}

/// Overwrites, deletes and adds in three stores, one of which has one key and one ends empty.
fn block_of(height: u64) -> Changes {
    let keys: Vec<_> = (0..40u64)
        .map(|n| (n * height % 61).to_be_bytes())
        .collect();
    let value = height.to_be_bytes();
    let mut writes: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(n, key)| {
            let value: &[u8] = if n % 7 == 3 { b"" } else { &value };
            (["auth", "bank"][n % 2], key.as_slice(), value)
        })
        .collect();
    writes.push(("chain", b"id", &value));
    writes.push(("gone", b"key", if height < 3 { &value } else { b"" }));
    changes(&writes)
}

fn next(store: &Store) -> [u8; 32] {
    let height = store.latest().height() + 1;
    let prepared = store.prepare(height, block_of(height)).unwrap();
    store.commit(prepared).unwrap().app_hash()
}

fn at(height: u64) -> Store {
    let store = Store::open(Arc::new(MemKv::new())).unwrap();
    for _ in 0..height {
        next(&store);
    }
    store
}

#[test]
fn a_restored_store_is_that_height_and_goes_on_to_the_same_hashes() {
    let original = at(6);
    let taken = taken(&original.latest());
    assert!(taken.chunks.len() > 5, "{}", taken.chunks.len());
    for place in Place::all() {
        let store = place.open();
        let restored = restore(&taken, &store).unwrap();
        assert_eq!(restored.app_hash(), original.latest().app_hash());
        assert_eq!(store.restored_height(), Some(6));
        drop((restored, store));

        // As after a restart.
        let store = place.open_keeping(2);
        let latest = store.latest();
        assert_eq!(
            (
                latest.height(),
                store.oldest_height(),
                store.restored_height()
            ),
            (6, 6, Some(6))
        );
        latest.check().unwrap();
        for name in ["auth", "bank", "chain", "gone"] {
            assert_eq!(all(&latest, name), all(&original.latest(), name), "{name}");
        }
        let proof = store.prove(6, "chain", b"id").unwrap();
        proof.verify(&latest.app_hash(), "chain", b"id").unwrap();
        assert!(matches!(store.at(5), Err(StoreError::Pruned { .. })));
        drop(latest);
        let other = at(6);
        for _ in 0..4 {
            assert_eq!(next(&store), next(&other));
        }
        store.latest().check().unwrap();
        assert_eq!(store.oldest_height(), 9);
        assert_eq!(store.restored_height(), Some(6));
    }
}

#[test]
fn all_nodes_take_the_same_snapshot_however_they_got_there() {
    let by_blocks = at(6);
    let first = taken(&by_blocks.latest());

    let by_snapshot = at(0);
    restore(&taken(&at(4).latest()), &by_snapshot).unwrap();
    next(&by_snapshot);
    next(&by_snapshot);
    let second = taken(&by_snapshot.latest());

    // In one block, in another order.
    let at_once = at(0);
    let entries = by_blocks.latest();
    let entries = entries.entries().map(Result::unwrap);
    let writes = entries.map(|entry| ((entry.store, entry.key), Some(entry.value)));
    let prepared = at_once.prepare(6, writes).unwrap();
    at_once.commit(prepared).unwrap();
    let third = taken(&at_once.latest());

    for other in [second, third] {
        assert_eq!(other.manifest, first.manifest);
        assert_eq!(other.chunks, first.chunks);
    }
}

#[test]
fn other_bytes_than_the_manifest_names_are_their_senders_fault_and_change_nothing() {
    let original = at(5);
    let taken = taken(&original.latest());
    let store = at(0);
    let mut restore = store.restore(taken.manifest.clone(), Blocks::None).unwrap();
    for (index, chunk) in (0u32..).zip(&taken.chunks) {
        let mut torn = chunk.clone();
        torn.pop();
        let mut turned = chunk.clone();
        turned[3] ^= 1;
        let long = vec![0; format::MAX_CHUNK_BYTES + 1];
        for wrong in [&torn, &turned, &Vec::new(), &long] {
            let refused = restore.apply(index, wrong);
            assert!(matches!(refused, Err(SnapshotError::Foreign { .. })));
        }
        let refused = restore.apply(index + 1, chunk);
        assert!(matches!(refused, Err(SnapshotError::Foreign { .. })));
        restore.apply(index, chunk).unwrap();
    }
    assert_eq!(store.latest().app_hash(), original.latest().app_hash());
}

/// A snapshot whose manifest names other chunks than those of the state.
fn lying(honest: &Taken, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Taken {
    let mut chunks = honest.chunks.clone();
    change(&mut chunks);
    let digests = chunks.iter().map(|chunk| format::hash(chunk).to_vec());
    Taken {
        manifest: Manifest {
            chunks: digests.collect(),
            ..honest.manifest.clone()
        },
        chunks,
    }
}

#[test]
fn what_is_not_under_the_app_hash_is_refused_and_leaves_an_empty_store() {
    let honest = taken(&at(5).latest());
    let lies = [
        // Another value, key, store, proof: each byte of a chunk.
        (0..honest.chunks[1].len())
            .map(|n| lying(&honest, |chunks| chunks[1][n] ^= 1))
            .collect::<Vec<_>>(),
        vec![
            lying(&honest, |chunks| drop(chunks.remove(0))),
            lying(&honest, |chunks| drop(chunks.remove(2))),
            lying(&honest, |chunks| drop(chunks.pop())),
            lying(&honest, |chunks| chunks.swap(1, 2)),
            lying(&honest, |chunks| {
                let again = chunks[1].clone();
                chunks.insert(1, again);
            }),
            lying(&honest, |chunks| {
                let again = chunks[1].clone();
                chunks.push(again);
            }),
        ],
    ];
    for (n, lie) in lies.into_iter().flatten().enumerate() {
        let kv = Arc::new(MemKv::new());
        let store = Store::open(kv.clone()).unwrap();
        match restore(&lie, &store) {
            Err(SnapshotError::Lie { .. } | SnapshotError::Manifest(_)) => {}
            other => panic!("lie {n}: {other:?}"),
        }
        assert_eq!(store.latest().height(), 0);
        drop(store);
        let store = Store::open(kv.clone()).unwrap();
        assert!(kv.is_empty());
        // And the honest one is taken after it.
        restore(&honest, &store).unwrap();
    }
}

#[test]
fn a_manifest_is_refused_before_anything_is_fetched() {
    let honest = taken(&at(5).latest()).manifest;
    let refused = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = honest.clone();
        change(&mut manifest);
        match Manifest::check(&manifest.encode_to_vec()) {
            Err(SnapshotError::Manifest(reason)) => reason,
            other => panic!("{other:?}"),
        }
    };
    assert!(refused(&|m| m.height = 0).contains("height"));
    assert!(refused(&|m| m.app_hash[0] ^= 1).contains("app hash"));
    assert!(refused(&|m| m.stores[0].root[0] ^= 1).contains("app hash"));
    assert!(refused(&|m| drop(m.stores.pop())).contains("app hash"));
    assert!(refused(&|m| m.stores.swap(0, 1)).contains("order"));
    assert!(refused(&|m| m.stores[0].name = "no such name!".into()).contains("malformed"));
    assert!(refused(&|m| m.stores[0].root.truncate(31)).contains("malformed"));
    assert!(refused(&|m| m.stores.clear()).contains("0 stores"));
    assert!(refused(&|m| m.chunks.clear()).contains("0 chunks"));
    assert!(refused(&|m| m.chunks[0].push(0)).contains("32 bytes"));
    let many = vec![vec![0; 32]; format::MAX_CHUNKS + 1];
    assert!(refused(&|m| m.chunks = many.clone()).contains("chunks"));
    let huge = vec![0; format::MAX_MANIFEST_BYTES + 1];
    assert!(Manifest::check(&huge).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_of_a_chunk_or_manifest_do_more_than_be_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..300)
    ) {
        let _ = format::parts(&bytes);
        prop_assert!(Manifest::check(&bytes).is_err());
    }
}

/// Fails the operation whose turn it is, and all after it; a commit is whole or not at all.
struct Failing {
    inner: Arc<MemKv>,
    left: AtomicU64,
}

impl Failing {
    fn turn(&self) -> Result<(), StoreError> {
        let left = self.left.load(Ordering::SeqCst);
        self.left.store(left.saturating_sub(1), Ordering::SeqCst);
        match left {
            0 => Err(StoreError::Engine {
                action: "doing what it is told",
                reason: "the process is gone".into(),
            }),
            _ => Ok(()),
        }
    }
}

impl Kv for Failing {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.turn()?;
        self.inner.get(key)
    }

    fn range(&self, from: &[u8], to: &[u8]) -> Box<dyn EntryIter + '_> {
        Box::new(
            self.inner
                .range(from, to)
                .map(|entry| self.turn().and(entry)),
        )
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.turn()?;
        self.inner.commit(batch)
    }
}

#[test]
fn a_restore_that_is_interrupted_anywhere_leaves_an_empty_store_or_the_whole_state() {
    let original = at(5);
    let taken = taken(&original.latest());
    for left in 0.. {
        let inner = Arc::new(MemKv::new());
        let failing = Arc::new(Failing {
            inner: Arc::clone(&inner),
            left: u64::MAX.into(),
        });
        let store = Store::open(failing.clone()).unwrap();
        failing.left.store(left, Ordering::SeqCst);
        let done = restore(&taken, &store);
        drop(store);
        let over = done.is_ok();

        // The sweep is interrupted as well, once.
        failing.left.store(left % 4, Ordering::SeqCst);
        let _ = Store::open(failing);
        let store = Store::open(inner.clone()).unwrap();
        match store.latest().height() {
            0 => {
                assert!(inner.is_empty(), "after {left} operations");
                restore(&taken, &store).unwrap();
            }
            height => assert_eq!(height, 5, "after {left} operations"),
        }
        assert_eq!(store.latest().app_hash(), original.latest().app_hash());
        store.latest().check().unwrap();
        if over {
            return;
        }
    }
}

#[test]
fn a_store_that_has_a_state_takes_no_snapshot() {
    let taken = taken(&at(5).latest());
    let store = at(2);
    assert!(matches!(
        restore(&taken, &store),
        Err(SnapshotError::NotEmpty(2))
    ));
    assert_eq!(store.latest().height(), 2);
}

#[test]
fn a_height_that_a_snapshot_is_taken_of_is_not_pruned_meanwhile() {
    let store = Store::open_keeping(Arc::new(MemKv::new()), 1).unwrap();
    for _ in 0..4 {
        next(&store);
    }
    let pinned = store.latest();
    let mut chunks = 0;
    let manifest = take(&pinned, SMALL, |_| {
        chunks += 1;
        next(&store);
        Ok(())
    });
    assert_eq!(manifest.unwrap(), taken(&pinned).manifest);
    assert!(chunks > 5);
    assert_eq!(store.oldest_height(), 4);
    drop(pinned);
    next(&store);
    assert!(store.oldest_height() > 4);
}

#[test]
fn the_shelf_keeps_the_newest_survives_a_restart_and_drops_what_is_unfinished() {
    let folder = tempfile::tempdir().unwrap();
    let store = at(3);
    let shelf = Shelf::open(folder.path(), 2).unwrap();
    for height in 4..=6 {
        next(&store);
        let manifest = shelf.take(&store.latest()).unwrap();
        assert_eq!(manifest.height, height);
        // Again: nothing is written anew.
        assert_eq!(shelf.take(&store.latest()).unwrap(), manifest);
    }
    let heights = |shelf: &Shelf| -> Vec<u64> { shelf.list().iter().map(|m| m.height).collect() };
    assert_eq!(heights(&shelf), [5, 6]);

    std::fs::create_dir(folder.path().join("7.partial")).unwrap();
    std::fs::write(folder.path().join("7.partial/0"), b"half a chunk").unwrap();
    std::fs::create_dir(folder.path().join("8")).unwrap();
    // A look removes nothing: a node may work there.
    assert_eq!(heights(&Shelf::look(folder.path()).unwrap()), [5, 6]);
    assert!(folder.path().join("7.partial").exists());
    let shelf = Shelf::open(folder.path(), 2).unwrap();
    assert_eq!(heights(&shelf), [5, 6]);
    assert!(!folder.path().join("7.partial").exists());

    // The light client of who restores needs the two blocks after.
    assert_eq!(shelf.offered(7).len(), 1);
    assert_eq!(shelf.offered(8).len(), 2);

    let chunk = shelf.chunk(6, 0).unwrap();
    assert_eq!(format::hash(&chunk).as_slice(), shelf.list()[1].chunks[0]);
    assert_eq!(shelf.chunk(6, 9), None);
    assert_eq!(shelf.chunk(4, 0), None);
    std::fs::write(folder.path().join("6/0"), b"damaged").unwrap();
    assert_eq!(shelf.chunk(6, 0), None);
    shelf.drop_above(5).unwrap();
    assert_eq!(heights(&shelf), [5]);
    assert!(!folder.path().join("6").exists());
}

#[test]
fn a_snapshot_is_carried_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let original = at(5);
    let shelf = Shelf::open(&folder.path().join("shelf"), 2).unwrap();
    shelf.take(&original.latest()).unwrap();
    let path = folder.path().join("snapshot");
    assert!(file::export(&shelf, 4, &path).is_err());
    file::export(&shelf, 5, &path).unwrap();
    assert!(file::export(&shelf, 5, &path).is_err(), "it was replaced");
    let store = at(0);
    file::restore(&path, &store, Blocks::Later).unwrap();
    assert_eq!(store.latest().app_hash(), original.latest().app_hash());
    assert_eq!(store.restored_height(), None);

    let whole = std::fs::read(&path).unwrap();
    for (torn, to) in [
        (whole.len() - 1, "the end"),
        (40, "the manifest"),
        (3, "the line"),
    ] {
        std::fs::write(&path, &whole[..torn]).unwrap();
        let store = at(0);
        assert!(
            file::restore(&path, &store, Blocks::Later).is_err(),
            "torn at {to}"
        );
        assert_eq!(store.latest().height(), 0);
    }
}
