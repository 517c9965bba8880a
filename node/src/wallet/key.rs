//! secp256k1 keys: derivation, address, signature.

use std::fmt;

use bip32::{DerivationPath, XPrv};
use k256::ecdsa::signature::hazmat::PrehashSigner;
use k256::ecdsa::{Signature, SigningKey};
use race_app::address::Account;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::mnemonic::Mnemonic;

/// Where Cosmos wallets keep the key number `index` of a phrase.
#[must_use]
pub fn path(index: u32) -> String {
    format!("m/44'/118'/0'/0/{index}")
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
}

/// A private key. Never printed by `Debug`; its memory is overwritten when dropped.
#[derive(Clone)]
pub struct Key(SigningKey);

impl Key {
    /// The key number `index` of a phrase, 0 for the first.
    ///
    /// # Errors
    /// When the index is 2^31 or more.
    pub fn from_mnemonic(mnemonic: &Mnemonic, index: u32) -> Result<Self, KeyError> {
        let failed = |_| KeyError::Index(index);
        let path: DerivationPath = path(index).parse().map_err(failed)?;
        let seed = mnemonic.seed();
        let key = XPrv::derive_from_path(seed.as_slice(), &path).map_err(failed)?;
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
