//! What must hold after every block.

use super::{keys, stored};
use crate::state::State;

/// Allowances, the list by granter and the queue name the same allowances.
///
/// # Errors
/// A sentence with the allowance or the numbers.
pub fn every_allowance_is_listed(state: &State) -> Result<(), String> {
    let (mut allowances, mut expiring) = (0usize, 0usize);
    for ((grantee, granter), grant) in keys::ALLOWANCES.all(state) {
        allowances = allowances.saturating_add(1);
        if !keys::BY_GRANTER.has(state, &(granter, grantee)) {
            return Err(format!("the allowance of {grantee} is not listed"));
        }
        let Some(end) = stored(&grant).end_ms() else {
            continue;
        };
        expiring = expiring.saturating_add(1);
        if !keys::QUEUE.has(state, &(end, grantee, granter)) {
            return Err(format!("the allowance of {grantee} never ends"));
        }
    }
    let (listed, queued) = (
        keys::BY_GRANTER.all(state).len(),
        keys::QUEUE.all(state).len(),
    );
    match (listed, queued) == (allowances, expiring) {
        true => Ok(()),
        false => Err(format!(
            "{allowances} allowances of which {expiring} end, {listed} are listed and {queued} queued"
        )),
    }
}
