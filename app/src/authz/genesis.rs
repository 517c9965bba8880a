//! What genesis makes: grants that were given before.

use race_proto::cosmos::authz::v1beta1::{Grant, GrantAuthorization};

use super::authorization::Authorization;
use super::{is_over, keys};
use crate::address::Account;
use crate::auth;
use crate::context::Context;
use crate::registry;
use crate::state::State;
use crate::time;

/// Writes the grants that still hold.
///
/// # Errors
/// A sentence that names the grant that nobody could have given.
pub fn init(
    state: &mut State,
    context: &Context<'_>,
    grants: Vec<GrantAuthorization>,
) -> Result<(), String> {
    for given in grants {
        let (from, to) = (given.granter.clone(), given.grantee.clone());
        one(state, context, given).map_err(|e| format!("the grant from {from} to {to}: {e}"))?;
    }
    Ok(())
}

fn one(state: &mut State, context: &Context<'_>, given: GrantAuthorization) -> Result<(), String> {
    let account = |text: &str| Account::parse(text).map_err(|e| e.to_string());
    let (granter, grantee) = (account(&given.granter)?, account(&given.grantee)?);
    let authorization =
        Authorization::unpack(given.authorization.as_ref()).map_err(|e| e.to_string())?;
    authorization.check().map_err(|e| e.to_string())?;
    let url = authorization.message_type();
    if granter == grantee || registry::message(&url).is_none() {
        return Err(format!("{url} cannot be granted"));
    }
    if let Some(end) = &given.expiration {
        time::check(end)?;
    }
    let grant = Grant {
        authorization: given.authorization,
        expiration: given.expiration,
    };
    if is_over(&grant, context.time_ms) {
        return Ok(());
    }
    // The limit may have been higher when it was given.
    keys::BOOK.put(state, &(granter, grantee, url), &grant);
    auth::ensure_account(state, &grantee);
    Ok(())
}
