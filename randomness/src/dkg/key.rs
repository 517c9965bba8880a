//! What key generation ends with: the committee's public key, and each member's secret shares.

use super::deal::Deal;
use super::session::{Seats, Session};
use super::wire::{Reader, WrongLength};
use crate::bls::{BlsError, PublicKey, SecretKey, PUBLIC_KEY_BYTES};
use crate::hash::{Address, Hash};
use crate::polynomial::Commitment;
use crate::scheme::{Index, PublicKeys};
use blstrs::G1Affine;
use std::collections::BTreeMap;
use std::fmt;

const WHAT: &str = "committee key";

/// The most members that an encoded key names.
const MAX_MEMBERS: usize = 512;

/// The public half: a commitment to the sum of the qualified polynomials, and who has which shares.
/// It is all that signing needs for as long as the key is in force, whoever the validators then are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitteeKey {
    session: Hash,
    seats: Seats,
    group: PublicKey,
    commitment: Commitment,
}

/// Why bytes are not a committee's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A wrong number of bytes.
    #[error(transparent)]
    Length(#[from] WrongLength),
    /// Something that is not a point of the group, or is its identity.
    #[error(transparent)]
    Point(#[from] BlsError),
    /// Members out of order, without shares in all, or a threshold that they do not reach.
    #[error("the members of the key are not in order, or have fewer shares than its threshold")]
    Members,
}

impl CommitteeKey {
    /// The sum of these deals of the session; nothing when there are none or a coefficient cancels out,
    /// which no honest deal among them lets happen.
    #[must_use]
    pub fn sum<'a>(session: &Session, deals: impl Iterator<Item = &'a Deal>) -> Option<Self> {
        let commitment = Commitment::sum(deals.map(Deal::commitment));
        let mut points = commitment.points().iter().map(PublicKey::from_point);
        let group = points.next()??;
        points.all(|point| point.is_some()).then_some(())?;
        Some(Self {
            session: *session.digest(),
            seats: session.seats().clone(),
            group,
            commitment,
        })
    }

    /// The session that generated it.
    #[must_use]
    pub fn session(&self) -> &Hash {
        &self.session
    }

    /// The key that the committee's signatures verify with.
    #[must_use]
    pub fn group(&self) -> &PublicKey {
        &self.group
    }

    pub(super) fn commitment(&self) -> &Commitment {
        &self.commitment
    }

    /// How many shares sign.
    #[must_use]
    pub fn threshold(&self) -> u16 {
        // Written from a u16, read from one.
        u16::try_from(self.commitment.points().len()).unwrap_or(u16::MAX)
    }

    /// Who has which shares.
    #[must_use]
    pub fn seats(&self) -> &Seats {
        &self.seats
    }

    /// The keys that shares verify with. Half a second for 256 shares: keep them as long as the key.
    /// Nothing when one of them is the identity, which no honest deal lets happen.
    #[must_use]
    pub fn public_keys(&self) -> Option<PublicKeys> {
        let shares = (1..=self.seats.total()).filter_map(Index::new);
        let shares = shares.map(|index| {
            let key = PublicKey::from_point(&self.commitment.at(index).into())?;
            Some((index, key))
        });
        Some(PublicKeys {
            group: self.group,
            threshold: self.threshold(),
            shares: shares.collect::<Option<_>>()?,
        })
    }

    /// Session, threshold, number of members, (address, shares) of each by address, commitments.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let members = u16::try_from(self.seats.members()).unwrap_or(u16::MAX);
        let mut bytes = self.session.to_vec();
        bytes.extend_from_slice(&self.threshold().to_be_bytes());
        bytes.extend_from_slice(&members.to_be_bytes());
        for (address, seat) in self.seats.iter() {
            bytes.extend_from_slice(address);
            bytes.extend_from_slice(&seat.shares().to_be_bytes());
        }
        for point in self.commitment.points() {
            bytes.extend_from_slice(&point.to_compressed());
        }
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    ///
    /// When it is malformed or no valid key.
    pub fn decode(bytes: &[u8]) -> Result<Self, KeyError> {
        const HEAD: usize = 32 + 2 + 2;
        let head = bytes.get(..HEAD).unwrap_or(bytes);
        let mut reader = Reader::new(WHAT, HEAD, head)?;
        let session = reader.array();
        let threshold = u16::from_be_bytes(reader.array());
        let members = usize::from(u16::from_be_bytes(reader.array()));
        if members > MAX_MEMBERS || threshold == 0 {
            return Err(KeyError::Members);
        }
        let length = members
            .saturating_mul(22)
            .saturating_add(usize::from(threshold).saturating_mul(PUBLIC_KEY_BYTES));
        let rest = bytes.get(HEAD..).unwrap_or_default();
        let mut reader = Reader::new(WHAT, length, rest)?;
        let mut shares: BTreeMap<Address, u16> = BTreeMap::new();
        let mut all = 0u16;
        for _ in 0..members {
            let address = reader.array();
            let ascending = shares.keys().next_back().is_none_or(|last| *last < address);
            let of_member = u16::from_be_bytes(reader.array());
            all = all.checked_add(of_member).ok_or(KeyError::Members)?;
            if !ascending {
                return Err(KeyError::Members);
            }
            shares.insert(address, of_member);
        }
        if all < threshold {
            return Err(KeyError::Members);
        }
        let mut points: Vec<G1Affine> = Vec::with_capacity(usize::from(threshold));
        for _ in 0..threshold {
            let bytes: [u8; PUBLIC_KEY_BYTES] = reader.array();
            points.push(PublicKey::named("commitment", &bytes)?.point());
        }
        let constant = points.first().and_then(PublicKey::from_point);
        Ok(Self {
            session,
            seats: Seats::of(&shares),
            group: constant.ok_or(KeyError::Members)?,
            commitment: Commitment::new(points),
        })
    }
}

/// A member's secret shares of the committee's key. Overwritten when dropped; never printed.
pub struct SecretShares(BTreeMap<Index, SecretKey>);

impl SecretShares {
    pub(super) fn new(shares: BTreeMap<Index, SecretKey>) -> Self {
        Self(shares)
    }

    /// The shares, by index.
    pub fn iter(&self) -> impl Iterator<Item = (Index, &SecretKey)> {
        self.0.iter().map(|(index, share)| (*index, share))
    }
}

impl fmt::Debug for SecretShares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretShares({} hidden)", self.0.len())
    }
}
