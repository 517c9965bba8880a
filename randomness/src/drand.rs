//! Public rounds of drand networks whose keys are in G1 and signatures in G2: what our committee's
//! signatures are, made by someone else.
//!
//! The signed digest of a round is `SHA-256(signature of the round before || round)` on chained
//! networks, `SHA-256(round)` on unchained ones, the round as 64 bits, big-endian; the published
//! randomness is the SHA-256 of the signature.

use crate::bls::{BlsError, PublicKey, Signature, DST_SIGNATURE, SIGNATURE_BYTES};
use crate::hash::{be, Hash};
use sha2::{Digest, Sha256};

/// A round as a network publishes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round<'a> {
    /// Its number, from 1.
    pub number: u64,
    /// On chained networks the signature of the round before, or what a network's first round has in
    /// its place.
    pub previous: Option<&'a [u8]>,
    /// The group's signature, compressed.
    pub signature: &'a [u8],
}

/// Why a round is not one of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrandError {
    /// The network's key or the round's signature is no valid point.
    #[error(transparent)]
    Point(#[from] BlsError),
    /// The signature before is neither a signature nor the 32 bytes that a chain starts from.
    #[error("expected {SIGNATURE_BYTES} bytes of the signature before, or 32 in round 1, got {0}")]
    Previous(usize),
    /// The signature is not the group's.
    #[error("the signature of round {0} does not verify with the network's key")]
    Signature(u64),
}

/// Checks a round with the network's public key and returns its randomness.
///
/// # Errors
///
/// When something is malformed, or the signature is not the group's for this round.
pub fn verify(public_key: &[u8], round: &Round<'_>) -> Result<Hash, DrandError> {
    let public_key = PublicKey::from_bytes(public_key)?;
    let signature = Signature::from_bytes(round.signature)?;
    let mut digest = Sha256::new();
    if let Some(previous) = round.previous {
        let expected = if round.number == 1 {
            32
        } else {
            SIGNATURE_BYTES
        };
        if previous.len() != expected {
            return Err(DrandError::Previous(previous.len()));
        }
        digest.update(previous);
    }
    digest.update(be(round.number));
    let digest: Hash = digest.finalize().into();
    if public_key.verify(&digest, DST_SIGNATURE, &signature) {
        Ok(Sha256::digest(round.signature).into())
    } else {
        Err(DrandError::Signature(round.number))
    }
}

#[cfg(test)]
#[path = "drand_tests.rs"]
mod tests;
