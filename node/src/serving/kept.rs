//! What a checker must not lose: the request and artifact of each answer that it called false, until that is
//! decided. The other hosts ask it for them when the executor does not serve them; the digest on chain says that
//! they are the executor's. One file a task below `HOME/data/checks/false`.

use std::path::{Path, PathBuf};

use prost::Message as _;
use race_proto::race::inference::v1::ArtifactsResponse;

use crate::comet::files::{self, FileError};

/// The answers that this node called false.
pub struct Kept {
    folder: PathBuf,
}

impl Kept {
    /// Those that an earlier run kept, and more.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn open(home: &Path) -> Result<Self, FileError> {
        let folder = home.join("data").join("checks").join("false");
        files::create_private_dir(&folder)?;
        Ok(Self { folder })
    }

    fn path(&self, session: u64, index: u64) -> PathBuf {
        self.folder.join(format!("{session}-{index}"))
    }

    /// Keeps what a task's executor served.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put(
        &self,
        session: u64,
        index: u64,
        served: &ArtifactsResponse,
    ) -> Result<(), FileError> {
        let path = self.path(session, index);
        files::write_atomically(&path, &served.encode_to_vec(), files::PRIVATE)
    }

    /// What is kept of a task.
    pub fn get(&self, session: u64, index: u64) -> Option<ArtifactsResponse> {
        let bytes = std::fs::read(self.path(session, index)).ok()?;
        ArtifactsResponse::decode(bytes.as_slice()).ok()
    }

    /// Forgets the tasks that are decided.
    pub fn retain(&self, is_open: impl Fn(u64, u64) -> bool) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else {
            return;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().and_then(|name| name.to_str());
            let place = name.and_then(|name| name.split_once('-'));
            let place =
                place.and_then(|(s, i)| Some((s.parse::<u64>().ok()?, i.parse::<u64>().ok()?)));
            let decided = place.is_some_and(|(session, index)| !is_open(session, index));
            if !decided {
                continue;
            }
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "a decided task was not removed");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_called_false_is_served_until_it_is_decided() {
        let home = tempfile::tempdir().unwrap();
        let served = |byte| ArtifactsResponse {
            body: vec![byte],
            artifacts: vec![byte; 9],
            text: "an answer".to_owned(),
        };
        let kept = Kept::open(home.path()).unwrap();
        kept.put(1, 7, &served(1)).unwrap();
        kept.put(12, 0, &served(2)).unwrap();
        let reopened = Kept::open(home.path()).unwrap();
        assert_eq!(reopened.get(1, 7), Some(served(1)));
        reopened.retain(|session, _| session == 12);
        assert_eq!(reopened.get(1, 7), None);
        assert_eq!(reopened.get(12, 0), Some(served(2)));
    }
}
