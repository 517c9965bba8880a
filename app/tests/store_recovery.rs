//! Restarts, crashes and damage: the store is at the old height or at the new one, or it says
//! why it does not open.

mod store_support;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use race_app::store::{Batch, EntryIter, Kv, MemKv, SledKv, Store, StoreError};
use store_support::{block, changes, open_sled, Place};

#[test]
fn a_reopened_store_has_the_same_height_hash_and_contents() {
    for place in Place::both() {
        let store = place.open();
        block(&store, &[("bank", b"a", b"1"), ("bank", b"b", b"2")]);
        let app_hash = block(&store, &[("bank", b"a", b""), ("auth", b"x", b"3")]).app_hash();
        drop(store);
        let store = place.open();
        let latest = store.latest();
        assert_eq!((latest.height(), latest.app_hash()), (2, app_hash));
        assert_eq!(latest.get("bank", b"a"), None);
        assert_eq!(latest.get("bank", b"b"), Some(b"2".to_vec()));
        assert_eq!(store.at(1).unwrap().get("bank", b"a"), Some(b"1".to_vec()));
        latest.check().unwrap();
        block(&store, &[("auth", b"x", b"4")]);
    }
}

#[test]
fn a_crash_between_prepare_and_commit_leaves_the_old_height() {
    for place in Place::both() {
        let store = place.open();
        let old = block(&store, &[("bank", b"a", b"1")]).app_hash();
        let lost = store.prepare(2, changes(&[("bank", b"a", b"2")])).unwrap();
        let app_hash = lost.app_hash();
        drop((lost, store));
        let store = place.open();
        assert_eq!(
            (store.latest().height(), store.latest().app_hash()),
            (1, old)
        );
        // The replayed block has the same hash.
        assert_eq!(block(&store, &[("bank", b"a", b"2")]).app_hash(), app_hash);
    }
}

/// An engine that fails when told to: before it writes, or after.
struct Failing {
    inner: MemKv,
    before: AtomicBool,
    after: AtomicBool,
}

impl Kv for Failing {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key)
    }

    fn range(&self, from: &[u8], to: &[u8]) -> Box<dyn EntryIter + '_> {
        self.inner.range(from, to)
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let failure = || StoreError::Engine {
            action: "writing a batch",
            reason: "the disk is full".into(),
        };
        if self.before.load(Ordering::SeqCst) {
            return Err(failure());
        }
        self.inner.commit(batch)?;
        if self.after.load(Ordering::SeqCst) {
            return Err(failure());
        }
        Ok(())
    }
}

#[test]
fn a_failed_write_leaves_the_old_height_or_the_new_one_and_nothing_between() {
    for (before, after, height) in [(true, false, 1), (false, true, 2)] {
        let kv = Arc::new(Failing {
            inner: MemKv::new(),
            before: false.into(),
            after: false.into(),
        });
        let store = Store::open_keeping(kv.clone(), 1).unwrap();
        block(&store, &[("bank", b"a", b"1")]);
        kv.before.store(before, Ordering::SeqCst);
        kv.after.store(after, Ordering::SeqCst);
        let prepared = store.prepare(2, changes(&[("bank", b"a", b"2")])).unwrap();
        assert!(matches!(
            store.commit(prepared).unwrap_err(),
            StoreError::Engine { .. }
        ));
        // What readers see does not move before the write is known to be durable.
        assert_eq!(store.latest().get("bank", b"a"), Some(b"1".to_vec()));
        let store = Store::open(kv.clone()).unwrap();
        assert_eq!(store.latest().height(), height);
        store.latest().check().unwrap();
    }
}

#[test]
fn a_database_in_use_is_refused_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let _held = SledKv::open(folder.path()).unwrap();
    let error = SledKv::open(folder.path()).err().unwrap();
    assert!(matches!(&error, StoreError::Open { path, .. } if path == folder.path()));
    assert!(
        error
            .to_string()
            .contains(&folder.path().display().to_string()),
        "{error}"
    );
}

#[test]
fn a_path_that_is_a_file_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(
        SledKv::open(file.path()).err(),
        Some(StoreError::Open { .. })
    ));
}

