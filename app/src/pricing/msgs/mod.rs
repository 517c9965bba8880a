//! Messages of `pricing`.

mod vote_price;

use crate::message::MessageType;

/// What transactions may carry.
pub const MESSAGES: &[MessageType] = &[MessageType {
    type_url: "/race.pricing.v1.MsgVotePrice",
    parse: vote_price::parse,
}];
