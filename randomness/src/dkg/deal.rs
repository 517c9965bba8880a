//! A deal: one member's polynomial, committed to in public and shared out in secret.
//!
//! | bytes | what |
//! |---|---|
//! | 32 | the session's digest |
//! | 20 | the dealer's address |
//! | 48 t | commitments to the coefficients, the constant one first |
//! | 48, 96 | the ephemeral key `U = r G1`, `V = r G2` |
//! | 32 W | shares 1 to W, masked |
//! | 96 | proof of possession of the constant term |
//! | 16, 32 | proof of knowledge of `r`: challenge and response |
//!
//! Both proofs are over the digest of all that precedes them, so that no part of a deal serves in
//! another one: neither under another dealer's name (a copied ciphertext would make its receivers open
//! it in a complaint) nor in another attempt.

use super::cipher::{mask, shared, Masked};
use super::session::{NotAMember, Session};
use super::wire::{Reader, WrongLength};
use crate::bls::{BlsError, PublicKey, SecretKey, Signature, PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
use crate::curve::{pairs_with_generator, scalar, short_scalar, SecretScalar, SCALAR_BYTES};
use crate::hash::{be, h, hex, Address, Hash};
use crate::polynomial::{Commitment, Polynomial};
use crate::scheme::Index;
use blstrs::{G1Affine, G2Affine, Scalar};
use group::prime::PrimeCurveAffine;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

const DST_SECRET: &str = "race/randomness/deal-secret/v1";
const DST_BODY: &str = "race/randomness/deal-body/v1";
const DST_KNOWLEDGE: &str = "race/randomness/deal-knowledge/v1";
const DST_DIGEST: &str = "race/randomness/deal/v1";
const DST_POSSESSION: &[u8] = b"BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_RACE_DEAL_V1_";

const WHAT: &str = "deal";
const COMMITMENT: &str = "commitment";
const EPHEMERAL: &str = "ephemeral key";
const CHALLENGE_BYTES: usize = 16;
const PROOF_BYTES: usize = SIGNATURE_BYTES + CHALLENGE_BYTES + SCALAR_BYTES;

/// Why bytes are not a deal of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DealError {
    /// A wrong number of bytes.
    #[error(transparent)]
    Length(#[from] WrongLength),
    /// A deal of another session.
    #[error(
        "the deal is for another key generation; deal again with the current members and attempt"
    )]
    Session,
    /// A deal in another's name.
    #[error("the deal names {} as its dealer; a member posts its own deal", hex(.0))]
    Dealer(Address),
    /// A dealer that is not in the session.
    #[error(transparent)]
    NotAMember(#[from] NotAMember),
    /// Something that is not a point of the group, or is its identity.
    #[error(transparent)]
    Point(#[from] BlsError),
    /// The two halves of the ephemeral key have different secrets.
    #[error("the ephemeral key is not the same in both groups")]
    Ephemeral,
    /// The proof of possession does not verify.
    #[error("the dealer does not prove possession of the constant term")]
    Possession,
    /// The proof of knowledge does not verify.
    #[error("the dealer does not prove knowledge of the ephemeral secret; a copied ciphertext cannot be dealt")]
    Knowledge,
}

/// A deal whose proofs verify: what everyone but a receiver can check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    dealer: Address,
    digest: Hash,
    commitment: Commitment,
    /// U.
    ephemeral: PublicKey,
    /// V.
    twin: Signature,
    masked: BTreeMap<Index, Masked>,
}

impl Deal {
    /// The length of every deal of a session.
    #[must_use]
    pub fn length(session: &Session) -> usize {
        length(session.threshold(), session.total())
    }

