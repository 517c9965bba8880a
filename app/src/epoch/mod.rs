//! The calendar, the committees and the switch.
//!
//! The only module that knows the calendar: at the end of each block it calls the other modules'
//! phases in one list ([`end_block`]). Phases follow each other by height and are elastic: a
//! dispute phase without disputes is skipped, and those of key generation end when everybody has done
//! its part.
//!
//! | room | what is in it |
//! |---|---|
//! | [`phase`] | the two lists: what happens at the start and at the end of a block |
//! | [`calendar`] | which phase follows which, reruns and failure |
//! | [`switch`] | the next committee and everything that changes with it |
//! | [`caps`], [`diff`] | pure: weights to powers, powers to CometBFT's updates |
//!
//! Who generated the next committee's key is its committee: that is also the proof of being there.
//!
//! Invariants: the committee is never empty; CometBFT's set is the committee without those who
//! equivocated in this epoch ([`invariants`]).

pub mod calendar;
pub mod caps;
pub mod diff;
pub mod errors;
mod events;
pub mod genesis;
pub mod invariants;
mod keys;
pub mod params;
pub mod phase;
pub mod queries;
pub mod switch;

use std::collections::BTreeMap;

use race_proto::race::epoch::v1::{Epoch, EpochRecord, Member, Phase, Validator};

use crate::address::ConsensusAddress;
use crate::beacon::keygen::KeyAttempt;
use crate::error::TxError;
use crate::state::State;
use crate::{evidence, node, race};

pub use errors::Error;
pub use keys::STORE;
pub use phase::{begin_block, end_block};
pub use queries::QUERIES;

/// Committees are kept for this many epochs, the current one included.
pub const KEPT: u64 = 4;

/// Where the calendar stands. Before genesis: all zeros.
pub fn current(state: &State) -> Epoch {
    keys::CURRENT.get_or_default(state)
}

/// The members of an epoch's committee; empty when the epoch is in the future or no longer kept.
pub fn committee(state: &State, epoch: u64) -> BTreeMap<ConsensusAddress, Member> {
    keys::MEMBERS
        .under(state, &epoch)
        .into_iter()
        .map(|((_, address), m)| (address, m))
        .collect()
}

/// The powers of an epoch's committee.
pub fn powers(state: &State, epoch: u64) -> BTreeMap<ConsensusAddress, u64> {
    committee(state, epoch)
        .into_iter()
        .map(|(address, member)| (address, member.power))
        .collect()
}

/// A node's power in an epoch; 0 when it is no member.
pub fn power(state: &State, epoch: u64, address: &ConsensusAddress) -> u64 {
    keys::MEMBERS
        .get(state, &(epoch, *address))
        .map_or(0, |member| member.power)
}

/// The sum of the powers of an epoch's committee.
pub fn total_power(state: &State, epoch: u64) -> u64 {
    powers(state, epoch)
        .values()
        .fold(0, |sum, power| sum.saturating_add(*power))
}

/// What became of a finished epoch.
pub fn record(state: &State, epoch: u64) -> Option<EpochRecord> {
    keys::RECORDS.get(state, &epoch)
}

/// What CometBFT was last told, by address.
pub fn validators(state: &State) -> BTreeMap<ConsensusAddress, Validator> {
    keys::VALIDATORS.all(state).into_iter().collect()
}

/// How many blocks of this epoch an address signed, and how many were counted.
pub fn signed(state: &State, address: &ConsensusAddress) -> (u64, u64) {
    let signed = keys::SIGNED.get(state, address).unwrap_or(0);
    (signed, keys::COUNTED.get_or_default(state))
}

/// Whether a node is in a committee that is still kept.
pub fn in_a_kept_committee(state: &State, address: &ConsensusAddress) -> bool {
    let newest = current(state).number;
    let oldest = newest.saturating_sub(KEPT).saturating_add(1);
    (oldest..=newest).any(|epoch| keys::MEMBERS.has(state, &(epoch, *address)))
}

/// The candidates of the running key attempt with their accepted counts: the `max_validators` with the
/// largest, ties by address, without those who equivocated in this epoch. Before the race is judged: none.
pub fn candidates(state: &State, epoch: &Epoch) -> BTreeMap<ConsensusAddress, u64> {
    let mut accepted = race::accepted(state, epoch.number, epoch.race_attempt);
    let out = evidence::out(state, epoch.number);
    accepted.retain(|address, _| !out.contains(address));
    caps::largest(
        &accepted,
        crate::params::get(state, &params::MAX_VALIDATORS),
    )
}

/// The key generation that is under way: for the next epoch's key or, before the chain has one, for
/// the current epoch's.
pub fn key_attempt(state: &State) -> Option<KeyAttempt> {
    let epoch = current(state);
    let under_way = matches!(epoch.phase(), Phase::Deal | Phase::Confirm);
    under_way.then(|| calendar::key_attempt(state, &epoch))
}

/// The current epoch, when it is in `expected`.
///
/// # Errors
/// `race_epoch` 2, naming the phase expected and the one found.
pub fn require_phase(state: &State, expected: Phase) -> Result<Epoch, TxError> {
    let epoch = current(state);
    match epoch.phase() == expected {
        true => Ok(epoch),
        false => Err(Error::wrong_phase(expected, &epoch).into()),
    }
}

/// The current epoch, when a message for (epoch, race attempt) is in time for `expected`.
///
/// # Errors
/// `race_epoch` 3 for another epoch, 4 for another attempt, 2 for another phase.
pub fn require(
    state: &State,
    number: u64,
    attempt: u32,
    expected: Phase,
) -> Result<Epoch, TxError> {
    let epoch = current(state);
    if epoch.number != number {
        return Err(Error::WrongEpoch {
            expected: epoch.number,
            got: number,
        }
        .into());
    }
    if epoch.race_attempt != attempt {
        return Err(Error::WrongAttempt {
            what: "race",
            expected: epoch.race_attempt,
            got: attempt,
        }
        .into());
    }
    require_phase(state, expected)
}

/// The sender's power in an epoch's committee.
///
/// # Errors
/// `race_epoch` 5 when it has none.
pub fn require_member(
    state: &State,
    epoch: u64,
    address: &ConsensusAddress,
) -> Result<u64, TxError> {
    match power(state, epoch, address) {
        0 => Err(Error::NotAMember {
            address: hex::encode_upper(address),
            epoch,
        }
        .into()),
        power => Ok(power),
    }
}

/// The ed25519 key with which CometBFT knows a member.
fn consensus_key(state: &State, address: &ConsensusAddress) -> Option<[u8; 32]> {
    node::get(state, address).map(|node| node::public_key(&node))
}
