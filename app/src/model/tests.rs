use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use prost::Message;
use race_proto::race::model::v1::MsgAnnounceModel;

use super::*;
use crate::context::Context;
use crate::state::Base;
use crate::testing::{Builder, FakeOracle, TestNode};

const MODEL: &str = "test/tiny";

/// A state that counts the entries that are read of it.
struct Counting {
    entries: BTreeMap<(String, Vec<u8>), Vec<u8>>,
    read: Arc<AtomicUsize>,
}

impl Base for Counting {
    fn get(&self, store: &str, key: &[u8]) -> Option<Vec<u8>> {
        self.read.fetch_add(1, Ordering::Relaxed);
        self.entries.get(&(store.to_owned(), key.to_vec())).cloned()
    }

    fn scan(&self, store: &str, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.first(store, prefix, usize::MAX)
    }

    fn first(&self, store: &str, prefix: &[u8], count: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let from = self.entries.range((store.to_owned(), prefix.to_vec())..);
        let here = from.take_while(|((s, key), _)| s == store && key.starts_with(prefix));
        let found: Vec<_> = here
            .take(count)
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect();
        self.read.fetch_add(found.len(), Ordering::Relaxed);
        found
    }
}

/// How many entries are read when a node announces its first model of an epoch, after so many others did in
/// this epoch and the one before.
fn reads_of_an_announcement(others: u16) -> usize {
    let builder = Builder::new(1).model(MODEL);
    let context = Context {
        chain_id: "race-test-1",
        height: 0,
        time_ms: 1,
        oracle: &FakeOracle,
    };
    let mut state = State::empty();
    builder.genesis().apply(&mut state, &context).unwrap();
    for n in 0..others {
        let mut other = [0; 20];
        other[..2].copy_from_slice(&n.to_be_bytes());
        keys::ANNOUNCEMENTS.put(&mut state, &(0, other), &1);
        keys::ANNOUNCEMENTS.put(&mut state, &(1, other), &1);
        let host = Host {
            address: other.to_vec(),
            model_id: MODEL.to_owned(),
            since_height: 1,
        };
        load(&mut state, &host);
    }
    let entries = state.changes().clone().into_iter();
    let entries = entries.filter_map(|((s, key), value)| Some(((s.to_owned(), key), value?)));
    let read = Arc::new(AtomicUsize::new(0));
    let mut state = State::new(Arc::new(Counting {
        entries: entries.collect(),
        read: read.clone(),
    }));
    let message = MsgAnnounceModel {
        sender: TestNode::named("node0").hot.address(),
        model_id: MODEL.to_owned(),
        loaded: true,
    };
    let kind = &MESSAGES[2];
    let checked = (kind.parse)(&message.encode_to_vec()).unwrap();
    checked.execute(&mut state, &context).unwrap();
    read.load(Ordering::Relaxed)
}

#[test]
fn an_announcement_reads_as_much_whoever_else_announced() {
    assert_eq!(reads_of_an_announcement(0), reads_of_an_announcement(1_000));
}
