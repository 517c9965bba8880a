//! Messages of `race`: free, and each bounded to one a phase (submissions: one a block).

mod commit_checks;
mod open;
mod reveal_checks;
mod submit;

use crate::message::MessageType;

/// What transactions may carry.
pub const MESSAGES: &[MessageType] = &[
    MessageType {
        type_url: "/race.race.v1.MsgSubmitRace",
        parse: submit::parse,
    },
    MessageType {
        type_url: "/race.race.v1.MsgOpenLeaves",
        parse: open::parse,
    },
    MessageType {
        type_url: "/race.race.v1.MsgCommitChecks",
        parse: commit_checks::parse,
    },
    MessageType {
        type_url: "/race.race.v1.MsgRevealChecks",
        parse: reveal_checks::parse,
    },
];
