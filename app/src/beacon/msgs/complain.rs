//! `MsgComplain`: a receiver opens a bad share, and the chain judges who lied.

use race_proto::race::beacon::v1::{KeyStatus, MsgComplain, MsgComplainResponse};
use race_proto::Any;
use race_randomness::dkg::Complaint;

use crate::address::Account;
use crate::beacon::events;
use crate::beacon::keygen::{self, KeyAttempt};
use crate::context::Context;
use crate::error::TxError;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::state::State;
use crate::tx::gas;
use crate::{epoch, fields, node, treasury};

struct Complain {
    sender: Account,
    attempt: KeyAttempt,
    complaint: [u8; Complaint::LENGTH],
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgComplain = decode(bytes)?;
    Ok(Box::new(Complain {
        sender: fields::signer("sender", &msg.sender)?,
        attempt: (msg.epoch, msg.race_attempt, msg.key_attempt),
        complaint: fields::bytes("complaint", &msg.complaint)?,
    }))
}

impl CheckedMsg for Complain {
    fn signer(&self) -> Account {
        self.sender
    }

    fn lane(&self) -> Lane {
        Lane::Protocol
    }

    fn gas(&self) -> u64 {
        gas::LARGE
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        let (generation, accuser) =
            super::key_generation(state, &self.sender, &self.attempt, KeyStatus::Confirm)?;
        let judged = keygen::complain(state, context, &generation, &accuser, &self.complaint)
            .map_err(|refusal| super::refused(&refusal))?;
        let (liar, reason) = match judged.upheld {
            true => (node::member(&judged.dealer), "false deal"),
            false => (accuser, "false complaint"),
        };
        treasury::forfeit_epoch(state, &liar, epoch::current(state).number, reason);
        events::complaint(state, &generation, &judged);
        Ok(response(&MsgComplainResponse {
            upheld: judged.upheld,
        }))
    }
}
