//! Messages of `bond`.

mod pay_bond;

use crate::message::MessageType;

/// What transactions may carry.
pub const MESSAGES: &[MessageType] = &[MessageType {
    type_url: "/race.bond.v1.MsgPayBond",
    parse: pay_bond::parse,
}];
