//! Shared randomness: rounds of commit and reveal by an epoch's committee.
//!
//! Every consumer asks for (purpose, epoch, attempt, round): race seed, challenge, session round,
//! duties. One seed never serves two purposes. A round's members are the committee of its epoch.
//!
//! The committee signs a round's message with its threshold key, and the signature gives the seed
//! ([`signing`]). When the signature does not come in time, members' secrets give it, and it is recorded
//! as degraded ([`phase`]).
//!
//! | purpose | opened | signed | else a degraded seed, when |
//! |---|---|---|---|
//! | race seed | at the start of COMMIT | when its commits were revealed, in up to 3 attempts | more than half of the power reveals its second secret |
//! | challenge | at the start of RACE, for commits | from RACE's end on; binds all submissions | anybody reveals |
//! | session round | every `session_round_blocks` | at once | more than half of the power commits and reveals |
//! | duties | at an epoch's first block, again when it failed | at once | more than half of the power commits and reveals |
//!
//! The committee's threshold key is generated in [`keygen`]. Kept for ever: each epoch's race seed with
//! its signature, and its committee's key.
//!
//! The last of those who combine a signature knows the seed before it is on chain: at most the length of
//! the signing window, `epoch/sign_blocks`. After that the message is another one.

pub mod errors;
mod events;
pub mod invariants;
pub mod keygen;
mod keys;
mod msgs;
pub mod phase;
pub mod queries;
pub mod signing;

use race_proto::race::beacon::v1::{Contribution, Purpose, Round, RoundId, RoundStatus, Seed};
use race_randomness::commit_reveal;

use crate::address::ConsensusAddress;
use crate::context::Context;
use crate::state::State;
use crate::{epoch, node};

pub use errors::Error;
pub use keys::STORE;
pub use msgs::{DEAL, MESSAGES, POST_SHARES};
pub use queries::QUERIES;

/// Closed rounds kept for each purpose and each outcome.
pub const KEPT: usize = 64;

/// Names a round.
pub fn id(purpose: Purpose, epoch: u64, attempt: u32, round: u64) -> RoundId {
    RoundId {
        purpose: purpose.into(),
        epoch,
        attempt,
        round,
    }
}

/// The lengths of a round's windows, in blocks.
#[derive(Debug, Clone, Copy)]
pub struct Lengths {
    /// For commits.
    pub commit: u64,
    /// For reveals; of a race seed also for those of the fallback.
    pub reveal: u64,
    /// For a signing attempt.
    pub sign: u64,
}

/// Opens a round from the next block on: race seed and challenge with their commits, others with
/// their signature.
pub fn open(state: &mut State, context: &Context<'_>, id: RoundId, lengths: Lengths) {
    let mut round = Round {
        id: Some(id),
        opened: context.height,
        commit_blocks: lengths.commit,
        reveal_blocks: lengths.reveal,
        sign_blocks: lengths.sign,
        ..Round::default()
    };
    let commits_first = matches!(id.purpose(), Purpose::RaceSeed | Purpose::Challenge);
    if commits_first || !signing::begin(state, context, &mut round) {
        phase::take_commits(context, &mut round);
    }
    let key = keys::key(&id);
    keys::ROUNDS.put(state, &key, &round);
    keys::OPEN.put(state, &key, &());
}

/// Binds the challenge to all that was submitted; it is signed from the next block on.
pub fn bind(state: &mut State, context: &Context<'_>, id: &RoundId, submissions: [u8; 32]) {
    let key = keys::key(id);
    if let Some(mut round) = keys::ROUNDS.get(state, &key) {
        round.context = submissions.to_vec();
        round.bound = submissions.to_vec();
        if !signing::begin(state, context, &mut round) {
            phase::fall_back(context, &mut round);
        }
        keys::ROUNDS.put(state, &key, &round);
    }
}

/// The rounds that are not closed, by purpose, epoch, attempt and round.
pub fn open_rounds(state: &State) -> Vec<Round> {
    let open = keys::OPEN.all(state);
    open.into_iter()
        .filter_map(|(key, ())| keys::ROUNDS.get(state, &key))
        .collect()
}

/// Whether a round is not closed.
pub fn is_open(state: &State, id: &RoundId) -> bool {
    keys::OPEN.has(state, &keys::key(id))
}

/// A round's name in sentences: `purpose/epoch/attempt/round`.
fn shown(id: &RoundId) -> String {
    let purpose = id
        .purpose()
        .as_str_name()
        .trim_start_matches("PURPOSE_")
        .to_lowercase();
    format!("{purpose}/{}/{}/{}", id.epoch, id.attempt, id.round)
}

/// A round as it enters hashes: what a member's secrets, commitments and the transcript bind.
/// `None` for a purpose that does not exist.
pub fn bound<'a>(chain_id: &'a str, id: &RoundId) -> Option<commit_reveal::RoundId<'a>> {
    let purpose = match id.purpose() {
        Purpose::RaceSeed => commit_reveal::Purpose::RaceSeed,
        Purpose::Challenge => commit_reveal::Purpose::Challenge,
        Purpose::SessionRound => commit_reveal::Purpose::SessionRound,
        Purpose::Duties => commit_reveal::Purpose::Duties,
        Purpose::Unspecified => return None,
    };
    let (epoch, attempt, round) = (id.epoch, id.attempt.into(), id.round);
    Some(commit_reveal::RoundId {
        chain_id,
        purpose,
        epoch,
        attempt,
        round,
    })
}

