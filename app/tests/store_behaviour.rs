//! What the store promises to the state machine, on every engine.

mod store_support;

use std::sync::Arc;

use race_app::store::{MemKv, Store, StoreError, EMPTY_ROOT};
use store_support::{all, block, changes, Place};

#[test]
fn an_empty_store_has_height_zero_and_the_empty_root() {
    for place in Place::all() {
        let latest = place.open().latest();
        assert_eq!((latest.height(), latest.app_hash()), (0, EMPTY_ROOT));
        assert_eq!(latest.get("bank", b"a"), None);
        assert_eq!(all(&latest, "bank"), vec![]);
        assert_eq!(latest.stores().count(), 0);
    }
}

#[test]
fn a_prepared_block_is_invisible_until_it_is_committed() {
    for place in Place::all() {
        let store = place.open();
        let prepared = store.prepare(1, changes(&[("bank", b"a", b"1")])).unwrap();
        assert_eq!(store.latest().height(), 0);
        assert_eq!(store.latest().get("bank", b"a"), None);
        let app_hash = prepared.app_hash();
        assert_ne!(app_hash, EMPTY_ROOT);
        store.commit(prepared).unwrap();
        assert_eq!(store.latest().app_hash(), app_hash);
        assert_eq!(store.latest().get("bank", b"a"), Some(b"1".to_vec()));
    }
}

#[test]
fn preparing_writes_nothing_to_the_engine() {
    let kv = Arc::new(MemKv::new());
    let store = Store::open(kv.clone()).unwrap();
    store.prepare(1, changes(&[("bank", b"a", b"1")])).unwrap();
    assert!(kv.is_empty());
}

#[test]
fn a_chain_may_start_above_height_one_and_then_has_no_gaps() {
    for place in Place::all() {
        let store = place.open();
        let first = store.prepare(10, changes(&[("bank", b"a", b"1")])).unwrap();
        store.commit(first).unwrap();
        assert_eq!(store.latest().height(), 10);
        assert_eq!(store.oldest_height(), 10);
        for wrong in [0, 10, 12] {
            let error = store.prepare(wrong, changes(&[])).err().unwrap();
            assert!(matches!(error, StoreError::WrongHeight { expected: 11, got } if got == wrong));
        }
    }
}

#[test]
fn a_block_prepared_on_another_state_is_not_committed() {
    for place in Place::all() {
        let store = place.open();
        let late = store
            .prepare(1, changes(&[("bank", b"a", b"late")]))
            .unwrap();
        block(&store, &[("bank", b"a", b"1")]);
        let error = store.commit(late).unwrap_err();
        assert!(matches!(
            error,
            StoreError::Superseded {
                height: 1,
                base: 0,
                latest: 1
            }
        ));
        assert_eq!(store.latest().get("bank", b"a"), Some(b"1".to_vec()));
    }
}

#[test]
fn empty_keys_empty_values_and_odd_store_names_are_refused() {
    let store = Place::memory().open();
    let refused = |store_name: &str, key: &[u8], value: Vec<u8>| {
        let one = [((store_name.to_string(), key.to_vec()), Some(value))];
        store.prepare(1, one).err().unwrap()
    };
    assert!(matches!(
        refused("bank", b"", vec![1]),
        StoreError::EmptyKey { .. }
    ));
    assert!(matches!(
        refused("bank", b"a", vec![]),
        StoreError::EmptyValue { .. }
    ));
    for name in [
        "",
        "Bank",
        "a/b",
        "a b",
        "abcdefghijklmnopqrstuvwxyz0123456789",
    ] {
        assert!(
            matches!(refused(name, b"a", vec![1]), StoreError::StoreName(_)),
            "{name}"
        );
    }
}

