//! One process at a time works on a home: the node, or a command that changes its state.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::comet::files::{self, FileError};

/// Held while a process works on a home. The system lets go of it when the process ends, however.
#[derive(Debug)]
pub struct HomeLock {
    _file: File,
}

/// Why a home is not free.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process works on it.
    #[error("a node or another command works on {}; stop it first", home.display())]
    Taken {
        /// The home.
        home: PathBuf,
    },
    /// The lock's file cannot be made.
    #[error(transparent)]
    File(#[from] FileError),
}

impl HomeLock {
    /// Takes the home, or says that it is taken.
    ///
    /// # Errors
    /// See [`LockError`].
    pub fn take(home: &Path) -> Result<Self, LockError> {
        let folder = home.join("run");
        files::create_private_dir(&folder)?;
        let path = folder.join("raced.lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(FileError::of("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Taken {
                home: home.to_path_buf(),
            }),
            Err(TryLockError::Error(error)) => Err(FileError::of("lock", &path)(error).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_free_again_once_its_process_lets_go() {
        let home = tempfile::tempdir().unwrap();
        let held = HomeLock::take(home.path()).unwrap();
        let refused = HomeLock::take(home.path()).unwrap_err();
        assert!(refused.to_string().contains("stop it first"), "{refused}");
        drop(held);
        HomeLock::take(home.path()).unwrap();
    }
}
