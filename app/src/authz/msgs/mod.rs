//! Messages of `authz`: the SDK's.

mod exec;
mod grant;
mod revoke;

use crate::address::Account;
use crate::error::TxError;
use crate::message::MessageType;

/// What transactions may carry.
pub const MESSAGES: &[MessageType] = &[
    MessageType {
        type_url: "/cosmos.authz.v1beta1.MsgGrant",
        parse: grant::parse,
    },
    MessageType {
        type_url: exec::TYPE_URL,
        parse: exec::parse,
    },
    MessageType {
        type_url: "/cosmos.authz.v1beta1.MsgRevoke",
        parse: revoke::parse,
    },
];

/// The other side of a grant; checked when the message executes, as in the SDK.
fn grantee(text: &str) -> Result<Account, TxError> {
    Account::parse(text)
        .map_err(|e| TxError::sdk(7, format!("invalid grantee address: {e}: invalid address")))
}
