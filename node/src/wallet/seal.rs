//! A private key at rest: encrypted under a passphrase.
//!
//! Argon2id with the second recommended setting of RFC 9106 (64 MiB, three passes, four lanes) makes a
//! key of the passphrase and a random salt. XChaCha20-Poly1305 encrypts with a random nonce, and
//! binds what the file says in the open: a public key that was exchanged is found out. Both come from
//! RustCrypto and are needed for the armour of other Cosmos wallets anyway; the `age` format would
//! bring some forty crates more for the same two steps. The settings are written down with the
//! ciphertext, so that they can be raised while old files stay readable.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::XChaCha20Poly1305;
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// The settings of new ciphertexts.
const NEW: Cost = Cost {
    memory_kib: 64 * 1024,
    passes: 3,
    lanes: 4,
};
/// The most that a file may ask of a machine: 1 GiB and 64 passes.
const MOST: Cost = Cost {
    memory_kib: 1024 * 1024,
    passes: 64,
    lanes: 64,
};
const SCHEME: &str = "argon2id-xchacha20poly1305";

/// What a passphrase costs to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cost {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

/// Why a secret cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Authentication failed; the cipher cannot tell which of the two it is.
    #[error("wrong passphrase, or the file was changed")]
    Wrong,
    /// Not what [`seal`] writes.
    #[error("{0}")]
    Malformed(String),
}

/// An encrypted secret, as it is in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed {
    scheme: String,
    cost: Cost,
    #[serde(with = "hex")]
    salt: [u8; 16],
    #[serde(with = "hex")]
    nonce: [u8; 24],
    #[serde(with = "hex")]
    ciphertext: Vec<u8>,
}

/// Derives 32 bytes by Argon2id.
pub(super) fn derive(
    passphrase: &str,
    salt: &[u8],
    cost: Cost,
) -> Result<Zeroizing<[u8; 32]>, String> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32))
        .map_err(|error| error.to_string())?;
    let mut memory = vec![Block::default(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut key = Zeroizing::new([0; 32]);
    let derived = argon2.hash_password_into_with_memory(
        passphrase.as_bytes(),
        salt,
        key.as_mut_slice(),
        &mut memory,
    );
    memory.iter_mut().for_each(Zeroize::zeroize);
    derived.map_err(|error| error.to_string())?;
    Ok(key)
}

/// Encrypts `secret` under a passphrase and binds it to `context`, which is kept in the open.
pub(super) fn seal(passphrase: &str, secret: &[u8], context: &[u8]) -> Sealed {
    let (mut salt, mut nonce) = ([0; 16], [0; 24]);
    OsRng.fill_bytes(&mut salt);
    OsRng.fill_bytes(&mut nonce);
    let key = derive(passphrase, &salt, NEW).expect("the settings are within Argon2's bounds");
    let payload = Payload {
        msg: secret,
        aad: context,
    };
    let ciphertext = XChaCha20Poly1305::new(key.as_slice().into())
        .encrypt((&nonce).into(), payload)
        .expect("a key is far below the cipher's limit");
    Sealed {
        scheme: SCHEME.to_owned(),
        cost: NEW,
        salt,
        nonce,
        ciphertext,
    }
}

impl Sealed {
    /// Decrypts what [`seal`] encrypted, with the same `context`.
    pub(super) fn open(
        &self,
        passphrase: &str,
        context: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        if self.scheme != SCHEME {
            let scheme = &self.scheme;
            return Err(SealError::Malformed(format!(
                "it is encrypted by {scheme:?}, which this build does not know; it knows {SCHEME:?}"
            )));
        }
        let cost = self.cost;
        let bounded = cost.memory_kib <= MOST.memory_kib
            && cost.passes <= MOST.passes
            && cost.lanes <= MOST.lanes;
        if !bounded {
            return Err(SealError::Malformed(format!(
                "it asks for {} KiB, {} passes and {} lanes; at most {}, {} and {} are taken",
                cost.memory_kib, cost.passes, cost.lanes, MOST.memory_kib, MOST.passes, MOST.lanes
            )));
        }
        let key = derive(passphrase, &self.salt, cost).map_err(SealError::Malformed)?;
        let payload = Payload {
            msg: &self.ciphertext,
            aad: context,
        };
        XChaCha20Poly1305::new(key.as_slice().into())
            .decrypt((&self.nonce).into(), payload)
            .map(Zeroizing::new)
            .map_err(|_| SealError::Wrong)
    }
}
