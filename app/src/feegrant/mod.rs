//! Fee grants: an account pays the fees of another (`cosmos.feegrant.v1beta1`).
//!
//! Of the SDK's allowances there is `BasicAllowance`: an optional limit and an optional end. A
//! transaction whose fee names a granter takes its fee from there ([`take`], called by the checks before
//! execution); the grantee alone signs.
//!
//! Invariants: an allowance is listed under its granter, and in the queue exactly when it expires
//! ([`invariants`]); a granter has given at most [`params::MAX_ALLOWANCES`].

mod allowance;
pub mod errors;
pub mod export;
pub mod genesis;
pub mod invariants;
mod keys;
mod msgs;
pub mod params;
pub mod phase;
pub mod queries;

use race_proto::cosmos::feegrant::v1beta1::Grant;
use race_proto::Any;
use tendermint_proto::v0_38::abci::Event;

use crate::address::Account;
use crate::bank::coins::Coins;
use crate::context::Context;
use crate::error::TxError;
use crate::events::event;
use crate::params::get;
use crate::state::State;

use allowance::{Allowance, Left};
pub use errors::Error;
pub use keys::STORE;
pub use msgs::MESSAGES;
pub use queries::QUERIES;

/// Grantee, who may spend, and granter, who pays.
type Id = (Account, Account);

fn stored(grant: &Grant) -> Allowance {
    Allowance::unpack(grant.allowance.as_ref())
        .unwrap_or_else(|error| panic!("state is damaged: an allowance: {error}"))
}

/// Writes an allowance that was not there.
///
/// # Errors
/// When the granter has as many as it may.
fn put(state: &mut State, id: Id, allowance: &Allowance) -> Result<(), Error> {
    let (grantee, granter) = id;
    let limit = get(state, &params::MAX_ALLOWANCES);
    let given = keys::BY_GRANTER.under(state, &granter).len();
    if u64::try_from(given).is_ok_and(|given| given >= limit) {
        let granter = granter.to_string();
        return Err(Error::TooMany { granter, limit });
    }
    keys::ALLOWANCES.put(state, &id, &grant(id, allowance.pack()));
    keys::BY_GRANTER.put(state, &(granter, grantee), &());
    if let Some(end) = allowance.end_ms() {
        keys::QUEUE.put(state, &(end, grantee, granter), &());
    }
    Ok(())
}

fn grant((grantee, granter): Id, allowance: Any) -> Grant {
    Grant {
        granter: granter.to_string(),
        grantee: grantee.to_string(),
        allowance: Some(allowance),
    }
}

/// Removes an allowance; whether there was one.
fn remove(state: &mut State, id: Id) -> bool {
    let Some(grant) = keys::ALLOWANCES.get(state, &id) else {
        return false;
    };
    let (grantee, granter) = id;
    keys::ALLOWANCES.remove(state, &id);
    keys::BY_GRANTER.remove(state, &(granter, grantee));
    if let Some(end) = stored(&grant).end_ms() {
        keys::QUEUE.remove(state, &(end, grantee, granter));
    }
    true
}

/// Takes a fee from what the granter allows the grantee. The coins are not moved here.
///
/// # Errors
/// The SDK's: no allowance, one that is over, or one that is smaller than the fee.
pub fn take(
    state: &mut State,
    context: &Context<'_>,
    granter: Account,
    grantee: Account,
    fee: &Coins,
) -> Result<(), TxError> {
    let id: Id = (grantee, granter);
    let refused = |error: TxError| TxError {
        log: format!(
            "{granter} does not allow to pay fees for {grantee}: {}",
            error.log
        ),
        ..error
    };
    let found = keys::ALLOWANCES.get(state, &id);
    let found = found.ok_or_else(|| refused(TxError::sdk(38, "fee-grant not found: not found")))?;
    let allowance = stored(&found);
    let left = allowance.spend(context.time_ms, fee);
    match left.map_err(|error| refused(error.into()))? {
        Left::Nothing => {
            remove(state, id);
            state.emit(told("revoke_feegrant", id));
            state.emit(told("use_feegrant", id));
        }
        Left::Some(allowance) => {
            keys::ALLOWANCES.put(state, &id, &grant(id, allowance));
            state.emit(told("use_feegrant", id));
            state.emit(told("update_feegrant", id));
        }
    }
    Ok(())
}

/// The SDK's events of this module differ by name alone.
fn told(name: &str, (grantee, granter): Id) -> Event {
    let (granter, grantee) = (granter.to_string(), grantee.to_string());
    event(name, &[("granter", &granter), ("grantee", &grantee)])
}
