//! Named keys in `HOME/keyring-test`, one JSON file a key, readable by their owner alone.
//!
//! The files are not encrypted: that is what the backend's name, `test`, says on Cosmos chains.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use race_app::address::Account;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::key::{Key, KeyError};
use crate::comet::files::{self, FileError};

/// The backend that is supported.
pub const BACKEND: &str = "test";
const FOLDER: &str = "keyring-test";
const KEY_TYPE: &str = "secp256k1";

/// Why the keyring refuses.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// Another backend than `test`.
    #[error("keyring backend {0:?} is not supported: use --keyring-backend test")]
    Backend(String),
    /// A name that cannot be a file's.
    #[error("{0:?} cannot name a key: use 1 to 64 letters, digits, '-', '_' or '.', beginning with a letter or digit, and nothing that looks like an address")]
    Name(String),
    /// No key of this name.
    #[error("there is no key {name:?} in {}; {}", folder.display(), names(known))]
    Unknown {
        /// The name or address asked for.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// The names there are.
        known: Vec<String>,
    },
    /// The name is taken.
    #[error("there is a key {name:?} already ({address}): take another name, or delete it first")]
    Exists {
        /// The name.
        name: String,
        /// Its address.
        address: String,
    },
    /// A damaged file.
    #[error("{}: not a key file: {reason}", path.display())]
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

fn names(known: &[String]) -> String {
    if known.is_empty() {
        return "it is empty: make one with `raced keys add NAME`".to_owned();
    }
    format!("there are {}", known.join(", "))
}

/// What a key file says in the open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyInfo {
    /// The name.
    pub name: String,
    /// The kind of key, `secp256k1`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The account, bech32.
    pub address: String,
    /// The compressed public key in hex.
    pub public_key: String,
}

#[derive(Serialize, Deserialize)]
struct KeyFile {
    #[serde(flatten)]
    info: KeyInfo,
    /// Hex.
    #[serde(with = "super::secret_text")]
    private_key: Zeroizing<String>,
}

/// The keys of one home folder.
#[derive(Debug, Clone)]
pub struct Keyring {
    folder: PathBuf,
}

impl Keyring {
    /// The keyring of `home`. Nothing is read or written yet.
    ///
    /// # Errors
    /// When the backend is not `test`.
    pub fn open(home: &Path, backend: &str) -> Result<Self, KeyringError> {
        if backend != BACKEND {
            return Err(KeyringError::Backend(backend.to_owned()));
        }
        Ok(Self {
            folder: home.join(FOLDER),
        })
    }

    /// Stores a key under a name that is free.
    ///
    /// # Errors
    /// When the name is taken or cannot be one, or the file cannot be written.
    pub fn add(&self, name: &str, key: &Key) -> Result<KeyInfo, KeyringError> {
        let path = self.path(name)?;
        let info = KeyInfo {
            name: name.to_owned(),
            kind: KEY_TYPE.to_owned(),
            address: key.account().to_string(),
            public_key: hex::encode(key.public_key()),
        };
        let file = KeyFile {
            info,
            private_key: Zeroizing::new(hex::encode(key.to_bytes().as_slice())),
        };
        let text = serde_json::to_vec_pretty(&file).map_err(|error| KeyringError::Damaged {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        let text = Zeroizing::new(text);
        files::create_private_dir(&self.folder)?;
        if files::write_if_absent(&path, &text, files::PRIVATE)? {
            return Ok(file.info);
        }
        Err(KeyringError::Exists {
            name: name.to_owned(),
            address: self.read(&path)?.info.address,
        })
    }

    /// The key called `name`, or whose address that is.
    ///
    /// # Errors
    /// When there is none, or its file cannot be used.
    pub fn get(&self, name: &str) -> Result<(KeyInfo, Key), KeyringError> {
        let info = self.info(name)?;
        let path = self.path(&info.name)?;
        let file = self.read(&path)?;
        let damaged = |reason: String| KeyringError::Damaged {
            path: path.clone(),
            reason,
        };
        let bytes = hex::decode(file.private_key.as_str()).map(Zeroizing::new);
        let bytes = bytes.map_err(|error| damaged(error.to_string()))?;
        let key = Key::from_bytes(&bytes).map_err(|error: KeyError| damaged(error.to_string()))?;
        if key.account().to_string() != file.info.address {
            return Err(damaged(format!(
                "its private key is that of {}, its address says {}",
                key.account(),
                file.info.address
            )));
        }
        Ok((file.info, key))
    }

    /// What is public of the key called `name`, or whose address that is.
    ///
    /// # Errors
    /// When there is none, or its file cannot be used.
    pub fn info(&self, name: &str) -> Result<KeyInfo, KeyringError> {
        let unknown = |known: Vec<KeyInfo>| KeyringError::Unknown {
            name: name.to_owned(),
            folder: self.folder.clone(),
            known: known.into_iter().map(|key| key.name).collect(),
        };
        if Account::parse(name).is_ok() {
            let known = self.list()?;
            let found = known.iter().find(|key| key.address == name).cloned();
            return found.ok_or_else(|| unknown(known));
        }
        let path = self.path(name)?;
        if path.is_file() {
            Ok(self.read(&path)?.info)
        } else {
            Err(unknown(self.list()?))
        }
    }

    /// All keys by name. A folder that is not there is empty.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn list(&self) -> Result<Vec<KeyInfo>, KeyringError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(FileError::of("read", &self.folder)(error).into()),
        };
        let mut keys = Vec::new();
        for entry in entries {
            let path = entry.map_err(FileError::of("read", &self.folder))?.path();
            if path.extension().is_some_and(|kind| kind == "json") {
                keys.push(self.read(&path)?.info);
            }
        }
        keys.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(keys)
    }

    /// Removes a key for good.
    ///
    /// # Errors
    /// When there is none, or its file cannot be removed.
    pub fn delete(&self, name: &str) -> Result<KeyInfo, KeyringError> {
        let info = self.info(name)?;
        let path = self.path(&info.name)?;
        fs::remove_file(&path).map_err(FileError::of("remove", &path))?;
        Ok(info)
    }

    fn path(&self, name: &str) -> Result<PathBuf, KeyringError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let good = (1..=64).contains(&name.len())
            && name.bytes().all(allowed)
            && name.as_bytes()[0].is_ascii_alphanumeric()
            && Account::parse(name).is_err();
        if !good {
            return Err(KeyringError::Name(name.to_owned()));
        }
        Ok(self.folder.join(format!("{name}.json")))
    }

    fn read(&self, path: &Path) -> Result<KeyFile, KeyringError> {
        let text = fs::read(path).map_err(FileError::of("read", path))?;
        let text = Zeroizing::new(text);
        serde_json::from_slice(&text).map_err(|error| KeyringError::Damaged {
            path: path.to_path_buf(),
            reason: error.to_string(),
        })
    }
}
