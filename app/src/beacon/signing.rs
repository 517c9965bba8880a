//! Rounds that the committee signs: what awaits a signature, votes' extensions, and the signature itself.
//!
//! A round is signed as follows. Its message depends on committed state alone, so every member signs it
//! with its shares in its precommits from the next block on ([`extension`]), until the signature is on
//! chain. Whoever proposes combines what it has seen ([`combine`]) and puts the signature first into its
//! block ([`crate::injected`]); [`take`] checks it once more, and the round is closed at the end of that
//! block. An extension is never a reason to refuse a vote but by its size or encoding ([`read`]).
//!
//! | purpose | T | signing attempts |
//! |---|---|---|
//! | race seed | the transcript of commits and reveals | [`SEED_ATTEMPTS`]: the number enters the message |
//! | challenge | the digest of all submissions | one: it is never drawn again |
//! | session round, duties | the message itself | one |
//!
//! From the second attempt on members post their shares in transactions too: extensions are not state,
//! and who did not post in an attempt that failed has not signed in it.
//!
//! # Limits
//!
//! A validator's key may be on a remote signer, whose messages end at 10 KiB: an extension has at most
//! [`MAX_EXTENSION_BYTES`], which is what [`signing::MAX_SHARES`] shares take. When more than one round
//! awaits a signature and not all fit, they take turns by height.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use bytes::Bytes;
use prost::Message as _;
use race_proto::race::beacon::v1::{
    Purpose, Round, RoundId, RoundSignature, RoundStatus, Seed, VoteExtension,
};
use race_randomness::bls::{PublicKey, Signature, DST_SIGNATURE, SIGNATURE_BYTES};
use race_randomness::commit_reveal::signed_seed;
use race_randomness::dkg::CommitteeKey;
use race_randomness::hash::Hash;
use race_randomness::scheme::{Blst, Message, Scheme};
use race_randomness::signing::{self, ExtensionError, Pool, Subject};

use super::errors::Error;
use super::{keygen, keys};
use crate::address::ConsensusAddress;
use crate::context::Context;
use crate::state::State;
use crate::{epoch, fields};

/// Signing attempts at a race seed before its fallback.
pub const SEED_ATTEMPTS: u32 = 3;

/// The most bytes of a vote's extension. `deploy/cometbft/limits` tries a hundred of them against
/// CometBFT's own limits.
pub const MAX_EXTENSION_BYTES: usize = signing::MAX_EXTENSION_BYTES + 68;

/// A node's shares of committees' keys.
pub trait BeaconSigner: Send + Sync {
    /// The node's shares of the signature of a message under an epoch's key, as
    /// [`signing::extension`] makes them; nothing when it has no shares, or not yet.
    fn sign(&self, epoch: u64, message: &Message) -> Option<Vec<u8>>;
}

/// A round that awaits its signature.
#[derive(Debug, Clone)]
pub struct Awaited {
    /// The round.
    pub id: RoundId,
    /// From 1.
    pub signing_attempt: u32,
    /// What is signed.
    pub message: Message,
}

/// The rounds that await a signature, by purpose, epoch, attempt and round.
pub fn awaited(state: &State, chain_id: &str) -> Vec<Awaited> {
    let open = super::open_rounds(state);
    open.iter()
        .filter_map(|round| awaits(chain_id, round))
        .collect()
}

fn awaits(chain_id: &str, round: &Round) -> Option<Awaited> {
    if round.status() != RoundStatus::Signing || !round.signature.is_empty() {
        return None;
    }
    Some(Awaited {
        id: round.id?,
        signing_attempt: round.signing_attempt,
        message: message(chain_id, round)?,
    })
}

/// What the committee signs for a round.
fn message(chain_id: &str, round: &Round) -> Option<Message> {
    let id = round.id.as_ref()?;
    let bound = super::bound(chain_id, id)?;
    let subject = match id.purpose() {
        Purpose::RaceSeed => Subject::Seed {
            transcript: fields::stored(&round.bound),
            signing_attempt: round.signing_attempt.into(),
        },
        Purpose::Challenge => Subject::Challenge {
            root: fields::stored(&round.bound),
        },
        _ => Subject::Round {
            purpose: bound.purpose,
            round: id.round,
        },
    };
    Some(signing::message(
        chain_id,
        id.epoch,
        bound.attempt,
        &subject,
    ))
}

