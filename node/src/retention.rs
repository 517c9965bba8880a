//! Which blocks CometBFT keeps. Without `[store] keep_blocks` all of them; with it, old ones go as new ones
//! come, but never one that something may still need ([`Keep::first`]).
//!
//! CometBFT itself keeps headers and commits, of blocks that it drops, for as long as evidence about them
//! counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use crate::comet::genesis::EvidenceParams;
use crate::comet::rpc::RpcClient;
use crate::config::Config;
use crate::snapshots::Snapshots;

/// Most blocks that go with one new block: CometBFT removes them before it goes on.
const AT_ONCE: u64 = 1_000;
/// How long to wait before CometBFT is asked again where its blocks begin.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How many blocks are kept, and why so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// What the operator wants; 0 is all.
    pub wanted: u64,
    /// For so many, evidence counts. In that time, two thirds of which a header is trusted, light clients ask
    /// for headers, and CometBFT's RPC answers for no block before the first that is kept.
    pub evidence: u64,
    /// Past states to which a node can go back; it executes the blocks after them again.
    pub versions: u64,
}

impl Keep {
    /// What a node's configuration and its chain's genesis ask for.
    pub fn of(config: &Config, evidence: &EvidenceParams) -> Self {
        Self {
            wanted: config.store.keep_blocks,
            evidence: u64::try_from(evidence.max_age_num_blocks).unwrap_or(0),
            versions: config.store.keep_versions,
        }
    }

    /// The blocks before the latest that are kept; `None` is all.
    pub fn blocks(&self) -> Option<u64> {
        let most = self.wanted.max(self.evidence).max(self.versions);
        (self.wanted > 0).then_some(most)
    }

    /// The first block that is kept at this latest block and `snapshot` is the oldest snapshot: who
    /// restores it fetches all blocks after it. 0 keeps all.
    pub fn first(&self, latest: u64, snapshot: Option<u64>) -> u64 {
        let Some(blocks) = self.blocks() else {
            return 0;
        };
        let first = latest.saturating_sub(blocks);
        first.min(snapshot.unwrap_or(u64::MAX))
    }
}

/// What the application answers to CometBFT after each block.
pub struct Retention {
    keep: Keep,
    snapshots: Arc<Snapshots>,
    /// Where CometBFT's blocks begin; 0 while that is not known.
    begin: AtomicU64,
}

impl Retention {
    /// Nothing goes before [`Retention::learn`] has learned where the blocks begin.
    pub fn new(keep: Keep, snapshots: Arc<Snapshots>) -> Self {
        Self {
            keep,
            snapshots,
            begin: AtomicU64::new(0),
        }
    }

    /// The first block that CometBFT keeps from now on; 0 changes nothing.
    pub fn height(&self, latest: u64) -> u64 {
        let begin = self.begin.load(Ordering::SeqCst);
        let first = self.keep.first(latest, self.snapshots.oldest());
        if begin == 0 || first <= begin {
            return 0;
        }
        let first = first.min(begin.saturating_add(AT_ONCE));
        self.begin.store(first, Ordering::SeqCst);
        first
    }

    /// Asks CometBFT where its blocks begin, until it says so.
    pub async fn learn(self: Arc<Self>, rpc: RpcClient) {
        if self.keep.blocks().is_none() {
            return;
        }
        loop {
            let status = rpc.status().await.ok();
            let begin = status.map_or(0, |status| status.sync_info.earliest_block_height);
            if begin > 0 {
                self.begin.store(begin, Ordering::SeqCst);
                return;
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::StateSync;

    const KEEP: Keep = Keep {
        wanted: 100,
        evidence: 50,
        versions: 20,
    };

    #[test]
    fn without_a_number_all_blocks_are_kept() {
        let all = Keep { wanted: 0, ..KEEP };
        assert_eq!(all.first(1_000_000, Some(999_000)), 0);
    }

    #[test]
    fn so_many_are_kept_as_the_operator_wants() {
        assert_eq!(KEEP.first(1_000, None), 900);
        assert_eq!(KEEP.first(99, None), 0);
    }

    #[test]
    fn a_block_that_is_needed_is_kept_whatever_the_operator_wants() {
        let of = |evidence, versions| Keep {
            wanted: 1,
            evidence,
            versions,
        };
        assert_eq!(of(50, 20).first(1_000, None), 950);
        assert_eq!(of(50, 200).first(1_000, None), 800);
        assert_eq!(of(50, 200).first(1_000, Some(700)), 700);
        assert_eq!(of(50, 200).first(1_000, Some(990)), 800);
    }

    #[test]
    fn many_blocks_go_in_steps_and_none_before_it_is_known_where_they_begin() {
        let home = tempfile::tempdir().unwrap();
        let snapshots = Snapshots::open(home.path(), &StateSync::default()).unwrap();
        let retention = Retention::new(KEEP, Arc::new(snapshots));
        assert_eq!(retention.height(5_000), 0);
        retention.begin.store(1, Ordering::SeqCst);
        assert_eq!(retention.height(1_500), 1_001);
        assert_eq!(retention.height(1_501), 1_401);
        assert_eq!(retention.height(1_501), 0);
    }
}
