//! BLS signatures over BLS12-381: public keys in G1 (48 bytes), signatures in G2 (96 bytes), both
//! compressed; hashing to the curve as in RFC 9380.
//!
//! A signature is unique: for a key and a message there is exactly one, which is why duties are
//! drawn from it. Every parse checks the encoding and the subgroup and refuses the identity, whose
//! public key would verify the identity signature of any message.

use crate::hash::h;
use blst::{min_pk, BLST_ERROR};
use blstrs::{G1Affine, G2Affine};
use group::prime::PrimeCurveAffine;
use std::fmt;

/// The ciphersuite of plain signatures: duties, and what drand's chained network signs with.
pub const DST_SIGNATURE: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";

/// Length of a compressed public key in bytes.
pub const PUBLIC_KEY_BYTES: usize = 48;

/// Length of a compressed signature in bytes.
pub const SIGNATURE_BYTES: usize = 96;

/// What a key is for. Keys are never shared between uses, so each use has its own tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyUse {
    /// Signs the epoch's duty beacon.
    Duty,
    /// Decrypts shares in key generation, and does nothing else.
    Share,
}

impl KeyUse {
    /// The tag under which proofs of possession of such a key are hashed to the curve.
    #[must_use]
    pub const fn possession_dst(self) -> &'static [u8] {
        match self {
            Self::Duty => b"BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_RACE_DUTY_V1_",
            Self::Share => b"BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_RACE_SHARE_V1_",
        }
    }

    const fn message_dst(self) -> &'static str {
        match self {
            Self::Duty => "race/node/duty-possession/v1",
            Self::Share => "race/node/share-possession/v1",
        }
    }
}

/// Why bytes are not a key or a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlsError {
    /// Too little key material.
    #[error("expected at least 32 bytes of key material, got {0}; take 32 bytes from a secure random source")]
    ShortKeyMaterial(usize),
    /// A secret key that is not 32 bytes of a number from 1 below the group order.
    #[error("expected a 32-byte secret key, big-endian, not zero and below the group order")]
    SecretKey,
    /// A wrong number of bytes.
    #[error("expected a compressed {what} of {expected} bytes, got {got}")]
    Length {
        /// What was expected.
        what: &'static str,
        /// Its length in bytes.
        expected: usize,
        /// The length given.
        got: usize,
    },
    /// Bytes that encode no point.
    #[error("these bytes are not a compressed {0} on BLS12-381")]
    Encoding(&'static str),
    /// A point outside the prime-order subgroup.
    #[error("the {0} is outside the prime-order subgroup")]
    Subgroup(&'static str),
    /// The point at infinity.
    #[error("the {0} is the identity, which anyone can forge for")]
    Identity(&'static str),
}

const PUBLIC_KEY: &str = "public key";
const SIGNATURE: &str = "signature";

fn check_length(what: &'static str, expected: usize, bytes: &[u8]) -> Result<(), BlsError> {
    if bytes.len() == expected {
        Ok(())
    } else {
        Err(BlsError::Length {
            what,
            expected,
            got: bytes.len(),
        })
    }
}

fn refuse(what: &'static str) -> impl Fn(BLST_ERROR) -> BlsError {
    move |error| match error {
        BLST_ERROR::BLST_PK_IS_INFINITY => BlsError::Identity(what),
        BLST_ERROR::BLST_POINT_NOT_IN_GROUP => BlsError::Subgroup(what),
        _ => BlsError::Encoding(what),
    }
}

/// A secret key. Overwritten when dropped; never printed.
#[derive(Clone)]
pub struct SecretKey(min_pk::SecretKey);

impl SecretKey {
    /// Derives a key from at least 32 bytes of key material (`KeyGen` of the BLS standard): a
    /// number that is uniform from 1 below the group order.
    ///
    /// # Errors
    ///
    /// When there are fewer than 32 bytes.
    pub fn from_key_material(material: &[u8]) -> Result<Self, BlsError> {
        min_pk::SecretKey::key_gen(material, &[])
            .map(Self)
            .map_err(|_| BlsError::ShortKeyMaterial(material.len()))
    }

    /// Reads a key written by [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    ///
    /// When the bytes are not a number from 1 below the group order.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BlsError> {
        min_pk::SecretKey::from_bytes(bytes)
            .map(Self)
            .map_err(|_| BlsError::SecretKey)
    }

    /// The 32 bytes of the key, big-endian, for a key file; overwritten when dropped.
    #[must_use]
    pub fn to_bytes(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.0.to_bytes())
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.sk_to_pk())
    }

    /// The one signature of `message` under `dst`.
    #[must_use]
    pub fn sign(&self, message: &[u8], dst: &[u8]) -> Signature {
        Signature(self.0.sign(message, dst, &[]))
    }

    /// Proves possession of this key to the chain, for one use and one operator.
    #[must_use]
    pub fn prove_possession(&self, key_use: KeyUse, chain_id: &str, operator: &[u8]) -> Signature {
        let message = possession_message(key_use, chain_id, operator, &self.public_key());
        self.sign(&message, key_use.possession_dst())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(hidden)")
    }
}