#[test]
fn lost_data_is_never_taken_for_a_fresh_start() {
    for damage in ["remove", "truncate", "zero"] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(open_sled(folder.path())).unwrap();
        block(&store, &[("bank", b"a", b"1")]);
        drop(store);
        let log = folder.path().join("db");
        let length = std::fs::metadata(&log).unwrap().len() as usize;
        match damage {
            "remove" => std::fs::remove_file(&log).unwrap(),
            "truncate" => std::fs::write(&log, []).unwrap(),
            _ => std::fs::write(&log, vec![0; length]).unwrap(),
        }
        // Refused while opening the engine, or at the latest when the store looks into it.
        let opened = SledKv::open(folder.path()).and_then(|kv| Store::open(Arc::new(kv)));
        assert!(opened.is_err(), "{damage}");
    }
}

#[test]
fn a_missing_record_or_root_is_damage() {
    for lost in ["m", "h", "n"] {
        let kv = Arc::new(MemKv::new());
        block(&Store::open(kv.clone()).unwrap(), &[("bank", b"a", b"1")]);
        let end = [lost.as_bytes()[0] + 1];
        let keys: Vec<_> = kv
            .range(lost.as_bytes(), &end)
            .map(|entry| entry.unwrap().0)
            .collect();
        kv.commit(keys.into_iter().map(|key| (key, None)).collect())
            .unwrap();
        assert!(
            matches!(Store::open(kv).err(), Some(StoreError::Damaged(_))),
            "{lost}"
        );
    }
}

#[test]
fn a_check_finds_a_changed_value() {
    let kv = Arc::new(MemKv::new());
    let store = Store::open(kv.clone()).unwrap();
    block(&store, &[("bank", b"a", b"1"), ("bank", b"b", b"2")]);
    store.latest().check().unwrap();
    let (key, _) = kv.range(b"f", b"g").next().unwrap().unwrap();
    kv.commit(vec![(key, Some(vec![1, b'9']))]).unwrap();
    let error = store.latest().check().unwrap_err();
    assert!(error.to_string().contains("\"bank\""), "{error}");
}

#[test]
fn another_format_is_refused() {
    let kv = Arc::new(MemKv::new());
    block(&Store::open(kv.clone()).unwrap(), &[("bank", b"a", b"1")]);
    kv.commit(vec![(b"m".to_vec(), Some(vec![8, 2]))]).unwrap();
    assert!(matches!(
        Store::open(kv).err(),
        Some(StoreError::Format {
            found: 2,
            expected: 1
        })
    ));
}

const CHILD: &str = "STORE_RECOVERY_CHILD";

/// Not a test of its own: the process that the next test kills. It commits without end and says
/// each height once it is durable.
#[test]
fn the_process_that_is_killed() {
    let Ok(path) = std::env::var(CHILD) else {
        return;
    };
    let store = Store::open_keeping(open_sled(path.as_ref()), 3).unwrap();
    loop {
        let height = store.latest().height() + 1;
        block_at(&store, height);
        println!("\ncommitted {height}");
    }
}

/// The same block at the same height in every process.
fn block_at(store: &Store, height: u64) {
    let keys: Vec<_> = (0..40u64)
        .map(|n| (n * height % 97).to_be_bytes())
        .collect();
    let value = height.to_be_bytes();
    let writes: Vec<_> = keys
        .iter()
        .map(|key| ("bank", key.as_slice(), value.as_slice()))
        .collect();
    block(store, &writes);
}

#[test]
fn a_killed_process_loses_no_committed_block_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let reference = Place::memory().open();
    let mut durable = 0;
    for round in 1..=4u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "the_process_that_is_killed",
                "--exact",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let heights =
            lines.filter_map(|line| line.ok()?.strip_prefix("committed ")?.parse::<u64>().ok());
        for height in heights.take(5 * round as usize) {
            durable = height;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let store = Store::open_keeping(open_sled(folder.path()), 3).unwrap();
        let latest = store.latest();
        assert!(durable > 0 && latest.height() >= durable);
        latest.check().unwrap();
        while reference.latest().height() < latest.height() {
            block_at(&reference, reference.latest().height() + 1);
        }
        assert_eq!(latest.app_hash(), reference.latest().app_hash());
    }
}
