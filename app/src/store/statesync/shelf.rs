//! The folder of finished snapshots: `HEIGHT/manifest` and `HEIGHT/0`, `HEIGHT/1`, ...
//!
//! A snapshot is written into `HEIGHT.partial`, synced, and renamed: what has no such ending is whole.
//! What a killed process left unfinished is removed when the folder is opened.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use prost::Message as _;

use super::format::{hash, Limits, Manifest};
use super::take::take;
use super::{failed, SnapshotError};
use crate::store::folder::sync_dir;
use crate::store::Snapshot;

/// The manifest's file.
const MANIFEST: &str = "manifest";

/// The ending of a folder that is being written.
const PARTIAL: &str = "partial";

/// Blocks that a snapshot must lie behind the latest to be offered: the light client of who restores it
/// reads the headers of the next two.
const OFFERED_BEHIND: u64 = 2;

/// Finished snapshots in a folder.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    keep: usize,
    /// The manifests, as bytes and decoded, by height.
    there: Mutex<BTreeMap<u64, (Vec<u8>, Manifest)>>,
    /// One at a time.
    taking: Mutex<()>,
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), SnapshotError> {
    let failed = failed("cannot write", path);
    let mut file = File::create(path).map_err(&failed)?;
    file.write_all(bytes).map_err(&failed)?;
    file.sync_all().map_err(&failed)
}

fn is_partial(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == PARTIAL)
}

fn paths(folder: &Path) -> Result<Vec<PathBuf>, SnapshotError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed("cannot read", folder))?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    paths
        .collect::<Result<_, _>>()
        .map_err(failed("cannot read", folder))
}

impl Shelf {
    /// Opens or makes the folder, in which the `keep` newest snapshots stay, and removes what is
    /// unfinished. A snapshot whose manifest cannot be read is left out, with a warning.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(folder: &Path, keep: usize) -> Result<Self, SnapshotError> {
        fs::create_dir_all(folder).map_err(failed("cannot make", folder))?;
        for path in paths(folder)?.iter().filter(|path| is_partial(path)) {
            fs::remove_dir_all(path).map_err(failed("cannot remove", path))?;
        }
        Ok(Self {
            keep: keep.max(1),
            ..Self::look(folder)?
        })
    }

    /// What lies in the folder, to read: nothing is removed, so a node may work on it. Without a folder
    /// there is nothing.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn look(folder: &Path) -> Result<Self, SnapshotError> {
        let mut there = BTreeMap::new();
        for path in paths(folder)?.iter().filter(|path| !is_partial(path)) {
            let manifest = path.join(MANIFEST);
            let read = fs::read(&manifest).map_err(failed("cannot read", &manifest));
            match read.and_then(|bytes| Ok((Manifest::check(&bytes)?, bytes))) {
                Ok((manifest, bytes)) => {
                    there.insert(manifest.height, (bytes, manifest));
                }
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "no snapshot; remove it");
                }
            }
        }
        Ok(Self {
            folder: folder.to_path_buf(),
            keep: usize::MAX,
            there: Mutex::new(there),
            taking: Mutex::new(()),
        })
    }

    fn there(&self) -> MutexGuard<'_, BTreeMap<u64, (Vec<u8>, Manifest)>> {
        // Entries are put in and taken out whole.
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the snapshot of a height, unless it is there, and drops the oldest beyond those kept.
    ///
    /// # Errors
    /// The disk's and the database's; then nothing is there.
    pub fn take(&self, snapshot: &Snapshot) -> Result<Manifest, SnapshotError> {
        let _one_at_a_time = self.taking.lock().unwrap_or_else(PoisonError::into_inner);
        let height = snapshot.height();
        if let Some((_, manifest)) = self.there().get(&height) {
            return Ok(manifest.clone());
        }
        let finished = self.folder.join(height.to_string());
        let partial = self.folder.join(format!("{height}.{PARTIAL}"));
        let written = self.write_to(snapshot, &partial, &finished);
        if written.is_err() {
            // The next open removes it if this does not.
            let _ = fs::remove_dir_all(&partial);
        }
        let manifest = written?;
        let bytes = manifest.encode_to_vec();
        let mut there = self.there();
        there.insert(height, (bytes, manifest.clone()));
        let mut gone = Vec::new();
        while there.len() > self.keep {
            gone.extend(there.pop_first().map(|(height, _)| height));
        }
        drop(there);
        for height in gone {
            let path = self.folder.join(height.to_string());
            fs::remove_dir_all(&path).map_err(failed("cannot remove", &path))?;
        }
        Ok(manifest)
    }

    fn write_to(
        &self,
        snapshot: &Snapshot,
        partial: &Path,
        finished: &Path,
    ) -> Result<Manifest, SnapshotError> {
        for leftover in [partial, finished] {
            match fs::remove_dir_all(leftover) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(failed("cannot remove", leftover)(error));
                }
                _ => {}
            }
        }
        fs::create_dir(partial).map_err(failed("cannot make", partial))?;
        let mut index = 0u32;
        let manifest = take(snapshot, Limits::default(), |chunk| {
            let path = partial.join(index.to_string());
            index = index.saturating_add(1);
            write(&path, chunk)
        })?;
        write(&partial.join(MANIFEST), &manifest.encode_to_vec())?;
        sync_dir(partial).map_err(failed("cannot sync", partial))?;
        fs::rename(partial, finished).map_err(failed("cannot rename", partial))?;
        sync_dir(&self.folder).map_err(failed("cannot sync", &self.folder))?;
        Ok(manifest)
    }

    /// Removes the snapshots above a height, to which the state went back.
    ///
    /// # Errors
    /// One cannot be removed.
    pub fn drop_above(&self, height: u64) -> Result<(), SnapshotError> {
        let mut there = self.there();
        while there
            .last_key_value()
            .is_some_and(|(last, _)| *last > height)
        {
            if let Some((gone, _)) = there.pop_last() {
                let path = self.folder.join(gone.to_string());
                fs::remove_dir_all(&path).map_err(failed("cannot remove", &path))?;
            }
        }
        Ok(())
    }

    /// All snapshots, the oldest first.
    pub fn list(&self) -> Vec<Manifest> {
        let there = self.there();
        there
            .values()
            .map(|(_, manifest)| manifest.clone())
            .collect()
    }

    /// The height of the oldest one.
    pub fn oldest(&self) -> Option<u64> {
        self.there().first_key_value().map(|(height, _)| *height)
    }

    /// The manifests that others can restore from now, as bytes, at this latest height.
    pub fn offered(&self, latest: u64) -> Vec<(Vec<u8>, Manifest)> {
        let there = self.there();
        let behind = latest.saturating_sub(OFFERED_BEHIND);
        there
            .range(..=behind)
            .map(|(_, offered)| offered.clone())
            .collect()
    }

    /// A chunk, if it is there and undamaged.
    pub fn chunk(&self, height: u64, index: u32) -> Option<Vec<u8>> {
        let place = usize::try_from(index).ok()?;
        let expected = self.there().get(&height)?.1.chunks.get(place)?.clone();
        let path = self.folder.join(height.to_string()).join(index.to_string());
        let chunk = match fs::read(&path) {
            Ok(chunk) => chunk,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a chunk cannot be read");
                return None;
            }
        };
        if hash(&chunk) != expected.as_slice() {
            tracing::warn!(path = %path.display(), "a chunk is damaged and not given out; remove its snapshot");
            return None;
        }
        Some(chunk)
    }
}
