//! Grants: an account lets another, such as a hot key, send some of its messages (`cosmos.authz.v1beta1`).
//!
//! A grant is of one message type from a granter to a grantee: any such message
//! (`GenericAuthorization`), or transfers up to a limit (`SendAuthorization`). `MsgExec` carries the
//! messages; the grantee alone signs and pays.
//!
//! Messages of the protocol are never executed under a grant: they are free and bounded by who sends
//! them, and a `MsgExec` pays gas and does not run in the mempool. Nodes send them with their own keys.
//!
//! Invariants: a grant is listed under its grantee, and in the queue exactly when it expires
//! ([`invariants`]); a granter has at most [`params::MAX_GRANTS`].

mod authorization;
pub mod errors;
pub mod export;
pub mod genesis;
pub mod invariants;
mod keys;
mod msgs;
pub mod params;
pub mod phase;
pub mod queries;

use race_proto::cosmos::authz::v1beta1::{EventGrant, EventRevoke, Grant};
use race_proto::Any;
use tendermint_proto::v0_38::abci::Event;

use crate::address::Account;
use crate::context::Context;
use crate::error::TxError;
use crate::events::typed;
use crate::params::get;
use crate::state::State;
use crate::time::milliseconds;

use authorization::{Authorization, Left};
pub use errors::Error;
pub use keys::STORE;
pub use msgs::MESSAGES;
pub use queries::QUERIES;

/// Granter, grantee and the type URL of the messages.
type Id = (Account, Account, String);

fn expiration_ms(grant: &Grant) -> Option<u64> {
    grant
        .expiration
        .as_ref()
        .map(|time| milliseconds(Some(time)))
}

/// Whether it does not hold any more at that header time.
fn is_over(grant: &Grant, now_ms: u64) -> bool {
    expiration_ms(grant).is_some_and(|end| end <= now_ms)
}

/// Writes a grant, in place of one of the same message type.
///
/// # Errors
/// When the granter has as many as it may.
fn put(state: &mut State, id: &Id, grant: &Grant) -> Result<(), Error> {
    let limit = get(state, &params::MAX_GRANTS);
    let new = !keys::GRANTS.has(state, id);
    if new && keys::BOOK.given(state, &id.0) >= limit {
        let granter = id.0.to_string();
        return Err(Error::TooMany { granter, limit });
    }
    keys::BOOK.put(state, id, grant);
    Ok(())
}

/// Takes what a message needs from the grant under which the grantee sends it. What the granter sends
/// itself needs none.
fn take(
    state: &mut State,
    context: &Context<'_>,
    granter: Account,
    grantee: Account,
    message: &Any,
) -> Result<(), TxError> {
    if granter == grantee {
        return Ok(());
    }
    let id: Id = (granter, grantee, message.type_url.clone());
    let Some(mut grant) = keys::GRANTS.get(state, &id) else {
        let url = &id.2;
        let what = format!(
            "failed to get grant with given granter: {granter}, grantee: {grantee} & msgType: {url} "
        );
        return Err(Error::NotFound { what }.into());
    };
    if is_over(&grant, context.time_ms) {
        return Err(Error::Expired {}.into());
    }
    match Authorization::unpack(grant.authorization.as_ref())?.accept(message)? {
        Left::Same => {}
        Left::Nothing => {
            keys::BOOK.remove(state, &id);
            state.emit(revoked(&id));
        }
        Left::Less(authorization) => {
            grant.authorization = Some(authorization);
            keys::GRANTS.put(state, &id, &grant);
        }
    }
    Ok(())
}

/// The SDK sorts the attributes of its typed events by name.
fn sorted(mut event: Event) -> Event {
    event.attributes.sort_by(|a, b| a.key.cmp(&b.key));
    event
}

fn granted((granter, grantee, url): &Id) -> Event {
    sorted(typed(&EventGrant {
        msg_type_url: url.clone(),
        granter: granter.to_string(),
        grantee: grantee.to_string(),
    }))
}

fn revoked((granter, grantee, url): &Id) -> Event {
    sorted(typed(&EventRevoke {
        msg_type_url: url.clone(),
        granter: granter.to_string(),
        grantee: grantee.to_string(),
    }))
}
