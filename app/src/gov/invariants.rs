//! What must hold after every block.

use super::{authority, deposits, keys};
use crate::bank;
use crate::state::State;

/// The gov account holds exactly the deposits of open proposals.
///
/// # Errors
/// A sentence with both numbers.
pub fn deposits_are_held(state: &State) -> Result<(), String> {
    let listed = keys::DEPOSITS.all(state);
    let sum = listed.iter().fold(0u128, |sum, (_, d)| {
        sum.saturating_add(deposits::total(&d.amount))
    });
    let held = bank::balance(state, &authority());
    match sum == held {
        true => Ok(()),
        false => Err(format!(
            "deposits add up to {sum} nicoin, the gov account holds {held}"
        )),
    }
}
