//! `config/app.toml`: everything about a node that is not on chain. CometBFT's `config.toml` is
//! written from it, so there is one source of truth.
//!
//! Precedence: a flag over a `RACED_...` variable over the file over the default. The variable of
//! `[grpc] listen` is `RACED_GRPC_LISTEN`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use race::backend::FASTEST;
use serde::{Deserialize, Serialize};

use crate::comet::config::CometConfig;
use crate::comet::home::ProxyApp;
use crate::racer::nonces::Share;

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
    fn check(&self) -> Result<(), String> {
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
    /// Requests a second of one address; 0: any number.
    pub per_second: u32,
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
    fn check(&self) -> Result<(), String> {
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
        }
    }
}

impl Default for Rest {
    fn default() -> Self {
        Self {
            listen: loopback(1317),
            per_second: 200,
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

/// Why a configuration cannot be used. Each names the file (or variable), the key and what is
/// allowed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}; `raced init` writes it", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file, or a variable over it, is wrong.
    #[error("{origin}: {reason}")]
    Invalid {
        /// The file or variable.
        origin: String,
        /// Key, what is wrong, what is allowed.
        reason: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] crate::comet::files::FileError),
}

/// The prefix of the environment's variables.
const ENV_PREFIX: &str = "RACED_";

/// Variables with that prefix that are not keys of this file.
const OTHER_VARIABLES: &[&str] = &[
    "RACED_HOME",
    "RACED_COMETBFT",
    "RACED_NODE",
    "RACED_CHAIN_ID",
    "RACED_KEYRING_BACKEND",
    "RACED_FROM",
    "RACED_OUTPUT",
    "RACED_GAS_PRICES",
    "RACED_MISBEHAVE",
    "RACED_MODEL",
];

impl Config {
    /// Reads the file of a home and lays `variables` and `flags` (`section.key`, value) over it.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(
        home: &Path,
        variables: impl IntoIterator<Item = (String, String)>,
        flags: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let path = path(home);
        let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::Read {
            path: path.clone(),
            source,
        })?;
        // The file alone first, so that the message has its line.
        let file: Self = toml::from_str(&text).map_err(|e| ConfigError::Invalid {
            origin: path.display().to_string(),
            reason: e.to_string().trim_end().to_owned(),
        })?;
        let mut table = toml::Table::try_from(&file).map_err(|e| ConfigError::Invalid {
            origin: path.display().to_string(),
            reason: e.to_string(),
        })?;
        for (name, value) in variables {
            if OTHER_VARIABLES.contains(&name.as_str()) {
                continue;
            }
            if let Some(rest) = name.strip_prefix(ENV_PREFIX) {
                overlay(&mut table, &name, &rest.to_lowercase(), '_', &value)?;
            }
        }
        for (key, value) in flags {
            overlay(&mut table, &format!("--config {key}"), key, '.', value)?;
        }
        let invalid = |reason: String| ConfigError::Invalid {
            origin: path.display().to_string(),
            reason,
        };
        let config: Self = table
            .try_into()
            .map_err(|e: toml::de::Error| invalid(e.to_string().trim_end().to_owned()))?;
        config.race.check().map_err(invalid)?;
        config.state_sync.check().map_err(invalid)?;
        Ok(config)
    }

    /// This with `flags` (`section.key`, value) laid over it.
    ///
    /// # Errors
    /// A key is unknown or its value of the wrong kind.
    pub fn overlaid(&self, flags: &[(String, String)]) -> Result<Self, ConfigError> {
        let invalid = |reason: String| ConfigError::Invalid {
            origin: "--config".to_owned(),
            reason,
        };
        let mut table = toml::Table::try_from(self).map_err(|e| invalid(e.to_string()))?;
        for (key, value) in flags {
            overlay(&mut table, &format!("--config {key}"), key, '.', value)?;
        }
        table
            .try_into()
            .map_err(|e: toml::de::Error| invalid(e.message().to_owned()))
    }

    /// Writes the file of a home.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, home: &Path) -> Result<(), ConfigError> {
        let text = toml::to_string_pretty(self).expect("the configuration is TOML");
        let text = format!(
            "# Configuration of raced. A variable RACED_SECTION_KEY or a flag --config section.key=value\n\
             # overrides a line. CometBFT's config.toml is written from this file at every start.\n\n{text}"
        );
        crate::comet::files::write_atomically(
            &path(home),
            text.as_bytes(),
            crate::comet::files::PUBLIC,
        )?;
        Ok(())
    }

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

