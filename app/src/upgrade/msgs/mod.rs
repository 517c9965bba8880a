//! Messages of `upgrade`: the SDK's, which governance alone may send.

mod cancel_upgrade;
mod software_upgrade;

use crate::message::MessageType;

/// What proposals may carry.
pub const MESSAGES: &[MessageType] = &[
    MessageType {
        type_url: "/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade",
        parse: software_upgrade::parse,
    },
    MessageType {
        type_url: "/cosmos.upgrade.v1beta1.MsgCancelUpgrade",
        parse: cancel_upgrade::parse,
    },
];
