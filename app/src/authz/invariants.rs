//! What must hold after every block.

use super::keys;
use crate::state::State;

/// Grants, the list by grantee and the queue name the same grants.
///
/// # Errors
/// A sentence with the grant or the numbers.
pub fn every_grant_is_listed(state: &State) -> Result<(), String> {
    keys::BOOK.check(state).map_err(|e| format!("authz: {e}"))
}
