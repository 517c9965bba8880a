//! CometBFT's `config.toml` as one typed struct.
//!
//! [`CometConfig`] holds every setting that `raced` sets; what is not in it keeps CometBFT's
//! default (CometBFT merges a partial file over its defaults). Rendering and reading go through
//! the same serde names, and [`COMMENTS`] carries the line that explains
//! each key in the file. Sections and keys are those of CometBFT 0.38.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::files::{self, FileError};
use super::go_duration;
use super::home::ProxyApp;

pub use super::config_comments::COMMENTS;

/// Largest transaction that CometBFT takes; the application's own limits are lower.
pub const MAX_TX_BYTES: usize = 1 << 20;

/// Everything that `raced` sets in `config.toml`. Defaults suit a validator on a public
/// network; see [`CometConfig::for_localnet`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CometConfig {
    /// The name that other nodes see; free text.
    pub moniker: String,
    /// Where the application listens for ABCI.
    pub proxy_app: ProxyApp,
    /// Storage engine of blocks and state; `goleveldb` is the one built in.
    pub db_backend: String,
    /// Folder of blocks and state, relative to the home.
    pub db_dir: String,
    /// Level, or `module:level` pairs ending in `*:level`.
    pub log_level: String,
    /// `json` or `plain`; both are understood by [`super::log`].
    pub log_format: String,
    /// JSON-RPC server.
    pub rpc: Rpc,
    /// Peers.
    pub p2p: P2p,
    /// Pending transactions.
    pub mempool: Mempool,
    /// Joining from a snapshot instead of replaying all blocks.
    pub statesync: StateSync,
    /// Timeouts of a round.
    pub consensus: Consensus,
    /// What is kept of past blocks.
    pub storage: Storage,
    /// Search by hash and event.
    pub tx_index: TxIndex,
    /// CometBFT's own Prometheus metrics.
    pub instrumentation: Instrumentation,
}

/// `[rpc]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rpc {
    /// `tcp://host:port` of the JSON-RPC and WebSocket server; after a comma, a socket for the node itself.
    pub laddr: String,
    /// Web origins that may call it; `*` for any.
    pub cors_allowed_origins: Vec<String>,
    /// Whether `dial_peers`, `unsafe_flush_mempool` and the like are served.
    #[serde(rename = "unsafe")]
    pub unsafe_commands: bool,
    /// Connections of each address, WebSockets included; who comes above it waits until one ends.
    pub max_open_connections: u32,
    /// Largest request, bytes; above base64 of the largest transaction.
    pub max_body_bytes: u64,
    /// How long `broadcast_tx_commit` waits for its block.
    #[serde(with = "go_duration")]
    pub timeout_broadcast_tx_commit: Duration,
    /// Go profiler; empty is off.
    pub pprof_laddr: String,
}

/// `[p2p]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct P2p {
    /// `tcp://host:port` where peers connect.
    pub laddr: String,
    /// `host:port` told to peers; empty to let CometBFT work it out.
    pub external_address: String,
    /// `id@host:port`, comma-separated, asked once for more peers.
    pub seeds: String,
    /// `id@host:port`, comma-separated, kept connected.
    pub persistent_peers: String,
    /// Refuse addresses that are not routable on the internet.
    pub addr_book_strict: bool,
    /// Allow several peers from one address.
    pub allow_duplicate_ip: bool,
    /// Peers that dialled us.
    pub max_num_inbound_peers: u32,
    /// Peers that we dialled.
    pub max_num_outbound_peers: u32,
    /// Longest pause between redials of a persistent peer; zero is exponential backoff.
    #[serde(with = "go_duration")]
    pub persistent_peers_max_dial_period: Duration,
    /// How long small messages gather before they are sent.
    #[serde(with = "go_duration")]
    pub flush_throttle_timeout: Duration,
    /// Bytes per second to one peer.
    pub send_rate: u64,
    /// Bytes per second from one peer.
    pub recv_rate: u64,
    /// Exchange peer addresses with peers.
    pub pex: bool,
}

/// `[mempool]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mempool {
    /// Check what is left again after each block.
    pub recheck: bool,
    /// Time for all those checks together.
    #[serde(with = "go_duration")]
    pub recheck_timeout: Duration,
    /// Pass transactions on to peers.
    pub broadcast: bool,
    /// Most transactions.
    pub size: u32,
    /// Most bytes; the whole pool reaches the application in one ABCI message.
    pub max_txs_bytes: u64,
    /// Hashes remembered to drop repeats.
    pub cache_size: u32,
    /// Largest transaction, bytes.
    pub max_tx_bytes: u64,
}

/// `[statesync]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StateSync {
    /// Join from a snapshot (only an empty node does).
    pub enable: bool,
    /// Comma-separated RPC servers, at least two, asked for headers.
    pub rpc_servers: String,
    /// Height of a header that the operator trusts.
    pub trust_height: u64,
    /// Its hash, hex.
    pub trust_hash: String,
    /// How long trust lasts; at most two thirds of the 21 days that bonds stay locked.
    #[serde(with = "go_duration")]
    pub trust_period: Duration,
    /// Time to look for snapshots.
    #[serde(with = "go_duration")]
    pub discovery_time: Duration,
}