#[test]
fn writes_that_change_nothing_keep_the_app_hash() {
    for place in Place::all() {
        let store = place.open();
        let before = block(&store, &[("bank", b"a", b"1"), ("auth", b"x", b"2")]).app_hash();
        let same = block(
            &store,
            &[
                ("bank", b"a", b"1"),
                ("bank", b"absent", b""),
                ("new", b"k", b""),
            ],
        );
        assert_eq!(same.app_hash(), before);
        assert_eq!(block(&store, &[]).app_hash(), before);
        assert_eq!(store.latest().height(), 3);
        assert_eq!(
            store.latest().stores().collect::<Vec<_>>(),
            ["auth", "bank"]
        );
    }
}

#[test]
fn deleting_every_key_leads_back_to_the_empty_root_and_a_store_can_start_again() {
    for place in Place::all() {
        let store = place.open_keeping(2);
        let first = block(&store, &[("bank", b"a", b"1")]).app_hash();
        let with_two = block(&store, &[("bank", b"b", b"2"), ("auth", b"x", b"1")]);
        assert_eq!(with_two.stores().collect::<Vec<_>>(), ["auth", "bank"]);
        drop(with_two);
        let without_auth = block(&store, &[("bank", b"b", b""), ("auth", b"x", b"")]);
        assert_eq!(without_auth.app_hash(), first);
        assert_eq!(without_auth.stores().collect::<Vec<_>>(), ["bank"]);
        drop(without_auth);
        assert_eq!(block(&store, &[("bank", b"a", b"")]).app_hash(), EMPTY_ROOT);
        for _ in 0..4 {
            assert_eq!(block(&store, &[]).app_hash(), EMPTY_ROOT);
        }
        assert_eq!(block(&store, &[("bank", b"a", b"1")]).app_hash(), first);
        store.latest().check().unwrap();
    }
}

#[test]
fn the_same_key_in_two_stores_is_two_keys() {
    for place in Place::all() {
        let store = place.open();
        let latest = block(
            &store,
            &[("a", b"k", b"1"), ("ab", b"k", b"2"), ("b", b"ak", b"3")],
        );
        assert_eq!(latest.get("a", b"k"), Some(b"1".to_vec()));
        assert_eq!(latest.get("ab", b"k"), Some(b"2".to_vec()));
        assert_eq!(all(&latest, "a"), [(b"k".to_vec(), b"1".to_vec())]);
    }
}

