//! A node's own secrets, apart from its consensus key: one file, `config/node_secrets.json`, mode
//! 0600. No key serves two uses (state machine: *Keys of a node*).

use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use race_randomness::bls;
use rand_core::{OsRng, RngCore as _};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::comet::files;

/// Where the secrets lie below a node's home.
pub fn path(home: &Path) -> PathBuf {
    home.join("config").join("node_secrets.json")
}

/// The file's content, hex.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// From it all one-time secrets are derived (commitments, salts).
    node: String,
    /// BLS key of the duty lottery.
    duty: String,
    /// BLS key that shares are encrypted to.
    share: String,
    /// ed25519 key of the transport.
    transport: String,
}

/// Why the secrets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}; `raced init` writes it, a backup restores it", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what `raced init` wrote.
    #[error("{path} is damaged ({reason}); restore it from a backup", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] files::FileError),
}

/// The secrets, in memory. Debug shows nothing of them.
pub struct Secrets {
    /// Root of one-time secrets.
    pub node: Zeroizing<[u8; 32]>,
    /// Duty lottery.
    pub duty: bls::SecretKey,
    /// Share decryption.
    pub share: bls::SecretKey,
    /// Transport.
    pub transport: SigningKey,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(..)")
    }
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

impl Secrets {
    /// Writes fresh secrets unless the home has some, and loads them.
    ///
    /// # Errors
    /// The file cannot be written, or one that is there is damaged.
    pub fn create(home: &Path) -> Result<Self, SecretsError> {
        let path = path(home);
        if !path.exists() {
            let file = File {
                node: hex::encode(random()),
                duty: hex::encode(random()),
                share: hex::encode(random()),
                transport: hex::encode(random()),
            };
            let text = serde_json::to_vec_pretty(&file).expect("four strings are JSON");
            files::write_if_absent(&path, &text, files::PRIVATE)?;
        }
        Self::load(home)
    }

    /// Reads the secrets of a home.
    ///
    /// # Errors
    /// The file is missing, unreadable or damaged.
    pub fn load(home: &Path) -> Result<Self, SecretsError> {
        let path = path(home);
        let text = std::fs::read(&path).map_err(|source| SecretsError::Read {
            path: path.clone(),
            source,
        })?;
        let damaged = |reason: String| SecretsError::Damaged {
            path: path.clone(),
            reason,
        };
        let file: File = serde_json::from_slice(&text).map_err(|e| damaged(e.to_string()))?;
        let bytes = |name: &str, text: &str| -> Result<[u8; 32], SecretsError> {
            hex::decode(text)
                .ok()
                .and_then(|b| b.try_into().ok())
                .ok_or_else(|| damaged(format!("`{name}` is not 32 bytes of hex")))
        };
        let bls = |name: &str, text: &str| {
            bls::SecretKey::from_key_material(&bytes(name, text)?)
                .map_err(|e| damaged(format!("`{name}`: {e}")))
        };
        Ok(Self {
            node: Zeroizing::new(bytes("node", &file.node)?),
            duty: bls("duty", &file.duty)?,
            share: bls("share", &file.share)?,
            transport: SigningKey::from_bytes(&bytes("transport", &file.transport)?),
        })
    }
}
