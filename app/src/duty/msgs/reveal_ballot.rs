//! `MsgRevealBallot`: a host reveals its ballot on a contested task.

use race_proto::race::duty::v1::{MsgRevealBallot, MsgRevealBallotResponse};
use race_proto::Any;
use race_verification::verdict::Outcome;

use super::{open_case, outcome};
use crate::address::Account;
use crate::context::Context;
use crate::duty::errors::Error;
use crate::duty::{ballot_commitment, keys};
use crate::error::TxError;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::settlement::TaskId;
use crate::state::State;
use crate::tx::gas;
use crate::{fields, node};

struct RevealBallot {
    sender: Account,
    task: TaskId,
    outcome: Outcome,
    salt: [u8; 32],
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgRevealBallot = decode(bytes)?;
    Ok(Box::new(RevealBallot {
        sender: fields::signer("sender", &msg.sender)?,
        task: fields::bytes("task_id", &msg.task_id)?,
        outcome: outcome(msg.outcome)?,
        salt: fields::bytes("salt", &msg.salt)?,
    }))
}

impl CheckedMsg for RevealBallot {
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
        let (_, case) = open_case(state, &self.task)?;
        let (start, end, height) = (
            case.commit_end.saturating_add(1),
            case.reveal_end,
            context.height,
        );
        if !(start..=end).contains(&height) {
            return Err(Error::Step {
                expected: "revealed",
                start,
                end,
                height,
            }
            .into());
        }
        let key = (case.epoch, self.task, address);
        let mut ballot = keys::BALLOTS
            .get(state, &key)
            .ok_or(Error::NotCommitted {})?;
        if ballot.revealed {
            return Err(Error::BallotRevealed {}.into());
        }
        let opened = ballot_commitment(
            context.chain_id,
            &self.task,
            &address,
            self.outcome,
            &self.salt,
        );
        if ballot.commitment != opened {
            return Err(Error::Mismatch {}.into());
        }
        ballot.outcome = i32::from(self.outcome.code());
        ballot.revealed = true;
        keys::BALLOTS.put(state, &key, &ballot);
        Ok(response(&MsgRevealBallotResponse {}))
    }
}
