//! Nodes outside the committees that are kept: the only ones that are ever forgotten.
//!
//! Registration is free, so two things are bounded. How many nodes are outside at once:
//! [`params::MAX_OUTSIDE`](super::params::MAX_OUTSIDE). And how long one stays without taking part: each
//! stands in a line by the epoch in which it last submitted a race, or else registered, and is forgotten
//! when its patience is over, so many a block. A submission whose proof was then not opened, or false, took
//! no part: such a node is first in the line, and goes at the next switch. One that was not looked at for
//! want of a seat did: else who waits for its turn would lose it. An accepted proof alone cannot be asked
//! for, since there are more newcomers than seats; what the design calls "a submitted race" is a race that
//! was submitted and not struck.
//!
//! When no place is left, a newcomer takes that of the first in the line, if that one has gone a whole
//! epoch without a race or was struck. Who races keeps its place, whoever comes: a newcomer that could push
//! out one that waits for its turn would let an attacker push out them all. What remains: whoever registers
//! as many nodes as there are places and submits something for each of them in every epoch keeps newcomers
//! waiting. Each of them is judged when its turn comes ([`crate::race::phase`]), and struck; then its place
//! is anybody's.
//!
//! Invariants: a node stands in the line exactly when it is in no kept committee; the count is the length of
//! the line ([`invariants`](super::invariants)).

use race_proto::race::node::v1::Node;
use sha2::{Digest, Sha256};

use super::errors::Error;
use super::{keys, params};
use crate::address::{Account, ConsensusAddress};
use crate::params::get;
use crate::state::State;

/// Most nodes that are forgotten in a block, as many as register in one: each takes with it what it said
/// of its models. One whose time is over and that is still there is a node all the same.
const FORGOTTEN_A_BLOCK: usize = 16;

/// The place of who was struck: before everybody else.
const STRUCK: u64 = 0;

/// Where a node stands in the line.
pub(super) fn place(state: &State, address: &ConsensusAddress, node: &Node) -> u64 {
    match keys::STRUCK.has(state, address) {
        true => STRUCK,
        false => node.last_race_epoch.max(node.registered_epoch),
    }
}

/// Puts a node that is in no kept committee into the line.
pub(super) fn enter(state: &mut State, address: &ConsensusAddress, node: &Node) {
    let place = place(state, address, node);
    keys::OUTSIDE.put(state, &(place, *address), &());
    let count = keys::OUTSIDE_COUNT.get_or_default(state).saturating_add(1);
    keys::OUTSIDE_COUNT.put(state, &count);
}

/// Takes a node out of the line; whether it stood there.
pub(super) fn leave(state: &mut State, address: &ConsensusAddress, node: &Node) -> bool {
    let place = (place(state, address, node), *address);
    if !keys::OUTSIDE.has(state, &place) {
        return false;
    }
    keys::OUTSIDE.remove(state, &place);
    let count = keys::OUTSIDE_COUNT.get_or_default(state).saturating_sub(1);
    keys::OUTSIDE_COUNT.put(state, &count);
    true
}

/// Whose place a newcomer takes in epoch `current`; nobody's while there is room.
///
/// # Errors
/// [`Error::Full`] when everybody in the line has raced.
pub(super) fn room(state: &State, current: u64) -> Result<Option<ConsensusAddress>, Error> {
    let limit = get(state, &params::MAX_OUTSIDE);
    if keys::OUTSIDE_COUNT.get_or_default(state) < limit {
        return Ok(None);
    }
    match keys::OUTSIDE.first(state, 1).first() {
        Some(((place, address), ())) if is_over(state, (*place, address), current, 1) => {
            Ok(Some(*address))
        }
        _ => Err(Error::Full { limit }),
    }
}

/// Forgets the first in the line whose time is over in epoch `current`.
pub(super) fn forget_due(state: &mut State, current: u64) {
    let patience = get(state, &params::FORGET);
    for ((place, address), ()) in keys::OUTSIDE.first(state, FORGOTTEN_A_BLOCK) {
        if !is_over(state, (place, &address), current, patience) {
            return;
        }
        forget(state, &address);
    }
}

/// Whether `patience` whole epochs went by at a place in the line. Who was struck waits for the end of the
/// epoch: its race is not over before.
fn is_over(
    state: &State,
    (place, address): (u64, &ConsensusAddress),
    current: u64,
    patience: u64,
) -> bool {
    match keys::STRUCK.get(state, address) {
        Some(epoch) => epoch < current,
        None => place.saturating_add(patience) < current,
    }
}

/// Forgets a node, with its keys and accounts.
pub(super) fn forget(state: &mut State, address: &ConsensusAddress) {
    let Some(node) = super::get(state, address) else {
        return;
    };
    leave(state, address, &node);
    keys::NODES.remove(state, address);
    for judged in [keys::STRUCK, keys::PROVED] {
        if judged.has(state, address) {
            judged.remove(state, address);
        }
    }
    crate::model::forget_host(state, address);
    for key in super::uses(&node.keys.unwrap_or_default()) {
        keys::KEYS.remove(state, &Sha256::digest(key.1).into());
    }
    if let Ok(operator) = Account::parse(&node.operator) {
        keys::OPERATORS.remove(state, &operator);
    }
    if let Ok(hot) = Account::parse(&node.hot_account) {
        keys::HOT.remove(state, &hot);
    }
}

#[cfg(test)]
#[path = "outside_tests.rs"]
mod tests;
