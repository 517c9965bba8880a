//! The threshold signature with the crate `threshold_crypto`: its `sign_g2`, `verify_g2` and
//! `combine_signatures`, and nothing else of it.
//!
//! Its share number `i` is the polynomial's value at `i + 1`, so that our index is one more.

use super::{batch, first, CombineError, Index, Message, PublicKeys, Scheme};
use crate::bls::{PublicKey, SecretKey, Signature};
use blstrs::G2Affine;
use std::collections::BTreeMap;
use threshold_crypto::ff::{Field, PrimeField, PrimeFieldRepr};
use threshold_crypto::group::{CurveAffine, CurveProjective, EncodedPoint};
use threshold_crypto::pairing::bls12_381::{G1Uncompressed, G2Uncompressed};
use threshold_crypto::pairing::Engine;
use threshold_crypto::poly::Poly;
use threshold_crypto::{
    Fr, FrRepr, PEngine, PublicKeySet, PublicKeyShare, SecretKeyShare, SignatureShare,
};

/// Everything but the hash to the curve by `threshold_crypto`.
pub struct ThresholdCrypto {
    keys: PublicKeys,
    group: threshold_crypto::PublicKey,
    shares: BTreeMap<Index, PublicKeyShare>,
    /// Tells `combine_signatures` the degree, which is all that it takes from it.
    degree: PublicKeySet,
}

impl Scheme for ThresholdCrypto {
    const NAME: &'static str = "threshold_crypto";

    fn new(keys: PublicKeys) -> Self {
        let group = threshold_crypto::PublicKey::from_bytes(keys.group.to_bytes());
        let shares = keys.shares.iter().map(|(index, key)| {
            let share = PublicKeyShare::from_bytes(key.to_bytes());
            (
                *index,
                share.expect("a public key was checked when it was read"),
            )
        });
        let degree = Poly::monomial(usize::from(keys.threshold.saturating_sub(1)));
        Self {
            group: group.expect("a public key was checked when it was read"),
            shares: shares.collect(),
            degree: PublicKeySet::from(degree.commitment()),
            keys,
        }
    }

    fn keys(&self) -> &PublicKeys {
        &self.keys
    }

    fn sign(secret: &SecretKey, message: &Message) -> Signature {
        let mut number = scalar(&secret.to_bytes());
        // Overwrites the number.
        let share = SecretKeyShare::from_mut(&mut number);
        from_share(&share.sign_g2(point(&message.point))).expect("a secret key is not zero")
    }

    fn verify_share(&self, index: Index, message: &Message, share: &Signature) -> bool {
        let key = self.shares.get(&index);
        key.is_some_and(|key| key.verify_g2(&to_share(share), point(&message.point)))
    }

    fn verify_shares(&self, message: &Message, shares: &BTreeMap<Index, Signature>) -> bool {
        let Some(batch) = batch(&self.keys, message, shares) else {
            return false;
        };
        let mut key_sum = threshold_crypto::G1::zero();
        let mut share_sum = threshold_crypto::G2::zero();
        for (key, share, coefficient) in batch {
            let coefficient = scalar(&coefficient.to_bytes_be());
            key_sum.add_assign(&key_point(&key).mul(coefficient));
            share_sum.add_assign(&point(&share.point()).mul(coefficient));
        }
        PEngine::pairing(key_sum, point(&message.point))
            == PEngine::pairing(threshold_crypto::G1Affine::one(), share_sum)
    }

    fn combine(&self, shares: &BTreeMap<Index, Signature>) -> Result<Signature, CombineError> {
        let shares: Vec<(u64, SignatureShare)> = first(&self.keys, shares)?
            .iter()
            .map(|(index, share)| (u64::from(index.get()).saturating_sub(1), to_share(share)))
            .collect();
        let shares = shares.iter().map(|(number, share)| (*number, share));
        let signature = self
            .degree
            .combine_signatures(shares)
            .expect("there are as many shares as the threshold");
        from_share(&SignatureShare(signature)).ok_or(CombineError::Identity)
    }

    fn verify(&self, message: &Message, signature: &Signature) -> bool {
        let signature = to_share(signature).0;
        self.group.verify_g2(&signature, point(&message.point))
    }
}

fn scalar(bytes: &[u8; 32]) -> Fr {
    let mut number = FrRepr::default();
    number
        .read_be(bytes.as_slice())
        .expect("32 bytes are a number");
    Fr::from_repr(number).expect("the number is below the group order")
}

/// The same point: it was checked when it was read, and both sides use one uncompressed encoding.
fn point(point: &G2Affine) -> threshold_crypto::G2Affine {
    let mut bytes = G2Uncompressed::empty();
    bytes.as_mut().copy_from_slice(&point.to_uncompressed());
    bytes
        .into_affine_unchecked()
        .expect("the encoding is one of a point")
}

fn key_point(key: &PublicKey) -> threshold_crypto::G1Affine {
    let mut bytes = G1Uncompressed::empty();
    bytes
        .as_mut()
        .copy_from_slice(&key.point().to_uncompressed());
    bytes
        .into_affine_unchecked()
        .expect("the encoding is one of a point")
}

/// The share that is this point. The crate makes one only from bytes, which it would check again for
/// some milliseconds, or by signing; and signing by one is the point itself.
fn to_share(share: &Signature) -> SignatureShare {
    SecretKeyShare::from_mut(&mut Fr::one()).sign_g2(point(&share.point()))
}

fn from_share(share: &SignatureShare) -> Option<Signature> {
    // What comes back is checked, once per signature made or combined.
    Signature::from_bytes(&share.to_bytes()).ok()
}
