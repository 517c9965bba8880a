//! The engine fails, or writes a part only, at every step that there is: the store is at the old
//! height or at the new one, and replay gives the same app hash.

mod store_support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use race_app::store::{Batch, Changes, Engine, EntryIter, Kv, MemKv, Store, StoreError};
use store_support::{block, changes};

const KEEP: u64 = 2;

/// Fails the operation whose turn it is: reads and steps of a walk before it give what they should,
/// a commit writes only so many entries of its batch.
struct Faulty {
    inner: Arc<MemKv>,
    /// Operations until the fault.
    left: AtomicU64,
    /// Entries of its batch that the failing commit still writes; `u64::MAX`: all of them.
    torn: u64,
}

impl Faulty {
    fn over(inner: &Arc<MemKv>, left: u64, torn: u64) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::clone(inner),
            left: left.into(),
            torn,
        })
    }

    fn turn(&self) -> Result<(), StoreError> {
        let left = self.left.load(Ordering::SeqCst);
        self.left.store(left.saturating_sub(1), Ordering::SeqCst);
        match left {
            0 => Err(StoreError::Engine {
                action: "doing what it is told",
                reason: "the disk is gone".into(),
            }),
            _ => Ok(()),
        }
    }
}

impl Kv for Faulty {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.turn()?;
        self.inner.get(key)
    }

    fn range(&self, from: &[u8], to: &[u8]) -> Box<dyn EntryIter + '_> {
        let entries = self.inner.range(from, to);
        Box::new(entries.map(|entry| self.turn().and(entry)))
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let failed = self.turn();
        let count = match failed {
            Ok(()) => batch.len(),
            Err(_) => usize::try_from(self.torn).unwrap_or(usize::MAX),
        };
        self.inner.commit(batch.into_iter().take(count).collect())?;
        failed
    }
}

/// Overwrites, deletes and adds in two stores; from height 3 on it prunes.
fn block_of(height: u64) -> Changes {
    let keys: Vec<_> = (0..12u64).map(|n| (n * height % 7).to_be_bytes()).collect();
    let value = height.to_be_bytes();
    let writes: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(n, key)| {
            let value: &[u8] = if n % 5 == 2 { b"" } else { &value };
            (["auth", "bank"][n % 2], key.as_slice(), value)
        })
        .collect();
    changes(&writes)
}

fn next(store: &Store) -> Result<[u8; 32], StoreError> {
    let height = store.latest().height() + 1;
    let prepared = store.prepare(height, block_of(height))?;
    Ok(store.commit(prepared)?.app_hash())
}

/// App hashes of the heights 1 to `count`.
fn reference(count: u64) -> Vec<[u8; 32]> {
    let store = Store::open(Arc::new(MemKv::new())).unwrap();
    (0..count).map(|_| next(&store).unwrap()).collect()
}

fn copy(kv: &MemKv) -> Arc<MemKv> {
    let copy = MemKv::new();
    let entries = kv.range(&[], &[0xff; 64]).map(Result::unwrap);
    copy.commit(entries.map(|(key, value)| (key, Some(value))).collect())
        .unwrap();
    Arc::new(copy)
}

/// A database at height 4.
fn at_four() -> Arc<MemKv> {
    let kv = Arc::new(MemKv::new());
    let store = Store::open_keeping(kv.clone(), KEEP).unwrap();
    for _ in 0..4 {
        next(&store).unwrap();
    }
    kv
}

/// Opens what a fault left, which is at `old` or one further, and replays to height 7.
fn replays(kv: Arc<MemKv>, old: u64, hashes: &[[u8; 32]]) -> u64 {
    let store = Store::open_keeping(kv, KEEP).unwrap();
    let found = store.latest().height();
    assert!(found == old || found == old + 1, "at {found}");
    assert_eq!(store.latest().app_hash(), hashes[found as usize - 1]);
    store.latest().check().unwrap();
    while store.latest().height() < 7 {
        let app_hash = next(&store).unwrap();
        assert_eq!(app_hash, hashes[store.latest().height() as usize - 1]);
    }
    store.latest().check().unwrap();
    found
}

