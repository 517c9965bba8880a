//! `MsgConfirm`: a member has checked its shares of all deals.

use race_proto::race::beacon::v1::{KeyStatus, MsgConfirm, MsgConfirmResponse};
use race_proto::Any;
use race_randomness::dkg::Confirmation;

use crate::address::Account;
use crate::beacon::events;
use crate::beacon::keygen::{self, KeyAttempt};
use crate::context::Context;
use crate::error::TxError;
use crate::fields;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::state::State;
use crate::tx::gas;

struct Confirm {
    sender: Account,
    attempt: KeyAttempt,
    confirmation: [u8; Confirmation::LENGTH],
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgConfirm = decode(bytes)?;
    Ok(Box::new(Confirm {
        sender: fields::signer("sender", &msg.sender)?,
        attempt: (msg.epoch, msg.race_attempt, msg.key_attempt),
        confirmation: fields::bytes("confirmation", &msg.confirmation)?,
    }))
}

impl CheckedMsg for Confirm {
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
        let (generation, member) =
            super::key_generation(state, &self.sender, &self.attempt, KeyStatus::Confirm)?;
        keygen::confirm(state, context, &generation, &member, &self.confirmation)
            .map_err(|refusal| super::refused(&refusal))?;
        events::confirmation(state, &generation, &member);
        Ok(response(&MsgConfirmResponse {}))
    }
}
