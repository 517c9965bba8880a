//! What a key generation costs a node, block by block: `cargo run -p race-app --example bench_keygen -- 100`.
//!
//! Genesis nodes of equal power generate the chain's first key. For each block: deals and
//! confirmations so far, the bytes of its transactions, the time to execute and commit it, and what a
//! node took to prepare and check its part.

// A measurement reads the clock; the state machine never does.
#![allow(clippy::disallowed_types)]

use std::time::{Duration, Instant};

use race_app::testing::{honest, Builder};
use race_proto::race::beacon::v1::{
    QueryKeyGenerationRequest, QueryKeyGenerationResponse, QueryKeyRequest, QueryKeyResponse,
};
use race_proto::race::epoch::v1::Phase;

fn timed<T>(what: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = what();
    (done, start.elapsed())
}

fn main() {
    let nodes: usize = std::env::args()
        .nth(1)
        .map_or(16, |n| n.parse().expect("a number of nodes"));
    let seats = nodes as u64;
    let mut chain = Builder::new(nodes)
        .param("epoch/max_validators", seats)
        .param("epoch/deal_blocks", seats.div_ceil(8))
        .start();
    while chain.epoch().phase() != Phase::Serve {
        let ((), preparing) = timed(|| honest::act(&mut chain));
        let waiting = std::mem::take(&mut chain.mempool);
        let txs = chain.app.prepare_proposal(&[], waiting, u64::MAX);
        let bytes: usize = txs.iter().map(|tx| tx.len()).sum();
        let txs = txs.iter().map(|tx| tx.to_vec()).collect();
        let (_, block) = timed(|| chain.block(txs));
        let at = chain.height;
        let progress: QueryKeyGenerationResponse = chain
            .query(
                "/race.beacon.v1.Query/KeyGeneration",
                &QueryKeyGenerationRequest::default(),
            )
            .expect("it is kept");
        println!(
            "block {at}: {} dealt, {} confirmed, {bytes} bytes, block {block:.0?}, preparing {:.0?} a node",
            progress.deals.len(),
            progress.confirmations.len(),
            preparing / u32::try_from(nodes).unwrap_or(1),
        );
    }
    let key: QueryKeyResponse = chain
        .query("/race.beacon.v1.Query/Key", &QueryKeyRequest::default())
        .expect("the key is in force");
    let key = key.key.unwrap_or_default();
    println!("{} of {} shares sign", key.threshold, key.shares);
}