fn point_of_g1(key: &min_pk::PublicKey) -> G1Affine {
    let mut point = G1Affine::default();
    *point.as_mut() = (*key).into();
    point
}

/// A public key: a point of G1, checked, not the identity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(min_pk::PublicKey);

impl PublicKey {
    /// Reads a compressed public key of 48 bytes.
    ///
    /// # Errors
    ///
    /// When the length or encoding is wrong, or the point is the identity or outside the subgroup.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BlsError> {
        Self::named(PUBLIC_KEY, bytes)
    }

    /// The same for a point of G1 that is something else, which errors then name.
    pub(crate) fn named(what: &'static str, bytes: &[u8]) -> Result<Self, BlsError> {
        let key = Self::restore(what, bytes)?;
        key.0.validate().map_err(refuse(what))?;
        Ok(key)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote and was checked before: the encoding is
    /// checked again, the subgroup is not.
    pub(crate) fn restore(what: &'static str, bytes: &[u8]) -> Result<Self, BlsError> {
        check_length(what, PUBLIC_KEY_BYTES, bytes)?;
        let key = min_pk::PublicKey::uncompress(bytes).map_err(refuse(what))?;
        Self::from_point(&point_of_g1(&key)).ok_or(BlsError::Identity(what))
    }

    /// The point, for arithmetic.
    pub(crate) fn point(&self) -> G1Affine {
        point_of_g1(&self.0)
    }

    /// The key that is this point of the subgroup; nothing when it is the identity.
    pub(crate) fn from_point(point: &G1Affine) -> Option<Self> {
        let identity: bool = point.is_identity().into();
        (!identity).then(|| Self((*point.as_ref()).into()))
    }

    /// The 48 compressed bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; PUBLIC_KEY_BYTES] {
        self.0.compress()
    }

    /// Whether `signature` is this key's signature of `message` under `dst`.
    #[must_use]
    pub fn verify(&self, message: &[u8], dst: &[u8], signature: &Signature) -> bool {
        // Both points were checked when they were read.
        signature.0.verify(false, message, dst, &[], &self.0, false) == BLST_ERROR::BLST_SUCCESS
    }

    /// Whether `proof` proves possession of this key for that use, chain and operator.
    #[must_use]
    pub fn verify_possession(
        &self,
        key_use: KeyUse,
        chain_id: &str,
        operator: &[u8],
        proof: &Signature,
    ) -> bool {
        self.verify(
            &possession_message(key_use, chain_id, operator, self),
            key_use.possession_dst(),
            proof,
        )
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", hex(&self.to_bytes()))
    }
}

/// A signature: a point of G2, checked, not the identity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(min_pk::Signature);

impl Signature {
    /// Reads a compressed signature of 96 bytes.
    ///
    /// # Errors
    ///
    /// When the length or encoding is wrong, or the point is the identity or outside the subgroup.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BlsError> {
        Self::named(SIGNATURE, bytes)
    }

    /// The same for a point of G2 that is something else, which errors then name.
    pub(crate) fn named(what: &'static str, bytes: &[u8]) -> Result<Self, BlsError> {
        check_length(what, SIGNATURE_BYTES, bytes)?;
        let signature = min_pk::Signature::uncompress(bytes).map_err(refuse(what))?;
        signature.validate(true).map_err(refuse(what))?;
        Ok(Self(signature))
    }

    /// The point, for arithmetic.
    pub(crate) fn point(&self) -> G2Affine {
        let mut point = G2Affine::default();
        *point.as_mut() = self.0.into();
        point
    }

    /// The signature that is this point of the subgroup; nothing when it is the identity.
    pub(crate) fn from_point(point: &G2Affine) -> Option<Self> {
        let identity: bool = point.is_identity().into();
        (!identity).then(|| Self((*point.as_ref()).into()))
    }

    /// The 96 compressed bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; SIGNATURE_BYTES] {
        self.0.compress()
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", hex(&self.to_bytes()))
    }
}

/// Checks one signature, anyone's: compressed public key in G1, compressed signature in G2, under
/// any domain separation tag. `message` is the bytes that are hashed to the curve (for drand, the
/// digest of the round).
///
/// # Errors
///
/// When the key or the signature is not a valid point. A valid point that does not verify is
/// `Ok(false)`.
pub fn verify_any(
    public_key: &[u8],
    signature: &[u8],
    message: &[u8],
    dst: &[u8],
) -> Result<bool, BlsError> {
    let public_key = PublicKey::from_bytes(public_key)?;
    let signature = Signature::from_bytes(signature)?;
    Ok(public_key.verify(message, dst, &signature))
}

fn possession_message(
    key_use: KeyUse,
    chain_id: &str,
    operator: &[u8],
    key: &PublicKey,
) -> [u8; 32] {
    h(
        key_use.message_dst(),
        &[chain_id.as_bytes(), operator, &key.to_bytes()],
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "bls_tests.rs"]
mod tests;
