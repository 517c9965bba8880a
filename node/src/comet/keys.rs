//! Ed25519 keys in CometBFT's JSON: the node key (peers) and the validator key (votes).

use std::fmt;
use std::path::Path;

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use ed25519_dalek::{SigningKey, VerifyingKey};
use rand_core::OsRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::files::{self, FileError};

const PUBLIC_TYPE: &str = "tendermint/PubKeyEd25519";
const PRIVATE_TYPE: &str = "tendermint/PrivKeyEd25519";

/// An address of a key: the first 20 bytes of SHA-256 of the 32-byte public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 20]);

impl Address {
    /// The address of an ed25519 public key.
    #[must_use]
    pub fn of(public_key: &[u8; 32]) -> Self {
        let digest = Sha256::digest(public_key);
        let mut address = [0; 20];
        address.copy_from_slice(&digest[..20]);
        Self(address)
    }
}

/// Upper-case hex, as CometBFT prints validator addresses.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(self.0))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A key file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not the JSON that CometBFT writes. The content is left out of the message.
    #[error("{path} is not a CometBFT key file: {reason}")]
    Malformed {
        /// The file.
        path: String,
        /// What was expected.
        reason: String,
    },
}

/// A public key as `{"type": "tendermint/PubKeyEd25519", "value": base64}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonPublicKey {
    /// `tendermint/PubKeyEd25519` for the keys of this chain.
    #[serde(rename = "type")]
    pub kind: String,
    /// Base64 of the 32 bytes.
    pub value: String,
}

impl JsonPublicKey {
    /// The JSON form of a raw key.
    #[must_use]
    pub fn ed25519(public_key: &[u8; 32]) -> Self {
        Self {
            kind: PUBLIC_TYPE.to_owned(),
            value: BASE64.encode(public_key),
        }
    }

    /// The raw key, if it is an ed25519 one.
    #[must_use]
    pub fn to_ed25519(&self) -> Option<[u8; 32]> {
        if self.kind != PUBLIC_TYPE {
            return None;
        }
        BASE64.decode(&self.value).ok()?.try_into().ok()
    }
}

#[derive(Serialize, Deserialize)]
struct JsonPrivateKey {
    #[serde(rename = "type")]
    kind: String,
    /// Base64 of the 32-byte seed and the 32-byte public key.
    value: String,
}

impl Drop for JsonPrivateKey {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

#[derive(Serialize, Deserialize)]
struct NodeKeyFile {
    priv_key: JsonPrivateKey,
}

#[derive(Serialize, Deserialize)]
struct ValidatorKeyFile {
    address: String,
    pub_key: JsonPublicKey,
    priv_key: JsonPrivateKey,
}

/// The state of a validator that has signed nothing yet.
const FRESH_STATE: &str = "{\n  \"height\": \"0\",\n  \"round\": 0,\n  \"step\": 0\n}";

fn to_json(key: &SigningKey) -> JsonPrivateKey {
    let bytes = Zeroizing::new(key.to_keypair_bytes());
    JsonPrivateKey {
        kind: PRIVATE_TYPE.to_owned(),
        value: BASE64.encode(bytes.as_slice()),
    }
}

fn from_json(json: &JsonPrivateKey) -> Result<SigningKey, String> {
    if json.kind != PRIVATE_TYPE {
        return Err(format!("expected type {PRIVATE_TYPE}, got {:?}", json.kind));
    }
    let bytes = Zeroizing::new(
        BASE64
            .decode(&json.value)
            .map_err(|_| "the private key is not base64".to_owned())?,
    );
    let pair: &[u8; 64] = bytes
        .as_slice()
        .try_into()
        .map_err(|_| format!("expected 64 bytes of private key, got {}", bytes.len()))?;
    SigningKey::from_keypair_bytes(pair)
        .map_err(|_| "the public half does not belong to the private half".to_owned())
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, KeyError> {
    let text = Zeroizing::new(files::read_text(path)?);
    serde_json::from_str(&text).map_err(|error| {
        // serde's message may quote the value; line and column say enough.
        malformed(path)(format!("line {}, column {}", error.line(), error.column()))
    })
}

fn malformed(path: &Path) -> impl Fn(String) -> KeyError + '_ {
    move |reason| KeyError::Malformed {
        path: path.display().to_string(),
        reason,
    }
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<bool, KeyError> {
    let text = serde_json::to_string_pretty(value)
        .map(Zeroizing::new)
        .map_err(|error| malformed(path)(error.to_string()))?;
    Ok(files::write_if_absent(
        path,
        text.as_bytes(),
        files::PRIVATE,
    )?)
}

/// The key by which peers know this node.
#[derive(Clone)]
pub struct NodeKey(SigningKey);

impl NodeKey {
    /// A new key from the operating system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        Self(SigningKey::generate(&mut OsRng))
    }

    /// The key of a 32-byte seed (RFC 8032).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The node id of `id@host:port`: the key's address in lower-case hex.
    #[must_use]
    pub fn id(&self) -> String {
        hex::encode(Address::of(self.0.verifying_key().as_bytes()).0)
    }

    /// Reads `node_key.json`.
    ///
    /// # Errors
    /// When it is missing or not a key file.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let file: NodeKeyFile = read_json(path)?;
        Ok(Self(from_json(&file.priv_key).map_err(malformed(path))?))
    }

