//! What a running node says of itself, in `HOME/run/status.json`, for `raced status`.

use std::path::{Path, PathBuf};

use race_app::upgrade::Halt;
use serde::{Deserialize, Serialize};

use crate::comet::files;

/// A race in progress.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RaceStatus {
    /// Nonces tried.
    pub tried: u64,
    /// Appropriate ones found.
    pub found: u64,
    /// Nonces tried a second.
    pub nonces_per_second: f64,
    /// Blocks until the window closes.
    pub blocks_left: u64,
}

/// A node's own words.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The last block that it saw.
    pub height: u64,
    /// What it is doing, for people.
    pub doing: String,
    /// The race that it runs.
    pub race: Option<RaceStatus>,
    /// Why it ended at a height and does not go on; empty while it runs.
    pub halted: String,
    /// Models that it has loaded.
    pub models: Vec<String>,
    /// Answered requests that the chain has not settled.
    pub unsettled: usize,
    /// Shares of the committee's key that it holds.
    #[serde(default)]
    pub shares: usize,
}

fn path(home: &Path) -> PathBuf {
    home.join("run").join("status.json")
}

impl Status {
    /// That of a node that has halted.
    pub fn halted(halt: &Halt) -> Self {
        Self {
            halted: halt.to_string(),
            ..Self::default()
        }
    }

    /// Writes it; a failure is only logged, as nothing depends on it.
    pub fn write(&self, home: &Path) {
        let bytes = serde_json::to_vec(self).expect("a status is JSON");
        if let Err(error) = files::write_atomically(&path(home), &bytes, files::PUBLIC) {
            tracing::warn!(%error, "the status was not written");
        }
    }

    /// Reads it; `None` when the node never ran.
    pub fn read(home: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path(home)).ok()?).ok()
    }
}