/// What the committee signed for a race seed; nothing when it did not sign.
///
/// # Panics
/// When the record is no checked one: a transcript that is not 32 bytes.
pub fn message_of(chain_id: &str, seed: &Seed) -> Option<Message> {
    let subject = Subject::Seed {
        transcript: fields::stored(&seed.transcript),
        signing_attempt: seed.signing_attempt.into(),
    };
    let signed = !seed.signature.is_empty();
    signed.then(|| signing::message(chain_id, seed.epoch, seed.race_attempt.into(), &subject))
}

/// Begins the next signing attempt at a round, from the next block on; false when its epoch has no key,
/// or no attempt is left.
///
/// The members' first extensions come with the next block and the first signature in the one after it,
/// so a window has a block more than its length. Right after a switch, where the new members' first ones
/// come another block later, it has two.
pub(super) fn begin(state: &State, context: &Context<'_>, round: &mut Round) -> bool {
    let Some(id) = round.id else { return false };
    let attempts = match id.purpose() {
        Purpose::RaceSeed => SEED_ATTEMPTS,
        _ => 1,
    };
    let no_key = keygen::key(state, id.epoch).is_none();
    if no_key || round.signing_attempt >= attempts {
        return false;
    }
    round.set_status(RoundStatus::Signing);
    round.signing_attempt = round.signing_attempt.saturating_add(1);
    let switched = epoch::current(state).start_height > context.height;
    let blocks = round
        .sign_blocks
        .saturating_add(if switched { 2 } else { 1 });
    round.sign_end = context.height.saturating_add(blocks);
    if matches!(id.purpose(), Purpose::SessionRound | Purpose::Duties) {
        let message = message(context.chain_id, round);
        round.bound = message.map_or_else(Vec::new, |message| message.digest().to_vec());
    }
    true
}

/// The seed of a round that is signed: `H(dst, signature, T)`.
pub(super) fn seed(round: &Round) -> Option<Hash> {
    let signature = Signature::from_bytes(&round.signature).ok()?;
    Some(signed_seed(&signature, &fields::stored(&round.bound)))
}

/// What this node puts into its vote for the block at `height`.
pub fn extension(
    state: &State,
    chain_id: &str,
    height: u64,
    signer: &dyn BeaconSigner,
) -> VoteExtension {
    let mut awaited = awaited(state, chain_id);
    let turn = u64::try_from(awaited.len()).unwrap_or(u64::MAX);
    let turn = height.checked_rem(turn).unwrap_or(0);
    awaited.rotate_left(usize::try_from(turn).unwrap_or(0));
    let mut extension = VoteExtension::default();
    for round in awaited {
        let Some(part) = signer.sign(round.id.epoch, &round.message) else {
            continue;
        };
        extension.parts.push(part);
        if extension.encoded_len() > MAX_EXTENSION_BYTES {
            extension.parts.pop();
        }
    }
    extension
}

/// An extension that a vote may have: nothing is asked of it but its size and its encoding.
pub fn read(bytes: &[u8]) -> Option<VoteExtension> {
    if bytes.len() > MAX_EXTENSION_BYTES {
        return None;
    }
    let extension = VoteExtension::decode(bytes).ok()?;
    let shares = |part: &Vec<u8>| part.len().checked_sub(signing::HEAD_BYTES);
    let whole = |part| shares(part).is_some_and(|bytes| bytes % SIGNATURE_BYTES == 0);
    extension.parts.iter().all(whole).then_some(extension)
}

/// What was seen of extensions: parts by the digest that they sign and by member. No state: it is filled
/// from votes again after a restart.
#[derive(Debug, Default)]
pub struct Extensions(BTreeMap<Hash, BTreeMap<ConsensusAddress, Vec<u8>>>);

