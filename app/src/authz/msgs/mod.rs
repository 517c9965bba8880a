//! Messages of `authz`: the SDK's.

mod exec;
mod grant;
mod revoke;

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
