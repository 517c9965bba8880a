//! `MsgProveOmission`: shows that a validator left out a duty that its revealed rho drew. What the
//! validator may still reveal is not left out yet.

use race_proto::race::duty::v1::{MsgProveOmission, MsgProveOmissionResponse};
use race_proto::Any;

use super::task;
use crate::address::{Account, ConsensusAddress};
use crate::context::Context;
use crate::duty::errors::Error;
use crate::duty::lottery::Pins;
use crate::duty::{keys, last_place, reveal, windows};
use crate::error::TxError;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::state::State;
use crate::tx::gas;
use crate::{epoch, fields, node};

struct ProveOmission {
    sender: Account,
    epoch: u64,
    validator: ConsensusAddress,
    session: u64,
    index: u64,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgProveOmission = decode(bytes)?;
    Ok(Box::new(ProveOmission {
        sender: fields::signer("sender", &msg.sender)?,
        epoch: msg.epoch,
        validator: fields::bytes("validator", &msg.validator)?,
        session: msg.session_id,
        index: msg.index,
    }))
}

impl CheckedMsg for ProveOmission {
    fn signer(&self) -> Account {
        self.sender
    }

    fn lane(&self) -> Lane {
        Lane::Protocol
    }

    fn gas(&self) -> u64 {
        gas::SMALL
    }

    /// Counts the omission, once for each (validator, task).
    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        node::by_sender(state, &self.sender)?;
        let Self {
            epoch,
            session,
            index,
            ..
        } = *self;
        if epoch.checked_add(1) != Some(epoch::current(state).number) {
            return Err(Error::Late { epoch }.into());
        }
        let Some(mut revealed) = reveal(state, epoch, &self.validator) else {
            let validator = fields::shown(&self.validator);
            return Err(Error::NotRevealed { validator, epoch }.into());
        };
        let task = task(state, context.chain_id, epoch, session, index)?;
        let key = (epoch, self.validator, fields::stored(&task.id));
        if keys::VERDICTS.has(state, &key) {
            return Err(Error::NotOmitted { session, index }.into());
        }
        if keys::OMISSIONS.has(state, &key) {
            return Err(Error::Proved { session, index }.into());
        }
        let end = windows(state, epoch).reveal_end;
        if (session, index) > last_place(&revealed) && context.height <= end {
            return Err(Error::MayFollow {
                session,
                index,
                end,
            }
            .into());
        }
        let rho = fields::stored(&revealed.signature);
        if !Pins::default().falls_to(state, &task, &self.validator, &rho) {
            return Err(Error::NotDrawn { session, index }.into());
        }
        keys::OMISSIONS.put(state, &key, &());
        revealed.omitted = revealed.omitted.saturating_add(1);
        keys::REVEALS.put(state, &(epoch, self.validator), &revealed);
        Ok(response(&MsgProveOmissionResponse {}))
    }
}