/// Sets one key of the table from text, keeping the type that the key has.
fn overlay(
    table: &mut toml::Table,
    origin: &str,
    key: &str,
    separator: char,
    value: &str,
) -> Result<(), ConfigError> {
    let invalid = |reason: String| ConfigError::Invalid {
        origin: origin.to_owned(),
        reason,
    };
    let sections: Vec<String> = table.keys().cloned().collect();
    let unknown = |known: Vec<String>| {
        invalid(format!(
            "unknown key `{key}`; there are: {}",
            known.join(", ")
        ))
    };
    // A variable's name has no dashes.
    let is = |known: &str, given: &str| match separator {
        '_' => known.replace('-', "_") == given,
        _ => known == given,
    };
    let found = sections.iter().find_map(|section| {
        let end = section.len();
        let rest = key.get(end..)?.strip_prefix(separator)?;
        let is_section = table.get(section).is_some_and(toml::Value::is_table);
        (is_section && is(section, &key[..end])).then_some((section, rest))
    });
    let (target, name) = match found {
        Some((section, name)) => (
            table.get_mut(section).and_then(toml::Value::as_table_mut),
            name,
        ),
        None => (Some(table), key),
    };
    let Some(target) = target else {
        return Err(unknown(sections));
    };
    let known: Vec<String> = target.keys().cloned().collect();
    let found = target.iter_mut().find(|(known, _)| is(known, name));
    let Some((_, old)) = found else {
        return Err(unknown(known));
    };
    *old = match old {
        toml::Value::Integer(_) => toml::Value::Integer(
            value
                .parse()
                .map_err(|_| invalid(format!("`{value}` is no whole number")))?,
        ),
        toml::Value::Boolean(_) => toml::Value::Boolean(
            value
                .parse()
                .map_err(|_| invalid(format!("`{value}` is neither `true` nor `false`")))?,
        ),
        toml::Value::Array(_) => toml::Value::Array(
            value
                .split(',')
                .filter(|v| !v.is_empty())
                .map(|v| toml::Value::String(v.to_owned()))
                .collect(),
        ),
        toml::Value::Table(_) => return Err(unknown(known)),
        _ => toml::Value::String(value.to_owned()),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home_with(text: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("config")).unwrap();
        std::fs::write(path(home.path()), text).unwrap();
        home
    }

    #[test]
    fn what_was_written_reads_back() {
        let home = home_with("");
        let config = Config {
            moniker: "a b".into(),
            ..Config::default()
        };
        config.write(home.path()).unwrap();
        assert_eq!(Config::load(home.path(), [], &[]).unwrap(), config);
    }

    #[test]
    fn a_flag_beats_a_variable_and_a_variable_beats_the_file() {
        let home = home_with("[grpc]\nlisten = \"127.0.0.1:1\"\n[race]\nthreads = 1\n");
        let variables = [
            ("RACED_GRPC_LISTEN".to_owned(), "127.0.0.1:2".to_owned()),
            ("RACED_RACE_THREADS".to_owned(), "2".to_owned()),
            ("RACED_STORE_KEEP_VERSIONS".to_owned(), "7".to_owned()),
        ];
        let flags = [("race.threads".to_owned(), "3".to_owned())];
        let config = Config::load(home.path(), variables, &flags).unwrap();
        assert_eq!(config.grpc.listen.port(), 2);
        assert_eq!(config.race.threads, 3);
        assert_eq!(config.store.keep_versions, 7);
    }

    #[test]
    fn the_section_with_a_dash_is_set_by_file_variable_and_flag() {
        let home = home_with("[state-sync]\nsnapshot-interval = 5\n");
        let variables = [
            ("RACED_STATE_SYNC_ENABLE".to_owned(), "true".to_owned()),
            ("RACED_STATE_SYNC_TRUST_HEIGHT".to_owned(), "7".to_owned()),
            ("RACED_STATE_SYNC_TRUST_HASH".to_owned(), "AB".repeat(32)),
        ];
        let servers = "http://127.0.0.1:1".to_owned();
        let flags = [("state-sync.rpc-servers".to_owned(), servers.clone())];
        let config = Config::load(home.path(), variables.clone(), &flags).unwrap();
        assert_eq!(config.state_sync.snapshot_interval, 5);
        assert_eq!(config.state_sync.trust_height, 7);
        let comet = config.comet(ProxyApp::for_home(home.path()));
        // CometBFT asks two at least.
        assert_eq!(comet.statesync.rpc_servers, format!("{servers},{servers}"));
        assert!(comet.statesync.enable);
        let without = Config::load(home.path(), variables, &[]).unwrap_err();
        assert!(without.to_string().contains("rpc-servers"), "{without}");
    }

    #[test]
    fn mistakes_are_named_with_file_key_and_allowed_values() {
        let home = home_with("[store]\nbackend = \"sledd\"\n");
        let text = Config::load(home.path(), [], &[]).unwrap_err().to_string();
        assert!(
            text.contains("app.toml") && text.contains("backend") && text.contains("`sled`"),
            "{text}"
        );

        let home = home_with("[stroe]\n");
        let text = Config::load(home.path(), [], &[]).unwrap_err().to_string();
        assert!(text.contains("stroe") && text.contains("store"), "{text}");

        let home = home_with("");
        let flags = [("race.threads".to_owned(), "many".to_owned())];
        let text = Config::load(home.path(), [], &flags)
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("race.threads") && text.contains("many"),
            "{text}"
        );
        let flags = [("race.thraeds".to_owned(), "1".to_owned())];
        let text = Config::load(home.path(), [], &flags)
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("thraeds") && text.contains("threads"),
            "{text}"
        );
    }

    #[test]
    fn a_race_that_cannot_be_run_is_refused_with_what_is_allowed() {
        let refused = |key: &str, value: &str, says: &[&str]| {
            let home = home_with("");
            let flags = [(format!("race.{key}"), value.to_owned())];
            let by_flag = Config::load(home.path(), [], &flags).unwrap_err();
            let value = match key {
                "margin_blocks" => value.to_owned(),
                _ => format!("{value:?}"),
            };
            let home = home_with(&format!("[race]\n{key} = {value}\n"));
            let by_file = Config::load(home.path(), [], &[]).unwrap_err();
            for text in [by_flag.to_string(), by_file.to_string()] {
                assert!(text.contains(key), "{text}");
                assert!(says.iter().all(|part| text.contains(part)), "{text}");
            }
        };
        refused("nonces", "5/4", &["no part 5 of 4", "1/4 to 4/4"]);
        refused("nonces", "7..7", &["7..7", "empty"]);
        refused("nonces", "most", &["`most`", "`all`", "`2/4`"]);
        refused("margin_blocks", "0", &["0 leaves no block"]);
        refused("backend", "flex,abacus", &["`abacus`", "flex", "reference"]);
        refused("backend", "", &["``", "flex"]);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { cases: 128, failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_edit_of_the_file_is_a_configuration_or_refused_with_its_name(
            edits in proptest::collection::vec((proptest::prelude::any::<u16>(), "[ -~\n]{0,6}"), 0..4),
            variable in "RACED_[A-Z_]{0,20}", value in "[ -~]{0,12}",
        ) {
            let mut text = toml::to_string_pretty(&Config::default()).unwrap();
            for (at, with) in &edits {
                let at = usize::from(*at) % text.len();
                text.replace_range(at..(at + with.len()).min(text.len()), with);
            }
            let home = home_with(&text);
            match Config::load(home.path(), [(variable, value)], &[]) {
                Ok(config) => {
                    config.comet(ProxyApp::for_home(home.path()));
                    config.write(home.path()).unwrap();
                    assert_eq!(Config::load(home.path(), [], &[]).unwrap(), config);
                }
                Err(error) => {
                    let said = error.to_string();
                    assert!(said.contains("app.toml") || said.contains("RACED_"), "{said}");
                }
            }
        }
    }
}