impl Extensions {
    /// Takes the parts of a member's extension that sign what is awaited; a later one takes the place of
    /// an earlier one.
    pub fn take(&mut self, awaited: &[Awaited], member: ConsensusAddress, bytes: &Bytes) {
        let parts = read(bytes).map_or_else(Vec::new, |extension| extension.parts);
        for part in parts {
            let digest = part.first_chunk().copied().unwrap_or_default();
            if awaited
                .iter()
                .any(|round| *round.message.digest() == digest)
            {
                self.0.entry(digest).or_default().insert(member, part);
            }
        }
    }

    /// Forgets what is no longer awaited.
    pub fn keep(&mut self, awaited: &[Awaited]) {
        let wanted = |digest: &Hash| awaited.iter().any(|a| a.message.digest() == digest);
        self.0.retain(|digest, _| wanted(digest));
    }

    /// What was seen of a round's signature, and what was posted of it, by member.
    fn of(&self, state: &State, round: &Awaited) -> BTreeMap<ConsensusAddress, Vec<u8>> {
        let seen = self.0.get(round.message.digest()).cloned();
        let mut parts = seen.unwrap_or_default();
        let posted = keys::POSTED.under(state, &keys::key(&round.id));
        parts.extend(
            posted
                .into_iter()
                .map(|((_, member), shares)| (member, shares)),
        );
        parts
    }

    /// How many shares of a round's signature those are. They may be junk: only combining checks them.
    pub fn shares(&self, state: &State, round: &Awaited) -> usize {
        let parts = self.of(state, round);
        let of_part = |part: &Vec<u8>| {
            let shares = part.len().saturating_sub(signing::HEAD_BYTES);
            shares / SIGNATURE_BYTES
        };
        parts.values().map(of_part).sum()
    }
}

/// The signatures that the seen and the posted shares give, each verified.
pub fn combine(state: &State, awaited: &[Awaited], seen: &Extensions) -> Vec<RoundSignature> {
    let signature = |round: &Awaited| {
        let shares = seen.of(state, round);
        let committee = committee(state, round.id.epoch)?;
        let mut pool = Pool::new(&committee.key, &committee.scheme, round.message.clone());
        for (member, shares) in &shares {
            // Who is no member, or sent junk, is not counted.
            if let Err(reason) = pool.add(member, shares) {
                tracing::debug!(member = fields::shown(member), %reason, "an extension is not counted");
            }
        }
        let signature = pool.signature().ok()?;
        Some(RoundSignature {
            round: Some(round.id),
            signing_attempt: round.signing_attempt,
            signature: signature.to_bytes().to_vec(),
        })
    };
    awaited.iter().filter_map(signature).collect()
}

/// A signature that a round awaits, checked by one pairing.
///
/// # Errors
/// When no round awaits it, or it is not the committee's.
pub fn check(
    state: &State,
    chain_id: &str,
    given: &RoundSignature,
) -> Result<(Round, Signature), Error> {
    let id = given.round.as_ref().ok_or(Error::NoRoundId)?;
    let not_awaited = || Error::NotAwaited {
        round: super::shown(id),
        attempt: given.signing_attempt,
    };
    let round = super::round(state, id).ok_or_else(not_awaited)?;
    let awaited = awaits(chain_id, &round)
        .filter(|awaited| awaited.signing_attempt == given.signing_attempt)
        .ok_or_else(not_awaited)?;
    let key = keygen::key(state, id.epoch).ok_or_else(not_awaited)?;
    let group = PublicKey::from_bytes(&key.group).expect("state is damaged: a committee's key");
    let wrong = || Error::WrongSignature {
        round: super::shown(id),
    };
    let signature = Signature::from_bytes(&given.signature).map_err(|_| wrong())?;
    match group.verify(awaited.message.digest(), DST_SIGNATURE, &signature) {
        true => Ok((round, signature)),
        false => Err(wrong()),
    }
}

/// Takes a round's signature. The round is closed at the end of the block.
///
/// # Errors
/// Those of [`check`].
pub fn take(state: &mut State, context: &Context<'_>, given: &RoundSignature) -> Result<(), Error> {
    let (mut round, signature) = check(state, context.chain_id, given)?;
    round.signature = signature.to_bytes().to_vec();
    if let Some(id) = &round.id {
        keys::ROUNDS.put(state, &keys::key(id), &round);
    }
    Ok(())
}

