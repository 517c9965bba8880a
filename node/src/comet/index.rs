//! CometBFT's index of transactions, mended at a start.
//!
//! CometBFT indexes a block's transactions after it has committed the block, and does not do it again: one
//! that is stopped or killed in between has the block and never finds its transactions by hash. So the last
//! blocks are indexed once more before it starts, by its own `reindex-event`; what is there already stays.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::process::StartOptions;

/// The last blocks that may be missing: one that waits to be indexed while the next is committed, and one
/// to spare.
const BLOCKS: u64 = 3;

/// A node whose disk is so slow goes on without.
const LIMIT: Duration = Duration::from_secs(30);

/// The first block to index again when the state is at `height`; none at a chain's start.
#[must_use]
pub fn first_missing(height: u64) -> Option<u64> {
    (height > 0).then(|| height.saturating_sub(BLOCKS - 1).max(1))
}

/// Indexes all blocks from `first` on. It failing (after a state sync the blocks are not there yet) costs
/// searches for a few transactions, so that it is only logged. CometBFT must not run on this home.
pub(super) async fn mend(options: &StartOptions, first: u64) {
    let child = Command::new(&options.binary)
        .args(["reindex-event", "--start-height", &first.to_string()])
        .arg("--home")
        .arg(&options.home)
        .envs(options.env.iter().map(|(k, v)| (k, v)))
        .current_dir(&options.home)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match timeout(LIMIT, child).await {
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stdout);
            match said.contains("re-index finished") {
                true => tracing::debug!(first, "indexed the last blocks again"),
                false => tracing::info!(
                    first,
                    said = said.trim(),
                    "the last blocks were not indexed again"
                ),
            }
        }
        Ok(Err(error)) => tracing::warn!(%error, "the last blocks were not indexed again"),
        Err(_) => tracing::warn!(first, "indexing the last blocks again took too long: left"),
    }
}
