//! Restarts and damage: the store is where it was, or it says why it does not open.

mod store_support;

use std::sync::Arc;

use race_app::store::{set_aside, Engine, Kv, MemKv, Store, StoreError};
use store_support::{block, changes, Place};

#[test]
fn a_reopened_store_has_the_same_height_hash_and_contents() {
    for place in Place::all() {
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
    for place in Place::all() {
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

#[test]
fn a_database_in_use_is_refused_with_its_path() {
    for engine in Engine::ALL {
        let folder = tempfile::tempdir().unwrap();
        let _held = engine.open(folder.path()).unwrap();
        let error = engine.open(folder.path()).err().unwrap();
        assert!(matches!(&error, StoreError::Open { path, .. } if path == folder.path()));
        assert!(
            error
                .to_string()
                .contains(&folder.path().display().to_string()),
            "{error}"
        );
    }
}

#[test]
fn a_path_that_is_a_file_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for engine in Engine::ALL {
        assert!(matches!(
            engine.open(file.path()).err(),
            Some(StoreError::Open { .. })
        ));
    }
}

#[test]
fn a_folder_of_another_engine_is_refused_and_left_as_it_is() {
    for (maker, other) in [(Engine::Sled, Engine::Fjall), (Engine::Fjall, Engine::Sled)] {
        let folder = tempfile::tempdir().unwrap();
        let store = maker.open_store(folder.path(), 3).unwrap();
        let app_hash = block(&store, &[("bank", b"a", b"1")]).app_hash();
        drop(store);
        let error = other.open_store(folder.path(), 3).err().unwrap();
        assert!(matches!(&error, StoreError::OtherEngine { .. }), "{error}");
        let advice = format!("backend = \"{maker}\"");
        assert!(error.to_string().contains(&advice), "{error}");
        let store = maker.open_store(folder.path(), 3).unwrap();
        assert_eq!(store.latest().app_hash(), app_hash);
    }
}

#[test]
fn a_folder_of_other_files_is_refused() {
    for engine in Engine::ALL {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("letter.txt"), "hello").unwrap();
        assert!(matches!(
            engine.open(folder.path()).err(),
            Some(StoreError::Open { .. })
        ));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn a_database_set_aside_is_whole_and_its_place_is_free() {
    for engine in Engine::ALL {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        for round in 1..=2u64 {
            let store = engine.open_store(&path, 3).unwrap();
            assert_eq!(store.latest().height(), 0);
            let app_hash = block(&store, &[("bank", b"a", &[round as u8])]).app_hash();
            drop(store);
            let aside = set_aside(&path).unwrap();
            assert!(aside.ends_with(format!("state.aside-{round}")));
            let store = engine.open_store(&aside, 3).unwrap();
            assert_eq!(store.latest().app_hash(), app_hash);
        }
        assert!(matches!(
            set_aside(&path).err(),
            Some(StoreError::Open { .. })
        ));
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
