//! A complaint: a receiver opens what it was dealt, and everyone sees who lied.
//!
//! | bytes | what |
//! |---|---|
//! | 32 | the session's digest |
//! | 20 | the accuser's address |
//! | 20 | the dealer's address |
//! | 48 | the accuser's Diffie-Hellman point `D = sk U` |
//!
//! `D` is the only point that satisfies `e(D, G2) = e(PK, V)`, so an accuser cannot open a good deal into
//! a bad one. It reveals this dealer's shares of this accuser and nothing else, since `U` belongs to
//! this deal alone and its dealer knows `r`.

use super::cipher::{open, shared};
use super::deal::{number, Deal};
use super::session::{NotAMember, Session};
use super::wire::{Reader, WrongLength};
use crate::bls::{BlsError, PublicKey, SecretKey, PUBLIC_KEY_BYTES};
use crate::curve::pairs_with_generator;
use crate::hash::{hex, Address};

const WHAT: &str = "complaint";

/// Why bytes are not a complaint of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComplaintError {
    /// A wrong number of bytes.
    #[error(transparent)]
    Length(#[from] WrongLength),
    /// A complaint of another session.
    #[error("the complaint is for another key generation; only the current one is judged")]
    Session,
    /// A complaint in another's name.
    #[error("the complaint names {} as its accuser; a member complains for itself", hex(.0))]
    Accuser(Address),
    /// An accuser or a dealer that is not in the session.
    #[error(transparent)]
    NotAMember(#[from] NotAMember),
    /// An accuser without shares.
    #[error("member {} has no shares that could be bad", hex(.0))]
    NoShares(Address),
    /// Something that is not a point of the group, or is its identity.
    #[error(transparent)]
    Point(#[from] BlsError),
}

/// Who lied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The shares are not those that the dealer committed to.
    DealerFalse,
    /// The shares are good, or the accuser did not open them.
    AccuserFalse,
}

/// A well-formed complaint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Complaint {
    accuser: Address,
    dealer: Address,
    opened: PublicKey,
}

impl Complaint {
    /// The length of every complaint.
    pub const LENGTH: usize = 32 + 20 + 20 + PUBLIC_KEY_BYTES;

    /// Reads a complaint that `accuser` posted.
    ///
    /// # Errors
    ///
    /// When it is malformed, someone else's, or of another session.
    pub fn decode(
        session: &Session,
        accuser: &Address,
        bytes: &[u8],
    ) -> Result<Self, ComplaintError> {
        let mut reader = Reader::new(WHAT, Self::LENGTH, bytes)?;
        if reader.array() != *session.digest() {
            return Err(ComplaintError::Session);
        }
        let named: Address = reader.array();
        if named != *accuser {
            return Err(ComplaintError::Accuser(named));
        }
        session.member(accuser)?;
        if session.indices(accuser).next().is_none() {
            return Err(ComplaintError::NoShares(*accuser));
        }
        let dealer: Address = reader.array();
        session.member(&dealer)?;
        Ok(Self {
            accuser: *accuser,
            dealer,
            opened: PublicKey::named("opened key", &reader.array::<PUBLIC_KEY_BYTES>())?,
        })
    }

    /// Who complains.
    #[must_use]
    pub fn accuser(&self) -> &Address {
        &self.accuser
    }

    /// About whom.
    #[must_use]
    pub fn dealer(&self) -> &Address {
        &self.dealer
    }

    /// Judges it. `deal` is the dealer's.
    ///
    /// # Errors
    ///
    /// When the accuser is not a member.
    pub fn judge(&self, session: &Session, deal: &Deal) -> Result<Verdict, NotAMember> {
        let key = &session.member(&self.accuser)?.share_key;
        let opened = self.opened.point();
        if !pairs_with_generator(&opened, &key.point(), &deal.twin().point()) {
            return Ok(Verdict::AccuserFalse);
        }
        let good = good_shares(session, deal, &self.accuser, &opened.to_compressed());
        Ok(match good {
            Some(_) => Verdict::AccuserFalse,
            None => Verdict::DealerFalse,
        })
    }
}

/// The complaint of a receiver, justified or not.
pub(super) fn write(session: &Session, accuser: &Address, key: &SecretKey, deal: &Deal) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(Complaint::LENGTH);
    bytes.extend_from_slice(session.digest());
    bytes.extend_from_slice(accuser);
    bytes.extend_from_slice(deal.dealer());
    bytes.extend_from_slice(shared(&number(key), deal.ephemeral()).as_slice());
    bytes
}

/// A receiver's shares when all of them are those that the dealer committed to.
pub(super) fn good_shares(
    session: &Session,
    deal: &Deal,
    receiver: &Address,
    shared: &[u8; PUBLIC_KEY_BYTES],
) -> Option<Vec<(crate::scheme::Index, crate::curve::SecretScalar)>> {
    let shares = open(session, deal.dealer(), receiver, shared, deal.masked())?;
    // The digest binds the masked shares, and with them what they open to.
    let binding: [&[u8]; 2] = [deal.digest(), receiver];
    deal.commitment().holds(&shares, &binding).then_some(shares)
}
