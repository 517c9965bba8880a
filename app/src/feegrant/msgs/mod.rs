//! Messages of `feegrant`: the SDK's.

mod grant_allowance;
mod revoke_allowance;

use crate::address::Account;
use crate::error::TxError;
use crate::message::MessageType;

/// What transactions may carry.
pub const MESSAGES: &[MessageType] = &[
    MessageType {
        type_url: "/cosmos.feegrant.v1beta1.MsgGrantAllowance",
        parse: grant_allowance::parse,
    },
    MessageType {
        type_url: "/cosmos.feegrant.v1beta1.MsgRevokeAllowance",
        parse: revoke_allowance::parse,
    },
];

/// The account whose fees are paid; checked when the message executes, as in the SDK.
fn grantee(text: &str) -> Result<Account, TxError> {
    Account::parse(text)
        .map_err(|e| TxError::sdk(7, format!("invalid grantee address: {e}: invalid address")))
}
