//! Which request of a session comes next, in `HOME/sessions/<id>.next`.
//!
//! An index is claimed on disk before it is asked for, so that it is used once even if the process
//! ends in between. Two processes of one home take turns (`<id>.lock`).

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::comet::files::{self, FileError};

const FOLDER: &str = "sessions";

/// Why an index cannot be claimed.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The index was claimed before.
    #[error("index {index} of session {id} was used already; the next one is {next}: leave --index out to take it")]
    Used {
        /// The session.
        id: u64,
        /// What was wanted.
        index: u64,
        /// What is free.
        next: u64,
    },
    /// A damaged counter.
    #[error("{}: expected a number, got {got:?}; write the next index into it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What it holds.
        got: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The counter of one session.
#[derive(Debug, Clone)]
pub struct SessionIndex {
    id: u64,
    folder: PathBuf,
}

impl SessionIndex {
    /// The counter of session `id` in `home`.
    #[must_use]
    pub fn new(home: &Path, id: u64) -> Self {
        Self {
            id,
            folder: home.join(FOLDER),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.next", self.id))
    }

    /// The lowest index that was never claimed here.
    ///
    /// # Errors
    /// The file cannot be read, or holds no number.
    pub fn next(&self) -> Result<u64, IndexError> {
        let path = self.path();
        if !path.exists() {
            return Ok(0);
        }
        let text = files::read_text(&path)?;
        text.trim().parse().map_err(|_| IndexError::Damaged {
            path,
            got: text.chars().take(40).collect(),
        })
    }

    /// Claims `wanted`, or the lowest free index from `at_least` on, and keeps that on disk.
    ///
    /// # Errors
    /// [`IndexError::Used`] when `wanted` was claimed before; the files cannot be used.
    pub fn claim(&self, wanted: Option<u64>, at_least: u64) -> Result<u64, IndexError> {
        files::create_private_dir(&self.folder)?;
        let lock = self.folder.join(format!("{}.lock", self.id));
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock)
            .map_err(FileError::of("open", &lock))?;
        // Released when it is closed, at the end of this function or of the process.
        file.lock().map_err(FileError::of("lock", &lock))?;
        let next = self.next()?;
        let index = match wanted {
            Some(index) if index < next => {
                return Err(IndexError::Used {
                    id: self.id,
                    index,
                    next,
                })
            }
            Some(index) => index,
            None => next.max(at_least),
        };
        let text = index.saturating_add(1).to_string();
        files::write_atomically(&self.path(), text.as_bytes(), files::PRIVATE)?;
        Ok(index)
    }
}
