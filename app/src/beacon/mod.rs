//! Shared randomness: rounds of commit and reveal by an epoch's committee.
//!
//! Every consumer asks for (purpose, epoch, attempt, round): race seed, challenge, session round,
//! duties. One seed never serves two purposes. A round's members are the committee of its epoch.
//!
//! A round is closed through one function, [`phase::seed_of`], that turns the transcript and the
//! reveals into the seed. The committee's threshold signature over the transcript slots in there;
//! until it does, every seed is made by commit and reveal and recorded as degraded.
//!
//! | purpose | opened | done when |
//! |---|---|---|
//! | race seed | at the start of COMMIT | more than half of the power revealed |
//! | challenge | at the start of RACE; bound to all submissions at its end | anybody revealed |
//! | session round | every `session_round_blocks` | more than half of the power revealed |
//! | duties | at an epoch's first block, again when it failed | more than half of the power revealed |
//!
//! The committee's threshold key is generated in [`keygen`].

pub mod errors;
mod events;
pub mod invariants;
pub mod keygen;
mod keys;
mod msgs;
pub mod phase;
pub mod queries;

use race_proto::race::beacon::v1::{Contribution, Purpose, Round, RoundId, RoundStatus};
use race_randomness::commit_reveal;

use crate::address::ConsensusAddress;
use crate::context::Context;
use crate::node;
use crate::state::State;

pub use errors::Error;
pub use keys::STORE;
pub use msgs::{DEAL, MESSAGES};
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

/// Opens a round. Commits are taken in blocks `commit_start..=commit_end`, reveals after them up to
/// `reveal_end`; `context` is what else the seed binds.
pub fn open(
    state: &mut State,
    _: &Context<'_>,
    id: RoundId,
    commit_start: u64,
    commit_end: u64,
    reveal_end: u64,
    context: Vec<u8>,
) {
    let key = keys::key(&id);
    let round = Round {
        id: Some(id),
        commit_start,
        commit_end,
        reveal_end,
        status: RoundStatus::Open.into(),
        context,
        ..Round::default()
    };
    keys::ROUNDS.put(state, &key, &round);
    keys::OPEN.put(state, &key, &());
}

/// Binds an open round to something known before its first reveal.
pub fn bind(state: &mut State, id: &RoundId, context: Vec<u8>) {
    let key = keys::key(id);
    if let Some(mut round) = keys::ROUNDS.get(state, &key) {
        round.context = context;
        keys::ROUNDS.put(state, &key, &round);
    }
}

/// The rounds that take commits or reveals, or will, by purpose, epoch, attempt and round.
pub fn open_rounds(state: &State) -> Vec<Round> {
    let open = keys::OPEN.all(state);
    open.into_iter()
        .filter_map(|(key, ())| keys::ROUNDS.get(state, &key))
        .collect()
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

/// Whether a member revealed in a round.
pub fn revealed(state: &State, id: &RoundId, address: &ConsensusAddress) -> bool {
    let part = keys::CONTRIBUTIONS.get(state, &(keys::key(id), *address));
    part.is_some_and(|part| !part.secret.is_empty())
}

/// The members that committed to a round and did not reveal, by address.
pub fn withheld(state: &State, id: &RoundId) -> Vec<ConsensusAddress> {
    let parts = contributions(state, id);
    parts
        .iter()
        .filter(|part| part.secret.is_empty())
        .map(|part| node::member(&part.address))
        .collect()
}
