//! `network.json`: what a client, a script or a joining node needs to know of a network.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::comet::files::{self, FileError};

/// The schema's version.
pub const SCHEMA: u32 = 1;

/// A network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The chain.
    pub chain_id: String,
    /// SHA-256 of the genesis file, hex.
    pub genesis_sha256: String,
    /// Prefix of addresses.
    pub bech32_prefix: String,
    /// Base denomination.
    pub denom: String,
    /// BIP-44 coin type.
    pub coin_type: u32,
    /// Nodes.
    pub nodes: Vec<Node>,
    /// Funded accounts; on local networks only.
    pub accounts: Vec<Account>,
    /// Model files that the nodes were given.
    pub models: Vec<Model>,
    /// Path or URL of the genesis file.
    pub genesis: String,
    /// A header to trust, for light clients.
    pub trust: Option<Trust>,
    /// ICS-23 specifications of a proof's ops, leaf store first.
    pub ics23_specs: Vec<serde_json::Value>,
    /// The keys of those ops.
    pub ics23_keys: Vec<String>,
    /// A gas price that gets a transaction in.
    pub gas_price: String,
    /// The lowest gas price that nodes accept.
    pub min_gas_price: String,
    /// Time between blocks, milliseconds; every node waits the same.
    #[serde(default = "default_block_time")]
    pub block_time_ms: u64,
}

fn default_block_time() -> u64 {
    crate::config::Comet::default().block_time_ms
}

/// A node of the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its home; on local networks only.
    pub home: String,
    /// CometBFT's RPC.
    pub rpc: String,
    /// gRPC, `host:port`.
    pub grpc: String,
    /// REST; absent in files of older releases.
    #[serde(default)]
    pub rest: String,
    /// Its metrics; empty where they are not public.
    #[serde(default)]
    pub metrics: String,
    /// Process of `raced`.
    pub pid: u32,
    /// Process of CometBFT.
    pub comet_pid: u32,
    /// `id@host:port`.
    pub p2p: String,
    /// Operator's account.
    pub operator: String,
    /// Consensus address, upper-case hex.
    pub validator: String,
}

/// A funded account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Its name in the client's keyring.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Its mnemonic.
    pub mnemonic: String,
    /// `secp256k1`.
    pub key_type: String,
}

/// A model file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The id that the demo registers it under.
    pub id: String,
    /// The file.
    pub path: String,
    /// Its SHA-256, hex.
    pub sha256: String,
}

/// A trusted header.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trust {
    /// Its height.
    pub height: u64,
    /// Its hash, upper-case hex.
    pub hash: String,
}

/// Why `network.json` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not what `raced localnet` writes.
    #[error("{path}: {source}; it must be a network.json of schema {SCHEMA}")]
    Damaged {
        /// The file.
        path: String,
        /// Why.
        source: serde_json::Error,
    },
    /// It is of another schema.
    #[error("{path} has schema {found}, this program reads {SCHEMA}; get the network's file for this version")]
    Schema {
        /// The file.
        path: String,
        /// Its schema.
        found: u32,
    },
}

impl Network {
    /// Reads the file.
    ///
    /// # Errors
    /// See [`NetworkError`].
    pub fn load(path: &Path) -> Result<Self, NetworkError> {
        Self::from_json(&files::read_text(path)?, &path.display().to_string())
    }

    /// Reads the text of a file that came from `origin`.
    ///
    /// # Errors
    /// [`NetworkError::Damaged`], [`NetworkError::Schema`].
    pub fn from_json(text: &str, origin: &str) -> Result<Self, NetworkError> {
        let network: Self = serde_json::from_str(text).map_err(|source| NetworkError::Damaged {
            path: origin.to_owned(),
            source,
        })?;
        match network.schema {
            SCHEMA => Ok(network),
            found => Err(NetworkError::Schema {
                path: origin.to_owned(),
                found,
            }),
        }
    }

    /// Writes the file, mode 0600: it may hold mnemonics.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), NetworkError> {
        let text = serde_json::to_vec_pretty(self).expect("a network is JSON");
        files::write_atomically(path, &text, files::PRIVATE)?;
        Ok(())
    }
}

/// ICS-23 specifications as proto JSON.
pub fn specs(specs: &[ics23::ProofSpec]) -> Vec<serde_json::Value> {
    use base64::Engine as _;
    let bytes = |b: &[u8]| base64::engine::general_purpose::STANDARD.encode(b);
    let hash = |op: i32| ics23::HashOp::try_from(op).map_or("NO_HASH", |op| op.as_str_name());
    let length = |op: i32| ics23::LengthOp::try_from(op).map_or("NO_PREFIX", |op| op.as_str_name());
    specs
        .iter()
        .map(|spec| {
            let leaf = spec.leaf_spec.clone().unwrap_or_default();
            let inner = spec.inner_spec.clone().unwrap_or_default();
            serde_json::json!({
                "leaf_spec": {
                    "hash": hash(leaf.hash), "prehash_key": hash(leaf.prehash_key),
                    "prehash_value": hash(leaf.prehash_value), "length": length(leaf.length),
                    "prefix": bytes(&leaf.prefix),
                },
                "inner_spec": {
                    "child_order": inner.child_order, "child_size": inner.child_size,
                    "min_prefix_length": inner.min_prefix_length,
                    "max_prefix_length": inner.max_prefix_length,
                    "empty_child": bytes(&inner.empty_child), "hash": hash(inner.hash),
                },
                "max_depth": spec.max_depth, "min_depth": spec.min_depth,
                "prehash_key_before_comparison": spec.prehash_key_before_comparison,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn honest() -> serde_json::Value {
        serde_json::json!({
            "schema": 1, "chain_id": "race-1", "genesis_sha256": "ab", "bech32_prefix": "race",
            "denom": "nicoin", "coin_type": 118, "nodes": [{
                "name": "node0", "home": "", "rpc": "http://127.0.0.1:1", "grpc": "127.0.0.1:2",
                "pid": 1, "comet_pid": 2, "p2p": "", "operator": "", "validator": "",
            }],
            "accounts": [], "models": [], "genesis": "genesis.json",
            "trust": { "height": 1, "hash": "AB" }, "ics23_specs": [{}], "ics23_keys": [],
            "gas_price": "1nicoin", "min_gas_price": "1nicoin",
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_edit_of_the_file_is_a_network_or_refused_with_its_name(
            edits in proptest::collection::vec((any::<u16>(), "[ -~]{0,4}"), 0..4),
        ) {
            let mut text = honest().to_string();
            prop_assert!(Network::from_json(&text, "network.json").is_ok());
            for (at, with) in &edits {
                let at = usize::from(*at) % text.len();
                text.replace_range(at..(at + with.len()).min(text.len()), with);
            }
            match Network::from_json(&text, "network.json") {
                Ok(network) => {
                    let text = serde_json::to_string(&network).unwrap();
                    prop_assert_eq!(Network::from_json(&text, "again").unwrap(), network);
                }
                Err(error) => prop_assert!(error.to_string().contains("network.json")),
            }
        }

        #[test]
        fn any_text_is_refused(text in "[\\[\\]{}\",:0-9a-z]{0,80}") {
            prop_assert!(Network::from_json(&text, "network.json").is_err());
        }
    }

    #[test]
    fn a_file_that_is_too_deep_is_refused() {
        assert!(Network::from_json(&"[".repeat(1_000_000), "network.json").is_err());
    }
}
