//! `MsgConfirmReady`: a candidate is there. Stands where key generation takes place.

use race_proto::race::epoch::v1::{Confirmation, MsgConfirmReady, MsgConfirmReadyResponse, Phase};
use race_proto::Any;

use crate::address::Account;
use crate::context::Context;
use crate::epoch::{self, errors::Error, keys};
use crate::error::TxError;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::state::State;
use crate::tx::gas;
use crate::{fields, node};

struct ConfirmReady {
    sender: Account,
    epoch: u64,
    race_attempt: u32,
    key_attempt: u32,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let MsgConfirmReady {
        sender,
        epoch,
        race_attempt,
        key_attempt,
    } = decode(bytes)?;
    let sender = fields::signer("sender", &sender)?;
    Ok(Box::new(ConfirmReady {
        sender,
        epoch,
        race_attempt,
        key_attempt,
    }))
}

impl CheckedMsg for ConfirmReady {
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
        let current = epoch::require(state, self.epoch, self.race_attempt, Phase::Ready)?;
        if current.key_attempt != self.key_attempt {
            let (expected, got) = (current.key_attempt, self.key_attempt);
            return Err(Error::WrongAttempt {
                what: "key",
                expected,
                got,
            }
            .into());
        }
        let name = || hex::encode_upper(address);
        if !epoch::candidates(state, &current).contains_key(&address) {
            return Err(Error::NotACandidate { address: name() }.into());
        }
        let key = (self.epoch, self.race_attempt, self.key_attempt, address);
        if keys::CONFIRMATIONS.has(state, &key) {
            return Err(Error::AlreadyConfirmed { address: name() }.into());
        }
        let confirmation = Confirmation {
            address: address.to_vec(),
            height: context.height,
        };
        keys::CONFIRMATIONS.put(state, &key, &confirmation);
        Ok(response(&MsgConfirmReadyResponse {}))
    }
}
