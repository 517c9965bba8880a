//! What `session` owes when a chain ends.

use super::{get, keys, left};
use crate::address::Account;
use crate::coin::Nicoin;
use crate::state::State;

/// What open sessions have left belongs to their owners.
pub fn owed(state: &State) -> Vec<(Account, Nicoin)> {
    keys::OPEN
        .all(state)
        .into_iter()
        .filter_map(|(id, ())| get(state, id))
        .filter_map(|session| Some((Account::parse(&session.owner).ok()?, left(&session))))
        .collect()
}
