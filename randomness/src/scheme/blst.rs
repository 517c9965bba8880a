//! The threshold signature with `blst`.

use super::{batch, first, CombineError, Index, Message, PublicKeys, Scheme};
use crate::bls::{PublicKey, SecretKey, Signature, DST_SIGNATURE};
use crate::curve::{lagrange_at_zero, pairings_equal, sum_g1, sum_g2, SecretScalar};
use blstrs::{G1Affine, Scalar};
use group::prime::PrimeCurveAffine;
use std::collections::BTreeMap;

/// Everything by `blst`; scalar multiplications of secrets are in constant time.
pub struct Blst(PublicKeys);

impl Scheme for Blst {
    const NAME: &'static str = "blst";

    fn new(keys: PublicKeys) -> Self {
        Self(keys)
    }

    fn keys(&self) -> &PublicKeys {
        &self.0
    }

    fn sign(secret: &SecretKey, message: &Message) -> Signature {
        let secret = SecretScalar::from_bytes(&secret.to_bytes());
        let secret = secret.expect("a secret key is below the group order");
        let share = message.point * secret.expose();
        Signature::from_point(&share.into()).expect("a secret key is not zero")
    }

    fn verify_share(&self, index: Index, message: &Message, share: &Signature) -> bool {
        let key = self.0.shares.get(&index);
        key.is_some_and(|key| verify(key, message, share))
    }

    fn verify_shares(&self, message: &Message, shares: &BTreeMap<Index, Signature>) -> bool {
        let Some(batch) = batch(&self.0, message, shares) else {
            return false;
        };
        let coefficients: Vec<Scalar> = batch.iter().map(|(_, _, factor)| *factor).collect();
        let keys: Vec<_> = batch.iter().map(|(key, _, _)| key.point()).collect();
        let shares: Vec<_> = batch.iter().map(|(_, share, _)| share.point()).collect();
        pairings_equal(
            &sum_g1(&keys, &coefficients).into(),
            &message.point,
            &G1Affine::generator(),
            &sum_g2(&shares, &coefficients).into(),
        )
    }

    fn combine(&self, shares: &BTreeMap<Index, Signature>) -> Result<Signature, CombineError> {
        let shares = first(&self.0, shares)?;
        let indices: Vec<u16> = shares.iter().map(|(index, _)| index.get()).collect();
        let points: Vec<_> = shares.iter().map(|(_, share)| share.point()).collect();
        let sum = sum_g2(&points, &lagrange_at_zero(&indices));
        Signature::from_point(&sum.into()).ok_or(CombineError::Identity)
    }

    fn verify(&self, message: &Message, signature: &Signature) -> bool {
        verify(&self.0.group, message, signature)
    }
}

fn verify(key: &PublicKey, message: &Message, signature: &Signature) -> bool {
    key.verify(&message.digest, DST_SIGNATURE, signature)
}
