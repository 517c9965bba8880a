//! What any bytes may do as a snapshot: be refused, or restore the very state whose app hash they have.

use std::sync::{Arc, OnceLock};

use prost::Message as _;
use race_app::store::statesync::format::{self, Limits, Manifest};
use race_app::store::statesync::restore::Blocks;
use race_app::store::statesync::take::take;
use race_app::store::statesync::SnapshotError;
use race_app::store::{MemKv, Snapshot, Store, StoreEntry};

use crate::input::Input;

struct Honest {
    manifest: Manifest,
    chunks: Vec<Vec<u8>>,
    entries: Vec<StoreEntry>,
}

fn entries(snapshot: &Snapshot) -> Vec<StoreEntry> {
    let entries = snapshot.entries();
    entries
        .collect::<Result<_, _>>()
        .expect("a store in memory")
}

/// A state of three stores in several chunks.
fn honest() -> &'static Honest {
    static HONEST: OnceLock<Honest> = OnceLock::new();
    HONEST.get_or_init(|| {
        let store = Store::open(Arc::new(MemKv::new())).expect("an empty store opens");
        let keys = (0..24u8).map(|n| {
            let name = ["auth", "bank", "chain"][usize::from(n % 3)];
            ((name, vec![n]), Some(vec![n, 7]))
        });
        let prepared = store.prepare(1, keys.collect::<Vec<_>>()).expect("a block");
        let snapshot = store.commit(prepared).expect("a store in memory");
        let mut chunks = Vec::new();
        let limits = Limits {
            bytes: 18_000,
            entries: 7,
        };
        let manifest = take(&snapshot, limits, |chunk| {
            chunks.push(chunk.to_vec());
            Ok(())
        });
        Honest {
            manifest: manifest.expect("a store in memory"),
            chunks,
            entries: entries(&snapshot),
        }
    })
}

/// Tries the bytes as a manifest and as a chunk, and the changes of an honest snapshot that they describe.
pub fn survives(bytes: &[u8]) {
    let _ = format::parts(bytes);
    if let Ok(manifest) = Manifest::check(bytes) {
        restored(manifest, &[bytes.to_vec()]);
    }
    let honest = honest();
    let mut input = Input(bytes);
    let mut chunks = honest.chunks.clone();
    let (kind, at) = (input.byte(), input.below(chunks.len()));
    match kind % 5 {
        0 => drop(chunks.remove(at)),
        1 => chunks.swap(0, at),
        2 => chunks.insert(at, honest.chunks[at].clone()),
        3 => chunks[at] = input.0.to_vec(),
        _ => {}
    }
    // Whether the manifest names what is sent: else the digests alone refuse it.
    let told = input.byte() % 4 > 0;
    let mut manifest = honest.manifest.clone();
    if input.byte() % 4 == 0 {
        let mut encoded = manifest.encode_to_vec();
        input.edit(&mut encoded);
        match Manifest::check(&encoded) {
            Ok(edited) => manifest = edited,
            Err(_) => return,
        }
    } else {
        let at = at % chunks.len();
        input.edit(&mut chunks[at]);
    }
    if told {
        manifest.chunks = chunks.iter().map(|c| format::hash(c).to_vec()).collect();
    }
    restored(manifest, &chunks);
}

fn restored(manifest: Manifest, chunks: &[Vec<u8>]) {
    let honest = honest();
    let store = Store::open(Arc::new(MemKv::new())).expect("an empty store opens");
    let app_hash = manifest.app_hash.clone();
    let restore = store.restore(manifest, Blocks::None);
    let mut restore = restore.expect("the store is empty");
    for (index, chunk) in (0u32..).zip(chunks) {
        match restore.apply(index, chunk) {
            Ok(None) => {}
            Ok(Some(snapshot)) => {
                assert_eq!(snapshot.app_hash().as_slice(), app_hash);
                if app_hash == honest.manifest.app_hash {
                    assert_eq!(entries(&snapshot), honest.entries);
                }
                return;
            }
            Err(SnapshotError::Foreign { .. } | SnapshotError::Lie { .. }) => break,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(store.latest().height(), 0, "half a state is there");
}
