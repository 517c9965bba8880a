//! Governance, with the messages and queries of `cosmos.gov.v1` and race weight as voting power. The
//! queries of `v1beta1` are derived from them.
//!
//! A proposal carries messages that only governance may send ([`GOVERNED`]).
//! It waits for its deposit, is voted on by the operators of committee members, and, when passed,
//! its messages execute in the name of the gov account, all or none. When as many are open as may be, one that
//! brings its whole deposit takes the place of the one that waits with the least: waiting costs a part of a
//! deposit that comes back, so it must not keep out who means it. What remains: whoever can part with
//! `gov/max_active` whole deposits for the length of a vote can fill every place. Deposits are returned at the
//! end, whatever the outcome; vetoes reject but do not burn. Split votes (`MsgVoteWeighted`),
//! expedited proposals and cancelling are not supported.
//!
//! Invariant: the gov account holds exactly the deposits of open proposals ([`invariants`]).

mod deposits;
pub mod errors;
pub mod export;
pub mod invariants;
mod keys;
mod msgs;
pub mod params;
pub mod phase;
pub mod queries;
mod tally;
pub mod v1beta1;

use crate::address::Account;
use crate::auth;
use crate::error::TxError;

pub use errors::Error;
pub use keys::STORE;
pub use msgs::MESSAGES;
pub use queries::QUERIES;

/// What proposals may carry: the messages that governance alone may send, and no others.
pub const GOVERNED: &[&str] = &[
    "/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade",
    "/cosmos.upgrade.v1beta1.MsgCancelUpgrade",
    "/race.model.v1.MsgRegisterModel",
    "/race.model.v1.MsgRetireModel",
    "/race.params.v1.MsgUpdateParams",
];

/// The account in whose name the messages of passed proposals execute.
pub fn authority() -> Account {
    auth::module_account("gov")
}

/// That a message came through governance.
///
/// # Errors
/// `sdk` 4 for any other signer.
pub fn require_authority(signer: &Account) -> Result<(), TxError> {
    let expected = authority();
    match *signer == expected {
        true => Ok(()),
        false => Err(TxError::sdk(
            4,
            format!("invalid authority; expected {expected} (a passed proposal), got {signer}: unauthorized"),
        )),
    }
}

#[cfg(test)]
mod tests;
