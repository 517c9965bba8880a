//! Named keys in a folder of `HOME`, one JSON file a key, readable by their owner alone.
//!
//! | backend | folder | private keys |
//! |---|---|---|
//! | `file` | `keyring-file` | encrypted under one passphrase ([`seal`](super::seal)) |
//! | `test` | `keyring-test` | in the open, which is what the name says on Cosmos chains |
//!
//! Names, addresses and public keys are in the open in both, so that listing and preparing
//! transactions needs no passphrase. A file without a private key is a key that is watched, or one
//! of several keys.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use race_app::address::Account;
use race_proto::Any;
use zeroize::Zeroizing;

use super::key::{Key, KeyError};
use super::key_file::{KeyFile, SecretText};
use super::seal::{self, SealError, Sealed};
use crate::comet::files::{self, FileError};

pub use super::key_file::{public_key, KeyInfo, Kind};

/// The backend that does not encrypt: what a node's own keys are in, since it starts unattended.
pub const BACKEND: &str = "test";
/// The backend that encrypts.
pub const ENCRYPTED: &str = "file";
/// The fewest characters of a new passphrase, as `gaiad` has it.
pub const SHORTEST_PASSPHRASE: usize = 8;

/// Why the keyring refuses.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// Another backend than the two.
    #[error(
        "keyring backend {0:?} is not supported: use --keyring-backend file (encrypted) or test"
    )]
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
    /// A watched key, or one of several keys.
    #[error("{name:?} ({kind}) has no private key here, so it cannot sign: make the transaction with --generate-only and sign it where the key is")]
    NoPrivateKey {
        /// The name.
        name: String,
        /// What it is instead.
        kind: Kind,
    },
    /// Nobody to ask.
    #[error(
        "the passphrase is needed: type it at a terminal, or give it as a line of standard input"
    )]
    NoPassphrase,
    /// A new passphrase that is too short.
    #[error("a passphrase has at least {SHORTEST_PASSPHRASE} characters")]
    ShortPassphrase,
    /// A new passphrase that was typed in two ways.
    #[error("the two passphrases differ: nothing was stored")]
    PassphrasesDiffer,
    /// A key cannot be decrypted.
    #[error("{}: {reason}", path.display())]
    Sealed {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: SealError,
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

/// What a passphrase is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To open what is encrypted.
    Open,
    /// To encrypt the first key.
    Choose,
}

/// Asks somebody for the passphrase.
pub type Ask = Arc<dyn Fn(Asked) -> Result<Zeroizing<String>, KeyringError> + Send + Sync>;

/// The keys of one home folder.
#[derive(Clone)]
pub struct Keyring {
    folder: PathBuf,
    encrypts: bool,
    ask: Ask,
    /// Asked for once.
    passphrase: Arc<OnceLock<Zeroizing<String>>>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({})", self.folder.display())
    }
}

impl Keyring {
    /// The keyring of `home`. Nothing is read or written yet. Its passphrase is known to nobody
    /// before [`asking`](Self::asking).
    ///
    /// # Errors
    /// When the backend is neither `file` nor `test`.
    pub fn open(home: &Path, backend: &str) -> Result<Self, KeyringError> {
        if ![BACKEND, ENCRYPTED].contains(&backend) {
            return Err(KeyringError::Backend(backend.to_owned()));
        }
        Ok(Self {
            folder: home.join(format!("keyring-{backend}")),
            encrypts: backend == ENCRYPTED,
            ask: Arc::new(|_| Err(KeyringError::NoPassphrase)),
            passphrase: Arc::default(),
        })
    }

    /// Who knows the passphrase, where one is needed.
    #[must_use]
    pub fn asking(self, ask: Ask) -> Self {
        Self { ask, ..self }
    }

    /// Stores a key under a name that is free.
    ///
    /// # Errors
    /// When the name is taken or cannot be one, the passphrase is not that of the other keys, or the
    /// file cannot be written.
    pub fn add(&self, name: &str, key: &Key) -> Result<KeyInfo, KeyringError> {
        let path = self.free(name)?;
        let damaged = |reason: String| damaged(&path, reason);
        let mut file = KeyFile::of(name, &public_key(key)).map_err(damaged)?;
        if self.encrypts {
            let passphrase = self.passphrase_to_add()?;
            let secret = key.to_bytes();
            file.sealed = Some(seal::seal(
                passphrase,
                secret.as_slice(),
                file.public_key.as_bytes(),
            ));
        } else {
            let secret = Zeroizing::new(hex::encode(key.to_bytes().as_slice()));
            file.private_key = Some(SecretText(secret));
        }
        self.store(&path, &file)
    }

    /// Stores a public key, of one key or of several, under a name that is free.
    ///
    /// # Errors
    /// When it is no key that can sign here, the name is taken or cannot be one, or the file cannot be
    /// written.
    pub fn add_public(&self, name: &str, public_key: &Any) -> Result<KeyInfo, KeyringError> {
        let path = self.free(name)?;
        let file = KeyFile::of(name, public_key).map_err(|reason| damaged(&path, reason))?;
        self.store(&path, &file)
    }

