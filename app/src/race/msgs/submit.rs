//! `MsgSubmitRace`: the commitment of a proof, replaceable until the window closes.

use race_proto::race::epoch::v1::Phase;
use race_proto::race::race::v1::{MsgSubmitRace, MsgSubmitRaceResponse, Submission};
use race_proto::Any;

use crate::address::Account;
use crate::context::Context;
use crate::error::TxError;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::race::{errors::Error, events, keys, MAX_COUNT};
use crate::state::State;
use crate::tx::gas;
use crate::{epoch, fields, node};

struct Submit {
    sender: Account,
    epoch: u64,
    attempt: u32,
    root: [u8; 32],
    count: u64,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgSubmitRace = decode(bytes)?;
    let root = fields::bytes("root", &msg.root)?;
    if !(1..=MAX_COUNT).contains(&msg.count) {
        return Err(Error::BadCount {
            got: msg.count,
            limit: MAX_COUNT,
        }
        .into());
    }
    let sender = fields::signer("sender", &msg.sender)?;
    Ok(Box::new(Submit {
        sender,
        epoch: msg.epoch,
        attempt: msg.attempt,
        root,
        count: msg.count,
    }))
}

impl CheckedMsg for Submit {
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
        epoch::require(state, self.epoch, self.attempt, Phase::Race)?;
        let entry = (self.epoch, self.attempt, address);
        if let Some(before) = keys::SUBMISSIONS.get(state, &entry) {
            if before.height >= context.height {
                return Err(Error::TooOften {
                    height: before.height,
                }
                .into());
            }
        }
        let submission = Submission {
            address: address.to_vec(),
            root: self.root.to_vec(),
            count: self.count,
            height: context.height,
        };
        keys::SUBMISSIONS.put(state, &entry, &submission);
        node::raced(state, &address, self.epoch);
        events::submitted(state, self.epoch, self.attempt, &submission);
        Ok(response(&MsgSubmitRaceResponse {}))
    }
}
