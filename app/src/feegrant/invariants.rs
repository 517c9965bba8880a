//! What must hold after every block.

use super::keys;
use crate::state::State;

/// Allowances, the list by granter and the queue name the same allowances.
///
/// # Errors
/// A sentence with the allowance or the numbers.
pub fn every_allowance_is_listed(state: &State) -> Result<(), String> {
    keys::BOOK
        .check(state)
        .map_err(|e| format!("feegrant: {e}"))
}
