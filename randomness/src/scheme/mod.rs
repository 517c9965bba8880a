//! The threshold signature: shares of a BLS signature that combine to the one signature of the
//! committee's key.
//!
//! Public keys are in G1, signatures in G2, under [`DST_SIGNATURE`]: what the committee signs verifies
//! with any BLS verifier, and a public drand round verifies with ours ([`crate::drand`]).
//!
//! A [`Scheme`] is one implementation. [`ThresholdCrypto`] is the crate of that name; [`Blst`] does the
//! same with `blst`, several times faster, and is what the other is compared with. Both give the same
//! bytes: a node may use either, whatever the others use.
//!
//! # Traps, and what guards against them
//!
//! | trap | guard |
//! |---|---|
//! | duplicate indices combine to an invalid signature | shares are a map by [`Index`] |
//! | index -1 is the master key | an [`Index`] is not zero, and nothing here evaluates a polynomial elsewhere |
//! | the identity key verifies the identity signature of anything | [`PublicKey`] and [`Signature`] are never the identity |
//! | points outside the subgroup, several encodings of one point | refused when [`crate::bls`] reads them |
//! | `threshold_crypto` hashes to the curve in a way of its own | a [`Message`] is hashed here, by `blst` |
//! | `threshold_crypto` draws randomness through rand 0.7 | no key is drawn: secrets come from outside |

mod blst;
mod threshold_crypto;

pub use self::blst::Blst;
pub use self::threshold_crypto::ThresholdCrypto;

use crate::bls::{PublicKey, SecretKey, Signature, DST_SIGNATURE};
use crate::curve::short_scalar;
use crate::hash::{be, h};
use blstrs::{G2Affine, G2Projective, Scalar};
use std::collections::BTreeMap;
use std::num::NonZeroU16;

const DST_BATCH: &str = "race/randomness/batch/v1";

/// The number of a share: where the committee's polynomial is evaluated. Zero would be the key itself.
pub type Index = NonZeroU16;

/// A message, hashed to the curve once for all the shares that sign it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    digest: [u8; 32],
    point: G2Affine,
}

impl Message {
    /// The message that is this digest.
    #[must_use]
    pub fn new(digest: [u8; 32]) -> Self {
        let point = G2Projective::hash_to_curve(&digest, DST_SIGNATURE, &[]).into();
        Self { digest, point }
    }

    /// The digest, which is what a verifier of BLS signatures takes.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

/// The public half of a committee's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKeys {
    /// The key that combined signatures verify with.
    pub group: PublicKey,
    /// How many shares combine.
    pub threshold: u16,
    /// The keys that shares verify with.
    pub shares: BTreeMap<Index, PublicKey>,
}

/// Why shares do not combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CombineError {
    /// Fewer shares than the threshold.
    #[error("{need} shares are needed to combine, {have} are there; wait for more")]
    TooFew {
        /// How many there are.
        have: usize,
        /// The threshold.
        need: u16,
    },
    /// An index that the committee does not have.
    #[error("there is no share number {0}")]
    UnknownIndex(Index),
    /// Shares that combine to the identity, which no honest ones do.
    #[error("the shares combine to the identity; verify them and leave out the bad ones")]
    Identity,
}

/// One implementation of the threshold signature.
///
/// Shares are points that were checked when they were read, not the identity.
pub trait Scheme {
    /// The name by which tables and options know it.
    const NAME: &'static str;

    /// Prepares for the shares of this key.
    fn new(keys: PublicKeys) -> Self;

    /// The keys it was made for.
    fn keys(&self) -> &PublicKeys;

    /// The share of the signature that this share of the secret gives.
    fn sign(secret: &SecretKey, message: &Message) -> Signature;

    /// Whether this is share number `index` of the signature.
    fn verify_share(&self, index: Index, message: &Message, share: &Signature) -> bool;

    /// Whether all of them are shares of the signature: one pairing equation over a random linear
    /// combination, whose coefficients are hashes of everything that is checked.
    fn verify_shares(&self, message: &Message, shares: &BTreeMap<Index, Signature>) -> bool;

    /// The signature, from the first threshold of these shares. If one of them is bad, so is the
    /// signature: verify it.
    ///
    /// # Errors
    ///
    /// When there are too few, or one that the committee does not have.
    fn combine(&self, shares: &BTreeMap<Index, Signature>) -> Result<Signature, CombineError>;

    /// Whether this is the signature of the group.
    fn verify(&self, message: &Message, signature: &Signature) -> bool;
}

/// The first threshold of `shares`.
fn first(
    keys: &PublicKeys,
    shares: &BTreeMap<Index, Signature>,
) -> Result<Vec<(Index, Signature)>, CombineError> {
    if shares.len() < usize::from(keys.threshold) {
        return Err(CombineError::TooFew {
            have: shares.len(),
            need: keys.threshold,
        });
    }
    if let Some(index) = shares.keys().find(|i| !keys.shares.contains_key(i)) {
        return Err(CombineError::UnknownIndex(*index));
    }
    let first = shares.iter().take(usize::from(keys.threshold));
    Ok(first.map(|(index, share)| (*index, *share)).collect())
}

/// What a batch of shares is checked with: key, share and coefficient each; nothing when an index is
/// unknown.
fn batch(
    keys: &PublicKeys,
    message: &Message,
    shares: &BTreeMap<Index, Signature>,
) -> Option<Vec<(PublicKey, Signature, Scalar)>> {
    let mut parts = vec![message.digest.to_vec(), keys.group.to_bytes().to_vec()];
    for (index, share) in shares {
        parts.push(keys.shares.get(index)?.to_bytes().to_vec());
        parts.push(be(u64::from(index.get())).to_vec());
        parts.push(share.to_bytes().to_vec());
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let seed = h(DST_BATCH, &parts);
    shares
        .iter()
        .map(|(index, share)| {
            let coefficient = h(DST_BATCH, &[&seed, &be(u64::from(index.get()))]);
            Some((*keys.shares.get(index)?, *share, short_scalar(&coefficient)))
        })
        .collect()
}

#[cfg(test)]
#[path = "../scheme_tests.rs"]
mod tests;
