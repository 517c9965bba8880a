//! What an executor must not lose: requests that it answered, until they are settled and checked.
//! One file a task below `HOME/data/tasks`, written before the answer's end is told to the client.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::comet::files::{self, FileError};

/// A served request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// The session.
    pub session: u64,
    /// The request's index.
    pub index: u32,
    /// The executor's draw: 0 is the first.
    pub attempt: u32,
    /// The epoch of the pin that it was served under.
    pub epoch: u64,
    /// The request's body.
    #[serde(with = "hex::serde")]
    pub body: Vec<u8>,
    /// The encoded artifact.
    #[serde(with = "hex::serde")]
    pub artifact: Vec<u8>,
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

/// All served requests that are kept.
pub struct Tasks {
    folder: PathBuf,
    served: Mutex<BTreeMap<(u64, u32), Served>>,
}

impl Tasks {
    /// Reads what an earlier run left.
    ///
    /// # Errors
    /// The folder cannot be made or read. A file that does not parse is reported and left alone.
    pub fn open(home: &Path) -> Result<Self, FileError> {
        let folder = home.join("data").join("tasks");
        files::create_private_dir(&folder)?;
        let mut served = BTreeMap::new();
        let entries = std::fs::read_dir(&folder).map_err(FileError::of("read", &folder))?;
        for entry in entries.flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|e| e != "json") {
                continue;
            }
            match std::fs::read(&path).map(|bytes| serde_json::from_slice::<Served>(&bytes)) {
                Ok(Ok(task)) => {
                    served.insert((task.session, task.index), task);
                }
                Ok(Err(error)) => {
                    tracing::warn!(path = %path.display(), %error, "a served task does not parse; left alone")
                }
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "a served task cannot be read")
                }
            }
        }
        Ok(Self {
            folder,
            served: Mutex::new(served),
        })
    }

    fn served(&self) -> MutexGuard<'_, BTreeMap<(u64, u32), Served>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, session: u64, index: u32) -> PathBuf {
        self.folder.join(format!("{session}-{index}.json"))
    }

    /// A task by its place.
    pub fn get(&self, session: u64, index: u32) -> Option<Served> {
        self.served().get(&(session, index)).cloned()
    }

    /// Keeps a task, on disk first.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put(&self, task: Served) -> Result<(), FileError> {
        let bytes = serde_json::to_vec(&task).expect("a task is JSON");
        files::write_atomically(&self.path(task.session, task.index), &bytes, files::PRIVATE)?;
        self.served().insert((task.session, task.index), task);
        Ok(())
    }

    /// Acknowledged tasks, in order.
    pub fn acknowledged(&self) -> Vec<Served> {
        self.served()
            .values()
            .filter(|t| !t.acknowledgement.is_empty())
            .cloned()
            .collect()
    }

    /// Forgets tasks served under pins before `epoch`.
    pub fn prune(&self, epoch: u64) {
        let mut served = self.served();
        let old: Vec<_> = served
            .values()
            .filter(|t| t.epoch < epoch)
            .map(|t| (t.session, t.index))
            .collect();
        for place in old {
            served.remove(&place);
            let path = self.path(place.0, place.1);
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "an old task was not removed");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(session: u64, index: u32) -> Served {
        Served {
            session,
            index,
            attempt: 0,
            epoch: session,
            body: vec![1],
            artifact: vec![2],
            prompt_tokens: 1,
            output_tokens: 1,
            digest: vec![3; 32],
            acknowledgement: Vec::new(),
        }
    }

    #[test]
    fn served_tasks_survive_a_restart_and_old_ones_are_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let tasks = Tasks::open(home.path()).unwrap();
        tasks.put(task(1, 0)).unwrap();
        tasks
            .put(Served {
                acknowledgement: vec![9; 64],
                ..task(2, 5)
            })
            .unwrap();
        assert_eq!(tasks.acknowledged().len(), 1);

        let reopened = Tasks::open(home.path()).unwrap();
        assert_eq!(reopened.get(1, 0), Some(task(1, 0)));
        reopened.prune(2);
        assert_eq!(Tasks::open(home.path()).unwrap().get(1, 0), None);
        assert!(Tasks::open(home.path()).unwrap().get(2, 5).is_some());
    }
}
