use std::sync::Arc;

use race_app::app::{App, NewBlock};
use race_app::store::statesync::format::{hash, Limits, Manifest, FORMAT};
use race_app::store::statesync::shelf::Shelf;
use race_app::store::statesync::take::take;
use race_app::store::{MemKv, Store};
use race_app::testing::{committee, Chain, FakeOracle};
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::response_apply_snapshot_chunk::Result as Applied;
use tendermint_proto::v0_38::abci::response_offer_snapshot::Result as Offered;
use tendermint_proto::v0_38::abci::{
    RequestApplySnapshotChunk, RequestInfo, RequestLoadSnapshotChunk, RequestOfferSnapshot,
    ResponseApplySnapshotChunk, Snapshot,
};

/// A chain of some blocks whose node offers its height 8.
struct Offering {
    chain: Chain,
    _folder: tempfile::TempDir,
}

fn offering() -> Offering {
    let mut chain = Chain::new(4);
    chain.steps(8);
    let folder = tempfile::tempdir().unwrap();
    let shelf = Arc::new(Shelf::open(folder.path(), 2).unwrap());
    shelf.take(&chain.app.latest()).unwrap();
    chain.app.offer_snapshots(shelf);
    Offering {
        chain,
        _folder: folder,
    }
}

fn empty() -> App {
    let store = Store::open(Arc::new(MemKv::new())).unwrap();
    App::new(store, Arc::new(FakeOracle), Arc::new(committee::NoShares))
}

fn offer(app: &App, snapshot: &Snapshot, app_hash: &[u8]) -> Offered {
    let answer = app.offer_snapshot(RequestOfferSnapshot {
        snapshot: Some(snapshot.clone()),
        app_hash: app_hash.to_vec().into(),
    });
    answer.result()
}

fn apply(app: &App, index: u32, chunk: &[u8]) -> ResponseApplySnapshotChunk {
    app.apply_snapshot_chunk(RequestApplySnapshotChunk {
        index,
        chunk: chunk.to_vec().into(),
        sender: "peer".into(),
    })
}

#[test]
fn another_node_has_the_same_state_and_makes_the_same_next_block() {
    let Offering { mut chain, _folder } = offering();
    // Not before the light client of another node could check it.
    assert_eq!(chain.app.list_snapshots().snapshots, []);
    let (hash_after_8, time_ms) = (chain.app_hash, chain.time_ms);
    chain.steps(2);
    let [snapshot] = chain.app.list_snapshots().snapshots.try_into().unwrap();
    assert_eq!((snapshot.height, snapshot.format), (8, FORMAT));

    let app = empty();
    assert_eq!(offer(&app, &snapshot, &hash_after_8), Offered::Accept);
    for index in 0..snapshot.chunks {
        let request = RequestLoadSnapshotChunk {
            height: 8,
            format: FORMAT,
            chunk: index,
        };
        let chunk = chain.app.load_snapshot_chunk(request).chunk;
        // A wrong one in between costs its sender.
        let refused = apply(&app, index, b"something else");
        assert_eq!(refused.result(), Applied::Retry);
        assert_eq!(refused.refetch_chunks, [index]);
        assert_eq!(refused.reject_senders, ["peer"]);
        assert_eq!(apply(&app, index, &chunk).result(), Applied::Accept);
    }
    let info = app.info(RequestInfo::default());
    assert_eq!(info.last_block_height, 8);
    assert_eq!(info.last_block_app_hash, hash_after_8.to_vec());

    let block = NewBlock {
        height: 9,
        time_ms: time_ms + 1_000,
        ..NewBlock::default()
    };
    let other = empty();
    assert_eq!(offer(&other, &snapshot, &hash_after_8), Offered::Accept);
    // Interrupted and begun again.
    assert_eq!(offer(&other, &snapshot, &hash_after_8), Offered::Accept);
    let request = |chunk| RequestLoadSnapshotChunk {
        height: 8,
        format: FORMAT,
        chunk,
    };
    for index in 0..snapshot.chunks {
        let chunk = chain.app.load_snapshot_chunk(request(index)).chunk;
        apply(&other, index, &chunk);
    }
    let hashes = [&app, &other].map(|app| {
        let hash = app.finalize_block(&block).app_hash;
        app.commit();
        hash
    });
    assert_eq!(hashes[0], hashes[1]);
    // A node that has a state takes no other.
    assert_eq!(offer(&app, &snapshot, &hash_after_8), Offered::Abort);

    // What is not there is not given.
    for request in [
        request(9),
        RequestLoadSnapshotChunk {
            height: 7,
            ..request(0)
        },
        RequestLoadSnapshotChunk {
            format: 9,
            ..request(0)
        },
    ] {
        assert!(chain.app.load_snapshot_chunk(request).chunk.is_empty());
    }
}

#[test]
fn an_offer_that_contradicts_itself_or_the_light_client_is_refused() {
    let Offering { mut chain, _folder } = offering();
    let app_hash = chain.app_hash;
    chain.steps(2);
    let [snapshot] = chain.app.list_snapshots().snapshots.try_into().unwrap();
    let app = empty();
    let changed = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = snapshot.clone();
        change(&mut snapshot);
        offer(&app, &snapshot, &app_hash)
    };
    assert_eq!(changed(&|s| s.format = 2), Offered::RejectFormat);
    assert_eq!(changed(&|s| s.height = 9), Offered::RejectSender);
    assert_eq!(changed(&|s| s.chunks += 1), Offered::RejectSender);
    assert_eq!(
        changed(&|s| s.hash = vec![0; 32].into()),
        Offered::RejectSender
    );
    assert_eq!(
        changed(&|s| s.metadata = b"nothing".to_vec().into()),
        Offered::RejectSender
    );
    assert_eq!(offer(&app, &snapshot, &[7; 32]), Offered::RejectSender);
    assert_eq!(app.info(RequestInfo::default()).last_block_height, 0);
    assert_eq!(apply(&app, 0, b"").result(), Applied::Abort);
}

#[test]
fn a_snapshot_whose_chunks_prove_nothing_is_refused_with_its_senders() {
    let Offering { chain, _folder } = offering();
    let mut chunks = Vec::new();
    let manifest = take(&chain.app.latest(), Limits::default(), |chunk| {
        chunks.push(chunk.to_vec());
        Ok(())
    });
    let mut lie = chunks.remove(0);
    let last = lie.len() / 2;
    lie[last] ^= 1;
    let manifest = Manifest {
        chunks: vec![hash(&lie).to_vec()],
        ..manifest.unwrap()
    };
    let metadata = prost::Message::encode_to_vec(&manifest);
    let snapshot = Snapshot {
        height: manifest.height,
        format: FORMAT,
        chunks: 1,
        hash: hash(&metadata).to_vec().into(),
        metadata: metadata.into(),
    };
    let app = empty();
    assert_eq!(offer(&app, &snapshot, &chain.app_hash), Offered::Accept);
    let refused = apply(&app, 0, &lie);
    assert_eq!(refused.result(), Applied::RejectSnapshot);
    assert_eq!(refused.reject_senders, ["peer"]);
    assert_eq!(app.info(RequestInfo::default()).last_block_height, 0);
}
