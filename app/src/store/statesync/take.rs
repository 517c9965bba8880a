//! From a committed height to chunks.

use super::format::{hash, Filler, Limits, Manifest, StoreRoot};
use super::SnapshotError;
use crate::store::{tree, Snapshot};

/// Writes the chunks of a height through `write`, one after the other, and returns the manifest. Holds
/// one chunk in memory. The snapshot pins its height, so nothing that is read goes away meanwhile.
///
/// # Errors
/// The database's and `write`'s own; [`SnapshotError::TooLarge`].
pub fn take(
    snapshot: &Snapshot,
    limits: Limits,
    mut write: impl FnMut(&[u8]) -> Result<(), SnapshotError>,
) -> Result<Manifest, SnapshotError> {
    let mut manifest = Manifest {
        height: snapshot.height(),
        app_hash: snapshot.app_hash().to_vec(),
        ..Manifest::default()
    };
    let mut filler = Filler::new(limits);
    let kv = snapshot.kv();
    for store in &snapshot.record().stores {
        if store.root.is_empty() {
            continue;
        }
        let number = manifest.stores.len();
        manifest.stores.push(StoreRoot {
            name: store.name.clone(),
            root: store.root.clone(),
        });
        let proof = |key: &[u8]| tree::right_siblings(kv, &store.name, store.version, key);
        let mut last = Vec::new();
        for key in tree::leaves(kv, &store.name, store.version) {
            let key = key?;
            let value = snapshot.try_get(&store.name, &key)?.unwrap_or_default();
            let size = Filler::size(&key, &value);
            if !filler.fits(size) {
                if !last.is_empty() {
                    filler.end_part(number, &proof(&last)?);
                }
                finish(&mut filler, &mut manifest, &mut write)?;
            }
            if !filler.fits(size) {
                return Err(SnapshotError::TooLarge {
                    store: store.name.clone(),
                    key: hex::encode(&key),
                    bytes: size,
                });
            }
            filler.push(&key, &value);
            last = key;
        }
        filler.end_part(number, &proof(&last)?);
    }
    finish(&mut filler, &mut manifest, &mut write)?;
    Ok(manifest)
}

fn finish(
    filler: &mut Filler,
    manifest: &mut Manifest,
    write: &mut impl FnMut(&[u8]) -> Result<(), SnapshotError>,
) -> Result<(), SnapshotError> {
    if filler.is_empty() {
        return Ok(());
    }
    let chunk = filler.finish();
    manifest.chunks.push(hash(&chunk).to_vec());
    let size = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
    manifest.bytes = manifest.bytes.saturating_add(size);
    write(&chunk)
}
