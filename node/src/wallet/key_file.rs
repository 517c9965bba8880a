//! The file of one key, and what is public of it.

use std::fmt;

use race_app::address::Account;
use race_app::tx::signature::{PublicKey, ED25519, MULTISIG, SECP256K1};
use race_proto::cosmos::crypto::{ed25519, secp256k1};
use race_proto::Any;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::key::Key;
use super::seal::Sealed;
use super::sign::any;
use crate::proto_json;

/// What a stored key can do; shown in the SDK's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Its private key is here.
    Local,
    /// Only its public key is known.
    Offline,
    /// It is made of several keys.
    Multi,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Offline => "offline",
            Self::Multi => "multi",
        })
    }
}

/// What is public of a stored key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyInfo {
    /// The name.
    pub name: String,
    /// What it can do.
    pub kind: Kind,
    /// The account, bech32.
    pub address: String,
    /// The public key, packed.
    pub public_key: Any,
}

impl KeyInfo {
    /// What is known of a public key that is not stored.
    #[must_use]
    pub fn of(name: &str, kind: Kind, public_key: Any, account: Account) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            address: account.to_string(),
            public_key,
        }
    }

    /// The account.
    ///
    /// # Panics
    /// Never: the address was checked when it was read.
    #[must_use]
    pub fn account(&self) -> Account {
        Account::parse(&self.address).expect("an address of an account")
    }

    /// The public key, compressed, when it is a secp256k1 key.
    #[must_use]
    pub fn secp256k1(&self) -> Option<[u8; 33]> {
        let key = (self.public_key.type_url == SECP256K1)
            .then(|| decoded::<secp256k1::PubKey>(&self.public_key.value).ok());
        key.flatten()?.key.try_into().ok()
    }

    /// The public key as the SDK's tools show and read it: one line of JSON with an `@type`.
    #[must_use]
    pub fn public_key_json(&self) -> String {
        let tree = proto_json::any_tree(&self.public_key);
        serde_json::to_string(&tree).unwrap_or_default()
    }
}

/// The packed public key of a private one.
#[must_use]
pub fn public_key(key: &Key) -> Any {
    any(&secp256k1::PubKey {
        key: key.public_key().to_vec(),
    })
}

/// Text that is overwritten when dropped.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct SecretText(#[serde(with = "super::secret_text")] pub(super) Zeroizing<String>);

/// The file of a key, public or private.
#[derive(Serialize, Deserialize)]
pub(super) struct KeyFile {
    pub(super) name: String,
    /// The type of the public key: `secp256k1`, `ed25519` or `multisig`.
    #[serde(rename = "type")]
    pub(super) key_type: String,
    pub(super) address: String,
    /// Hex: of the key, of several keys of their protobuf encoding.
    pub(super) public_key: String,
    /// Hex; of the backend `test`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) private_key: Option<SecretText>,
    /// Of the backend `file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sealed: Option<Sealed>,
}

impl KeyFile {
    /// A file without a private key.
    pub(super) fn of(name: &str, public_key: &Any) -> Result<Self, String> {
        let unpacked = PublicKey::unpack(public_key).map_err(|error| error.log)?;
        let (key_type, bytes) = match public_key.type_url.as_str() {
            SECP256K1 => (
                "secp256k1",
                decoded::<secp256k1::PubKey>(&public_key.value)?.key,
            ),
            ED25519 => (
                "ed25519",
                decoded::<ed25519::PubKey>(&public_key.value)?.key,
            ),
            _ => ("multisig", public_key.value.clone()),
        };
        Ok(Self {
            name: name.to_owned(),
            key_type: key_type.to_owned(),
            address: unpacked.account().to_string(),
            public_key: hex::encode(bytes),
            private_key: None,
            sealed: None,
        })
    }

    /// What it says in the open.
    pub(super) fn info(&self) -> Result<KeyInfo, String> {
        let bytes = hex::decode(&self.public_key).map_err(|error| error.to_string())?;
        let public_key = match self.key_type.as_str() {
            "secp256k1" => any(&secp256k1::PubKey { key: bytes }),
            "ed25519" => any(&ed25519::PubKey { key: bytes }),
            "multisig" => Any {
                type_url: MULTISIG.to_owned(),
                value: bytes,
            },
            other => return Err(format!("keys of type {other:?} are not supported")),
        };
        let account = PublicKey::unpack(&public_key).map_err(|error| error.log)?;
        let account = account.account();
        if account.to_string() != self.address {
            return Err(format!(
                "its public key is that of {account}, its address says {}",
                self.address
            ));
        }
        let kind = match (&self.private_key, &self.sealed) {
            (None, None) if self.key_type == "multisig" => Kind::Multi,
            (None, None) => Kind::Offline,
            _ => Kind::Local,
        };
        Ok(KeyInfo::of(&self.name, kind, public_key, account))
    }
}

fn decoded<M: prost::Message + Default>(bytes: &[u8]) -> Result<M, String> {
    M::decode(bytes).map_err(|error| error.to_string())
}
