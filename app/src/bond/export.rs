//! What `bond` owes when a chain ends.

use super::keys;
use crate::address::Account;
use crate::coin::{stored, Nicoin};
use crate::state::State;

/// Bonds go back to the operators: the nodes of the next chain are others, and equivocation on this one
/// cannot be proven there.
pub fn owed(state: &State) -> Vec<(Account, Nicoin)> {
    let bonds = keys::BONDS.all(state).into_iter();
    bonds
        .map(|((_, operator), bond)| (Account(operator), stored(&bond.amount)))
        .collect()
}
