//! `HOME/config/client.toml`: which chain a user talks to, and as whom.
//!
//! A flag goes before its `RACED_...` variable, that before the file, that before the default.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::console::Console;
use super::error::CliError;
use super::Context;
use crate::client::ChainClient;
use crate::comet::files::{self, FileError};
use crate::wallet::amount::{AmountError, GasPrice};
use crate::wallet::keyring::{self, Asked, Keyring, KeyringError, SHORTEST_PASSPHRASE};

/// Where CometBFT's RPC listens unless said otherwise.
pub const DEFAULT_NODE: &str = "tcp://localhost:26657";

/// Why the client configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not what it should be.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and what.
        reason: String,
    },
}

/// The client configuration; every key may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientConfig {
    /// The chain that transactions are signed for.
    pub chain_id: Option<String>,
    /// CometBFT's RPC: `http://host:port` or `tcp://host:port`.
    pub node: Option<String>,
    /// Where keys are: `file` or `test`.
    pub keyring_backend: Option<String>,
    /// What a unit of gas costs, such as `0.01nicoin`.
    pub gas_prices: Option<String>,
}

impl ClientConfig {
    /// Where it is in a home.
    #[must_use]
    pub fn path(home: &Path) -> PathBuf {
        home.join("config/client.toml")
    }

    /// Reads it; a file that is not there says nothing.
    ///
    /// # Errors
    /// When it cannot be read, or has a key that is not known.
    pub fn read(home: &Path) -> Result<Self, ConfigError> {
        let path = Self::path(home);
        let text = match files::read_text(&path) {
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::default())
            }
            other => other?,
        };
        toml::from_str(&text).map_err(|error| ConfigError::Malformed {
            path,
            reason: error.to_string(),
        })
    }

    /// Writes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, home: &Path) -> Result<(), ConfigError> {
        let path = Self::path(home);
        let text = toml::to_string(self).map_err(|error| ConfigError::Malformed {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        let text = format!(
            "# What `raced` takes when neither a flag nor a RACED_... variable says otherwise.\n{text}"
        );
        files::create_private_dir(&home.join("config"))?;
        Ok(files::write_atomically(
            &path,
            text.as_bytes(),
            files::PUBLIC,
        )?)
    }

    /// What this says, else what `below` says.
    #[must_use]
    pub fn or(self, below: Self) -> Self {
        Self {
            chain_id: self.chain_id.or(below.chain_id),
            node: self.node.or(below.node),
            keyring_backend: self.keyring_backend.or(below.keyring_backend),
            gas_prices: self.gas_prices.or(below.gas_prices),
        }
    }

    /// The node's URL.
    #[must_use]
    pub fn node(&self) -> &str {
        self.node.as_deref().unwrap_or(DEFAULT_NODE)
    }

    /// The keyring of the home; who runs the command knows its passphrase.
    ///
    /// # Errors
    /// When its backend is not supported.
    pub fn keyring(&self, context: &Context) -> Result<Keyring, KeyringError> {
        let backend = self.keyring_backend.as_deref().unwrap_or(keyring::BACKEND);
        let console = context.console.clone();
        let ask = move |asked| match asked {
            Asked::Open => passphrase(&console, "Enter keyring passphrase:"),
            Asked::Choose => new_passphrase(&console, "Enter keyring passphrase:"),
        };
        Ok(Keyring::open(&context.home, backend)?.asking(Arc::new(ask)))
    }

    /// The price of gas.
    ///
    /// # Errors
    /// When it is no amount.
    pub fn gas_price(&self) -> Result<GasPrice, AmountError> {
        match &self.gas_prices {
            Some(text) => text.parse(),
            None => Ok(GasPrice::DEFAULT),
        }
    }

    /// The chain. Without a chain id the node is asked for its own.
    ///
    /// # Errors
    /// When the URL cannot be used, or the node was asked and does not answer.
    pub async fn chain(&self) -> Result<ChainClient, CliError> {
        Ok(match &self.chain_id {
            Some(chain_id) => ChainClient::new(self.node(), chain_id)?,
            None => ChainClient::connect(self.node()).await?,
        })
    }
}

/// Asks for a passphrase.
///
/// # Errors
/// When nothing can be read.
pub(super) fn passphrase(
    console: &Console,
    question: &str,
) -> Result<Zeroizing<String>, KeyringError> {
    let given = console.secret(question);
    given.ok_or(KeyringError::NoPassphrase)
}

/// Asks for a passphrase that will be needed later: at a terminal twice, since nobody sees it.
///
/// # Errors
/// When nothing can be read, it is too short, or was not typed alike twice.
pub(super) fn new_passphrase(
    console: &Console,
    question: &str,
) -> Result<Zeroizing<String>, KeyringError> {
    let chosen = passphrase(console, question)?;
    if chosen.chars().count() < SHORTEST_PASSPHRASE {
        return Err(KeyringError::ShortPassphrase);
    }
    if console.typed && passphrase(console, "Re-enter the passphrase:")? != chosen {
        return Err(KeyringError::PassphrasesDiffer);
    }
    Ok(chosen)
}

/// `--node`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct NodeFlag {
    /// CometBFT's RPC, as http://HOST:PORT or tcp://HOST:PORT [default: client.toml, else tcp://localhost:26657]
    #[arg(long, env = "RACED_NODE", value_name = "URL")]
    pub node: Option<String>,
}

/// `--keyring-backend`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct KeyringFlag {
    /// Where keys are kept: "file" (encrypted) or "test" (not) [default: client.toml, else test]
    #[arg(long, env = "RACED_KEYRING_BACKEND", value_name = "BACKEND")]
    pub keyring_backend: Option<String>,
}
