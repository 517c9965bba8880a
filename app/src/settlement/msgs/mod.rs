//! Messages of `settlement`.

mod record;
mod settle;

use crate::message::MessageType;

/// What transactions may carry.
pub const MESSAGES: &[MessageType] = &[MessageType {
    type_url: "/race.settlement.v1.MsgSettle",
    parse: settle::parse,
}];
