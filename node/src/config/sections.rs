//! The sections of `app.toml`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use race::backend::FASTEST;
use serde::{Deserialize, Serialize};

use crate::racer::nonces::Share;

/// How lines of the log look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A JSON object a line, for collectors.
    Json,
}

/// `[comet]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Comet {
    /// Path of the `cometbft` executable; empty: looked for beside `raced`, then in `PATH`.
    pub binary: String,
    /// Whether to run it as a child; otherwise start it yourself on the same home.
    pub run: bool,
    /// Its JSON-RPC.
    pub rpc: SocketAddr,
    /// Its peer-to-peer port.
    pub p2p: SocketAddr,
    /// `id@host:port` of nodes to stay connected to.
    pub persistent_peers: Vec<String>,
    /// Time between blocks, milliseconds.
    pub block_time_ms: u64,
    /// All nodes share one machine: addresses of loopback are good peers.
    pub local: bool,
}

/// `[store]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// Storage engine of state.
    pub backend: StoreBackend,
    /// Past heights that queries and proofs can ask for.
    pub keep_versions: u64,
    /// Blocks that CometBFT keeps; 0: all. Blocks that something may need are kept whatever it is
    /// ([`crate::retention`]).
    pub keep_blocks: u64,
}

/// `[state-sync]`, with the names that other Cosmos chains have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct StateSync {
    /// Blocks between two snapshots that others can join from; 0 takes none.
    pub snapshot_interval: u64,
    /// How many of them are kept.
    pub snapshot_keep_recent: usize,
    /// Whether a node without any block joins from a snapshot; otherwise it replays every block.
    pub enable: bool,
    /// RPC servers, `http://host:port`, that are asked for headers.
    pub rpc_servers: Vec<String>,
    /// Height of a header that you trust, at most 14 days old.
    pub trust_height: u64,
    /// Its hash, hex.
    pub trust_hash: String,
}

impl StateSync {
    /// What no type says: who joins from a snapshot knows whom to ask and what to trust.
    pub(super) fn check(&self) -> Result<(), String> {
        let is_hash = hex::decode(&self.trust_hash).is_ok_and(|hash| hash.len() == 32);
        if self.snapshot_keep_recent == 0 {
            return Err("[state-sync] snapshot-keep-recent: 1 is the least; snapshot-interval = 0 takes none".into());
        }
        if self.enable && (self.rpc_servers.is_empty() || self.trust_height == 0 || !is_hash) {
            return Err("[state-sync] enable: rpc-servers, trust-height and trust-hash (64 hex digits) are needed; `raced init --network FILE` takes them from the network's file, `enable = false` replays every block".into());
        }
        Ok(())
    }
}

/// Storage engines of state. The state's folder belongs to the engine that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreBackend {
    /// fjall 3.
    Fjall,
    /// sled 0.34.
    Sled,
}

impl From<StoreBackend> for race_app::store::Engine {
    fn from(backend: StoreBackend) -> Self {
        match backend {
            StoreBackend::Fjall => Self::Fjall,
            StoreBackend::Sled => Self::Sled,
        }
    }
}

/// `[grpc]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grpc {
    /// Where it listens, in plaintext: other nodes dial it without TLS.
    pub listen: SocketAddr,
    /// Where others reach it, `host:port`, which is what the node is registered with; empty: where it
    /// listens, if that can be reached.
    pub external: String,
    /// Connections of one address at once; 0: any number.
    pub connections_per_address: usize,
    /// Addresses of proxies before it, which stand for many clients: they have no such bound.
    pub proxies: Vec<IpAddr>,
}

/// `[metrics]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// Whether they are served.
    pub enabled: bool,
    /// Where `/metrics`, `/healthz` and `/readyz` are: open to whoever reaches it, so loopback unless a
    /// firewall is before it.
    pub listen: SocketAddr,
    /// How old the last block may be while `/readyz` says that the node is ready, seconds.
    pub max_block_age_s: u64,
}

/// `[beacon]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Beacon {
    /// What signs with this node's shares of the committee's key. All give the same bytes.
    pub scheme: Scheme,
}

/// Implementations of the threshold signature.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// blst: several times faster.
    #[default]
    Blst,
    /// The crate `threshold_crypto`.
    ThresholdCrypto,
}