#[test]
fn a_failure_of_any_operation_of_a_block_leaves_the_old_height_or_the_new_one() {
    let (before, hashes) = (at_four(), reference(7));
    for torn in [0, u64::MAX] {
        let mut ends = BTreeMap::new();
        for fault in 0.. {
            let kv = copy(&before);
            let faulty = Faulty::over(&kv, fault, torn);
            let result = Store::open_keeping(faulty, KEEP).and_then(|store| {
                let result = next(&store);
                if result.is_err() {
                    // What readers see does not move before the write is known to be durable.
                    assert_eq!(store.latest().height(), 4);
                }
                result
            });
            let failed = result.is_err();
            if let Err(error) = result {
                let reason = error.to_string();
                assert!(reason.contains("the disk is gone"), "{reason}");
            }
            let found = replays(kv, 4, &hashes);
            *ends.entry((failed, found)).or_insert(0) += 1;
            if !failed {
                break;
            }
        }
        assert!(ends[&(true, 4)] > 20, "{ends:?}");
        // Only the commit itself, told to write all and then fail, gets to the new height.
        let new = ends.get(&(true, 5)).copied().unwrap_or_default();
        assert_eq!(new, u64::from(torn == u64::MAX));
    }
}

#[test]
fn a_batch_cut_after_any_entry_leaves_the_old_height_or_the_new_one() {
    let (before, hashes) = (at_four(), reference(7));
    // Operations up to the commit, which is the last one.
    let mut commit = 0;
    while Store::open_keeping(Faulty::over(&copy(&before), commit, 0), KEEP)
        .and_then(|store| next(&store))
        .is_err()
    {
        commit += 1;
    }
    for torn in 0.. {
        let kv = copy(&before);
        let store = Store::open_keeping(Faulty::over(&kv, commit - 1, torn), KEEP).unwrap();
        assert!(next(&store).is_err());
        if replays(kv, 4, &hashes) == 5 {
            assert!(torn > 10, "{torn}");
            break;
        }
    }
}

type Files = BTreeMap<PathBuf, Vec<u8>>;

fn read_files(folder: &Path, files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => read_files(&entry.path(), files),
            false => drop(files.insert(entry.path(), fs::read(entry.path()).unwrap())),
        }
    }
}

fn files_of(folder: &Path) -> Files {
    let mut files = Files::new();
    read_files(folder, &mut files);
    files
}

