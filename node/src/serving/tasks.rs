//! What an executor must not lose: requests that it answered, until they are settled and checked.
//! One file a task below `HOME/data/tasks`, written before the answer's end is told to the client.
//!
//! In memory is only what settlement needs of each task ([`Entry`]); bodies, artifacts and texts are
//! read from the disk when they are asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::comet::files::{self, FileError};

/// A served request, but for its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The session.
    pub session: u64,
    /// The request's index.
    pub index: u32,
    /// The executor's draw: 0 is the first.
    pub attempt: u32,
    /// The epoch of the pin that it was served under.
    pub epoch: u64,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the answer.
    pub output_tokens: u32,
    /// The record's digest.
    #[serde(with = "hex::serde")]
    pub digest: Vec<u8>,
    /// The client's acknowledgement, once it came.
    #[serde(with = "hex::serde")]
    pub acknowledgement: Vec<u8>,
}

impl Entry {
    /// Whether the client's acknowledgement came.
    pub fn is_acknowledged(&self) -> bool {
        !self.acknowledgement.is_empty()
    }
}

/// A served request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// What is kept of it in memory.
    #[serde(flatten)]
    pub entry: Entry,
    /// The request's body.
    #[serde(with = "hex::serde")]
    pub body: Vec<u8>,
    /// The encoded artifact.
    #[serde(with = "hex::serde")]
    pub artifact: Vec<u8>,
    /// The text that was streamed.
    pub text: String,
}

/// All served requests that are kept. Calls that read or write content wait for the disk.
pub struct Tasks {
    folder: PathBuf,
    entries: Mutex<BTreeMap<(u64, u32), Entry>>,
}

impl Tasks {
    /// Reads what an earlier run left.
    ///
    /// # Errors
    /// The folder cannot be made or read. A file that does not parse is reported and left alone.
    pub fn open(home: &Path) -> Result<Self, FileError> {
        let folder = home.join("data").join("tasks");
        files::create_private_dir(&folder)?;
        let mut entries = BTreeMap::new();
        let files = std::fs::read_dir(&folder).map_err(FileError::of("read", &folder))?;
        for file in files.flatten() {
            let path = file.path();
            if path.extension().is_none_or(|e| e != "json") {
                continue;
            }
            if let Some(Served { entry, .. }) = read(&path) {
                entries.insert((entry.session, entry.index), entry);
            }
        }
        Ok(Self {
            folder,
            entries: Mutex::new(entries),
        })
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<(u64, u32), Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, session: u64, index: u32) -> PathBuf {
        self.folder.join(format!("{session}-{index}.json"))
    }

    /// What is in memory of a task.
    pub fn entry(&self, session: u64, index: u32) -> Option<Entry> {
        self.entries().get(&(session, index)).cloned()
    }

    /// A task with its content, from the disk.
    pub fn read(&self, session: u64, index: u32) -> Option<Served> {
        self.entry(session, index)?;
        read(&self.path(session, index))
    }

    /// Keeps a task, on disk first.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put(&self, task: &Served) -> Result<(), FileError> {
        let entry = task.entry.clone();
        let bytes = serde_json::to_vec(task).expect("a task is JSON");
        files::write_atomically(
            &self.path(entry.session, entry.index),
            &bytes,
            files::PRIVATE,
        )?;
        self.entries().insert((entry.session, entry.index), entry);
        Ok(())
    }

    /// Acknowledged tasks, in order.
    pub fn acknowledged(&self) -> Vec<Entry> {
        self.entries()
            .values()
            .filter(|entry| entry.is_acknowledged())
            .cloned()
            .collect()
    }

    /// Whether a session ever acknowledged an answer of this node that is still kept.
    pub fn has_paid(&self, session: u64) -> bool {
        !self.of(session, Entry::is_acknowledged).is_empty()
    }

    /// Indices of a session that were answered and not acknowledged, of pins whose epoch passes
    /// `open`.
    pub fn unacknowledged(&self, session: u64, open: impl Fn(u64) -> bool) -> Vec<u32> {
        self.of(session, |entry| {
            !entry.is_acknowledged() && open(entry.epoch)
        })
    }

    fn of(&self, session: u64, which: impl Fn(&Entry) -> bool) -> Vec<u32> {
        self.entries()
            .range((session, 0)..=(session, u32::MAX))
            .filter(|(_, entry)| which(entry))
            .map(|((_, index), _)| *index)
            .collect()
    }

    /// Forgets tasks served under pins before `epoch`.
    pub fn prune(&self, epoch: u64) {
        let mut entries = self.entries();
        let old: Vec<_> = entries
            .values()
            .filter(|t| t.epoch < epoch)
            .map(|t| (t.session, t.index))
            .collect();
        for place in old {
            entries.remove(&place);
            let path = self.path(place.0, place.1);
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "an old task was not removed");
            }
        }
    }
}

/// A task's file; what cannot be used is reported.
fn read(path: &Path) -> Option<Served> {
    match std::fs::read(path).map(|bytes| serde_json::from_slice(&bytes)) {
        Ok(Ok(task)) => Some(task),
        Ok(Err(error)) => {
            tracing::warn!(path = %path.display(), %error, "a served task does not parse; left alone");
            None
        }
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a served task cannot be read");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(session: u64, index: u32) -> Served {
        Served {
            entry: Entry {
                session,
                index,
                attempt: 0,
                epoch: session,
                prompt_tokens: 1,
                output_tokens: 1,
                digest: vec![3; 32],
                acknowledgement: Vec::new(),
            },
            body: vec![1],
            artifact: vec![2],
            text: "\u{1F980}".to_owned(),
        }
    }

    fn acknowledged(session: u64, index: u32) -> Served {
        let mut task = task(session, index);
        task.entry.acknowledgement = vec![9; 64];
        task
    }

    #[test]
    fn served_tasks_survive_a_restart_and_old_ones_are_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let tasks = Tasks::open(home.path()).unwrap();
        tasks.put(&task(1, 0)).unwrap();
        tasks.put(&acknowledged(2, 5)).unwrap();
        assert_eq!(tasks.acknowledged(), [acknowledged(2, 5).entry]);

        let reopened = Tasks::open(home.path()).unwrap();
        assert_eq!(reopened.read(1, 0), Some(task(1, 0)));
        assert_eq!(reopened.entry(1, 0), Some(task(1, 0).entry));
        reopened.prune(2);
        assert_eq!(Tasks::open(home.path()).unwrap().entry(1, 0), None);
        assert!(Tasks::open(home.path()).unwrap().read(2, 5).is_some());
    }

    #[test]
    fn a_sessions_unpaid_answers_are_those_that_can_still_be_paid() {
        let home = tempfile::tempdir().unwrap();
        let tasks = Tasks::open(home.path()).unwrap();
        for (session, index) in [(1, 9), (2, 4), (2, 7), (3, 0)] {
            tasks.put(&task(session, index)).unwrap();
        }
        tasks.put(&acknowledged(2, 5)).unwrap();
        assert_eq!(tasks.unacknowledged(2, |_| true), [4, 7]);
        assert_eq!(tasks.unacknowledged(2, |epoch| epoch != 2), [0_u32; 0]);
        assert!(tasks.has_paid(2) && !tasks.has_paid(1) && !tasks.has_paid(4));
    }
}
