//! The ed25519 key of a session, which signs its requests and acknowledgements, in
//! `HOME/sessions/<id>.json`.
//!
//! A key is stored before the session is opened (under its public key) and renamed once the chain
//! has given the session its id: a session is never open without its key on disk.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use rand_core::OsRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::comet::files::{self, FileError};

const FOLDER: &str = "sessions";

/// Why a session's key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SessionKeyError {
    /// No file of this session.
    #[error("there is no key of session {id}: {} is missing; only the home that opened a session holds its key", path.display())]
    Unknown {
        /// The session.
        id: u64,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A damaged file.
    #[error("{}: not a session file: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A session's file. Never printed whole by `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFile {
    /// The session on chain; `None` until the chain has answered.
    pub id: Option<u64>,
    /// The chain.
    pub chain_id: String,
    /// Who opened it, bech32.
    pub owner: String,
    /// The model it is for.
    pub model_id: String,
    /// The ed25519 public key in hex, as in `MsgOpenSession`.
    pub session_key: String,
    /// The ed25519 private key in hex.
    #[serde(with = "super::secret_text")]
    private_key: Zeroizing<String>,
}

impl SessionFile {
    /// A file with a new key.
    #[must_use]
    pub fn generate(chain_id: &str, owner: &str, model_id: &str) -> Self {
        let key = SigningKey::generate(&mut OsRng);
        Self {
            id: None,
            chain_id: chain_id.to_owned(),
            owner: owner.to_owned(),
            model_id: model_id.to_owned(),
            session_key: hex::encode(key.verifying_key().as_bytes()),
            private_key: Zeroizing::new(hex::encode(key.as_bytes())),
        }
    }

    /// The key that signs the session's requests.
    ///
    /// # Errors
    /// When the file was changed by hand.
    pub fn signing_key(&self) -> Result<SigningKey, SessionKeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        let decoded = hex::decode_to_slice(self.private_key.as_str(), bytes.as_mut_slice());
        let key = SigningKey::from_bytes(&bytes);
        if decoded.is_err() || hex::encode(key.verifying_key().as_bytes()) != self.session_key {
            return Err(SessionKeyError::Damaged {
                path: PathBuf::from(self.file_name()),
                reason: "its private key is not that of session_key".to_owned(),
            });
        }
        Ok(key)
    }

    /// Stores the file in `home`, under its session's id or, before it has one, its public key.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn store(&self, home: &Path) -> Result<PathBuf, SessionKeyError> {
        let folder = home.join(FOLDER);
        let path = folder.join(self.file_name());
        let text = serde_json::to_vec_pretty(self).map_err(|error| SessionKeyError::Damaged {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        files::create_private_dir(&folder)?;
        files::write_atomically(&path, &Zeroizing::new(text), files::PRIVATE)?;
        Ok(path)
    }

    /// Stores the file again under the id that the chain has given, and removes the first one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn opened(mut self, home: &Path, id: u64) -> Result<(Self, PathBuf), SessionKeyError> {
        let before = home.join(FOLDER).join(self.file_name());
        self.id = Some(id);
        let path = self.store(home)?;
        if before != path && before.exists() {
            fs::remove_file(&before).map_err(FileError::of("remove", &before))?;
        }
        Ok((self, path))
    }

    /// Removes the file of a session that was never opened.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn discard(&self, home: &Path) -> Result<(), SessionKeyError> {
        let path = home.join(FOLDER).join(self.file_name());
        if path.exists() {
            fs::remove_file(&path).map_err(FileError::of("remove", &path))?;
        }
        Ok(())
    }

    /// The file of session `id` in `home`.
    ///
    /// # Errors
    /// When there is none, or it is damaged.
    pub fn load(home: &Path, id: u64) -> Result<Self, SessionKeyError> {
        let path = home.join(FOLDER).join(format!("{id}.json"));
        if !path.is_file() {
            return Err(SessionKeyError::Unknown { id, path });
        }
        let text = fs::read(&path).map_err(FileError::of("read", &path))?;
        serde_json::from_slice(&Zeroizing::new(text)).map_err(|error| SessionKeyError::Damaged {
            path,
            reason: error.to_string(),
        })
    }

    fn file_name(&self) -> String {
        match self.id {
            Some(id) => format!("{id}.json"),
            None => format!("pending-{}.json", self.session_key),
        }
    }
}

impl fmt::Debug for SessionFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionFile({:?}, {})", self.id, self.session_key)
    }
}
