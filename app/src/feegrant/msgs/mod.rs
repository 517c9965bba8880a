//! Messages of `feegrant`: the SDK's.

mod grant_allowance;
mod prune_allowances;
mod revoke_allowance;

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
    MessageType {
        type_url: "/cosmos.feegrant.v1beta1.MsgPruneAllowances",
        parse: prune_allowances::parse,
    },
];