    /// The key called `name`, or whose address that is.
    ///
    /// # Errors
    /// When there is none, its private key is not here, its file cannot be used, or the passphrase
    /// is wrong.
    pub fn get(&self, name: &str) -> Result<(KeyInfo, Key), KeyringError> {
        let info = self.info(name)?;
        let path = self.path(&info.name)?;
        let file = self.read(&path)?;
        let damaged = |reason: String| damaged(&path, reason);
        let bytes = match (&file.private_key, &file.sealed) {
            (Some(text), _) => hex::decode(text.0.as_str())
                .map(Zeroizing::new)
                .map_err(|error| damaged(error.to_string()))?,
            (None, Some(sealed)) => {
                let passphrase = match self.passphrase.get() {
                    Some(known) => known.clone(),
                    None => (self.ask)(Asked::Open)?,
                };
                let opened = unseal(&path, &file, sealed, &passphrase)?;
                self.passphrase.get_or_init(|| passphrase);
                opened
            }
            (None, None) => {
                return Err(KeyringError::NoPrivateKey {
                    name: info.name,
                    kind: info.kind,
                })
            }
        };
        let key = Key::from_bytes(&bytes).map_err(|error: KeyError| damaged(error.to_string()))?;
        if key.account().to_string() != file.address {
            return Err(damaged(format!(
                "its private key is that of {}, its address says {}",
                key.account(),
                file.address
            )));
        }
        Ok((info, key))
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
            self.read_info(&path)
        } else {
            Err(unknown(self.list()?))
        }
    }

    /// All keys by name. A folder that is not there is empty.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn list(&self) -> Result<Vec<KeyInfo>, KeyringError> {
        let files = self.files()?;
        let keys: Result<Vec<_>, _> = files.iter().map(|path| self.read_info(path)).collect();
        let mut keys = keys?;
        keys.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(keys)
    }

    fn files(&self) -> Result<Vec<PathBuf>, KeyringError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(FileError::of("read", &self.folder)(error).into()),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(FileError::of("read", &self.folder))?.path();
            if path.extension().is_some_and(|kind| kind == "json") {
                files.push(path);
            }
        }
        Ok(files)
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

    /// Gives a key another name, which must be free. What it is and its passphrase stay.
    ///
    /// # Errors
    /// When there is no such key, the name is taken or cannot be one, or a file cannot be written.
    pub fn rename(&self, from: &str, to: &str) -> Result<KeyInfo, KeyringError> {
        let old = self.path(&self.info(from)?.name)?;
        let new = self.free(to)?;
        let file = KeyFile {
            name: to.to_owned(),
            ..self.read(&old)?
        };
        // First the new file: a key is never without one.
        let info = self.store(&new, &file)?;
        fs::remove_file(&old).map_err(FileError::of("remove", &old))?;
        Ok(info)
    }

    /// The passphrase to encrypt another key with: that of the keys that are there.
    fn passphrase_to_add(&self) -> Result<&Zeroizing<String>, KeyringError> {
        if let Some(known) = self.passphrase.get() {
            return Ok(known);
        }
        for path in self.files()? {
            let file = self.read(&path)?;
            if let Some(sealed) = &file.sealed {
                let passphrase = (self.ask)(Asked::Open)?;
                unseal(&path, &file, sealed, &passphrase)?;
                return Ok(self.passphrase.get_or_init(|| passphrase));
            }
        }
        let passphrase = (self.ask)(Asked::Choose)?;
        if passphrase.chars().count() < SHORTEST_PASSPHRASE {
            return Err(KeyringError::ShortPassphrase);
        }
        Ok(self.passphrase.get_or_init(|| passphrase))
    }

    fn store(&self, path: &Path, file: &KeyFile) -> Result<KeyInfo, KeyringError> {
        let info = file.info().map_err(|reason| damaged(path, reason))?;
        let text = serde_json::to_vec_pretty(file);
        let text = text.map_err(|error| damaged(path, error.to_string()))?;
        let text = Zeroizing::new(text);
        files::create_private_dir(&self.folder)?;
        if files::write_if_absent(path, &text, files::PRIVATE)? {
            return Ok(info);
        }
        Err(self.taken(path))
    }

    fn taken(&self, path: &Path) -> KeyringError {
        match self.read_info(path) {
            Ok(KeyInfo { name, address, .. }) => KeyringError::Exists { name, address },
            Err(error) => error,
        }
    }

    /// The file of a name that is free.
    fn free(&self, name: &str) -> Result<PathBuf, KeyringError> {
        let path = self.path(name)?;
        match path.exists() {
            true => Err(self.taken(&path)),
            false => Ok(path),
        }
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
        serde_json::from_slice(&text).map_err(|error| damaged(path, error.to_string()))
    }

    fn read_info(&self, path: &Path) -> Result<KeyInfo, KeyringError> {
        let file = self.read(path)?;
        file.info().map_err(|reason| damaged(path, reason))
    }
}

fn damaged(path: &Path, reason: String) -> KeyringError {
    KeyringError::Damaged {
        path: path.to_path_buf(),
        reason,
    }
}

/// The private key of a file; it is bound to the public key.
fn unseal(
    path: &Path,
    file: &KeyFile,
    sealed: &Sealed,
    passphrase: &str,
) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    sealed
        .open(passphrase, file.public_key.as_bytes())
        .map_err(|reason| KeyringError::Sealed {
            path: path.to_path_buf(),
            reason,
        })
}
