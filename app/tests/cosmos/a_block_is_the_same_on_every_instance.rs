use std::sync::Arc;

use race_app::app::{App, NewBlock};
use race_app::block::Block;
use race_app::store::{MemKv, SledKv, Store};
use race_app::testing::{committee, Builder, Chain, FakeOracle, Wallet};

fn pay(chain: &mut Chain) {
    let alice = Wallet::named("alice");
    let carol = Wallet::named("carol");
    chain.send(&alice, vec![alice.pays(&carol, 7)]).unwrap();
}

#[test]
fn memory_and_disk_and_a_reopened_store_give_the_same_app_hashes() {
    let folder = tempfile::tempdir().unwrap();
    let mut memory = Builder::new(3).kv(Arc::new(MemKv::new())).start();
    let mut disk = Builder::new(3)
        .kv(Arc::new(SledKv::open(folder.path()).unwrap()))
        .start();
    for height in 1..=80 {
        if height % 3 == 0 {
            pay(&mut memory);
            pay(&mut disk);
        }
        let (a, b) = (memory.step(), disk.step());
        assert_eq!(a.app_hash, b.app_hash, "height {height}");
        assert_eq!(a.results, b.results);
        assert_eq!(a.updates, b.updates);
        if height % 20 == 0 {
            // The disk's application starts again.
            disk.app = App::new(
                disk.app.store().clone(),
                Arc::new(FakeOracle),
                Arc::new(committee::NoShares),
            );
        }
    }
    assert!(memory.epoch().number > 1);
}

#[test]
fn a_block_finalized_twice_or_after_a_crash_before_commit_is_the_same() {
    let kv = Arc::new(MemKv::new());
    let mut chain = Builder::new(2).kv(kv.clone()).start();
    chain.steps(4);
    let new = NewBlock {
        height: 5,
        time_ms: chain.time_ms + 1,
        block: Block::default(),
    };
    let first = chain.app.finalize_block(&new);
    assert_eq!(chain.app.finalize_block(&new).app_hash, first.app_hash);
    // Nothing was written: an application that starts now is at the height before.
    let again = App::new(
        Store::open(kv).unwrap(),
        Arc::new(FakeOracle),
        Arc::new(committee::NoShares),
    );
    assert_eq!(again.latest().height(), 4);
    assert_eq!(again.finalize_block(&new).app_hash, first.app_hash);
    assert_eq!(again.commit().app_hash(), first.app_hash);
}

#[test]
fn workers_learn_of_each_commit() {
    let mut chain = Chain::new(1);
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let list = Arc::clone(&seen);
    chain.app.on_commit(move |committed| {
        assert_eq!(committed.snapshot.height(), committed.height);
        list.lock()
            .unwrap()
            .push((committed.height, committed.events.len()));
    });
    pay(&mut chain);
    chain.steps(2);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert!(seen[0].1 >= 12);
}
