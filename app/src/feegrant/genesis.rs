//! What genesis makes: allowances that were given before.

use race_proto::cosmos::feegrant::v1beta1::Grant;

use super::allowance::Allowance;
use super::keys;
use crate::address::Account;
use crate::auth;
use crate::context::Context;
use crate::state::State;

/// Writes the allowances that still hold.
///
/// # Errors
/// A sentence that names the allowance that nobody could have given.
pub fn init(state: &mut State, context: &Context<'_>, grants: Vec<Grant>) -> Result<(), String> {
    for grant in grants {
        let (from, to) = (&grant.granter, &grant.grantee);
        one(state, context, &grant).map_err(|e| format!("the allowance of {to} by {from}: {e}"))?;
    }
    Ok(())
}

fn one(state: &mut State, context: &Context<'_>, grant: &Grant) -> Result<(), String> {
    let account = |text: &str| Account::parse(text).map_err(|e| e.to_string());
    let id = (account(&grant.grantee)?, account(&grant.granter)?);
    let allowance = Allowance::unpack(grant.allowance.as_ref()).map_err(|e| e.to_string())?;
    if allowance.is_over(context.time_ms) {
        return Ok(());
    }
    allowance
        .check(context.time_ms)
        .map_err(|e| e.to_string())?;
    if id.0 == id.1 || keys::ALLOWANCES.has(state, &id) {
        return Err("it is there twice, or one's own".to_owned());
    }
    // The limit may have been higher when it was given.
    keys::BOOK.put(state, &id, &super::grant(id, &allowance));
    auth::ensure_account(state, &id.0);
    Ok(())
}
