//! Shares for many receivers under one ephemeral key.
//!
//! The dealer draws `r` and publishes `U = r G1`. A receiver's Diffie-Hellman point is `D = r PK = sk U`.
//! Share `i` is masked with `H(dst, session, dealer, receiver, i, D)`: every mask is used once, since
//! `r` belongs to one deal. Nothing authenticates the shares but the commitments, which is enough.
//!
//! The dealer also publishes `V = r G2`. With it anyone checks a revealed `D` by one pairing equation,
//! `e(D, G2) = e(PK, V)`, with receivers' keys in G1 alone. `V` tells whether a guess of `D` is right
//! and no more: finding `D` from `U`, `V` and `PK` is the computational problem that BLS signatures with
//! keys in both groups rest on.

use crate::bls::{PublicKey, PUBLIC_KEY_BYTES};
use crate::curve::{SecretScalar, SCALAR_BYTES};
use crate::dkg::Session;
use crate::hash::{be, h, Address};
use crate::scheme::Index;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

const DST_MASK: &str = "race/randomness/share-mask/v1";

/// A share in its mask.
pub(super) type Masked = [u8; SCALAR_BYTES];

/// The Diffie-Hellman point of a dealer's key and a receiver's.
pub(super) type Shared = Zeroizing<[u8; PUBLIC_KEY_BYTES]>;

/// The point that both sides arrive at: `number` is r or sk, `point` is PK or U.
pub(super) fn shared(number: &SecretScalar, point: &PublicKey) -> Shared {
    let product = point.point() * number.expose();
    Zeroizing::new(product.to_compressed())
}

/// Puts a mask on, or takes it off.
pub(super) fn mask(
    session: &Session,
    dealer: &Address,
    receiver: &Address,
    index: Index,
    shared: &[u8; PUBLIC_KEY_BYTES],
    share: &Masked,
) -> Zeroizing<Masked> {
    let number = be(u64::from(index.get()));
    let mask = Zeroizing::new(h(
        DST_MASK,
        &[session.digest(), dealer, receiver, &number, shared],
    ));
    let mut masked = Zeroizing::new(*share);
    for (byte, mask) in masked.iter_mut().zip(mask.iter()) {
        *byte ^= mask;
    }
    masked
}

/// A receiver's shares out of a deal; nothing when one of them is no number, which is the dealer's
/// doing.
pub(super) fn open(
    session: &Session,
    dealer: &Address,
    receiver: &Address,
    shared: &[u8; PUBLIC_KEY_BYTES],
    masked: &BTreeMap<Index, Masked>,
) -> Option<Vec<(Index, SecretScalar)>> {
    let open = |index: Index| {
        let share = mask(
            session,
            dealer,
            receiver,
            index,
            shared,
            masked.get(&index)?,
        );
        Some((index, SecretScalar::from_bytes(&share)?))
    };
    session.indices(receiver).map(open).collect()
}
