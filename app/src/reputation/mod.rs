//! What is known of how truly a node has worked, and how often it is checked for it.
//!
//! Invariant: a reputation changes only through [`credit`] (checked and passed work) and
//! [`convict`] (a false answer, a false accusation, a false race proof).

pub mod keys;
pub mod params;
pub mod queries;

use race_proto::race::reputation::v1::{EventReputation, Reputation};
use race_verification::reputation::{Params, Reputation as Points};

use crate::address::ConsensusAddress;
use crate::events::typed;
use crate::state::State;

pub use keys::STORE;
pub use queries::QUERIES;

/// A node's reputation; zero for one that never had any.
pub fn get(state: &State, address: &ConsensusAddress) -> Reputation {
    keys::REPUTATIONS
        .get(state, address)
        .unwrap_or_else(|| Reputation {
            address: address.to_vec(),
            ..Reputation::default()
        })
}

/// Sets a node's reputation to zero.
pub fn convict(state: &mut State, address: &ConsensusAddress, reason: &str) {
    let mut reputation = get(state, address);
    reputation.value = Points::from_points(reputation.value).convicted().points();
    reputation.convictions = reputation.convictions.saturating_add(1);
    store(state, address, &reputation, reason);
}

/// Adds checked and passed work, in tokens.
pub fn credit(state: &mut State, address: &ConsensusAddress, units: u64) {
    if units == 0 {
        return;
    }
    let mut reputation = get(state, address);
    reputation.value = Points::from_points(reputation.value)
        .grown(units, &parameters(state))
        .points();
    reputation.checked_units = reputation.checked_units.saturating_add(units);
    store(state, address, &reputation, "checked");
}

/// The rate in thousandths at which a node's tasks are checked when it has `tasks` in an epoch.
pub fn rate_millis(state: &State, address: &ConsensusAddress, tasks: u64) -> u64 {
    Points::from_points(get(state, address).value).rate_millis(tasks, &parameters(state))
}

fn store(state: &mut State, address: &ConsensusAddress, reputation: &Reputation, reason: &str) {
    keys::REPUTATIONS.put(state, address, reputation);
    state.emit(typed(&EventReputation {
        address: address.to_vec(),
        value: reputation.value,
        reason: reason.to_owned(),
    }));
}

fn parameters(state: &State) -> Params {
    Params {
        full: crate::params::get(state, &params::FULL),
        start_millis: crate::params::get(state, &params::START),
        floor_millis: crate::params::get(state, &params::FLOOR),
        min_checks: crate::params::get(state, &params::MIN_CHECKS),
    }
}
