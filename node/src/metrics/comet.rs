//! What CometBFT says over its RPC, asked on an interval and never by a scrape.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};
use serde::Deserialize;
use serde_json::json;

use super::{set, Gauge};
use crate::comet::rpc::{string_int, Peer, RpcClient, RpcError};

/// How often it is asked.
const EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Direction {
    direction: &'static str,
}

/// The numbers of CometBFT.
#[derive(Debug, Clone, Default)]
pub struct Comet {
    up: Gauge,
    height: Gauge,
    catching_up: Gauge,
    peers: Family<Direction, Gauge>,
    round: Gauge,
    mempool_bytes: Gauge,
    synced: Arc<AtomicBool>,
}

/// Answer of `num_unconfirmed_txs`.
#[derive(Deserialize)]
struct Unconfirmed {
    #[serde(with = "string_int")]
    total_bytes: u64,
}

/// Answer of `consensus_state`.
#[derive(Deserialize)]
struct ConsensusState {
    round_state: RoundState,
}

#[derive(Deserialize)]
struct RoundState {
    /// `height/round/step`.
    #[serde(rename = "height/round/step")]
    at: String,
}

impl Comet {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let comet = Self::default();
        comet.say_peers(&[]);
        let mut gauge = |name, help, gauge: &Gauge| registry.register(name, help, gauge.clone());
        gauge("comet_up", "1 when CometBFT's RPC answers", &comet.up);
        gauge(
            "comet_block_height",
            "The last block that CometBFT has",
            &comet.height,
        );
        gauge(
            "comet_catching_up",
            "1 while CometBFT fetches past blocks from its peers",
            &comet.catching_up,
        );
        gauge(
            "comet_consensus_round",
            "The round of the block that is being agreed on; above 0 a proposer failed",
            &comet.round,
        );
        registry.register(
            "comet_peers",
            "Connected peers, by who dialled",
            comet.peers.clone(),
        );
        registry.register_with_unit(
            "comet_mempool_size",
            "Bytes of the transactions that wait",
            Unit::Bytes,
            comet.mempool_bytes.clone(),
        );
        comet
    }

    /// Whether CometBFT answered when it was last asked, and no longer fetches past blocks.
    pub fn is_synced(&self) -> bool {
        self.synced.load(Ordering::Relaxed)
    }

    /// Whether CometBFT answered when it was last asked.
    pub fn is_up(&self) -> bool {
        self.up.get() > 0.0
    }

    /// Asks until the node stops.
    pub async fn follow(self, rpc: RpcClient) {
        let mut turns = tokio::time::interval(EVERY);
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            if let Err(error) = self.ask(&rpc).await {
                tracing::debug!(%error, "CometBFT did not answer");
                self.up.set(0.0);
                self.synced.store(false, Ordering::Relaxed);
            }
        }
    }

    fn say_peers(&self, peers: &[Peer]) {
        for (direction, outbound) in [("outbound", true), ("inbound", false)] {
            let there = peers.iter().filter(|peer| peer.is_outbound == outbound);
            let gauge = self.peers.get_or_create_owned(&Direction { direction });
            set(&gauge, u64::try_from(there.count()).unwrap_or(u64::MAX));
        }
    }

    async fn ask(&self, rpc: &RpcClient) -> Result<(), RpcError> {
        let sync = rpc.status().await?.sync_info;
        set(&self.height, sync.latest_block_height);
        set(&self.catching_up, u64::from(sync.catching_up));
        self.say_peers(&rpc.net_info().await?.peers);
        let unconfirmed: Unconfirmed = rpc.call("num_unconfirmed_txs", json!({})).await?;
        set(&self.mempool_bytes, unconfirmed.total_bytes);
        let consensus: ConsensusState = rpc.call("consensus_state", json!({})).await?;
        let round = consensus.round_state.at.split('/').nth(1);
        let round = round.and_then(|round| round.parse().ok());
        set(&self.round, round.unwrap_or(0));
        self.up.set(1.0);
        self.synced.store(!sync.catching_up, Ordering::Relaxed);
        Ok(())
    }
}
