//! A snapshot in one file: a line that names the format, then the manifest and the chunks, each after
//! its length (4 bytes, big-endian).

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use prost::Message as _;

use super::format::{Manifest, MAX_CHUNK_BYTES, MAX_MANIFEST_BYTES};
use super::restore::Blocks;
use super::shelf::Shelf;
use super::{failed, SnapshotError};
use crate::store::{Snapshot, Store};

/// The first bytes of a file.
const MAGIC: &[u8] = b"race snapshot 1\n";

/// Writes a snapshot of the shelf to `path`, which must not exist yet.
///
/// # Errors
/// The snapshot or one of its chunks is not there, or the file cannot be written.
pub fn export(shelf: &Shelf, height: u64, path: &Path) -> Result<Manifest, SnapshotError> {
    let missing = |what: String| SnapshotError::Manifest(what);
    let found = shelf.list().into_iter().find(|it| it.height == height);
    let manifest =
        found.ok_or_else(|| missing(format!("there is no snapshot of height {height}")))?;
    let wrong = failed("cannot write", path);
    let file = File::create_new(path).map_err(&wrong)?;
    let mut out = BufWriter::new(file);
    out.write_all(MAGIC).map_err(&wrong)?;
    put(&mut out, &manifest.encode_to_vec()).map_err(&wrong)?;
    for index in (0u32..).take(manifest.chunks.len()) {
        let chunk = shelf
            .chunk(height, index)
            .ok_or_else(|| missing(format!("its chunk {index} is missing or damaged")))?;
        put(&mut out, &chunk).map_err(&wrong)?;
    }
    let file = out
        .into_inner()
        .map_err(|error| wrong(error.into_error()))?;
    file.sync_all().map_err(&wrong)?;
    Ok(manifest)
}

/// Restores the snapshot of a file into an empty store; the file is read once.
///
/// # Errors
/// The file is no snapshot, not whole, or does not prove itself.
pub fn restore(path: &Path, store: &Store, blocks: Blocks) -> Result<Snapshot, SnapshotError> {
    let wrong = failed("cannot read", path);
    let mut input = BufReader::new(File::open(path).map_err(&wrong)?);
    let mut magic = [0; MAGIC.len()];
    input.read_exact(&mut magic).map_err(&wrong)?;
    if magic != MAGIC {
        return Err(SnapshotError::Manifest(format!(
            "{} is no file that `raced snapshot export` wrote",
            path.display()
        )));
    }
    let manifest = get(&mut input, MAX_MANIFEST_BYTES).map_err(&wrong)?;
    let mut restore = store.restore(Manifest::check(&manifest)?, blocks)?;
    for index in 0u32.. {
        let chunk = get(&mut input, MAX_CHUNK_BYTES).map_err(&wrong)?;
        if let Some(snapshot) = restore.apply(index, &chunk)? {
            return Ok(snapshot);
        }
    }
    Err(SnapshotError::Manifest("it never ends".into()))
}

fn put(out: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(std::io::Error::other)?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(bytes)
}

fn get(input: &mut impl Read, most: usize) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(std::io::Error::other)?;
    if length > most {
        return Err(std::io::Error::other(format!(
            "a piece has {length} bytes, the limit is {most}"
        )));
    }
    let mut bytes = vec![0; length];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}
