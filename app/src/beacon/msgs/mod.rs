//! Messages of `beacon`: free, one of each for a member and a round.

mod commit;
mod reveal;

use race_proto::race::beacon::v1::{Round, RoundId, RoundStatus};

use super::errors::Error;
use crate::message::MessageType;
use crate::state::State;

/// What transactions may carry.
pub const MESSAGES: &[MessageType] = &[
    MessageType {
        type_url: "/race.beacon.v1.MsgCommit",
        parse: commit::parse,
    },
    MessageType {
        type_url: "/race.beacon.v1.MsgReveal",
        parse: reveal::parse,
    },
];

fn open_round(state: &State, id: &RoundId) -> Result<Round, Error> {
    super::round(state, id)
        .filter(|round| round.status() == RoundStatus::Open)
        .ok_or_else(|| Error::NotOpen {
            round: super::shown(id),
        })
}