    /// Reads and checks a deal that `dealer` posted.
    ///
    /// # Errors
    ///
    /// When it is malformed, someone else's, of another session, or a proof fails.
    pub fn check(session: &Session, dealer: &Address, bytes: &[u8]) -> Result<Self, DealError> {
        let deal = Self::read(session, dealer, bytes, PublicKey::named)?;
        if !pairs_with_generator(
            &deal.ephemeral.point(),
            &G1Affine::generator(),
            &deal.twin.point(),
        ) {
            return Err(DealError::Ephemeral);
        }
        let (body, proofs) = bytes.split_at(bytes.len().saturating_sub(PROOF_BYTES));
        let body = body_digest(body);
        let mut proofs = Reader::new(WHAT, PROOF_BYTES, proofs)?;
        let possession =
            Signature::named("proof of possession", &proofs.array::<SIGNATURE_BYTES>())?;
        let constant = deal.constant().ok_or(DealError::Possession)?;
        if !constant.verify(&body, DST_POSSESSION, &possession) {
            return Err(DealError::Possession);
        }
        let challenge = proofs.array::<CHALLENGE_BYTES>();
        let response = scalar(&proofs.array()).ok_or(DealError::Knowledge)?;
        let u = deal.ephemeral.point();
        let nonce = G1Affine::generator() * response - u * challenge_scalar(&challenge);
        if self::challenge(&body, &nonce.into()) != challenge {
            return Err(DealError::Knowledge);
        }
        Ok(deal)
    }

    /// Reads a deal that [`check`](Self::check) accepted before, from where the accepted ones are
    /// kept: a fifth of the work, and nothing is proven again.
    ///
    /// # Errors
    ///
    /// When these bytes cannot have been accepted.
    pub fn restore(session: &Session, dealer: &Address, bytes: &[u8]) -> Result<Self, DealError> {
        Self::read(session, dealer, bytes, PublicKey::restore)
    }

    fn read(
        session: &Session,
        dealer: &Address,
        bytes: &[u8],
        point: fn(&'static str, &[u8]) -> Result<PublicKey, BlsError>,
    ) -> Result<Self, DealError> {
        let mut reader = Reader::new(WHAT, Self::length(session), bytes)?;
        if reader.array() != *session.digest() {
            return Err(DealError::Session);
        }
        let named: Address = reader.array();
        if named != *dealer {
            return Err(DealError::Dealer(named));
        }
        session.member(dealer)?;
        let mut points = Vec::with_capacity(usize::from(session.threshold()));
        for _ in 0..session.threshold() {
            let bytes: [u8; PUBLIC_KEY_BYTES] = reader.array();
            points.push(point(COMMITMENT, &bytes)?.point());
        }
        let ephemeral = point(EPHEMERAL, &reader.array::<PUBLIC_KEY_BYTES>())?;
        let twin = Signature::named(EPHEMERAL, &reader.array::<SIGNATURE_BYTES>())?;
        let indices = (1..=session.total()).filter_map(Index::new);
        let masked = indices.map(|index| (index, reader.array())).collect();
        Ok(Self {
            dealer: *dealer,
            digest: Self::digest_of(bytes),
            commitment: Commitment::new(points),
            ephemeral,
            twin,
            masked,
        })
    }

    /// Who dealt.
    #[must_use]
    pub fn dealer(&self) -> &Address {
        &self.dealer
    }

    /// The digest of a deal's bytes. They name the session and the dealer, so that it can be the key of
    /// a cache of checked deals.
    #[must_use]
    pub fn digest_of(bytes: &[u8]) -> Hash {
        h(DST_DIGEST, &[bytes])
    }

    /// The digest of its bytes, by which confirmations name it.
    #[must_use]
    pub fn digest(&self) -> &Hash {
        &self.digest
    }

    pub(super) fn commitment(&self) -> &Commitment {
        &self.commitment
    }

    pub(super) fn ephemeral(&self) -> &PublicKey {
        &self.ephemeral
    }

    pub(super) fn twin(&self) -> &Signature {
        &self.twin
    }

    pub(super) fn masked(&self) -> &BTreeMap<Index, Masked> {
        &self.masked
    }

    fn constant(&self) -> Option<PublicKey> {
        self.commitment
            .points()
            .first()
            .and_then(PublicKey::from_point)
    }
}

const fn length(threshold: u16, total: u16) -> usize {
    // Below 32 + 20 + (48 + 32) * 2^16 + ...: no overflow.
    let commitments = (threshold as usize).saturating_mul(PUBLIC_KEY_BYTES);
    let shares = (total as usize).saturating_mul(SCALAR_BYTES);
    (32 + 20 + PUBLIC_KEY_BYTES + SIGNATURE_BYTES + PROOF_BYTES)
        .saturating_add(commitments)
        .saturating_add(shares)
}

/// Everything of a deal before it is proven.
pub(super) struct Draft<'a> {
    session: &'a Session,
    dealer: Address,
    secret: &'a [u8],
    constant: SecretKey,
    commitment: Commitment,
    ephemeral: SecretKey,
    pub(super) masked: Vec<Masked>,
}