fn write_files(from: &Path, to: &Path, files: &Files) {
    for (path, bytes) in files {
        let path = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// `before` with the first `part` of 16 parts of what `after` changed.
fn torn(before: &[u8], after: &[u8], part: usize) -> Vec<u8> {
    let old = |at: usize| before.get(at).copied();
    let changed: Vec<_> = (0..after.len())
        .filter(|&at| old(at) != Some(after[at]))
        .collect();
    let Some(&end) = changed.get(changed.len() * part / 16) else {
        return after.to_vec();
    };
    let rest = before.get(end..).unwrap_or_default();
    [&after[..end], rest].concat()
}

/// What a power loss may leave of a commit's last files: each of them torn anywhere, the others
/// still old or already new.
fn a_commit_torn_in_its_files(engine: Engine) {
    let hashes = reference(7);
    let home = tempfile::tempdir().unwrap();
    let live = home.path().join("live");
    // Reopened, so that the engine's log has no room kept free, which would only be copied around.
    for _ in 0..2 {
        let store = engine.open_store(&live, KEEP).unwrap();
        next(&store).unwrap();
        next(&store).unwrap();
    }
    let store = engine.open_store(&live, KEEP).unwrap();
    let before = files_of(&live);
    next(&store).unwrap();
    let after = files_of(&live);
    drop(store);

    let mut ends = BTreeMap::new();
    let changed = after
        .iter()
        .filter(|(path, bytes)| before.get(*path) != Some(bytes));
    for (path, new) in changed {
        let old = before.get(path).cloned().unwrap_or_default();
        for (others, part) in [&before, &after]
            .into_iter()
            .flat_map(|o| (0..=16).map(move |p| (o, p)))
        {
            let mut files = others.clone();
            files.insert(path.clone(), torn(&old, new, part));
            let place = tempfile::tempdir().unwrap();
            write_files(&live, place.path(), &files);
            let end = match engine.open_store(place.path(), KEEP) {
                Ok(store) => {
                    let found = store.latest();
                    assert!([4, 5].contains(&found.height()), "{}", found.height());
                    assert_eq!(found.app_hash(), hashes[found.height() as usize - 1]);
                    found.check().unwrap();
                    while store.latest().height() < 7 {
                        let app_hash = next(&store).unwrap();
                        assert_eq!(app_hash, hashes[store.latest().height() as usize - 1]);
                    }
                    found.height()
                }
                Err(StoreError::Open { path, .. }) => {
                    assert_eq!(path, place.path());
                    0
                }
                Err(other) => panic!("{other}"),
            };
            *ends.entry(end).or_insert(0) += 1;
        }
    }
    assert!(ends.contains_key(&4) && ends.contains_key(&5), "{ends:?}");
}

#[test]
fn a_commit_torn_in_the_files_of_fjall_is_there_as_a_whole_or_not_at_all() {
    a_commit_torn_in_its_files(Engine::Fjall);
}

#[test]
fn a_commit_torn_in_the_files_of_sled_is_there_as_a_whole_or_not_at_all() {
    a_commit_torn_in_its_files(Engine::Sled);
}

/// A log that lost its end after the commit had returned is not a fresh start, and not an earlier
/// height either.
#[test]
fn a_lost_end_of_the_log_is_told_at_every_start() {
    for engine in Engine::ALL {
        let home = tempfile::tempdir().unwrap();
        let live = home.path().join("live");
        drop(engine.open_store(&live, KEEP).unwrap());
        let store = engine.open_store(&live, KEEP).unwrap();
        for _ in 0..4 {
            next(&store).unwrap();
        }
        let before = files_of(&live);
        next(&store).unwrap();
        let mut files = before.clone();
        let note = live.join("race-state");
        files.insert(note.clone(), fs::read(&note).unwrap());
        drop(store);
        let place = tempfile::tempdir().unwrap();
        write_files(&live, place.path(), &files);
        for _ in 0..2 {
            let error = engine.open_store(place.path(), KEEP).err().unwrap();
            assert!(matches!(&error, StoreError::Open { path, .. } if path == place.path()));
            let message = error.to_string();
            assert!(
                message.contains("height 4") && message.contains("height 5"),
                "{message}"
            );
        }
    }
}

#[test]
fn lost_data_is_never_taken_for_a_fresh_start() {
    for engine in Engine::ALL {
        for damage in ["remove", "truncate", "zero"] {
            let folder = tempfile::tempdir().unwrap();
            let store = engine.open_store(folder.path(), KEEP).unwrap();
            block(&store, &[("bank", b"a", b"1")]);
            drop(store);
            let note = folder.path().join("race-state");
            for (path, bytes) in files_of(folder.path()) {
                match damage {
                    _ if path == note || path.ends_with("engine") => {}
                    "remove" => fs::remove_file(&path).unwrap(),
                    "truncate" => fs::write(&path, []).unwrap(),
                    _ => fs::write(&path, vec![0; bytes.len()]).unwrap(),
                }
            }
            let error = engine.open_store(folder.path(), KEEP).err();
            assert!(
                matches!(error, Some(StoreError::Open { .. })),
                "{engine} {damage}"
            );
        }
    }
}
