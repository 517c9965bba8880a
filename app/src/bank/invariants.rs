//! What must hold after every block.

use crate::state::State;

/// The sum of all balances is the supply.
///
/// # Errors
/// A sentence with both numbers.
pub fn supply_is_the_sum(state: &State) -> Result<(), String> {
    let sum = super::balances(state)
        .iter()
        .fold(0u128, |sum, (_, amount)| sum.saturating_add(*amount));
    let supply = super::supply(state);
    match sum == supply {
        true => Ok(()),
        false => Err(format!(
            "balances add up to {sum} nicoin, the supply is {supply}"
        )),
    }
}
