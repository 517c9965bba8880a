//! Going back to a kept height, and writing all entries anew.

mod store_support;

use std::collections::BTreeMap;
use std::sync::Arc;

use race_app::store::{Changes, Kv, MemKv, Snapshot, Store, StoreError};
use store_support::{changes, Place};

/// Blocks that overwrite, delete, write again, and use a store from height 4 on only.
fn block_of(height: u64) -> Changes {
    let keys: Vec<_> = (0..20u64)
        .map(|n| (n * height % 23).to_be_bytes())
        .collect();
    let value = height.to_be_bytes();
    let stores = if height < 4 {
        ["bank", "auth"]
    } else {
        ["bank", "race"]
    };
    let writes: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(n, key)| {
            let value: &[u8] = if n % 6 == 1 { b"" } else { &value };
            (stores[n % 2], key.as_slice(), value)
        })
        .collect();
    changes(&writes)
}

fn next(store: &Store) -> Snapshot {
    let height = store.latest().height() + 1;
    let prepared = store.prepare(height, block_of(height)).unwrap();
    store.commit(prepared).unwrap()
}

fn entries(kv: &dyn Kv) -> BTreeMap<Vec<u8>, Vec<u8>> {
    kv.range(&[], &[0xff; 64]).map(Result::unwrap).collect()
}

#[test]
fn a_rolled_back_store_is_at_the_kept_height_and_replays_to_the_same_hashes() {
    for place in Place::all() {
        let store = place.open_keeping(4);
        let hashes: Vec<_> = (0..8).map(|_| next(&store).app_hash()).collect();
        drop(store);
        assert_eq!(Store::roll_back(place.kv().as_ref(), 6).unwrap(), hashes[5]);
        let store = place.open_keeping(4);
        assert_eq!(store.latest().height(), 6);
        assert_eq!(store.latest().app_hash(), hashes[5]);
        assert_eq!(store.oldest_height(), 5);
        store.latest().check().unwrap();
        store.at(5).unwrap().check().unwrap();
        for hash in &hashes[6..] {
            assert_eq!(next(&store).app_hash(), *hash);
        }
        store.latest().check().unwrap();
    }
}

#[test]
fn a_roll_back_leaves_exactly_what_was_there_at_that_height() {
    for target in 1..=6 {
        let kv = Arc::new(MemKv::new());
        let store = Store::open(kv.clone()).unwrap();
        let mut expected = BTreeMap::new();
        for height in 1..=6 {
            next(&store);
            if height == target {
                expected = entries(kv.as_ref());
            }
        }
        Store::roll_back(kv.as_ref(), target).unwrap();
        assert!(entries(kv.as_ref()) == expected, "to {target}");
    }
}

#[test]
fn only_kept_heights_can_be_gone_back_to() {
    let kv = MemKv::new();
    assert!(matches!(
        Store::roll_back(&kv, 1),
        Err(StoreError::Future { .. })
    ));
    let kv = Arc::new(kv);
    let store = Store::open_keeping(kv.clone(), 2).unwrap();
    for _ in 0..5 {
        next(&store);
    }
    let before = entries(kv.as_ref());
    assert!(matches!(
        Store::roll_back(kv.as_ref(), 6),
        Err(StoreError::Future {
            height: 6,
            latest: 5
        })
    ));
    for pruned in [0, 3] {
        assert!(matches!(
            Store::roll_back(kv.as_ref(), pruned),
            Err(StoreError::Pruned { oldest: 4, .. })
        ));
    }
    assert!(entries(kv.as_ref()) == before);
}

#[test]
fn the_entries_of_a_height_written_at_once_have_its_app_hash() {
    for place in Place::all() {
        let store = place.open();
        for _ in 0..6 {
            next(&store);
        }
        for height in [3, 6] {
            let snapshot = store.at(height).unwrap();
            let entries: Vec<_> = snapshot.entries().map(Result::unwrap).collect();
            assert!(entries.is_sorted_by_key(|entry| (&entry.store, &entry.key)));
            let changes = entries
                .into_iter()
                .map(|entry| ((entry.store, entry.key), Some(entry.value)));
            let copy = Place::memory().open();
            let prepared = copy.prepare(height, changes).unwrap();
            assert_eq!(prepared.app_hash(), snapshot.app_hash());
        }
    }
}
