//! `genesis.json`: what every node of a chain starts from.

use std::path::Path;
use std::time::Duration;

use race_app::upgrade::APP_VERSION;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::files::{self, FileError};
use super::keys::{Address, JsonPublicKey};
use super::rpc::string_int;

/// The whole document. `app_state` is opaque here: the application reads it in `InitChain`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Genesis {
    /// RFC 3339 in UTC, such as `2026-01-01T00:00:00Z`; blocks are never earlier.
    pub genesis_time: String,
    /// At most 50 characters.
    pub chain_id: String,
    /// Height of the first block.
    #[serde(with = "string_int")]
    pub initial_height: i64,
    /// Limits that every validator enforces.
    pub consensus_params: ConsensusParams,
    /// The first validators; empty when the application names them in `InitChain`.
    #[serde(default)]
    pub validators: Vec<GenesisValidator>,
    /// Hex; empty, as the application computes it.
    #[serde(default)]
    pub app_hash: String,
    /// The application's own genesis.
    #[serde(default)]
    pub app_state: serde_json::Value,
}

/// One of the first validators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenesisValidator {
    /// Upper-case hex of the key's address.
    pub address: String,
    /// Its ed25519 key.
    pub pub_key: JsonPublicKey,
    /// Voting power.
    #[serde(with = "string_int")]
    pub power: i64,
    /// Free text.
    #[serde(default)]
    pub name: String,
}

impl GenesisValidator {
    /// A validator of an ed25519 key.
    #[must_use]
    pub fn new(public_key: &[u8; 32], power: i64, name: &str) -> Self {
        Self {
            address: Address::of(public_key).to_string(),
            pub_key: JsonPublicKey::ed25519(public_key),
            power,
            name: name.to_owned(),
        }
    }
}

/// Consensus parameters in CometBFT's genesis form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct ConsensusParams {
    /// Size of blocks.
    pub block: BlockParams,
    /// Age and size of evidence.
    pub evidence: EvidenceParams,
    /// Kinds of validator keys.
    pub validator: ValidatorParams,
    /// Version of the application.
    pub version: VersionParams,
    /// Vote extensions.
    pub abci: AbciParams,
}

/// Size of blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockParams {
    /// -1: the application's own cap decides, so that it sees every pending transaction in
    /// `PrepareProposal` and can put protocol transactions first.
    #[serde(with = "string_int")]
    pub max_bytes: i64,
    /// -1: gas is the application's matter.
    #[serde(with = "string_int")]
    pub max_gas: i64,
}

/// Evidence expires only when it is older than both ages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceParams {
    /// Age in blocks.
    #[serde(with = "string_int")]
    pub max_age_num_blocks: i64,
    /// Age in nanoseconds.
    #[serde(with = "string_int")]
    pub max_age_duration: i64,
    /// Most bytes of evidence in a block.
    #[serde(with = "string_int")]
    pub max_bytes: i64,
}

/// Kinds of validator keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidatorParams {
    /// `ed25519` alone.
    pub pub_key_types: Vec<String>,
}

/// Version of the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionParams {
    /// The application's protocol version.
    #[serde(with = "string_int")]
    pub app: u64,
}

/// Vote extensions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbciParams {
    /// From which height precommits carry extensions; 1 is from the start.
    #[serde(with = "string_int")]
    pub vote_extensions_enable_height: i64,
}

impl Default for BlockParams {
    fn default() -> Self {
        Self {
            max_bytes: -1,
            max_gas: -1,
        }
    }
}

impl Default for EvidenceParams {
    /// 21 days, as long as bonds stay locked, at a block a second.
    fn default() -> Self {
        Self::for_block_time(Duration::from_secs(1))
    }
}

impl EvidenceParams {
    /// How long evidence counts, and bonds stay locked.
    pub const MAX_AGE: Duration = Duration::from_secs(21 * 24 * 3600);

    /// Both ages at 21 days, counted in blocks of this time (at least a millisecond).
    #[must_use]
    pub fn for_block_time(block_time: Duration) -> Self {
        let blocks = Self::MAX_AGE.as_millis() / block_time.as_millis().max(1);
        Self {
            max_age_num_blocks: i64::try_from(blocks).unwrap_or(i64::MAX),
            max_age_duration: i64::try_from(Self::MAX_AGE.as_nanos()).unwrap_or(i64::MAX),
            max_bytes: 1 << 20,
        }
    }
}

impl Default for ValidatorParams {
    fn default() -> Self {
        Self {
            pub_key_types: vec!["ed25519".to_owned()],
        }
    }
}

impl Default for VersionParams {
    fn default() -> Self {
        Self { app: APP_VERSION }
    }
}

impl Default for AbciParams {
    fn default() -> Self {
        Self {
            vote_extensions_enable_height: 1,
        }
    }
}

/// A genesis could not be used.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    /// It could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not a CometBFT genesis.
    #[error("{path} is not a CometBFT genesis: {source}")]
    Malformed {
        /// The file.
        path: String,
        /// Where and what.
        source: serde_json::Error,
    },
    /// The chain id is empty or longer than CometBFT allows.
    #[error("the chain id {0:?} must have 1 to 50 characters")]
    ChainId(String),
}

impl Genesis {
    /// A genesis with this project's consensus parameters, no validators and no state.
    #[must_use]
    pub fn new(chain_id: &str, genesis_time: &str) -> Self {
        Self {
            genesis_time: genesis_time.to_owned(),
            chain_id: chain_id.to_owned(),
            initial_height: 1,
            consensus_params: ConsensusParams::default(),
            validators: Vec::new(),
            app_hash: String::new(),
            app_state: serde_json::Value::Object(serde_json::Map::new()),
        }
    }

    /// The file's text. The same genesis is always the same bytes.
    ///
    /// # Errors
    /// [`GenesisError::ChainId`], or when `app_state` cannot be rendered.
    pub fn to_json(&self) -> Result<String, GenesisError> {
        if self.chain_id.is_empty() || self.chain_id.chars().count() > 50 {
            return Err(GenesisError::ChainId(self.chain_id.clone()));
        }
        serde_json::to_string_pretty(self).map_err(|source| GenesisError::Malformed {
            path: "the genesis".to_owned(),
            source,
        })
    }

    /// SHA-256 of the file's text in lower-case hex: `genesis_sha256` of a network file.
    ///
    /// # Errors
    /// Those of [`Genesis::to_json`].
    pub fn sha256(&self) -> Result<String, GenesisError> {
        Ok(hex::encode(Sha256::digest(self.to_json()?)))
    }

    /// Writes the file in one step.
    ///
    /// # Errors
    /// When it cannot be rendered or written.
    pub fn write(&self, path: &Path) -> Result<(), GenesisError> {
        let text = self.to_json()?;
        files::write_atomically(path, text.as_bytes(), files::PUBLIC)?;
        Ok(())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is missing or not a genesis.
    pub fn load(path: &Path) -> Result<Self, GenesisError> {
        Self::from_json(&files::read_text(path)?, &path.display().to_string())
    }

    /// Reads the text of a file that came from `origin`.
    ///
    /// # Errors
    /// When it is not a genesis.
    pub fn from_json(text: &str, origin: &str) -> Result<Self, GenesisError> {
        serde_json::from_str(text).map_err(|source| GenesisError::Malformed {
            path: origin.to_owned(),
            source,
        })
    }
}
