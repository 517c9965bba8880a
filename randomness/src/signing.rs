//! What the committee signs, and how its shares travel and combine.
//!
//! There is one mechanism and several messages, each a digest with a domain of its own ([`Subject`]).
//! A member signs with all its shares and puts them into its vote extension ([`extension`]). Whoever
//! proposes gathers extensions in a [`Pool`], which combines the first threshold of shares, verifies
//! the result with one pairing, and only when that fails looks for the bad ones. Any threshold of
//! shares gives the same signature.
//!
//! # Limit
//!
//! A share takes [`SIGNATURE_BYTES`] bytes and a remote signer's message ends at 10 KiB: an extension
//! carries at most [`MAX_SHARES`] shares, the first ones of its member. A member's shares cannot be
//! summed up beforehand: their coefficients depend on which others' shares they are combined with. With
//! at most 30% of the power in one hand no member has more than 77 of 256 shares, but 120 of 400. What does
//! not travel does not count when shares are allotted ([`crate::shares`]).

use crate::bls::{BlsError, PublicKey, Signature, DST_SIGNATURE, SIGNATURE_BYTES};
use crate::commit_reveal::{signed_seed, Purpose, RoundId};
use crate::dkg::{CommitteeKey, Seat, SecretShares};
use crate::hash::{be, hex, Address, Hash};
use crate::scheme::{CombineError, Index, Message, PublicKeys, Scheme};
use std::collections::{BTreeMap, BTreeSet};

const DST_SEED: &str = "race/randomness/sign-seed/v1";
const DST_CHALLENGE: &str = "race/randomness/sign-challenge/v1";
const DST_ROUND: &str = "race/randomness/sign-round/v1";

/// The most shares in one extension.
pub const MAX_SHARES: u16 = 100;

/// The bytes of an extension before its shares: the digest that is signed.
pub const HEAD_BYTES: usize = 32;

/// The largest extension.
pub const MAX_EXTENSION_BYTES: usize = HEAD_BYTES + MAX_SHARES as usize * SIGNATURE_BYTES;

/// What is signed, under the chain, the epoch and the race attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The race seed, over its transcript. The signing attempt counts up when a signature does not
    /// come in time, so that a coalition that alone has combined one cannot sit on it.
    Seed {
        /// The transcript's digest T.
        transcript: Hash,
        /// From 1.
        signing_attempt: u64,
    },
    /// The race challenge. There is no attempt in it: it is never drawn again.
    Challenge {
        /// The root of all (key, root, count).
        root: Hash,
    },
    /// The seed of a round of a purpose with many rounds.
    Round {
        /// What the round is for.
        purpose: Purpose,
        /// Which round, from 0.
        round: u64,
    },
}

/// The message that a committee signs: `H(dst, chain, purpose, epoch, race attempt, round, ...)` with the
/// transcript and the signing attempt, with the root, or with nothing more.
#[must_use]
pub fn message(chain_id: &str, epoch: u64, race_attempt: u64, subject: &Subject) -> Message {
    let (purpose, round) = match subject {
        Subject::Seed { .. } => (Purpose::RaceSeed, 0),
        Subject::Challenge { .. } => (Purpose::Challenge, 0),
        Subject::Round { purpose, round } => (*purpose, *round),
    };
    let id = RoundId {
        chain_id,
        purpose,
        epoch,
        attempt: race_attempt,
        round,
    };
    Message::new(match subject {
        Subject::Seed {
            transcript,
            signing_attempt,
        } => id.hash(DST_SEED, &[transcript, &be(*signing_attempt)]),
        Subject::Challenge { root } => id.hash(DST_CHALLENGE, &[root]),
        Subject::Round { .. } => id.hash(DST_ROUND, &[]),
    })
}