/// `[consensus]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Consensus {
    /// Wait for a proposal before voting nil.
    #[serde(with = "go_duration")]
    pub timeout_propose: Duration,
    /// Added to it per round.
    #[serde(with = "go_duration")]
    pub timeout_propose_delta: Duration,
    /// Wait for more prevotes once two thirds voted for anything.
    #[serde(with = "go_duration")]
    pub timeout_prevote: Duration,
    /// Added to it per round.
    #[serde(with = "go_duration")]
    pub timeout_prevote_delta: Duration,
    /// Wait for more precommits once two thirds voted for anything.
    #[serde(with = "go_duration")]
    pub timeout_precommit: Duration,
    /// Added to it per round.
    #[serde(with = "go_duration")]
    pub timeout_precommit_delta: Duration,
    /// Pause after a block: the block time, as long as votes travel much faster.
    #[serde(with = "go_duration")]
    pub timeout_commit: Duration,
    /// Make blocks without transactions (epochs are counted in blocks, so yes).
    pub create_empty_blocks: bool,
    /// Pause of the gossip loops when there is nothing to send.
    #[serde(with = "go_duration")]
    pub peer_gossip_sleep_duration: Duration,
    /// Refuse to start when the own key signed in this many last blocks.
    pub double_sign_check_height: u64,
}

/// `[storage]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Storage {
    /// Drop results of past blocks; `block_results` needs them.
    pub discard_abci_responses: bool,
}

/// `[tx_index]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TxIndex {
    /// `kv` or `null`; wallets look transactions up by hash and event.
    pub indexer: String,
}

/// `[instrumentation]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Instrumentation {
    /// Serve CometBFT's own metrics.
    pub prometheus: bool,
    /// `host:port`; `:port` is every interface.
    pub prometheus_listen_addr: String,
}

impl Default for CometConfig {
    fn default() -> Self {
        Self {
            moniker: "race".to_owned(),
            proxy_app: ProxyApp::Unix("run/abci.sock".into()),
            db_backend: "goleveldb".to_owned(),
            db_dir: "data".to_owned(),
            log_level: "main:info,state:info,statesync:info,blocksync:info,*:error".to_owned(),
            log_format: "json".to_owned(),
            rpc: Rpc::default(),
            p2p: P2p::default(),
            mempool: Mempool::default(),
            statesync: StateSync::default(),
            consensus: Consensus::default(),
            storage: Storage::default(),
            tx_index: TxIndex::default(),
            instrumentation: Instrumentation::default(),
        }
    }
}

impl Default for Rpc {
    fn default() -> Self {
        Self {
            laddr: tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 26657))),
            cors_allowed_origins: Vec::new(),
            unsafe_commands: false,
            max_open_connections: 900,
            max_body_bytes: 4 << 20,
            timeout_broadcast_tx_commit: Duration::from_secs(10),
            pprof_laddr: String::new(),
        }
    }
}

impl Default for P2p {
    fn default() -> Self {
        Self {
            laddr: tcp(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 26656))),
            external_address: String::new(),
            seeds: String::new(),
            persistent_peers: String::new(),
            addr_book_strict: true,
            allow_duplicate_ip: false,
            max_num_inbound_peers: 40,
            max_num_outbound_peers: 10,
            persistent_peers_max_dial_period: Duration::from_secs(10),
            flush_throttle_timeout: Duration::from_millis(10),
            // Four times CometBFT's default: a vote may carry an extension of 1 MiB.
            send_rate: 20_480_000,
            recv_rate: 20_480_000,
            pex: true,
        }
    }
}

impl Default for Mempool {
    fn default() -> Self {
        Self {
            recheck: true,
            recheck_timeout: Duration::from_secs(1),
            broadcast: true,
            size: 5_000,
            max_txs_bytes: 64 << 20,
            cache_size: 10_000,
            max_tx_bytes: MAX_TX_BYTES as u64,
        }
    }
}

impl Default for StateSync {
    fn default() -> Self {
        Self {
            enable: false,
            rpc_servers: String::new(),
            trust_height: 0,
            trust_hash: String::new(),
            trust_period: Duration::from_secs(14 * 24 * 3600),
            discovery_time: Duration::from_secs(15),
        }
    }
}

impl Default for Consensus {
    fn default() -> Self {
        Self {
            timeout_propose: Duration::from_secs(3),
            timeout_propose_delta: Duration::from_millis(500),
            timeout_prevote: Duration::from_secs(1),
            timeout_prevote_delta: Duration::from_millis(500),
            timeout_precommit: Duration::from_secs(1),
            timeout_precommit_delta: Duration::from_millis(500),
            timeout_commit: Duration::from_secs(1),
            create_empty_blocks: true,
            peer_gossip_sleep_duration: Duration::from_millis(100),
            double_sign_check_height: 0,
        }
    }
}

