//! A race as other processes of the operator see it: a file in the node's race folder while the window
//! is open, and their finds files beside it.
//!
//! The folder is the whole interface between a node and further racing processes, on this machine or
//! on one that shares or copies the folder: they need no chain and no key, and the node merges what
//! they wrote before it submits. It takes their word: a false find costs the node its count, so whoever
//! may write there is trusted as the node itself. A job that a killed node left stays until it is back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use race::Preset;
use serde::{Deserialize, Serialize};

use super::nonces::Share;
use super::{RaceId, Racer, Start};
use crate::comet::files::{self, FileError};
use crate::config;
use crate::preempt::Preempt;

/// How the name of a job's file ends.
const JOB: &str = ".job";

/// Between two looks at the folder.
const PAUSE: Duration = Duration::from_millis(250);

#[derive(Serialize, Deserialize)]
struct Job {
    epoch: u64,
    attempt: u32,
    preset: String,
    #[serde(with = "hex::serde")]
    seed: [u8; 32],
    #[serde(with = "hex::serde")]
    public_key: [u8; 32],
    /// Milliseconds after which the window is expected to close, from when this was written. No time
    /// of day: machines that share a folder need not agree on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left_ms: Option<u64>,
}

fn path(folder: &Path, id: RaceId) -> PathBuf {
    folder.join(format!("{}-{}{JOB}", id.0, id.1))
}

/// Tells other processes that the window of a race is open, and that it is expected to close in
/// `left`.
///
/// # Errors
/// The file cannot be written.
pub fn post(folder: &Path, start: &Start, left: Option<Duration>) -> Result<(), FileError> {
    let job = Job {
        epoch: start.id.0,
        attempt: start.id.1,
        preset: start.preset.name.to_owned(),
        seed: start.seed,
        public_key: start.public_key,
        left_ms: left.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
    };
    let bytes = serde_json::to_vec(&job).expect("a job is JSON");
    files::write_atomically(&path(folder, start.id), &bytes, files::PRIVATE)
}

/// Tells other processes that no window is open.
pub fn withdraw(folder: &Path) {
    for path in jobs(folder) {
        if let Err(error) = std::fs::remove_file(path) {
            tracing::warn!(%error, "other racing processes were not told that the window is closed");
        }
    }
}

fn jobs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .filter(|path| path.to_str().is_some_and(|path| path.ends_with(JOB)))
        .collect()
}

/// The newest race whose window is open.
pub fn posted(folder: &Path) -> Option<Start> {
    newest(folder).map(|(start, _)| start)
}

/// The newest race whose window is open, and what was left of it when that was written.
fn newest(folder: &Path) -> Option<(Start, Option<Duration>)> {
    let starts = jobs(folder).into_iter().filter_map(|path| {
        let job: Job = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        let start = Start {
            id: (job.epoch, job.attempt),
            preset: Preset::by_name(&job.preset).ok()?,
            seed: job.seed,
            public_key: job.public_key,
        };
        Some((start, job.left_ms.map(Duration::from_millis)))
    });
    starts.max_by_key(|(start, _)| start.id)
}

/// Races in a process of its own until `stopped` says so: whatever is posted in `folder`, over the
/// nonces of `config`, with finds files beside the job. `tell` hears of each race that begins or ends
/// and of what this process had tried and found in it.
pub fn follow(
    folder: &Path,
    config: config::Race,
    stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(RaceId, super::Progress, bool),
) {
    let own = match &config.nonces {
        Share::All => "all".to_owned(),
        Share::Part { index, of } => format!("{index}-of-{of}"),
        Share::Range(range) => format!("{}-{}", range.start, range.end),
    };
    let mut racer = Racer::beside(folder, own, config, Preempt::default());
    let mut racing = None;
    let mut told_left = None;
    while !stopped() {
        let posted = newest(folder);
        let now = posted.as_ref().map(|(start, _)| start.id);
        if racing.is_some() && racing != now {
            if let Some((id, progress)) = racer.progress() {
                tell(id, progress, false);
            }
            racer.finish();
        }
        if let Some((start, left)) = posted {
            racer.start(&start);
            // What was written at one block counts from when it was first read.
            if told_left != Some((start.id, left)) {
                told_left = Some((start.id, left));
                racer.ends_in(left);
            }
            if racing != now {
                if let Some((id, progress)) = racer.progress() {
                    tell(id, progress, true);
                }
            }
        }
        racing = now;
        std::thread::sleep(PAUSE);
    }
    if let Some((id, progress)) = racer.progress() {
        tell(id, progress, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_job_is_seen_until_it_is_withdrawn() {
        let folder = tempfile::tempdir().unwrap();
        assert!(posted(folder.path()).is_none());
        let start = |epoch| Start {
            id: (epoch, 1),
            preset: &race::preset::TINY,
            seed: [2; 32],
            public_key: [3; 32],
        };
        post(folder.path(), &start(9), None).unwrap();
        post(folder.path(), &start(10), None).unwrap();
        let (seen, left) = newest(folder.path()).unwrap();
        assert_eq!(seen.of(), start(10).of());
        assert_eq!((seen.id, left), ((10, 1), None));
        // Told again as its end comes near.
        let left = Some(Duration::from_millis(1_500));
        post(folder.path(), &start(10), left).unwrap();
        assert_eq!(newest(folder.path()).unwrap().1, left);
        withdraw(folder.path());
        withdraw(folder.path());
        assert!(posted(folder.path()).is_none());
    }
}
