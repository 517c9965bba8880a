//! secp256k1 keys: derivation, address, signature.

use std::fmt;
use std::str::FromStr;

use bip32::{DerivationPath, XPrv};
use k256::ecdsa::signature::hazmat::PrehashSigner;
use k256::ecdsa::{Signature, SigningKey};
use race_app::address::Account;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::mnemonic::Mnemonic;

/// Where a key of a phrase is (BIP-32), such as `m/44'/118'/0'/0/0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HdPath(DerivationPath);

impl HdPath {
    /// The coin type of Cosmos chains: Ledger's Cosmos app derives no other.
    pub const COIN_TYPE: u32 = 118;

    /// `m/44'/COIN'/ACCOUNT'/0/INDEX`, where wallets look.
    ///
    /// # Errors
    /// When a number is 2^31 or more.
    pub fn bip44(coin_type: u32, account: u32, index: u32) -> Result<Self, KeyError> {
        let numbers = [coin_type, account, index];
        if let Some(number) = numbers.into_iter().find(|number| number >> 31 != 0) {
            return Err(KeyError::Index(number));
        }
        format!("m/44'/{coin_type}'/{account}'/0/{index}").parse()
    }
}

impl FromStr for HdPath {
    type Err = KeyError;

    /// Reads a path; the `m/` before it may be left out.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let absolute = format!("m/{}", text.strip_prefix("m/").unwrap_or(text));
        let path = absolute.parse().map(Self);
        path.map_err(|_| KeyError::Path(text.to_owned()))
    }
}

/// Why bytes or a phrase give no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a number from 1 below the group order.
    #[error("expected a secp256k1 private key: 32 bytes (64 hex digits) that are neither zero nor at least the group order")]
    PrivateKey,
    /// An index that no path can have.
    #[error("cannot derive key number {0}: it must be below 2147483648")]
    Index(u32),
    /// Not a path.
    #[error("{0:?} is no derivation path: expected numbers such as m/44'/118'/0'/0/0")]
    Path(String),
}

/// A private key. Never printed by `Debug`; its memory is overwritten when dropped.
#[derive(Clone)]
pub struct Key(SigningKey);

impl Key {
    /// The key number `index` of a phrase, 0 for the first, where Cosmos wallets keep it.
    ///
    /// # Errors
    /// When the index is 2^31 or more.
    pub fn from_mnemonic(mnemonic: &Mnemonic, index: u32) -> Result<Self, KeyError> {
        Self::at(mnemonic, &HdPath::bip44(HdPath::COIN_TYPE, 0, index)?)
    }

    /// The key of a phrase at a path.
    ///
    /// # Errors
    /// When there is none, which happens once in 2^127.
    pub fn at(mnemonic: &Mnemonic, path: &HdPath) -> Result<Self, KeyError> {
        let seed = mnemonic.seed();
        let key = XPrv::derive_from_path(seed.as_slice(), &path.0);
        let key = key.map_err(|_| KeyError::Path(path.0.to_string()))?;
        Ok(Self(key.private_key().clone()))
    }

    /// Reads the 32 bytes of a private key.
    ///
    /// # Errors
    /// When they are none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        // The library pads what is shorter.
        <&[u8; 32]>::try_from(bytes)
            .ok()
            .and_then(|bytes| SigningKey::from_bytes(bytes.into()).ok())
            .map(Self)
            .ok_or(KeyError::PrivateKey)
    }

    /// The 32 bytes of the private key.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The compressed public key, 33 bytes.
    #[must_use]
    pub fn public_key(&self) -> [u8; 33] {
        let point = self.0.verifying_key().to_encoded_point(true);
        let mut bytes = [0; 33];
        bytes.copy_from_slice(point.as_bytes());
        bytes
    }

    /// The account of this key.
    #[must_use]
    pub fn account(&self) -> Account {
        Account::of_secp256k1(&self.public_key())
    }

    /// Signs the SHA-256 of `message`: r and s of 32 bytes each, s in the lower half as chains
    /// demand. The nonce is RFC 6979's, so that a message has one signature.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let digest = Sha256::digest(message);
        let signature: Signature = self
            .0
            .sign_prehash(&digest)
            .expect("a digest of 32 bytes can always be signed");
        let low = signature.normalize_s().unwrap_or(signature);
        low.to_bytes().into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.account())
    }
}