/// A round.
pub fn round(state: &State, id: &RoundId) -> Option<Round> {
    keys::ROUNDS.get(state, &keys::key(id))
}

/// The seed of a round that is done and still kept.
pub fn seed(state: &State, id: &RoundId) -> Option<[u8; 32]> {
    let round = round(state, id)?;
    match round.status() {
        RoundStatus::Done => round.seed.as_slice().try_into().ok(),
        _ => None,
    }
}

/// The newest duties seed of an epoch: that of the attempt that was done.
pub fn duties_seed(state: &State, epoch: u64) -> Option<[u8; 32]> {
    let part = (Purpose::Duties as i32).unsigned_abs();
    let rounds = keys::ROUNDS.values_under(state, &(part, epoch));
    let done = rounds
        .into_iter()
        .rev()
        .find(|round| round.status() == RoundStatus::Done)?;
    done.seed.as_slice().try_into().ok()
}

/// The session round that was done last.
pub fn latest_session_round(state: &State) -> Option<Round> {
    let part = (Purpose::SessionRound as i32).unsigned_abs();
    let rounds = keys::ROUNDS.values_under(state, &part);
    rounds
        .into_iter()
        .rev()
        .find(|round| round.status() == RoundStatus::Done)
}

/// What the members did in a round, by address.
pub fn contributions(state: &State, id: &RoundId) -> Vec<Contribution> {
    keys::CONTRIBUTIONS.values_under(state, &keys::key(id))
}

/// What one member did in a round.
pub fn contribution(
    state: &State,
    id: &RoundId,
    address: &ConsensusAddress,
) -> Option<Contribution> {
    keys::CONTRIBUTIONS.get(state, &(keys::key(id), *address))
}

/// Whether a member revealed in a round; of a race seed, the second secret.
pub fn revealed(state: &State, id: &RoundId, address: &ConsensusAddress) -> bool {
    contribution(state, id, address).is_some_and(|part| match id.purpose() {
        Purpose::RaceSeed => !part.fallback_secret.is_empty(),
        _ => !part.secret.is_empty(),
    })
}

/// Whether a member did not post its shares in a late signing attempt at a race seed that failed.
pub fn did_not_sign(state: &State, id: &RoundId, address: &ConsensusAddress) -> bool {
    let absent = round(state, id).unwrap_or_default().absent;
    absent.iter().any(|known| known[..] == address[..])
}

/// Who did not reveal in a closed round when reveals were taken, by address: of a race seed's committee all
/// others, of other rounds' those who had committed.
pub fn withheld(state: &State, id: &RoundId) -> Vec<ConsensusAddress> {
    let round = round(state, id).unwrap_or_default();
    match id.purpose() {
        Purpose::RaceSeed => {
            let revealed = |who: &ConsensusAddress| {
                contribution(state, id, who).is_some_and(|part| !part.secret.is_empty())
            };
            let members = epoch::powers(state, id.epoch).into_keys();
            members.filter(|who| !revealed(who)).collect()
        }
        Purpose::Challenge if !round.signature.is_empty() => Vec::new(),
        _ => without(state, id, |part| part.secret.is_empty()),
    }
}

/// The members that committed to a race seed and did not reveal their second secrets when these were
/// asked for, by address.
pub fn fallback_withheld(state: &State, id: &RoundId) -> Vec<ConsensusAddress> {
    let round = round(state, id).unwrap_or_default();
    match id.purpose() {
        Purpose::RaceSeed if round.degraded => {
            without(state, id, |part| part.fallback_secret.is_empty())
        }
        _ => Vec::new(),
    }
}

fn without(
    state: &State,
    id: &RoundId,
    missing: impl Fn(&Contribution) -> bool,
) -> Vec<ConsensusAddress> {
    let parts = contributions(state, id);
    let parts = parts.iter().filter(|part| missing(part));
    parts.map(|part| node::member(&part.address)).collect()
}

/// The raw key in this module's store of a race attempt's seed, for proofs.
pub fn seed_key(epoch: u64, race_attempt: u32) -> Vec<u8> {
    keys::SEEDS.raw_key(&(epoch, race_attempt))
}

/// The raw key in this module's store of the key that signs for an epoch, for proofs.
pub fn group_key(epoch: u64) -> Vec<u8> {
    keys::COMMITTEE_KEYS.raw_key(&epoch)
}

/// Whether a member posted its shares in a round's signing attempt.
pub fn has_posted(state: &State, id: &RoundId, address: &ConsensusAddress) -> bool {
    keys::POSTED.has(state, &(keys::key(id), *address))
}

/// The seed of an epoch's last race attempt that has one, and what it is verified with.
pub fn race_seed(state: &State, epoch: u64) -> Option<Seed> {
    keys::SEEDS.values_under(state, &epoch).pop()
}
