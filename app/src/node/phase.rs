//! What `node` does at its blocks.

use super::{keys, outside};
use crate::address::ConsensusAddress;
use crate::epoch;
use crate::state::State;

/// After a switch, if there was one: forgets nodes whose time is over. The next block takes registrations
/// afresh; done at the end of a block, so that CheckTx, which looks at committed state, counts from nothing
/// too.
pub fn end_block(state: &mut State) {
    outside::forget_due(state, epoch::current(state).number);
    if keys::REGISTERED.get_or_default(state) > 0 {
        keys::REGISTERED.put(state, &0);
    }
}

/// A node became a member of a committee: it is kept as long as the committee is.
pub(crate) fn joined(state: &mut State, address: &ConsensusAddress) {
    if let Some(node) = super::get(state, address) {
        outside::leave(state, address, &node);
    }
}

/// The last committee that a node was in is not kept any longer.
pub(crate) fn left(state: &mut State, address: &ConsensusAddress) {
    if let Some(node) = super::get(state, address) {
        outside::enter(state, address, &node);
    }
}
