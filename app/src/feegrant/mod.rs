//! Fee grants: an account pays the fees of another (`cosmos.feegrant.v1beta1`).
//!
//! The allowances are the SDK's ([`allowance`]): up to a limit, up to a limit in each period, and either of
//! them for some messages alone. A transaction whose fee names a granter takes its fee from there ([`take`],
//! called by the checks before execution); the grantee alone signs.
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
use tendermint_proto::v0_38::abci::Event;

use crate::address::Account;
use crate::context::Context;
use crate::error::TxError;
use crate::events::event;
use crate::params::get;
use crate::state::State;
use crate::tx::decode::CheckedTx;

use allowance::{Allowance, Left, Spending};
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
    let limit = get(state, &params::MAX_ALLOWANCES);
    if keys::BOOK.given(state, &id.1) >= limit {
        let granter = id.1.to_string();
        return Err(Error::TooMany { granter, limit });
    }
    keys::BOOK.put(state, &id, &grant(id, allowance));
    Ok(())
}

fn grant((grantee, granter): Id, allowance: &Allowance) -> Grant {
    Grant {
        granter: granter.to_string(),
        grantee: grantee.to_string(),
        allowance: Some(allowance.pack()),
    }
}

/// Takes a transaction's fee from what the granter allows its fee payer. The coins are not moved here.
///
/// # Errors
/// The SDK's: no allowance, one that is over, is smaller than the fee, or is for other messages.
pub fn take(
    state: &mut State,
    context: &Context<'_>,
    granter: Account,
    tx: &CheckedTx,
) -> Result<(), TxError> {
    let grantee = tx.fee_payer;
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
    let mut allowance = stored(&found);
    let types: Vec<_> = tx.messages.iter().map(|(url, _)| url.as_str()).collect();
    let left = allowance.spend(&Spending {
        now_ms: context.time_ms,
        fee: &tx.fee,
        types: &types,
    });
    match left.map_err(|error| refused(error.into()))? {
        Left::Nothing => {
            keys::BOOK.remove(state, &id);
            state.emit(told("revoke_feegrant", id));
            state.emit(told("use_feegrant", id));
        }
        Left::Some => {
            // Its end is the same: the indexes stay.
            keys::ALLOWANCES.put(state, &id, &grant(id, &allowance));
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
