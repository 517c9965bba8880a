//! What `node` does at its blocks.

use sha2::{Digest, Sha256};

use super::keys;
use crate::address::Account;
use crate::epoch;
use crate::params;
use crate::state::State;

/// The next block takes registrations afresh. Done at the end of a block, so that CheckTx, which looks
/// at committed state, counts from nothing too.
pub fn end_block(state: &mut State) {
    if keys::REGISTERED.get_or_default(state) > 0 {
        keys::REGISTERED.put(state, &0);
    }
}

/// At the switch that closes epoch `closed`: forgets nodes that have not raced for the stated
/// number of epochs and are in no committee that is still kept.
pub fn forget(state: &mut State, closed: u64) {
    let patience = params::get(state, &super::params::FORGET);
    for node in super::all(state) {
        let seen = node.last_race_epoch.max(node.registered_epoch);
        let address = super::address(&node);
        if closed < seen.saturating_add(patience) || epoch::in_a_kept_committee(state, &address) {
            continue;
        }
        keys::NODES.remove(state, &address);
        crate::model::forget_host(state, &address);
        let node_keys = node.keys.unwrap_or_default();
        for key in [
            node_keys.consensus,
            node_keys.duty,
            node_keys.share,
            node_keys.transport,
        ] {
            keys::KEYS.remove(state, &Sha256::digest(&key).into());
        }
        if let Ok(operator) = Account::parse(&node.operator) {
            keys::OPERATORS.remove(state, &operator);
        }
        if let Ok(hot) = Account::parse(&node.hot_account) {
            keys::HOT.remove(state, &hot);
        }
    }
}
