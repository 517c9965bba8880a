//! A node's home: which file lies where, and writing them all.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::config::{CometConfig, ConfigError};
use super::files::{self, FileError};
use super::genesis::{Genesis, GenesisError};
use super::keys::{KeyError, NodeKey, ValidatorKey};

/// Longest path of a Unix socket: `sun_path` holds 108 bytes on Linux and 104 on other
/// systems, the closing zero included.
pub const MAX_SOCKET_PATH: usize = 103;

/// Where the application listens: CometBFT's `proxy_app`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyApp {
    /// A Unix socket, `unix://PATH`. A relative path is relative to the folder in which
    /// CometBFT runs, which [`super::process`] makes the home.
    Unix(PathBuf),
    /// `tcp://host:port`.
    Tcp(String),
    /// One that is compiled into CometBFT, such as `kvstore`.
    BuiltIn(String),
}

/// A socket of the application could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Its folder could not be made, or an old socket not removed.
    #[error(transparent)]
    File(#[from] FileError),
    /// Somebody else made its folder.
    #[error("{} belongs to user {owner}, not to this one ({me}): remove it, or use a shorter --home so that the socket can lie inside it", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// Its owner's user id.
        owner: u32,
        /// The user id of this process.
        me: u32,
    },
}

impl ProxyApp {
    /// The socket of the node at `home` (absolute): `HOME/run/abci.sock`, or, when that is longer than
    /// the operating system allows for a socket, one in a private folder under the
    /// system's folder for temporary files, named after the home.
    #[must_use]
    pub fn for_home(home: &Path) -> Self {
        let inside = Home::new(home).abci_socket();
        if inside.as_os_str().len() <= MAX_SOCKET_PATH {
            return Self::Unix(inside);
        }
        let digest = hex::encode(Sha256::digest(home.as_os_str().as_encoded_bytes()));
        let folder = std::env::temp_dir().join(format!("raced-{}", &digest[..16]));
        Self::Unix(folder.join("abci.sock"))
    }

    /// The socket beside it where CometBFT's RPC answers this node alone, whoever has taken all
    /// connections of the port that others reach. `None` where no socket can be named.
    #[must_use]
    pub fn rpc_socket(&self) -> Option<PathBuf> {
        match self {
            // CometBFT parts addresses at commas and cuts spaces off.
            Self::Unix(path) if !path.as_os_str().as_encoded_bytes().contains(&b',') => {
                Some(path.with_file_name("rpc.sock"))
            }
            _ => None,
        }
    }

    /// That socket as CometBFT is told of it. What it listens on it tells its peers: of one in the home, in which
    /// it runs, only the place there.
    #[must_use]
    pub fn rpc_address(&self) -> Option<String> {
        let inside = Path::new("run/rpc.sock");
        let socket = self.rpc_socket()?;
        let told = match socket.ends_with(inside) {
            true => inside,
            false => &socket,
        };
        Some(format!("unix://{}", told.display()))
    }

    /// Makes the folder of both sockets, readable by this user alone, and removes sockets that a
    /// process which was killed left there. Call before binding. Nothing to do for others.
    ///
    /// # Errors
    /// [`SocketError::Foreign`] when the folder belongs to another user.
    pub fn prepare(&self) -> Result<(), SocketError> {
        let Self::Unix(path) = self else {
            return Ok(());
        };
        if let Some(folder) = path.parent() {
            files::create_private_dir(folder)?;
            let owner = std::fs::metadata(folder)
                .map_err(FileError::of("read", folder))?
                .uid();
            let me = rustix::process::getuid().as_raw();
            if owner != me {
                let path = folder.to_path_buf();
                return Err(SocketError::Foreign { path, owner, me });
            }
        }
        for socket in std::iter::once(path.clone()).chain(self.rpc_socket()) {
            match std::fs::remove_file(&socket) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(FileError::of("remove", &socket)(error).into())
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl fmt::Display for ProxyApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::BuiltIn(name) => f.write_str(name),
        }
    }
}

impl FromStr for ProxyApp {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if let Some(path) = text.strip_prefix("unix://") {
            Self::Unix(path.into())
        } else if let Some(address) = text.strip_prefix("tcp://") {
            Self::Tcp(address.to_owned())
        } else {
            Self::BuiltIn(text.to_owned())
        })
    }
}

impl Serialize for ProxyApp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ProxyApp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The files of one node. Nothing is touched by making this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

/// A home could not be written.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// A folder or file.
    #[error(transparent)]
    File(#[from] FileError),
    /// `config.toml`.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// `genesis.json`.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// A key file.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Home {
    /// The home at this folder.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `HOME/config/config.toml`
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.root.join("config/config.toml")
    }

    /// `HOME/config/genesis.json`
    #[must_use]
    pub fn genesis(&self) -> PathBuf {
        self.root.join("config/genesis.json")
    }

    /// `HOME/config/node_key.json`
    #[must_use]
    pub fn node_key(&self) -> PathBuf {
        self.root.join("config/node_key.json")
    }

    /// `HOME/config/priv_validator_key.json`
    #[must_use]
    pub fn validator_key(&self) -> PathBuf {
        self.root.join("config/priv_validator_key.json")
    }

    /// `HOME/data/priv_validator_state.json`: the last height, round and step that was signed.
    #[must_use]
    pub fn validator_state(&self) -> PathBuf {
        self.root.join("data/priv_validator_state.json")
    }

    /// `HOME/run/cometbft.pid`, there while CometBFT runs.
    #[must_use]
    pub fn pid_file(&self) -> PathBuf {
        self.root.join("run/cometbft.pid")
    }

    /// `HOME/run/abci.sock`
    #[must_use]
    pub fn abci_socket(&self) -> PathBuf {
        self.root.join("run/abci.sock")
    }

    /// Makes the folders, private to this user.
    ///
    /// # Errors
    /// When one cannot be made.
    pub fn create_dirs(&self) -> Result<(), FileError> {
        for folder in ["config", "data", "run"] {
            files::create_private_dir(&self.root.join(folder))?;
        }
        Ok(())
    }

    /// Writes everything CometBFT needs to start. Keys and the signing state that are there
    /// are never replaced (a second key is a second identity, and a lost state signs twice);
    /// the returned pair is what lies in the home afterwards.
    ///
    /// # Errors
    /// When a file cannot be written, or a key that is there cannot be read.
    pub fn write(
        &self,
        config: &CometConfig,
        genesis: &Genesis,
        node_key: &NodeKey,
        validator_key: &ValidatorKey,
    ) -> Result<(NodeKey, ValidatorKey), HomeError> {
        self.create_dirs()?;
        config.write(&self.config())?;
        genesis.write(&self.genesis())?;
        let node_key = node_key.write_if_absent(&self.node_key())?;
        let validator_key =
            validator_key.write_if_absent(&self.validator_key(), &self.validator_state())?;
        Ok((node_key, validator_key))
    }
}
