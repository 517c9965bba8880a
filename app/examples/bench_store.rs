//! Measures the state store: blocks of writes over a store that already has many keys.
//!
//! `bench_store [KEYS] [WRITES_PER_BLOCK] [BLOCKS] [ENGINES] [FOLDER]`, by default 100000 keys, 1000
//! writes, 50 blocks and every engine (names with commas between; `memory` is one). A table goes to
//! standard error, JSON to standard output. Databases are made in a new folder inside FOLDER (the
//! system's folder for temporary files) and removed.

// A measurement reads the clock; the state machine never does.
#![allow(clippy::disallowed_types)]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use race_app::store::statesync::restore::Blocks;
use race_app::store::statesync::shelf::Shelf;
use race_app::store::{Changes, Engine, Kv, MemKv, Store};
use serde::Serialize;

/// Past heights that are kept: few, so that every measured block prunes one.
const KEEP: u64 = 20;

/// Blocks before the measured ones, until each block prunes one of its own size.
const WARM_UP: u64 = 2 * KEEP;

/// Keys that a block of the filling writes.
const FILL: u64 = 10_000;

/// Clock ticks a second in `/proc/self/stat`; fixed on Linux.
const TICKS: f64 = 100.0;

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

/// What was measured on one engine.
#[derive(Default, Serialize)]
struct Figures {
    engine: String,
    /// Durable writes a second, app hash included.
    writes_per_second: f64,
    prepare_ms_per_block: f64,
    commit_ms_per_block: f64,
    /// Processor time of all threads, so that a busy machine's figures can be compared.
    cpu_ms_per_block: f64,
    fill_writes_per_second: f64,
    reads_per_second: f64,
    walked_keys_per_second: f64,
    bytes_per_key: f64,
    /// Opening after an orderly end.
    open_ms: f64,
    /// Opening what a killed process leaves behind.
    open_killed_ms: f64,
    /// Taking a snapshot into a folder.
    snapshot_take_ms: f64,
    snapshot_bytes: u64,
    snapshot_chunks: usize,
    /// Restoring it into an empty database.
    snapshot_restore_ms: f64,
}

/// Processor time of this process so far.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the process, in brackets, may hold blanks; after it come state, and from the
    // twelfth field user and system time.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u32 = ticks.filter_map(|field| field.parse::<u32>().ok()).sum();
    Duration::from_secs_f64(f64::from(ticks) / TICKS)
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Bytes that a folder takes on disk, holes left out.
fn disk_bytes(path: &Path) -> std::io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut bytes = 0;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let data = entry.metadata()?;
        bytes += match data.is_dir() {
            true => disk_bytes(&entry.path())?,
            false => data.blocks() * 512,
        };
    }
    Ok(bytes)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => fs::copy(entry.path(), target).map(drop)?,
        }
    }
    Ok(())
}

fn blocks(
    kv: Arc<dyn Kv>,
    keys: u64,
    writes: u64,
    count: u64,
    figures: &mut Figures,
) -> Result<Store, Box<dyn Error>> {
    let store = Store::open_keeping(kv, KEEP)?;
    let fill = keys.div_ceil(FILL);
    let start = Instant::now();
    for height in 1..=fill {
        let prepared = store.prepare(height, changes(height, keys, FILL.min(keys)))?;
        store.commit(prepared)?;
    }
    figures.fill_writes_per_second = keys as f64 / start.elapsed().as_secs_f64();
    let first = fill + WARM_UP + 1;
    let (mut prepare, mut commit, mut before) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for height in fill + 1..first + count {
        if height == first {
            (prepare, commit, before) = (Duration::ZERO, Duration::ZERO, cpu());
        }
        let block = changes(height, keys, writes);
        let start = Instant::now();
        let prepared = store.prepare(height, block)?;
        prepare += start.elapsed();
        let start = Instant::now();
        store.commit(prepared)?;
        commit += start.elapsed();
    }
    let per_block = |time: Duration| ms(time) / count as f64;
    figures.cpu_ms_per_block = per_block(cpu() - before);
    figures.prepare_ms_per_block = per_block(prepare);
    figures.commit_ms_per_block = per_block(commit);
    figures.writes_per_second = (writes * count) as f64 / (prepare + commit).as_secs_f64();

    let latest = store.latest();
    let start = Instant::now();
    let reads = changes(first + count, keys, writes)
        .into_keys()
        .filter(|(store, key)| latest.get(store, key).is_some())
        .count();
    figures.reads_per_second = reads as f64 / start.elapsed().as_secs_f64();
    let start = Instant::now();
    let walked = latest.range("bank", b"", None).count();
    figures.walked_keys_per_second = walked as f64 / start.elapsed().as_secs_f64();
    Ok(store)
}

