//! The store against a plain map, over random blocks.

mod store_support;

use std::cell::RefCell;
use std::collections::BTreeMap;

use jmt::storage::{LeafNode, Node, NodeKey, TreeReader};
use jmt::{JellyfishMerkleTree, KeyHash, OwnedValue, Version};
use proptest::prelude::*;
use race_app::store::{Changes, Engine, Snapshot, Store};
use sha2::Sha256;
use store_support::{all, Place};

type Model = BTreeMap<(String, Vec<u8>), Vec<u8>>;

const STORES: [&str; 3] = ["auth", "bank", "race"];

/// Few different keys, so that blocks overwrite, delete and write again.
fn a_block() -> impl Strategy<Value = Changes> {
    let store = prop::sample::select(STORES.to_vec()).prop_map(str::to_string);
    let key = prop::collection::vec(prop::sample::select(vec![0u8, 1, 7, 255]), 1..4);
    let value = prop::option::weighted(0.6, prop::collection::vec(any::<u8>(), 1..6));
    prop::collection::btree_map((store, key), value, 0..25)
}

fn apply(model: &mut Model, changes: &Changes) {
    for (key, value) in changes {
        match value {
            Some(value) => model.insert(key.clone(), value.clone()),
            None => model.remove(key),
        };
    }
}

fn matches_model(snapshot: &Snapshot, model: &Model) {
    for store in STORES {
        let expected: Vec<_> = model
            .iter()
            .filter(|((name, _), _)| name == store)
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect();
        assert_eq!(all(snapshot, store), expected);
        let mut reversed: Vec<_> = snapshot.range_reversed(store, b"", None).collect();
        reversed.reverse();
        assert_eq!(reversed, expected);
        for (key, value) in expected {
            assert_eq!(snapshot.get(store, &key), Some(value));
        }
    }
}

fn next(store: &Store, changes: &Changes) -> [u8; 32] {
    let prepared = store
        .prepare(store.latest().height() + 1, changes.clone())
        .unwrap();
    store.commit(prepared).unwrap().app_hash()
}

/// Whoever writes the final contents at once has the same app hash.
fn from_scratch(model: &Model) -> [u8; 32] {
    let changes = model
        .iter()
        .map(|(key, value)| (key.clone(), Some(value.clone())))
        .collect();
    next(&Place::memory().open(), &changes)
}

/// The nodes of one tree, for the tree library alone.
#[derive(Default)]
struct Nodes(RefCell<BTreeMap<NodeKey, Node>>);

impl TreeReader for Nodes {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        Ok(self.0.borrow().get(key).cloned())
    }

    fn get_value_option(&self, _: Version, _: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Ok(None)
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        Ok(None)
    }
}

/// Root of the entries, put one by one, each as a version of its own.
fn root_key_by_key(entries: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Vec<u8> {
    let nodes = Nodes::default();
    let mut root = b"SPARSE_MERKLE_PLACEHOLDER_HASH__".to_vec();
    for (version, (key, value)) in entries.enumerate() {
        let put = [(KeyHash::with::<Sha256>(&key), Some(value))];
        let (new_root, batch) = JellyfishMerkleTree::<_, Sha256>::new(&nodes)
            .put_value_set(put, version as u64)
            .unwrap();
        root = new_root.0.to_vec();
        let new = batch.node_batch.nodes().clone();
        nodes.0.borrow_mut().extend(new);
    }
    root
}

/// The app hash as the tree library alone computes it, key by key.
fn app_hash_key_by_key(model: &Model) -> Vec<u8> {
    let of_store = |store: &'static str| {
        let entries = model.iter().filter(move |((name, _), _)| name == store);
        entries.map(|((_, key), value)| (key.clone(), value.clone()))
    };
    let stores = STORES.iter().filter(|store| of_store(store).count() > 0);
    root_key_by_key(
        stores.map(|store| (store.as_bytes().to_vec(), root_key_by_key(of_store(store)))),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_engine_and_every_restart_gives_the_same_hash_and_contents(
        blocks in prop::collection::vec(a_block(), 1..12),
        keep in 1u64..5,
        restart in any::<u16>(),
    ) {
        let memory = Place::memory();
        let disks: Vec<_> = Engine::ALL.into_iter().map(Place::disk).collect();
        let in_memory = memory.open_keeping(keep);
        let open = || disks.iter().map(|disk| disk.open_keeping(keep)).collect::<Vec<_>>();
        let mut on_disk = open();
        let mut model = Model::new();
        let mut history = vec![];
        for (index, changes) in blocks.iter().enumerate() {
            if restart >> (index % 16) & 1 == 1 {
                drop(on_disk);
                on_disk = open();
            }
            let app_hash = next(&in_memory, changes);
            for store in &on_disk {
                prop_assert_eq!(next(store, changes), app_hash);
            }
            apply(&mut model, changes);
            prop_assert_eq!(from_scratch(&model), app_hash);
            prop_assert_eq!(app_hash_key_by_key(&model), app_hash.to_vec());
            history.push((model.clone(), app_hash));
        }
        for store in on_disk.iter().chain([&in_memory]) {
            for (index, (model, app_hash)) in history.iter().enumerate() {
                let height = index as u64 + 1;
                if height < store.oldest_height() {
                    prop_assert!(store.at(height).is_err());
                    continue;
                }
                let past = store.at(height).unwrap();
                prop_assert_eq!(past.app_hash(), *app_hash);
                matches_model(&past, model);
                past.check().unwrap();
                for (name, key) in blocks.iter().flat_map(|block| block.keys()) {
                    if past.stores().next().is_none() {
                        continue;
                    }
                    let proof = past.prove(name, key).unwrap();
                    prop_assert_eq!(&proof.value, &model.get(&(name.clone(), key.clone())).cloned());
                    proof.verify(app_hash, name, key).unwrap();
                }
            }
        }
    }
}
