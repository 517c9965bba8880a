//! Which key is generated, by whom: everything that a deal, a complaint and a confirmation bind.

use crate::bls::PublicKey;
use crate::hash::{be, h, hex, Address, Hash};
use crate::scheme::Index;
use crate::shares::{AllotError, Allotment};
use std::collections::{BTreeMap, BTreeSet};

const DST_SESSION: &str = "race/randomness/dkg-session/v1";

/// Which attempt at which epoch's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The chain id.
    pub chain_id: String,
    /// The epoch whose key it is.
    pub epoch: u64,
    /// The race attempt that chose the members, from 0.
    pub race_attempt: u64,
    /// The key attempt with these members, from 0.
    pub key_attempt: u64,
}

/// Someone who may take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The registered key that shares are encrypted to.
    pub share_key: PublicKey,
    /// The voting power, of which shares are a function.
    pub power: u64,
}

/// The shares of one member: consecutive indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    first: u16,
    shares: u16,
}

impl Seat {
    /// How many shares it has; a small member can have none.
    #[must_use]
    pub const fn shares(self) -> u16 {
        self.shares
    }

    /// The indices of its shares.
    pub fn indices(self) -> impl Iterator<Item = Index> {
        (self.first..self.first.saturating_add(self.shares)).filter_map(Index::new)
    }
}

/// Who has which shares: by address, from index 1 without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seats(BTreeMap<Address, Seat>);

impl Seats {
    /// Gives out indices in the order of addresses.
    #[must_use]
    pub fn of(shares: &BTreeMap<Address, u16>) -> Self {
        let mut first = 1u16;
        let seat = |(address, shares): (&Address, &u16)| {
            let seat = Seat {
                first,
                shares: *shares,
            };
            first = first.saturating_add(*shares);
            (*address, seat)
        };
        Self(shares.iter().map(seat).collect())
    }

    /// The seat of a member.
    #[must_use]
    pub fn get(&self, address: &Address) -> Option<Seat> {
        self.0.get(address).copied()
    }

    /// All of them, by address.
    pub fn iter(&self) -> impl Iterator<Item = (&Address, Seat)> {
        self.0.iter().map(|(address, seat)| (address, *seat))
    }

    /// How many members there are.
    #[must_use]
    pub fn members(&self) -> usize {
        self.0.len()
    }

    /// The number of all shares.
    #[must_use]
    pub fn total(&self) -> u16 {
        self.0
            .values()
            .fold(0, |sum, seat| sum.saturating_add(seat.shares))
    }
}

/// One attempt at a key, with the shares and the threshold that follow from the members' power.
#[derive(Clone, Debug)]
pub struct Session {
    attempt: Attempt,
    members: BTreeMap<Address, Member>,
    allotment: Allotment,
    seats: Seats,
    digest: Hash,
}

impl Session {
    /// A session of these members, or of those that are left when a good allotment of shares needs
    /// the smallest dropped ([`Allotment::dropped`]).
    ///
    /// # Errors
    ///
    /// When the powers cannot be turned into shares.
    pub fn new(
        attempt: Attempt,
        mut members: BTreeMap<Address, Member>,
    ) -> Result<Self, AllotError> {
        let powers = members
            .iter()
            .map(|(address, member)| (*address, member.power));
        let allotment = Allotment::of(&powers.collect())?;
        members.retain(|address, _| allotment.shares.contains_key(address));
        let seats = Seats::of(&allotment.shares);
        let digest = digest(&attempt, &members, &allotment);
        Ok(Self {
            attempt,
            members,
            allotment,
            seats,
            digest,
        })
    }

    /// Which attempt this is.
    #[must_use]
    pub fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    /// `H(dst, chain, epoch, race attempt, key attempt, W, t, n, (address, share key, power, shares) by
    /// address)`: the session id, which every message of the session begins with.
    #[must_use]
    pub fn digest(&self) -> &Hash {
        &self.digest
    }

    /// The member with this address.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn member(&self, address: &Address) -> Result<&Member, NotAMember> {
        self.members.get(address).ok_or(NotAMember(*address))
    }

    /// The members, by address.
    #[must_use]
    pub fn members(&self) -> &BTreeMap<Address, Member> {
        &self.members
    }

    /// Who has which shares.
    #[must_use]
    pub fn seats(&self) -> &Seats {
        &self.seats
    }

    /// The indices of a member's shares; none for others.
    pub fn indices(&self, address: &Address) -> impl Iterator<Item = Index> {
        let seat = self.seats.get(address);
        seat.into_iter().flat_map(Seat::indices)
    }

    /// `t`: how many shares sign.
    #[must_use]
    pub fn threshold(&self) -> u16 {
        self.allotment.threshold
    }

    /// `W`: how many shares there are.
    #[must_use]
    pub fn total(&self) -> u16 {
        self.allotment.total
    }

    /// The shares and the threshold, who was left out so that they fit, and the most shares of one
    /// member.
    #[must_use]
    pub fn allotment(&self) -> &Allotment {
        &self.allotment
    }

    /// The power of those of these addresses that are members.
    #[must_use]
    pub fn power(&self, of: &BTreeSet<Address>) -> u64 {
        self.members
            .iter()
            .filter(|(address, _)| of.contains(*address))
            .fold(0, |sum, (_, member)| sum.saturating_add(member.power))
    }

    /// The power of all members.
    #[must_use]
    pub fn total_power(&self) -> u64 {
        self.members
            .values()
            .fold(0, |sum, member| sum.saturating_add(member.power))
    }

    /// Whether every coalition with more than two thirds of the power of `present` has a threshold of
    /// shares without the others.
    #[must_use]
    pub fn lives_on(&self, present: &BTreeSet<Address>) -> bool {
        let powers = self.members.iter();
        let powers = powers.map(|(address, member)| (*address, member.power));
        self.allotment.lives_on(&powers.collect(), present)
    }
}

/// An address that is not in the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a member of this key generation", hex(.0))]
pub struct NotAMember(pub Address);

fn digest(attempt: &Attempt, members: &BTreeMap<Address, Member>, allotment: &Allotment) -> Hash {
    let numbers = [
        attempt.epoch,
        attempt.race_attempt,
        attempt.key_attempt,
        u64::from(allotment.total),
        u64::from(allotment.threshold),
        u64::try_from(members.len()).unwrap_or(u64::MAX),
    ];
    let mut parts = vec![attempt.chain_id.as_bytes().to_vec()];
    parts.extend(numbers.map(|number| be(number).to_vec()));
    for ((address, member), shares) in members.iter().zip(allotment.shares.values()) {
        parts.push(address.to_vec());
        parts.push(member.share_key.to_bytes().to_vec());
        parts.push(be(member.power).to_vec());
        parts.push(be(u64::from(*shares)).to_vec());
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    h(DST_SESSION, &parts)
}