#[test]
fn walks_are_in_the_order_of_raw_keys_even_with_zeros_and_255() {
    let keys: [&[u8]; 9] = [
        &[0],
        &[0, 0],
        &[0, 1],
        &[0, 255],
        &[1],
        &[1, 0],
        &[1, 0, 0],
        &[255],
        &[255, 255],
    ];
    for place in Place::all() {
        let store = place.open();
        block(&store, &keys.map(|key| ("s", key, b"old".as_slice())));
        let latest = block(&store, &keys.map(|key| ("s", key, key)));
        let expect = |from: usize, to: usize| {
            keys[from..to]
                .iter()
                .map(|key| key.to_vec())
                .collect::<Vec<_>>()
        };
        let walk = |from: &[u8], to: Option<&[u8]>| {
            latest
                .range("s", from, to)
                .map(|(key, value)| {
                    assert_eq!(key, value);
                    key
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(walk(b"", None), expect(0, 9));
        for (from, start) in keys.iter().enumerate() {
            assert_eq!(walk(start, None), expect(from, 9));
            for (to, end) in keys.iter().enumerate() {
                assert_eq!(walk(start, Some(end)), expect(from, to.max(from)));
                let mut back: Vec<_> = latest
                    .range_reversed("s", start, Some(end))
                    .map(|(key, _)| key)
                    .collect();
                back.reverse();
                assert_eq!(back, expect(from, to.max(from)));
            }
        }
        let prefixed = |prefix: &[u8]| {
            latest
                .prefix("s", prefix)
                .map(|(key, _)| key)
                .collect::<Vec<_>>()
        };
        assert_eq!(prefixed(&[0]), expect(0, 4));
        assert_eq!(prefixed(&[1, 0]), expect(5, 7));
        assert_eq!(prefixed(&[255]), expect(7, 9));
        assert_eq!(prefixed(b""), expect(0, 9));
    }
}

#[test]
fn kept_heights_answer_and_others_say_why_not() {
    for place in Place::all() {
        let store = place.open_keeping(3);
        for height in 1..=6u8 {
            block(
                &store,
                &[
                    ("s", b"k", &[height]),
                    ("s", &[height], b"x"),
                    ("s", &[height - 1], b""),
                ],
            );
        }
        assert_eq!(store.oldest_height(), 4);
        for height in 4..=6u8 {
            let past = store.at(height.into()).unwrap();
            assert_eq!(past.get("s", b"k"), Some(vec![height]));
            assert_eq!(past.get("s", &[height - 1]), None);
            let expected = [(vec![height], b"x".to_vec()), (b"k".to_vec(), vec![height])];
            assert_eq!(all(&past, "s"), expected);
            past.check().unwrap();
        }
        assert!(matches!(
            store.at(3).unwrap_err(),
            StoreError::Pruned {
                height: 3,
                oldest: 4
            }
        ));
        assert!(matches!(
            store.at(0).unwrap_err(),
            StoreError::Pruned { .. }
        ));
        assert!(matches!(
            store.at(7).unwrap_err(),
            StoreError::Future {
                height: 7,
                latest: 6
            }
        ));
    }
}

#[test]
fn a_snapshot_answers_for_its_height_as_long_as_it_lives() {
    for place in Place::all() {
        let store = place.open_keeping(1);
        let held = block(&store, &[("s", b"k", b"old"), ("s", b"gone", b"here")]);
        for height in 0..20u8 {
            block(&store, &[("s", b"k", &[height]), ("s", b"gone", b"")]);
        }
        assert_eq!(held.get("s", b"k"), Some(b"old".to_vec()));
        assert_eq!(all(&held, "s").len(), 2);
        held.check().unwrap();
        assert_eq!(store.oldest_height(), 1);
        drop(held);
        block(&store, &[]);
        assert!(store.at(1).is_err());
    }
}

#[test]
fn pruning_leaves_nothing_behind() {
    let kv = Arc::new(MemKv::new());
    let store = Store::open_keeping(kv.clone(), 2).unwrap();
    let round = |seed: u8| {
        let keys: Vec<[u8; 2]> = (0..50).map(|n| [n, seed % 3]).collect();
        let write: Vec<_> = keys
            .iter()
            .map(|key| ("s", key.as_slice(), [seed].to_vec()))
            .collect();
        let write: Vec<_> = write
            .iter()
            .map(|(store, key, value)| (*store, *key, value.as_slice()))
            .collect();
        block(&store, &write);
        let delete: Vec<_> = keys
            .iter()
            .map(|key| ("s", key.as_slice(), b"".as_slice()))
            .collect();
        block(&store, &delete);
    };
    block(&store, &[("s", b"stays", b"1")]);
    let settle = || (0..4).for_each(|_| drop(block(&store, &[])));
    settle();
    let before = kv.len();
    (1..30).for_each(round);
    settle();
    assert_eq!(kv.len(), before);
    store.latest().check().unwrap();
}

#[test]
fn readers_see_whole_blocks_while_blocks_are_committed() {
    for place in Place::all() {
        let store = place.open_keeping(2);
        block(&store, &[("s", b"a", b"1"), ("s", b"b", b"1")]);
        std::thread::scope(|scope| {
            let reader = store.clone();
            let readers = scope.spawn(move || loop {
                let latest = reader.latest();
                let height = latest.height();
                let value = height.to_string().into_bytes();
                assert_eq!(latest.get("s", b"a"), Some(value.clone()));
                assert_eq!(latest.get("s", b"b"), Some(value.clone()));
                assert_eq!(all(&latest, "s").len(), 2);
                assert_eq!(latest.prove("s", b"a").unwrap().value, Some(value));
                if height == 100 {
                    break;
                }
            });
            for height in 2..=100u64 {
                let value = height.to_string().into_bytes();
                block(&store, &[("s", b"a", &value), ("s", b"b", &value)]);
            }
            readers.join().unwrap();
        });
    }
}