/// The signature that the posted shares of a round give, when there are enough.
pub(super) fn of_posted(state: &State, chain_id: &str, round: &Round) -> Option<Signature> {
    let awaited = awaits(chain_id, round)?;
    let posted = keys::POSTED.under(state, &keys::key(&awaited.id));
    if posted.is_empty() {
        return None;
    }
    let combined = combine(state, &[awaited], &Extensions::default());
    Signature::from_bytes(&combined.first()?.signature).ok()
}

/// Whether what a member posts has the form of its shares of an awaited signature.
pub(super) fn are_shares_of(
    state: &State,
    awaited: &Awaited,
    member: &ConsensusAddress,
    bytes: &[u8],
) -> Result<(), Error> {
    let refused = |error: ExtensionError| Error::Shares {
        reason: error.to_string(),
    };
    let committee = committee(state, awaited.id.epoch).ok_or(Error::NoShares)?;
    signing::check_size(&committee.key, member, bytes).map_err(refused)?;
    match bytes.starts_with(awaited.message.digest()) {
        true => Ok(()),
        false => Err(refused(ExtensionError::Message)),
    }
}

/// Whether it is them, which takes a pairing.
pub(super) fn are_good_shares(
    state: &State,
    awaited: &Awaited,
    member: &ConsensusAddress,
    bytes: &[u8],
) -> Result<(), Error> {
    let refused = |reason: String| Error::Shares { reason };
    let committee = committee(state, awaited.id.epoch).ok_or(Error::NoShares)?;
    let mut pool = Pool::new(&committee.key, &committee.scheme, awaited.message.clone());
    pool.add(member, bytes)
        .map_err(|error| refused(error.to_string()))?;
    match pool.all_good() {
        true => Ok(()),
        false => Err(refused(
            "a share is not the member's: sign the message again and post all shares".to_owned(),
        )),
    }
}

/// The awaited signature that a message names.
pub(super) fn awaited_of(chain_id: &str, round: &Round, signing_attempt: u32) -> Option<Awaited> {
    awaits(chain_id, round).filter(|awaited| awaited.signing_attempt == signing_attempt)
}

/// The members that hold shares of an epoch's key, by address.
pub(super) fn members(state: &State, epoch: u64) -> Vec<ConsensusAddress> {
    let key = keygen::committee_key(state, epoch);
    let seats = key.iter().flat_map(|key| key.seats().iter());
    let holders = seats.filter(|(_, seat)| seat.shares() > 0);
    holders.map(|(address, _)| *address).collect()
}

/// A committee's key with what shares are combined and checked with.
struct Committee {
    encoded: Vec<u8>,
    key: CommitteeKey,
    scheme: Blst,
}

/// Committees that the process keeps, the oldest first: the keys of shares take tenths of a second to
/// derive. Only speed depends on what is kept.
type Known = VecDeque<Arc<Committee>>;

static COMMITTEES: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

const KEPT: usize = 8;

/// Derives what an epoch's shares are checked with, so that no block waits for it.
pub fn prepare(state: &State, epoch: u64) {
    drop(committee(state, epoch));
}

fn committee(state: &State, epoch: u64) -> Option<Arc<Committee>> {
    // By all of it: colluding dealers could make a group key again with other shares.
    let encoded = keygen::commitments(state, epoch)?;
    let known = |known: &Known| known.iter().find(|found| found.encoded == encoded).cloned();
    let lock = || COMMITTEES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known(&lock()) {
        return Some(found);
    }
    let key = keygen::committee_key(state, epoch)?;
    let scheme = Blst::new(key.public_keys()?);
    let committee = Arc::new(Committee {
        encoded,
        key,
        scheme,
    });
    let mut kept = lock();
    kept.push_back(Arc::clone(&committee));
    if kept.len() > KEPT {
        kept.pop_front();
    }
    Some(committee)
}
