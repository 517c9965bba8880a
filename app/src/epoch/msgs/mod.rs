//! Messages of `epoch`.

mod confirm_ready;

use crate::message::MessageType;

/// What transactions may carry.
pub const MESSAGES: &[MessageType] = &[MessageType {
    type_url: "/race.epoch.v1.MsgConfirmReady",
    parse: confirm_ready::parse,
}];
