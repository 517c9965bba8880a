//! What must hold after every block.

use super::{account, keys};
use crate::bank;
use crate::coin::stored;
use crate::state::State;

/// `bonds_held` holds what the bonds say.
///
/// # Errors
/// A sentence with both numbers.
pub fn held_is_the_sum(state: &State) -> Result<(), String> {
    let bonds = keys::BONDS.all(state);
    let sum = bonds.iter().fold(0u128, |sum, (_, bond)| {
        sum.saturating_add(stored(&bond.amount))
    });
    let held = bank::balance(state, &account());
    match sum == held {
        true => Ok(()),
        false => Err(format!(
            "bonds add up to {sum} nicoin, bonds_held has {held}"
        )),
    }
}