impl<'a> Draft<'a> {
    /// The one deal of this member in this session: everything in it is derived from the node's secret
    /// and the session's digest, weights and threshold included, so that a node that crashed deals the
    /// same again and never two polynomials under one name.
    pub(super) fn new(session: &'a Session, dealer: &Address, secret: &'a [u8]) -> Self {
        let derive = |what: &str, i: u64| derive(secret, session, dealer, what, &be(i));
        let coefficients: Vec<SecretKey> = (0..u64::from(session.threshold()))
            .map(|i| derive("coefficient", i))
            .collect();
        let constant = derive("coefficient", 0);
        let ephemeral = derive("ephemeral", 0);
        let polynomial = Polynomial::new(coefficients.iter().map(number).collect());
        let r = number(&ephemeral);
        let mut masked = Vec::with_capacity(usize::from(session.total()));
        for (receiver, member) in session.members() {
            let shared = shared(&r, &member.share_key);
            for index in session.indices(receiver) {
                let share = polynomial.at(index).to_bytes();
                masked.push(*mask(session, dealer, receiver, index, &shared, &share));
            }
        }
        Self {
            session,
            dealer: *dealer,
            secret,
            constant,
            commitment: polynomial.commitment(),
            ephemeral,
            masked,
        }
    }

    /// Proves it and writes it down.
    pub(super) fn finish(self) -> Vec<u8> {
        let r = number(&self.ephemeral);
        let mut bytes = Vec::with_capacity(Deal::length(self.session));
        bytes.extend_from_slice(self.session.digest());
        bytes.extend_from_slice(&self.dealer);
        for point in self.commitment.points() {
            bytes.extend_from_slice(&point.to_compressed());
        }
        bytes.extend_from_slice(&self.ephemeral.public_key().to_bytes());
        bytes.extend_from_slice(&(G2Affine::generator() * r.expose()).to_compressed());
        for share in &self.masked {
            bytes.extend_from_slice(share);
        }
        let body = body_digest(&bytes);
        let possession = self.constant.sign(&body, DST_POSSESSION);
        bytes.extend_from_slice(&possession.to_bytes());
        // The nonce is bound to what is proven: two proofs never share one.
        let nonce = derive(self.secret, self.session, &self.dealer, "nonce", &body);
        let challenge = challenge(&body, &nonce.public_key().point());
        let mut response = r;
        response.multiply(&challenge_scalar(&challenge));
        response.add(number(&nonce).expose());
        bytes.extend_from_slice(&challenge);
        bytes.extend_from_slice(response.to_bytes().as_slice());
        bytes
    }
}

/// A secret number of this member in this session.
fn derive(
    secret: &[u8],
    session: &Session,
    dealer: &Address,
    what: &str,
    which: &[u8],
) -> SecretKey {
    let message = h(
        DST_SECRET,
        &[session.digest(), dealer, what.as_bytes(), which],
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(&message);
    let material: Zeroizing<Hash> = Zeroizing::new(mac.finalize().into_bytes().into());
    SecretKey::from_key_material(material.as_slice()).expect("32 bytes are enough")
}

pub(super) fn number(key: &SecretKey) -> SecretScalar {
    SecretScalar::from_bytes(&key.to_bytes()).expect("a secret key is below the group order")
}

fn body_digest(body: &[u8]) -> Hash {
    h(DST_BODY, &[body])
}

fn challenge(body: &Hash, nonce: &G1Affine) -> [u8; CHALLENGE_BYTES] {
    let digest = h(DST_KNOWLEDGE, &[body, &nonce.to_compressed()]);
    let mut challenge = [0; CHALLENGE_BYTES];
    challenge.copy_from_slice(&digest[..CHALLENGE_BYTES]);
    challenge
}

fn challenge_scalar(challenge: &[u8; CHALLENGE_BYTES]) -> Scalar {
    let mut digest = [0; 32];
    digest[..CHALLENGE_BYTES].copy_from_slice(challenge);
    short_scalar(&digest)
}

#[cfg(test)]
#[path = "deal_tests.rs"]
mod tests;
