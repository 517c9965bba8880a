//! Messages of `session`.

mod open_session;

use crate::message::MessageType;

/// What transactions may carry.
pub const MESSAGES: &[MessageType] = &[MessageType {
    type_url: "/race.session.v1.MsgOpenSession",
    parse: open_session::parse,
}];
