//! Messages of `params`.

mod update_params;

use crate::message::MessageType;

/// What proposals may carry.
pub const MESSAGES: &[MessageType] = &[MessageType {
    type_url: "/race.params.v1.MsgUpdateParams",
    parse: update_params::parse,
}];
