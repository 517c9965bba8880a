//! Files that must be whole or absent: written beside their place, synced, then moved there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Mode of files that hold secrets.
pub(crate) const PRIVATE: u32 = 0o600;
/// Mode of files that anyone on the machine may read.
pub(crate) const PUBLIC: u32 = 0o644;

/// A file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct FileError {
    /// What was attempted: `read`, `write`, `create`.
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// Why the operating system refused.
    pub source: io::Error,
}

impl FileError {
    /// Names the action and the file that an I/O error belongs to.
    pub(crate) fn of(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self {
            action,
            path,
            source,
        }
    }
}

/// Creates a folder and its parents; new ones are readable by their owner alone.
pub(crate) fn create_private_dir(path: &Path) -> Result<(), FileError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(FileError::of("create", path))
}

/// Writes or replaces `path` in one step.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    let write = || {
        let temporary = write_beside(path, bytes, mode)?;
        fs::rename(&temporary, path).inspect_err(|_| remove_quietly(&temporary))?;
        sync_parent(path)
    };
    write().map_err(FileError::of("write", path))
}

/// Writes `path` in one step if there is nothing at that place.
///
/// Returns whether it was written: `false` means that a file was there already, and it was
/// left as it is.
pub(crate) fn write_if_absent(path: &Path, bytes: &[u8], mode: u32) -> Result<bool, FileError> {
    let write = || {
        let temporary = write_beside(path, bytes, mode)?;
        // Unlike a rename, a hard link never replaces what another process put there meanwhile.
        let linked = fs::hard_link(&temporary, path);
        remove_quietly(&temporary);
        match linked {
            Ok(()) => sync_parent(path).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    };
    write().map_err(FileError::of("write", path))
}

/// Reads a text file.
pub(crate) fn read_text(path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).map_err(FileError::of("read", path))
}

fn write_beside(path: &Path, bytes: &[u8], mode: u32) -> io::Result<PathBuf> {
    let name = path.file_name().map(|name| name.to_string_lossy());
    let name = name.ok_or_else(|| io::Error::other("not a file name"))?;
    // Unique among the threads of this process, and among processes that run now.
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_file_name(format!(".{name}.{}.{unique}", std::process::id()));
    // A leftover of a process that died with this id: nobody reads it.
    remove_quietly(&temporary);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&temporary)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .inspect_err(|_| remove_quietly(&temporary))?;
    Ok(temporary)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

fn remove_quietly(path: &Path) {
    // The only caller-visible effect of a failure is a stray dot file.
    let _ = fs::remove_file(path);
}
