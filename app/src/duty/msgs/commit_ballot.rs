//! `MsgCommitBallot`: a host commits to its ballot on a contested task.

use race_proto::race::duty::v1::{Ballot, MsgCommitBallot, MsgCommitBallotResponse, Outcome};
use race_proto::Any;

use super::open_case;
use crate::address::Account;
use crate::context::Context;
use crate::duty::errors::Error;
use crate::duty::{keys, reverification};
use crate::error::TxError;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::settlement::TaskId;
use crate::state::State;
use crate::tx::gas;
use crate::{fields, node};

struct CommitBallot {
    sender: Account,
    task: TaskId,
    commitment: [u8; 32],
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgCommitBallot = decode(bytes)?;
    Ok(Box::new(CommitBallot {
        sender: fields::signer("sender", &msg.sender)?,
        task: fields::bytes("task_id", &msg.task_id)?,
        commitment: fields::bytes("commitment", &msg.commitment)?,
    }))
}

impl CheckedMsg for CommitBallot {
    fn signer(&self) -> Account {
        self.sender
    }

    fn lane(&self) -> Lane {
        Lane::Protocol
    }

    fn gas(&self) -> u64 {
        gas::SMALL
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        let address = node::address(&node::by_sender(state, &self.sender)?);
        let (task, case) = open_case(state, &self.task)?;
        let height = context.height;
        if height > case.commit_end {
            let (start, end) = (task.height, case.commit_end);
            return Err(Error::Step {
                expected: "committed",
                start,
                end,
                height,
            }
            .into());
        }
        if case
            .accusers
            .iter()
            .any(|accuser| accuser == address.as_slice())
        {
            return Err(Error::NoVote {
                why: "it accused, which counts as false",
            }
            .into());
        }
        let Some(weight) = reverification::electorate(state, &task)
            .get(&address)
            .copied()
        else {
            return Err(Error::NoVote {
                why: "it is the executor, or no host of the pin",
            }
            .into());
        };
        let key = (case.epoch, self.task, address);
        if keys::BALLOTS.has(state, &key) {
            return Err(Error::Committed {}.into());
        }
        let ballot = Ballot {
            address: address.to_vec(),
            commitment: self.commitment.to_vec(),
            outcome: Outcome::Unspecified.into(),
            weight,
            revealed: false,
        };
        keys::BALLOTS.put(state, &key, &ballot);
        Ok(response(&MsgCommitBallotResponse {}))
    }
}
