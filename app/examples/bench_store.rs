//! Measures the state store: blocks of writes over a store that already has many keys.
//!
//! `bench_store [KEYS] [WRITES_PER_BLOCK] [BLOCKS] [FOLDER]` prints one line of JSON. Without a
//! folder, a database in the system's folder for temporary files is made and removed.

// A measurement reads the clock; the state machine never does.
#![allow(clippy::disallowed_types)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use race_app::store::{Changes, Kv, MemKv, SledKv, Store};

/// Writes `count` of `keys` keys, spread by a multiplication that visits them all.
fn changes(height: u64, keys: u64, count: u64) -> Changes {
    let one = |n: u64| {
        let index = (height * count + n) % keys;
        let spread = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let key = [
            &[2, 20][..],
            &spread.to_be_bytes(),
            &index.to_be_bytes(),
            b"0000urace",
        ]
        .concat();
        (
            ("bank".to_string(), key),
            Some((height * 1_000_003 + n).to_string().into_bytes()),
        )
    };
    (0..count).map(one).collect()
}

struct Times {
    prepare: Duration,
    commit: Duration,
}

fn run(
    kv: Arc<dyn Kv>,
    keys: u64,
    writes: u64,
    blocks: u64,
) -> Result<serde_json::Value, Box<dyn std::error::Error>> {
    let store = Store::open_keeping(kv, 100)?;
    let fill = keys.div_ceil(10_000);
    for height in 1..=fill {
        let prepared = store.prepare(height, changes(height, keys, 10_000.min(keys)))?;
        store.commit(prepared)?;
    }
    let mut times = Times {
        prepare: Duration::ZERO,
        commit: Duration::ZERO,
    };
    for height in fill + 1..=fill + blocks {
        let block = changes(height, keys, writes);
        let start = Instant::now();
        let prepared = store.prepare(height, block)?;
        times.prepare += start.elapsed();
        let start = Instant::now();
        store.commit(prepared)?;
        times.commit += start.elapsed();
    }
    let latest = store.latest();
    let start = Instant::now();
    let reads = changes(fill + blocks, keys, writes)
        .into_keys()
        .filter(|(store, key)| latest.get(store, key).is_some())
        .count();
    let read = start.elapsed();
    let start = Instant::now();
    let walked = latest.range("bank", b"", None).count();
    let walk = start.elapsed();
    let total = (times.prepare + times.commit).as_secs_f64();
    Ok(serde_json::json!({
        "writes_per_second": (writes * blocks) as f64 / total,
        "prepare_ms_per_block": times.prepare.as_secs_f64() * 1e3 / blocks as f64,
        "commit_ms_per_block": times.commit.as_secs_f64() * 1e3 / blocks as f64,
        "reads_per_second": reads as f64 / read.as_secs_f64(),
        "walked_keys_per_second": walked as f64 / walk.as_secs_f64(),
    }))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: u64| {
        arguments
            .get(index)
            .map_or(Ok(default), |text| text.parse())
    };
    let (keys, writes, blocks) = (number(0, 100_000)?, number(1, 1_000)?, number(2, 20)?);
    let (folder, temporary) = match arguments.get(3) {
        Some(folder) => (PathBuf::from(folder), false),
        None => (
            std::env::temp_dir().join(format!("bench-store-{}", std::process::id())),
            true,
        ),
    };
    let sled = run(Arc::new(SledKv::open(&folder)?), keys, writes, blocks)?;
    if temporary {
        std::fs::remove_dir_all(&folder)?;
    }
    let memory = run(Arc::new(MemKv::new()), keys, writes, blocks)?;
    println!(
        "{}",
        serde_json::json!({ "keys": keys, "writes_per_block": writes, "blocks": blocks, "sled": sled, "memory": memory })
    );
    Ok(())
}
