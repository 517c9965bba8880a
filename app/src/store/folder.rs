//! The folder of a durable engine: which engine it belongs to, and which height was durable in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{Engine, StoreError};

/// Holds the name of the engine from the moment the folder is made.
const ENGINE: &str = "engine";

/// Holds the last height that the engine called durable, 8 bytes big-endian. An engine that finds
/// the end of its log damaged drops that end and goes on; this file tells that something is lost.
const NOTE: &str = "race-state";

/// A folder that one engine may use.
pub(super) struct Folder {
    path: PathBuf,
    note: File,
}

impl Folder {
    /// Makes the folder `path` for `engine`, or checks that it is that engine's.
    ///
    /// # Errors
    /// [`StoreError::OtherEngine`], and [`StoreError::Open`] if it holds anything else or the disk
    /// refuses.
    pub fn claim(path: &Path, engine: Engine) -> Result<Self, StoreError> {
        let io = |error: io::Error| does_not_open(path, error);
        fs::create_dir_all(path).map_err(io)?;
        let found = match fs::read_to_string(path.join(ENGINE)) {
            Ok(found) => found.trim().to_owned(),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
            // Made before folders named their engine: there was one.
            Err(_) if path.join(NOTE).exists() => Engine::Sled.name().to_owned(),
            Err(_) => {
                if fs::read_dir(path).map_err(io)?.next().is_some() {
                    let reason = "it holds files, but none that says which engine made them";
                    return Err(does_not_open(path, reason));
                }
                create(path, ENGINE, engine.name()).map_err(io)?;
                engine.name().to_owned()
            }
        };
        if found != engine.name() {
            return Err(StoreError::OtherEngine {
                path: path.to_path_buf(),
                found,
                configured: engine.name(),
            });
        }
        if !path.join(NOTE).exists() {
            create(path, NOTE, "").map_err(io)?;
        }
        let note = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path.join(NOTE))
            .map_err(io)?;
        Ok(Self {
            path: path.to_path_buf(),
            note,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last noted height; 0 before the first.
    pub fn noted(&self) -> Result<u64, StoreError> {
        let mut height = [0; 8];
        match self.note.read_exact_at(&mut height, 0) {
            Ok(()) => Ok(u64::from_be_bytes(height)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            Err(error) => Err(does_not_open(&self.path, error)),
        }
    }

    /// Notes that `height` is durable. The note itself may be lost with the power: then an earlier
    /// one is there, which is true as well. A lower height than before is synced for that reason.
    pub fn note(&self, height: u64) -> Result<(), StoreError> {
        let failed = |error: io::Error| StoreError::Engine {
            action: "noting the durable height",
            reason: error.to_string(),
        };
        let is_lower = height < self.noted()?;
        self.note
            .write_all_at(&height.to_be_bytes(), 0)
            .map_err(failed)?;
        if is_lower {
            self.note.sync_all().map_err(failed)?;
        }
        Ok(())
    }

    /// The error that this folder does not open.
    pub fn refuse(&self, reason: impl ToString) -> StoreError {
        does_not_open(&self.path, reason)
    }
}

fn does_not_open(path: &Path, reason: impl ToString) -> StoreError {
    StoreError::Open {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}

/// Writes a file that survives a power loss.
fn create(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let mut file = File::create(folder.join(name))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    sync_dir(folder)?;
    sync_parent(folder)
}

/// Makes the names in a folder survive a power loss.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent),
        _ => Ok(()),
    }
}

/// Moves the state database at `path` aside, to `path` and `.aside-N` with the first N that is
/// free, so that the next start makes a new one. Returns the new place. Nothing does this by
/// itself: whoever calls it has decided that the state will be restored by state sync or replay.
///
/// # Errors
/// [`StoreError::Open`] if there is no such folder or it cannot be renamed.
pub fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let io = |error: io::Error| does_not_open(path, error);
    fs::metadata(path).map_err(io)?;
    let target = (1u32..)
        .map(|number| {
            let mut target = path.as_os_str().to_owned();
            target.push(format!(".aside-{number}"));
            PathBuf::from(target)
        })
        .find(|target| !target.exists())
        .ok_or_else(|| does_not_open(path, "no name is free to move it aside to"))?;
    fs::rename(path, &target).map_err(io)?;
    sync_parent(path).map_err(io)?;
    Ok(target)
}
