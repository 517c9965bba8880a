//! What must hold after every block.

use super::{escrow_account, keys, left};
use crate::bank;
use crate::state::State;

/// The escrow account holds what open sessions have left.
///
/// # Errors
/// A sentence with both numbers.
pub fn escrow_is_the_sum(state: &State) -> Result<(), String> {
    let sum = keys::OPEN
        .all(state)
        .iter()
        .filter_map(|(id, ())| super::get(state, *id))
        .fold(0u128, |sum, session| sum.saturating_add(left(&session)));
    let held = bank::balance(state, &escrow_account());
    match sum == held {
        true => Ok(()),
        false => Err(format!(
            "open sessions have {sum} nicoin left, session_escrow holds {held}"
        )),
    }
}
