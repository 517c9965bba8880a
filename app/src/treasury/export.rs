//! What `treasury` owes when a chain ends, and what it hands over.

use race_proto::race::treasury::v1::Issuance;

use super::keys;
use crate::address::Account;
use crate::coin::{stored, Nicoin};
use crate::node;
use crate::state::State;

/// Rewards that wait for their release belong to the nodes' operators; those of nodes that are no
/// longer known, to the treasury.
pub fn owed(state: &State) -> Vec<(Account, Nicoin)> {
    keys::HELD
        .all(state)
        .into_iter()
        .map(|((_, address), held)| {
            let node = node::get(state, &address);
            let whose = node.map_or_else(super::treasury_account, |node| node::operator(&node));
            let parts = [&held.fees, &held.checking, &held.gas, &held.minted];
            let sum = parts
                .iter()
                .fold(0u128, |sum, part| sum.saturating_add(stored(part)));
            (whose, sum)
        })
        .collect()
}

/// Since when issuance is measured, if epoch 1 is over.
pub fn issued_since_ms(state: &State) -> Option<u64> {
    keys::GENESIS_MS.get(state)
}

/// Goes on with the issuance of another chain.
pub fn carry(state: &mut State, issuance: &Issuance, since_ms: Option<u64>) {
    keys::ISSUANCE.put(state, issuance);
    if let Some(since_ms) = since_ms {
        keys::GENESIS_MS.put(state, &since_ms);
    }
}