    /// Writes `node_key.json` (mode 0600) unless there is one; returns the key that is there.
    ///
    /// # Errors
    /// When it cannot be written, or the one that is there cannot be read.
    pub fn write_if_absent(&self, path: &Path) -> Result<Self, KeyError> {
        let priv_key = to_json(&self.0);
        if write_json(path, &NodeKeyFile { priv_key })? {
            Ok(self.clone())
        } else {
            Self::load(path)
        }
    }
}

/// The key with which this node votes.
#[derive(Clone)]
pub struct ValidatorKey(SigningKey);

impl ValidatorKey {
    /// A new key from the operating system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        Self(SigningKey::generate(&mut OsRng))
    }

    /// The key of a 32-byte seed (RFC 8032).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// For proofs of possession and vote checks.
    #[must_use]
    pub fn signing_key(&self) -> &SigningKey {
        &self.0
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> VerifyingKey {
        self.0.verifying_key()
    }

    /// The address by which CometBFT names this validator.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::of(self.public_key().as_bytes())
    }

    /// Reads `priv_validator_key.json`.
    ///
    /// # Errors
    /// When it is missing, not a key file, or its address or public key is another key's.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let file: ValidatorKeyFile = read_json(path)?;
        let key = Self(from_json(&file.priv_key).map_err(malformed(path))?);
        if file.pub_key.to_ed25519() != Some(key.public_key().to_bytes())
            || file.address != key.address().to_string()
        {
            let reason = "its address or public key does not belong to its private key";
            return Err(malformed(path)(reason.to_owned()));
        }
        Ok(key)
    }

    /// Writes `priv_validator_key.json` and a fresh signing state (both mode 0600), each
    /// unless there is one; returns the key that is there.
    ///
    /// # Errors
    /// When one cannot be written, or the key that is there cannot be read.
    pub fn write_if_absent(&self, key: &Path, state: &Path) -> Result<Self, KeyError> {
        files::write_if_absent(state, FRESH_STATE.as_bytes(), files::PRIVATE)?;
        let file = ValidatorKeyFile {
            address: self.address().to_string(),
            pub_key: JsonPublicKey::ed25519(self.public_key().as_bytes()),
            priv_key: to_json(&self.0),
        };
        if write_json(key, &file)? {
            Ok(self.clone())
        } else {
            Self::load(key)
        }
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeKey({})", self.id())
    }
}

impl fmt::Debug for ValidatorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValidatorKey({})", self.address())
    }
}
