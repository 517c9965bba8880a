//! What must hold after every block.

use super::{expiration_ms, keys};
use crate::state::State;

/// Grants, the list by grantee and the queue name the same grants.
///
/// # Errors
/// A sentence with the grant or the numbers.
pub fn every_grant_is_listed(state: &State) -> Result<(), String> {
    let (mut grants, mut expiring) = (0usize, 0usize);
    for ((granter, grantee, url), grant) in keys::GRANTS.all(state) {
        grants = grants.saturating_add(1);
        if !keys::BY_GRANTEE.has(state, &(grantee, granter, url.clone())) {
            return Err(format!("the grant of {url} to {grantee} is not listed"));
        }
        let Some(end) = expiration_ms(&grant) else {
            continue;
        };
        expiring = expiring.saturating_add(1);
        if !keys::QUEUE.has(state, &(end, granter, grantee, url.clone())) {
            return Err(format!("the grant of {url} to {grantee} never ends"));
        }
    }
    let (listed, queued) = (
        keys::BY_GRANTEE.all(state).len(),
        keys::QUEUE.all(state).len(),
    );
    match (listed, queued) == (grants, expiring) {
        true => Ok(()),
        false => Err(format!(
            "{grants} grants of which {expiring} end, {listed} are listed and {queued} queued"
        )),
    }
}
