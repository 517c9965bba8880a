//! Commit-and-reveal rounds: what a member commits to, what enters the transcript, and the seed.
//!
//! One round serves one (chain, purpose, epoch, race attempt, round); all five are part of every
//! secret, commitment and transcript, so nothing serves twice.
//!
//! 1. *Commit*: each member posts `c = H(dst, chain, purpose, epoch, attempt, round, address, which, r)`.
//! 2. *Reveal*: it posts r, which must match c. Late or missing reveals enter as absent.
//! 3. *Close*: `T = H(dst, chain, purpose, epoch, attempt, round, group key, n, (address, c, r, weight) by address)`
//!    and `seed = H(dst, T, (address, r) of those who revealed)`.
//!
//! # What this gives, and where the threshold signature slots in
//!
//! Commit-and-reveal alone lets the last member to reveal choose between two seeds (reveal or not),
//! k colluding last members between 2^k. Missing a reveal costs the epoch's reward share; the bias
//! that remains is the reason for the threshold signature. With it nothing here changes up to step
//! 3: [`RoundId`], [`secret`], [`commitment`] and [`Transcript`] stay, the group's public key is passed
//! to [`Transcript::close`] instead of an empty slice, the committee signs a message over the
//! transcript's digest T, and the seed becomes `H(dst, signature, T)` in place of
//! [`Transcript::seed`]. Since nobody can compute the signature before the transcript is closed,
//! withholding a reveal then chooses between seeds that are unknown. The present seed remains as the
//! degraded fallback, over the second set of secrets ([`Which::Fallback`]).

use crate::hash::{be, h, Address, Hash};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

const DST_SECRET: &str = "race/randomness/secret/v1";
const DST_COMMIT: &str = "race/randomness/commit/v1";
const DST_TRANSCRIPT: &str = "race/randomness/transcript/v1";
const DST_SEED: &str = "race/randomness/seed/v1";

/// What a round's seed is for. One seed never serves two purposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// The seed of the epoch's race.
    RaceSeed,
    /// The challenge that picks the sampled leaves of race proofs.
    Challenge,
    /// The assignment seed of sessions opened before it.
    SessionRound,
    /// The beacon that the epoch's checking duties are signed over.
    Duties,
}

impl Purpose {
    /// All purposes, in a fixed order.
    pub const ALL: [Self; 4] = [
        Self::RaceSeed,
        Self::Challenge,
        Self::SessionRound,
        Self::Duties,
    ];

    /// The stable name that enters hashes, state keys and events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RaceSeed => "race-seed",
            Self::Challenge => "challenge",
            Self::SessionRound => "session-round",
            Self::Duties => "duties",
        }
    }

    /// The purpose of this [`name`](Self::name), if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which of a member's two secrets of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Which {
    /// The one that is revealed in the reveal window.
    Reveal,
    /// The one that is revealed only if the committee does not sign.
    Fallback,
}

impl Which {
    const fn name(self) -> &'static str {
        match self {
            Self::Reveal => "reveal",
            Self::Fallback => "fallback",
        }
    }
}

/// Which round: everything that a secret, a commitment and a transcript bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoundId<'a> {
    /// The chain id.
    pub chain_id: &'a str,
    /// What the seed is for.
    pub purpose: Purpose,
    /// The epoch.
    pub epoch: u64,
    /// The race attempt within the epoch, from 0.
    pub attempt: u64,
    /// The round within (purpose, epoch, attempt), from 0; always 0 for purposes with one round.
    pub round: u64,
}

impl RoundId<'_> {
    fn hash(&self, dst: &str, more: &[&[u8]]) -> Hash {
        let (epoch, attempt, round) = (be(self.epoch), be(self.attempt), be(self.round));
        let mut parts: Vec<&[u8]> = vec![
            self.chain_id.as_bytes(),
            self.purpose.name().as_bytes(),
            &epoch,
            &attempt,
            &round,
        ];
        parts.extend_from_slice(more);
        h(dst, &parts)
    }
}

/// A member's secret of one round. Overwritten when dropped; never printed.
pub struct Secret(Zeroizing<Hash>);

