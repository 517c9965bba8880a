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
//! that remains is the reason for the threshold signature. With it the round is closed by
//! [`Transcript::close_with_fallback`], over the group's key and the commitments to both of a
//! member's secrets; the committee signs T ([`crate::signing`]), and the seed is [`signed_seed`].
//! Since nobody can compute the signature before the transcript is closed, withholding a reveal then
//! chooses between seeds that are unknown. When the committee does not sign, the second secrets are
//! revealed, and the seed is [`Transcript::fallback_seed`].

use crate::bls::Signature;
use crate::hash::{be, h, hex, Address, Hash};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

const DST_SECRET: &str = "race/randomness/secret/v1";
const DST_COMMIT: &str = "race/randomness/commit/v1";
const DST_TRANSCRIPT: &str = "race/randomness/transcript/v1";
const DST_TRANSCRIPT_WITH_FALLBACK: &str = "race/randomness/transcript-with-fallback/v1";
const DST_SEED: &str = "race/randomness/seed/v1";
const DST_SIGNED_SEED: &str = "race/randomness/signed-seed/v1";
const DST_FALLBACK_SEED: &str = "race/randomness/fallback-seed/v1";

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
    pub(crate) fn hash(&self, dst: &str, more: &[&[u8]]) -> Hash {
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

/// `H(dst, signature, T)`: the seed once the committee has signed. T is the digest that the signed message
/// binds: a transcript's, or whatever else a round is about.
#[must_use]
pub fn signed_seed(signature: &Signature, digest: &Hash) -> Hash {
    h(DST_SIGNED_SEED, &[&signature.to_bytes(), digest])
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

/// A closed round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    digest: Hash,
    fallbacks: BTreeMap<Address, Hash>,
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
        Self::build(DST_TRANSCRIPT, round, group_key, members, None)
    }

    /// Closes a round whose seed the committee signs: `T = H(dst, chain, purpose, epoch, attempt, round,
    /// group key, n, (address, c, c', r, weight) by address)`, with c' out of `fallbacks`.
    ///
    /// # Errors
    ///
    /// When a reveal has no commitment or does not match it.
    pub fn close_with_fallback(
        round: &RoundId<'_>,
        group_key: &[u8],
        members: &BTreeMap<Address, Member>,
        fallbacks: &BTreeMap<Address, Hash>,
    ) -> Result<Self, TranscriptError> {
        let dst = DST_TRANSCRIPT_WITH_FALLBACK;
        Self::build(dst, round, group_key, members, Some(fallbacks))
    }

    fn build(
        dst: &str,
        round: &RoundId<'_>,
        group_key: &[u8],
        members: &BTreeMap<Address, Member>,
        fallbacks: Option<&BTreeMap<Address, Hash>>,
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
            if let Some(fallbacks) = fallbacks {
                parts.push(fallbacks.get(address).map_or(&[], |c| c.as_slice()));
            }
            parts.push(member.reveal.as_ref().map_or(&[], |r| r.as_slice()));
            parts.push(weight);
        }
        // Of members only: the others' are not in the digest.
        let fallbacks = fallbacks.into_iter().flatten();
        let fallbacks = fallbacks.filter(|(address, _)| members.contains_key(*address));
        Ok(Self {
            digest: round.hash(dst, &parts),
            fallbacks: fallbacks.map(|(address, c)| (*address, *c)).collect(),
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

    /// `H(dst, T, (address, r') of those who revealed r', by address)`: the degraded seed when the
    /// committee has not signed. From T alone it would be known, at the close of the reveals, to those
    /// who know that they will not let it sign; the caller asks for a minimum of r' first.
    ///
    /// # Errors
    ///
    /// When an r' has no commitment or does not match it.
    pub fn fallback_seed(
        &self,
        round: &RoundId<'_>,
        reveals: &BTreeMap<Address, Hash>,
    ) -> Result<Hash, TranscriptError> {
        let mut parts: Vec<&[u8]> = vec![&self.digest];
        for (address, r) in reveals {
            let Some(c) = self.fallbacks.get(address) else {
                return Err(TranscriptError::NoCommitment(*address));
            };
            if *c != commitment(round, address, Which::Fallback, r) {
                return Err(TranscriptError::Mismatch(*address));
            }
            parts.push(address);
            parts.push(r);
        }
        Ok(h(DST_FALLBACK_SEED, &parts))
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