/// A race seed that a committee signed, with what it is verified with. No node need be trusted for it but
/// for the group's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedSeed<'a> {
    /// The chain.
    pub chain_id: &'a str,
    /// The epoch.
    pub epoch: u64,
    /// The race attempt.
    pub race_attempt: u64,
    /// The transcript's digest T.
    pub transcript: Hash,
    /// The signing attempt.
    pub signing_attempt: u64,
    /// The committee's signature.
    pub signature: Signature,
    /// The seed that is claimed.
    pub seed: Hash,
}

/// Why a seed is not a committee's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    /// The signature is not the group's for this transcript and attempt.
    #[error("the signature is not this group's for this chain, epoch, transcript and attempts")]
    Signature,
    /// The seed is not what the signature and the transcript give.
    #[error("the seed is not the hash of the signature and the transcript")]
    Seed,
}

impl SignedSeed<'_> {
    /// What the committee signed.
    #[must_use]
    pub fn message(&self) -> Message {
        let subject = Subject::Seed {
            transcript: self.transcript,
            signing_attempt: self.signing_attempt,
        };
        message(self.chain_id, self.epoch, self.race_attempt, &subject)
    }

    /// Checks the signature and the seed with the group's key.
    ///
    /// # Errors
    ///
    /// Which of the two is wrong.
    pub fn verify(&self, group: &PublicKey) -> Result<(), SeedError> {
        let digest = *self.message().digest();
        if !group.verify(&digest, DST_SIGNATURE, &self.signature) {
            return Err(SeedError::Signature);
        }
        match signed_seed(&self.signature, &self.transcript) == self.seed {
            true => Ok(()),
            false => Err(SeedError::Seed),
        }
    }
}

/// Why an extension is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtensionError {
    /// Someone without shares of the key.
    #[error("{} has no shares of the committee's key", hex(.0))]
    NoShares(Address),
    /// A wrong number of bytes.
    #[error("expected an extension of {expected} bytes, got {got}")]
    Length {
        /// The length for this member.
        expected: usize,
        /// The length given.
        got: usize,
    },
    /// Shares of another message.
    #[error("the extension signs another message; sign the one that the last block asks for")]
    Message,
    /// A share that is no point.
    #[error(transparent)]
    Point(#[from] BlsError),
}

/// A member's extension: the message's digest, then its shares of the signature by index.
#[must_use]
pub fn extension<S: Scheme>(shares: &SecretShares, message: &Message) -> Vec<u8> {
    let mut bytes = message.digest().to_vec();
    for (_, share) in shares.iter().take(usize::from(MAX_SHARES)) {
        bytes.extend_from_slice(&S::sign(share, message).to_bytes());
    }
    bytes
}

/// Checks the size, which is all that a vote may be rejected for; the points are left to the pool.
///
/// # Errors
///
/// When the member has no shares, or the extension is not as long as its shares make it.
pub fn check_size(
    key: &CommitteeKey,
    member: &Address,
    bytes: &[u8],
) -> Result<(), ExtensionError> {
    let shares = carried(seat(key, member)?);
    let expected = shares
        .saturating_mul(SIGNATURE_BYTES)
        .saturating_add(HEAD_BYTES);
    if bytes.len() == expected {
        Ok(())
    } else {
        Err(ExtensionError::Length {
            expected,
            got: bytes.len(),
        })
    }
}

fn seat(key: &CommitteeKey, member: &Address) -> Result<Seat, ExtensionError> {
    key.seats()
        .get(member)
        .filter(|seat| seat.shares() > 0)
        .ok_or(ExtensionError::NoShares(*member))
}

fn carried(seat: Seat) -> usize {
    usize::from(seat.shares().min(MAX_SHARES))
}

/// Gathers the shares of one message. Rebuilt from extensions at any time; it is no state.
pub struct Pool<'a, S> {
    key: &'a CommitteeKey,
    scheme: &'a S,
    message: Message,
    shares: BTreeMap<Address, BTreeMap<Index, Signature>>,
    bad: BTreeSet<Address>,
}

