//! Messages of `duty`.

mod commit_ballot;
mod prove_omission;
mod reveal_ballot;
mod reveal_duties;

use race_proto::race::duty::v1::Reverification;
use race_proto::race::settlement::v1::Task;
use race_verification::verdict::Outcome;

pub use reveal_duties::{MAX_VERDICTS, TYPE_URL as REVEAL};

use super::errors::Error;
use super::{keys, reverification};
use crate::message::MessageType;
use crate::settlement::{self, TaskId};
use crate::state::State;

/// What transactions may carry.
pub const MESSAGES: &[MessageType] = &[
    MessageType {
        type_url: REVEAL,
        parse: reveal_duties::parse,
    },
    MessageType {
        type_url: "/race.duty.v1.MsgProveOmission",
        parse: prove_omission::parse,
    },
    MessageType {
        type_url: "/race.duty.v1.MsgCommitBallot",
        parse: commit_ballot::parse,
    },
    MessageType {
        type_url: "/race.duty.v1.MsgRevealBallot",
        parse: reveal_ballot::parse,
    },
];

/// Reads an outcome; the codes of messages and of hashes are the same.
fn outcome(code: i32) -> Result<Outcome, Error> {
    u8::try_from(code)
        .ok()
        .and_then(Outcome::from_code)
        .ok_or(Error::Outcome { got: code })
}

/// A request's task, which must be one of the epoch's.
fn task(
    state: &State,
    chain_id: &str,
    epoch: u64,
    session: u64,
    index: u64,
) -> Result<Task, Error> {
    settlement::task_of(state, chain_id, session, index)
        .filter(|task| task.epoch == epoch)
        .ok_or(Error::Task {
            session,
            index,
            epoch,
        })
}

/// The open re-verification of a task, with the task.
fn open_case(state: &State, id: &TaskId) -> Result<(Task, Reverification), Error> {
    let missing = || Error::NotContested {
        task: hex::encode(id),
    };
    let epoch = reverification::find_open(state, id).ok_or_else(missing)?;
    let case = keys::REVERIFICATIONS
        .get(state, &(epoch, *id))
        .ok_or_else(missing)?;
    let task = settlement::task(state, epoch, id).ok_or_else(missing)?;
    Ok((task, case))
}