/// `[rest]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rest {
    /// Where it listens: plaintext, so loopback, with a proxy that ends TLS for wallets before it.
    pub listen: SocketAddr,
    /// Requests a second of one address, a proxy's too; 0: any number.
    pub per_second: u32,
    /// Connections of one address at once; 0: any number.
    pub connections_per_address: usize,
    /// Addresses of proxies before it, which stand for many clients: they have no such bound.
    pub proxies: Vec<IpAddr>,
}

/// `[race]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Race {
    /// Whether this node races.
    pub enabled: bool,
    /// What computes it: `fastest`, or a name; several with commas between, such as `cuda,simd`, race side
    /// by side. `raced race backends` lists what there is.
    pub backend: String,
    /// CPU threads of each; 0: all cores.
    pub threads: usize,
    /// MiB that the weights of a race may take; above it they are generated for every batch. 0: half of
    /// what is available when a race begins.
    pub memory_mib: u64,
    /// The nonces of this process: `all`, a part such as `2/4`, a range such as `0..1000000`. Processes
    /// that race with one key have different ones (`raced race work`).
    pub nonces: Share,
    /// Blocks before the end of the window from which the root of what was found is submitted at every
    /// block; racing goes on meanwhile.
    pub margin_blocks: u64,
    /// Whether to race on, at the lowest priority, while this node computes a request: for machines
    /// whose models run on a device that does not race.
    pub while_serving: bool,
}

impl Race {
    /// The names of the backends.
    pub fn backends(&self) -> impl Iterator<Item = &str> {
        self.backend.split(',').map(str::trim)
    }

    /// What no type says: the backends are there, and there is a margin.
    pub(super) fn check(&self) -> Result<(), String> {
        let available = race::backend::names();
        let known = |name: &&str| *name == FASTEST || available.contains(name);
        if let Some(unknown) = self.backends().find(|name| !known(name)) {
            return Err(format!(
                "[race] backend: there is no `{unknown}`; this machine has: {FASTEST}, {}",
                available.join(", ")
            ));
        }
        if self.margin_blocks == 0 {
            return Err(
                "[race] margin_blocks: 0 leaves no block to submit in; 1 is the least, 6 allows for a submission that is lost".into(),
            );
        }
        Ok(())
    }
}

/// `[inference]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Inference {
    /// What runs models.
    pub engine: String,
    /// Model files; a model that the chain registers is loaded when its digest is one of these.
    pub models: Vec<PathBuf>,
    /// CPU threads; 0: all cores but one.
    pub threads: usize,
}

/// Enough for an office behind one address.
const CONNECTIONS_PER_ADDRESS: usize = 64;

/// Where a proxy usually is.
fn this_machine() -> Vec<IpAddr> {
    vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

impl Default for Comet {
    fn default() -> Self {
        Self {
            binary: String::new(),
            run: true,
            rpc: loopback(26657),
            p2p: SocketAddr::from(([0, 0, 0, 0], 26656)),
            persistent_peers: Vec::new(),
            block_time_ms: 5_000,
            local: false,
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self {
            backend: StoreBackend::Fjall,
            keep_versions: 200,
            keep_blocks: 0,
        }
    }
}

impl Default for StateSync {
    fn default() -> Self {
        Self {
            snapshot_interval: 1_000,
            snapshot_keep_recent: 2,
            enable: false,
            rpc_servers: Vec::new(),
            trust_height: 0,
            trust_hash: String::new(),
        }
    }
}

impl Default for Grpc {
    fn default() -> Self {
        Self {
            listen: loopback(9090),
            external: String::new(),
            connections_per_address: CONNECTIONS_PER_ADDRESS,
            proxies: this_machine(),
        }
    }
}

impl Default for Rest {
    fn default() -> Self {
        Self {
            listen: loopback(1317),
            per_second: 200,
            connections_per_address: CONNECTIONS_PER_ADDRESS,
            proxies: this_machine(),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: loopback(9464),
            max_block_age_s: 60,
        }
    }
}

impl Default for Race {
    fn default() -> Self {
        Self {
            enabled: true,
            backend: FASTEST.into(),
            threads: 0,
            memory_mib: 0,
            nonces: Share::All,
            margin_blocks: 6,
            while_serving: false,
        }
    }
}

impl Default for Inference {
    fn default() -> Self {
        Self {
            engine: "llama".into(),
            models: Vec::new(),
            threads: 0,
        }
    }
}
