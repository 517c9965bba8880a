//! A confirmation: a member has checked its shares of every deal, and complained where they are bad.
//!
//! | bytes | what |
//! |---|---|
//! | 32 | the session's digest |
//! | 20 | the member's address |
//! | 32 | the digest of all deals of the session |

use super::session::{NotAMember, Session};
use super::wire::{Reader, WrongLength};
use crate::hash::{h, hex, Address, Hash};

const DST_DEALS: &str = "race/randomness/deals/v1";
const WHAT: &str = "confirmation";

/// Why bytes are not a confirmation of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmationError {
    /// A wrong number of bytes.
    #[error(transparent)]
    Length(#[from] WrongLength),
    /// A confirmation of another session.
    #[error("the confirmation is for another key generation; only the current one counts")]
    Session,
    /// A confirmation in another's name.
    #[error("the confirmation names {}; a member confirms for itself", hex(.0))]
    Member(Address),
    /// Someone who is not in the session.
    #[error(transparent)]
    NotAMember(#[from] NotAMember),
}

/// A well-formed confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmation {
    member: Address,
    deals: Hash,
}

impl Confirmation {
    /// The length of every confirmation.
    pub const LENGTH: usize = 32 + 20 + 32;

    /// Reads a confirmation that `member` posted.
    ///
    /// # Errors
    ///
    /// When it is malformed, someone else's, or of another session.
    pub fn decode(
        session: &Session,
        member: &Address,
        bytes: &[u8],
    ) -> Result<Self, ConfirmationError> {
        let mut reader = Reader::new(WHAT, Self::LENGTH, bytes)?;
        if reader.array() != *session.digest() {
            return Err(ConfirmationError::Session);
        }
        let named: Address = reader.array();
        if named != *member {
            return Err(ConfirmationError::Member(named));
        }
        session.member(member)?;
        Ok(Self {
            member: *member,
            deals: reader.array(),
        })
    }

    /// Who confirms.
    #[must_use]
    pub fn member(&self) -> &Address {
        &self.member
    }

    /// Which deals it has checked, as [`deals_digest`] names them.
    #[must_use]
    pub fn deals(&self) -> &Hash {
        &self.deals
    }
}

/// `H(dst, session, digest of each deal by address of its dealer)`.
#[must_use]
pub fn deals_digest<'a>(session: &'a Session, deals: impl Iterator<Item = &'a Hash>) -> Hash {
    let mut parts: Vec<&[u8]> = vec![session.digest()];
    parts.extend(deals.map(Hash::as_slice));
    h(DST_DEALS, &parts)
}

pub(super) fn write(session: &Session, member: &Address, deals: &Hash) -> Vec<u8> {
    [session.digest().as_slice(), member, deals].concat()
}