impl Secret {
    /// The 32 bytes, to be posted in the reveal window and not before.
    #[must_use]
    pub fn expose(&self) -> &Hash {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// The member's secret r of a round: HMAC-SHA256 under the node secret of a digest of the round and
/// `which`. A node that crashes and starts again finds the same secret; no two rounds share one.
///
/// `node_secret` must hold at least 32 bytes of entropy and belong to one node.
#[must_use]
pub fn secret(node_secret: &[u8], round: &RoundId<'_>, which: Which) -> Secret {
    let message = round.hash(DST_SECRET, &[which.name().as_bytes()]);
    let mut mac =
        Hmac::<Sha256>::new_from_slice(node_secret).expect("HMAC takes a key of any length");
    mac.update(&message);
    Secret(Zeroizing::new(mac.finalize().into_bytes().into()))
}

/// `c = H(dst, chain, purpose, epoch, attempt, round, address, which, r)`. The address keeps a copied
/// commitment from being opened by the copier.
#[must_use]
pub fn commitment(round: &RoundId<'_>, address: &Address, which: Which, r: &Hash) -> Hash {
    round.hash(DST_COMMIT, &[address, which.name().as_bytes(), r])
}

/// What the chain knows of one member when a round is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Voting weight in this epoch.
    pub weight: u64,
    /// The commitment it posted in time, if it did.
    pub commitment: Option<Hash>,
    /// The secret it revealed in time, if it did.
    pub reveal: Option<Hash>,
}

/// Why a transcript cannot be closed. The chain checks reveals when they arrive, so each of these
/// means that its state is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TranscriptError {
    /// A reveal of a member that did not commit.
    #[error("member {} revealed without a commitment; a reveal is only accepted after a commitment", hex(.0))]
    NoCommitment(Address),
    /// A reveal that does not match its commitment.
    #[error("the reveal of member {} does not match its commitment; post the secret that was committed to", hex(.0))]
    Mismatch(Address),
}

fn hex(address: &Address) -> String {
    address.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// A closed round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    digest: Hash,
    reveals: Vec<(Address, Hash)>,
    revealed_weight: u128,
    total_weight: u128,
}

impl Transcript {
    /// Closes a round over all members of the epoch, those who stayed silent included.
    ///
    /// `group_key` is the committee's threshold public key, empty while there is none.
    ///
    /// # Errors
    ///
    /// When a reveal has no commitment or does not match it.
    pub fn close(
        round: &RoundId<'_>,
        group_key: &[u8],
        members: &BTreeMap<Address, Member>,
    ) -> Result<Self, TranscriptError> {
        let mut reveals = Vec::new();
        let (mut revealed_weight, mut total_weight) = (0u128, 0u128);
        let count = be(u64::try_from(members.len()).unwrap_or(u64::MAX));
        let weights: Vec<[u8; 8]> = members.values().map(|member| be(member.weight)).collect();
        let mut parts: Vec<&[u8]> = vec![group_key, &count];
        for ((address, member), weight) in members.iter().zip(&weights) {
            total_weight = total_weight.saturating_add(u128::from(member.weight));
            if let Some(r) = &member.reveal {
                match &member.commitment {
                    None => return Err(TranscriptError::NoCommitment(*address)),
                    Some(c) if *c != commitment(round, address, Which::Reveal, r) => {
                        return Err(TranscriptError::Mismatch(*address));
                    }
                    Some(_) => {}
                }
                reveals.push((*address, *r));
                revealed_weight = revealed_weight.saturating_add(u128::from(member.weight));
            }
            // Absent is the empty part: the length in H tells it from 32 zero bytes.
            parts.push(address);
            parts.push(member.commitment.as_ref().map_or(&[], |c| c.as_slice()));
            parts.push(member.reveal.as_ref().map_or(&[], |r| r.as_slice()));
            parts.push(weight);
        }
        Ok(Self {
            digest: round.hash(DST_TRANSCRIPT, &parts),
            reveals,
            revealed_weight,
            total_weight,
        })
    }

    /// T: what a committee signs.
    #[must_use]
    pub fn digest(&self) -> Hash {
        self.digest
    }

    /// `H(dst, T, (address, r) of those who revealed, by address)`.
    ///
    /// Without any reveal this is a function of what was public at the close of the commitments:
    /// the caller asks for a minimum of [`revealed_weight`](Self::revealed_weight) first.
    #[must_use]
    pub fn seed(&self) -> Hash {
        let mut parts: Vec<&[u8]> = vec![&self.digest];
        for (address, r) in &self.reveals {
            parts.push(address);
            parts.push(r);
        }
        h(DST_SEED, &parts)
    }

    /// Who revealed, by address.
    pub fn revealed(&self) -> impl Iterator<Item = &Address> {
        self.reveals.iter().map(|(address, _)| address)
    }

    /// The weight of those who revealed.
    #[must_use]
    pub fn revealed_weight(&self) -> u128 {
        self.revealed_weight
    }

    /// The weight of all members.
    #[must_use]
    pub fn total_weight(&self) -> u128 {
        self.total_weight
    }
}

#[cfg(test)]
#[path = "commit_reveal_tests.rs"]
mod tests;
