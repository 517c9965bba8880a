//! `config/app.toml`: everything about a node that is not on chain. CometBFT's `config.toml` is
//! written from it, so there is one source of truth.
//!
//! Precedence: a flag over a `RACED_...` variable over the file over the default. The variable of
//! `[grpc] listen` is `RACED_GRPC_LISTEN`.
//!
//! | file | what is in it |
//! |---|---|
//! | `sections.rs` | the sections of the file, with their defaults |
//! | `load.rs` | reading it with what lies over it, and writing it |

mod load;
mod sections;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::comet::config::CometConfig;
use crate::comet::home::ProxyApp;

pub use load::ConfigError;
pub use sections::{
    Beacon, Comet, Grpc, Inference, LogFormat, Metrics, Race, Rest, Scheme, StateSync, Store,
    StoreBackend,
};

/// Where the file lies below a home.
pub fn path(home: &Path) -> PathBuf {
    home.join("config").join("app.toml")
}

/// A node's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The name that others see.
    pub moniker: String,
    /// Log filter, as of the crate tracing: `info`, `info,cometbft=warn`. A running node takes a changed
    /// one at SIGHUP.
    pub log: String,
    /// How lines of the log look.
    pub log_format: LogFormat,
    /// CometBFT.
    pub comet: Comet,
    /// State.
    pub store: Store,
    /// Snapshots: those this node takes, and the one it joins from.
    #[serde(rename = "state-sync")]
    pub state_sync: StateSync,
    /// gRPC.
    pub grpc: Grpc,
    /// REST.
    pub rest: Rest,
    /// Metrics and health.
    pub metrics: Metrics,
    /// The committee's threshold key.
    pub beacon: Beacon,
    /// The Race.
    pub race: Race,
    /// Models.
    pub inference: Inference,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            moniker: "node".into(),
            log: "info".into(),
            log_format: LogFormat::default(),
            comet: Comet::default(),
            store: Store::default(),
            state_sync: StateSync::default(),
            grpc: Grpc::default(),
            rest: Rest::default(),
            metrics: Metrics::default(),
            beacon: Beacon::default(),
            race: Race::default(),
            inference: Inference::default(),
        }
    }
}

impl Config {
    /// CometBFT's configuration that follows from this one.
    pub fn comet(&self, proxy_app: ProxyApp) -> CometConfig {
        let block_time = Duration::from_millis(self.comet.block_time_ms);
        let mut comet = if self.comet.local {
            CometConfig::for_localnet(
                &self.moniker,
                self.comet.rpc.port(),
                self.comet.p2p.port(),
                block_time,
            )
        } else {
            let mut comet = CometConfig {
                moniker: self.moniker.clone(),
                ..CometConfig::default()
            };
            comet.rpc.laddr = crate::comet::config::tcp(self.comet.rpc);
            comet.p2p.laddr = crate::comet::config::tcp(self.comet.p2p);
            comet.consensus.timeout_commit = block_time;
            comet
        };
        // One that is not run from here may run in another folder.
        if let Some(socket) = proxy_app.rpc_address().filter(|_| self.comet.run) {
            comet.rpc.laddr = format!("{},{socket}", comet.rpc.laddr);
        }
        comet.proxy_app = proxy_app;
        comet.statesync.enable = self.state_sync.enable;
        if self.comet.local {
            // The least that CometBFT takes: on one machine everybody answers at once.
            comet.statesync.discovery_time = Duration::from_secs(5);
        }
        // CometBFT wants two at least; one that is asked twice is as good as one.
        let servers = self.state_sync.rpc_servers.iter().cycle();
        let count = self.state_sync.rpc_servers.len().max(2);
        comet.statesync.rpc_servers = servers.take(count).cloned().collect::<Vec<_>>().join(",");
        comet.statesync.trust_height = self.state_sync.trust_height;
        comet.statesync.trust_hash = self.state_sync.trust_hash.clone();
        comet.set_persistent_peers(self.comet.persistent_peers.iter().cloned());
        comet
    }
}