impl<'a, S: Scheme> Pool<'a, S> {
    /// An empty pool. `scheme` was prepared with the [`CommitteeKey::public_keys`] of `key`.
    #[must_use]
    pub fn new(key: &'a CommitteeKey, scheme: &'a S, message: Message) -> Self {
        Self {
            key,
            scheme,
            message,
            shares: BTreeMap::new(),
            bad: BTreeSet::new(),
        }
    }

    /// Takes what a member put into its vote, or posted. A second one from the same member takes the
    /// place of the first: votes are signed, so both are its own.
    ///
    /// # Errors
    ///
    /// When it is no extension of this member for this message.
    pub fn add(&mut self, member: &Address, bytes: &[u8]) -> Result<(), ExtensionError> {
        check_size(self.key, member, bytes)?;
        let (digest, shares) = bytes.split_at(HEAD_BYTES);
        if digest != self.message.digest() {
            return Err(ExtensionError::Message);
        }
        let indices = seat(self.key, member)?.indices();
        let shares = indices
            .zip(shares.chunks_exact(SIGNATURE_BYTES))
            .map(|(index, bytes)| Ok((index, Signature::from_bytes(bytes)?)))
            .collect::<Result<_, BlsError>>()?;
        self.bad.remove(member);
        self.shares.insert(*member, shares);
        Ok(())
    }

    /// How many shares are there, not counting those found bad.
    #[must_use]
    pub fn shares(&self) -> usize {
        self.shares.values().map(BTreeMap::len).sum()
    }

    /// Whether all shares that are there are good, checked at once.
    #[must_use]
    pub fn all_good(&self) -> bool {
        let shares = self.of(self.shares.keys());
        self.scheme.verify_shares(&self.message, &shares)
    }

    /// Members whose last extension held a bad share, as far as that was looked for.
    #[must_use]
    pub fn bad(&self) -> &BTreeSet<Address> {
        &self.bad
    }

    /// The signature, when the shares suffice. Extensions with bad shares are found and left out.
    ///
    /// # Errors
    ///
    /// When too few good shares are there.
    pub fn signature(&mut self) -> Result<Signature, CombineError> {
        if let Some(signature) = self.combine()? {
            return Ok(signature);
        }
        let members: Vec<Address> = self.shares.keys().copied().collect();
        for member in self.find_bad(&members) {
            self.shares.remove(&member);
            self.bad.insert(member);
        }
        // Good shares combine to a good signature, so that only their number can be wrong now.
        let have = self.shares();
        self.combine()?.ok_or(CombineError::TooFew {
            have,
            need: self.keys().threshold,
        })
    }

    /// What the shares combine to, if it verifies.
    fn combine(&self) -> Result<Option<Signature>, CombineError> {
        let shares = self.of(self.shares.keys());
        match self.scheme.combine(&shares) {
            Ok(signature) => {
                let good = self.scheme.verify(&self.message, &signature);
                Ok(good.then_some(signature))
            }
            Err(CombineError::Identity) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Who of these has a bad share: all are checked at once, and halves of those that fail.
    fn find_bad(&self, members: &[Address]) -> Vec<Address> {
        let shares = self.of(members.iter());
        if self.scheme.verify_shares(&self.message, &shares) {
            return Vec::new();
        }
        if let [bad] = members {
            return vec![*bad];
        }
        let (left, right) = members.split_at(members.len() >> 1);
        let mut bad = self.find_bad(left);
        bad.extend(self.find_bad(right));
        bad
    }

    fn of<'b>(&self, members: impl Iterator<Item = &'b Address>) -> BTreeMap<Index, Signature> {
        let shares = members.filter_map(|member| self.shares.get(member));
        shares
            .flatten()
            .map(|(index, share)| (*index, *share))
            .collect()
    }

    fn keys(&self) -> &PublicKeys {
        self.scheme.keys()
    }
}
