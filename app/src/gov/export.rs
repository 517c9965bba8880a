//! What `gov` owes when a chain ends, and what it hands over.

use super::{deposits, keys};
use crate::address::Account;
use crate::coin::Nicoin;
use crate::state::State;

/// Deposits of open proposals belong to the depositors.
pub fn owed(state: &State) -> Vec<(Account, Nicoin)> {
    keys::DEPOSITS
        .all(state)
        .into_iter()
        .map(|((_, depositor), deposit)| (depositor, deposits::total(&deposit.amount)))
        .collect()
}

/// The id of the next proposal: ids are not used twice, on the next chain neither.
pub fn next_id(state: &State) -> u64 {
    keys::NEXT_ID.get(state).unwrap_or(1)
}

/// Goes on with the ids of another chain.
pub fn carry(state: &mut State, next_id: u64) {
    keys::NEXT_ID.put(state, &next_id);
}