fn durable(
    engine: Engine,
    folder: &Path,
    (keys, writes, count): (u64, u64, u64),
) -> Result<Figures, Box<dyn Error>> {
    let mut figures = Figures {
        engine: engine.to_string(),
        ..Figures::default()
    };
    let (path, killed) = (folder.join("state"), folder.join("killed"));
    let store = blocks(engine.open(&path)?, keys, writes, count, &mut figures)?;
    let latest = store.latest().app_hash();
    copy(&path, &killed)?;
    snapshot(&store, engine, folder, &mut figures)?;
    drop(store);
    figures.bytes_per_key = disk_bytes(&path)? as f64 / keys as f64;
    let open = |path: &Path| -> Result<f64, Box<dyn Error>> {
        let start = Instant::now();
        let store = Store::open(engine.open(path)?)?;
        let time = ms(start.elapsed());
        assert_eq!(store.latest().app_hash(), latest, "{engine} lost something");
        Ok(time)
    };
    figures.open_ms = open(&path)?;
    figures.open_killed_ms = open(&killed)?;
    Ok(figures)
}

/// Takes a snapshot and restores it.
fn snapshot(
    store: &Store,
    engine: Engine,
    folder: &Path,
    figures: &mut Figures,
) -> Result<(), Box<dyn Error>> {
    let shelf = Shelf::open(&folder.join("snapshots"), 1)?;
    let start = Instant::now();
    let manifest = shelf.take(&store.latest())?;
    figures.snapshot_take_ms = ms(start.elapsed());
    figures.snapshot_bytes = manifest.bytes;
    figures.snapshot_chunks = manifest.chunks.len();
    let restored = Store::open(engine.open(&folder.join("restored"))?)?;
    let start = Instant::now();
    let height = manifest.height;
    let chunks = manifest.chunks.len();
    let mut restore = restored.restore(manifest, Blocks::None)?;
    for index in (0u32..).take(chunks) {
        let chunk = shelf.chunk(height, index).ok_or("a chunk is missing")?;
        restore.apply(index, &chunk)?;
    }
    figures.snapshot_restore_ms = ms(start.elapsed());
    assert_eq!(restored.latest().app_hash(), store.latest().app_hash());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: u64| {
        arguments
            .get(index)
            .map_or(Ok(default), |text| text.parse())
    };
    let sizes = (number(0, 100_000)?, number(1, 1_000)?, number(2, 50)?);
    let wanted = arguments.get(3).map(|names| names.split(',').collect());
    let wanted: Vec<&str> = wanted.unwrap_or_default();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.contains(&name);
    let parent = arguments.get(4).map(PathBuf::from);
    let folder = parent
        .unwrap_or_else(std::env::temp_dir)
        .join(format!("bench-store-{}", std::process::id()));

    let mut all = Vec::new();
    for engine in Engine::ALL.into_iter().filter(|e| is_wanted(e.name())) {
        all.push(durable(engine, &folder, sizes)?);
        fs::remove_dir_all(&folder)?;
    }
    if is_wanted("memory") {
        let mut figures = Figures {
            engine: "memory".into(),
            ..Figures::default()
        };
        blocks(
            Arc::new(MemKv::new()),
            sizes.0,
            sizes.1,
            sizes.2,
            &mut figures,
        )?;
        all.push(figures);
    }
    eprintln!(
        "{:<8}{:>10}{:>12}{:>11}{:>9}{:>10}{:>10}{:>11}{:>11}{:>9}{:>13}",
        "engine",
        "writes/s",
        "prepare ms",
        "commit ms",
        "cpu ms",
        "fill/s",
        "reads/s",
        "walked/s",
        "bytes/key",
        "open ms",
        "after kill ms"
    );
    for f in &all {
        eprintln!(
            "{:<8}{:>10.0}{:>12.1}{:>11.1}{:>9.1}{:>10.0}{:>10.0}{:>11.0}{:>11.0}{:>9.0}{:>13.0}",
            f.engine,
            f.writes_per_second,
            f.prepare_ms_per_block,
            f.commit_ms_per_block,
            f.cpu_ms_per_block,
            f.fill_writes_per_second,
            f.reads_per_second,
            f.walked_keys_per_second,
            f.bytes_per_key,
            f.open_ms,
            f.open_killed_ms
        );
        if f.snapshot_chunks > 0 {
            eprintln!(
                "{:<8}snapshot: {} bytes in {} chunks, taken in {:.0} ms, restored in {:.0} ms",
                "", f.snapshot_bytes, f.snapshot_chunks, f.snapshot_take_ms, f.snapshot_restore_ms
            );
        }
    }
    let (keys, writes, count) = sizes;
    let engines = serde_json::to_value(&all)?;
    println!(
        "{}",
        serde_json::json!({ "keys": keys, "writes_per_block": writes, "blocks": count, "engines": engines })
    );
    Ok(())
}