impl Default for TxIndex {
    fn default() -> Self {
        Self {
            indexer: "kv".to_owned(),
        }
    }
}

impl Default for Instrumentation {
    fn default() -> Self {
        Self {
            prometheus: false,
            prometheus_listen_addr: "127.0.0.1:26660".to_owned(),
        }
    }
}

/// A `config.toml` could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not TOML, or a value has the wrong form.
    #[error("{path}: {source}")]
    Parse {
        /// The file.
        path: String,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// It could not be rendered.
    #[error("cannot render config.toml: {0}")]
    Render(#[from] toml::ser::Error),
    /// A key is rendered without its explanation, or explained without being rendered.
    #[error("config.toml: {0} has no comment, or a comment explains a key that is not there")]
    Undocumented(String),
}

impl CometConfig {
    /// Settings for several nodes on one machine: loopback only, any peer address, any web
    /// origin, short gossip pauses, and `block_time` between blocks.
    #[must_use]
    pub fn for_localnet(moniker: &str, rpc_port: u16, p2p_port: u16, block_time: Duration) -> Self {
        let loopback = |port| tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let mut config = Self {
            moniker: moniker.to_owned(),
            ..Self::default()
        };
        config.rpc.laddr = loopback(rpc_port);
        config.rpc.cors_allowed_origins = vec!["*".to_owned()];
        config.p2p.laddr = loopback(p2p_port);
        config.p2p.addr_book_strict = false;
        config.p2p.allow_duplicate_ip = true;
        config.p2p.persistent_peers_max_dial_period = Duration::from_secs(1);
        config.consensus.timeout_commit = block_time;
        config.consensus.peer_gossip_sleep_duration = Duration::from_millis(25);
        config
    }

    /// Sets the peers that stay connected, each `id@host:port`.
    pub fn set_persistent_peers<I: IntoIterator<Item = String>>(&mut self, peers: I) {
        self.p2p.persistent_peers = peers.into_iter().collect::<Vec<_>>().join(",");
    }

    /// The base URL of the RPC server for a client on this machine: `http://127.0.0.1:26657`.
    /// `None` when `rpc.laddr` is not a TCP address.
    #[must_use]
    pub fn rpc_url(&self) -> Option<String> {
        let mut addresses = self.rpc.laddr.split(',');
        let address = addresses.find_map(|address| address.strip_prefix("tcp://"))?;
        let reachable = match address.parse::<SocketAddr>() {
            Ok(socket) if socket.ip().is_unspecified() => {
                SocketAddr::from((Ipv4Addr::LOCALHOST, socket.port())).to_string()
            }
            _ => address.to_owned(),
        };
        Some(format!("http://{reachable}"))
    }

    /// The whole file, every key with its comment.
    ///
    /// # Errors
    /// [`ConfigError::Undocumented`] when a field was added without its line in [`COMMENTS`].
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        let values = toml::Table::try_from(self)?;
        let mut undocumented = keys_of(&values);
        let mut text = String::from(
            "# CometBFT's configuration, written by raced. Keys that are not here have CometBFT's\n\
             # defaults and may be added. Each can be overridden for one run by a variable such as\n\
             # CMT_P2P_PERSISTENT_PEERS.\n",
        );
        for (section, lines) in COMMENTS {
            let table = if section.is_empty() {
                Some(&values)
            } else {
                let _ = write!(text, "\n[{section}]\n");
                values.get(*section).and_then(toml::Value::as_table)
            };
            for (key, comment) in *lines {
                let name = dotted(section, key);
                let value = table
                    .and_then(|table| table.get(*key))
                    .ok_or_else(|| ConfigError::Undocumented(name.clone()))?;
                undocumented.remove(&name);
                let _ = write!(text, "\n# {comment}\n{key} = {value}\n");
            }
        }
        match undocumented.into_iter().next() {
            Some(name) => Err(ConfigError::Undocumented(name)),
            None => Ok(text),
        }
    }

    /// Writes the file in one step, replacing what is there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ConfigError> {
        files::write_atomically(path, self.to_toml()?.as_bytes(), files::PUBLIC)?;
        Ok(())
    }

    /// Reads a file that this or an operator wrote. Missing keys have the defaults; keys that
    /// only CometBFT knows are left to it.
    ///
    /// # Errors
    /// When it cannot be read or a known key has a value of the wrong form.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = files::read_text(path)?;
        toml::from_str(&text).map_err(|source| ConfigError::Parse {
            path: path.display().to_string(),
            source: Box::new(source),
        })
    }
}

/// `tcp://host:port`, CometBFT's form of a listening address.
#[must_use]
pub fn tcp(address: SocketAddr) -> String {
    format!("tcp://{address}")
}

fn dotted(section: &str, key: &str) -> String {
    if section.is_empty() {
        key.to_owned()
    } else {
        format!("{section}.{key}")
    }
}

fn keys_of(values: &toml::Table) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (key, value) in values {
        match value.as_table() {
            Some(table) => names.extend(table.keys().map(|inner| dotted(key, inner))),
            None => {
                names.insert(key.clone());
            }
        }
    }
    names
}
