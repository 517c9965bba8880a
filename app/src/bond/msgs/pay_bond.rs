//! `MsgPayBond`: an operator pays its node's bond at once.

use race_proto::race::bond::v1::{MsgPayBond, MsgPayBondResponse};
use race_proto::Any;

use crate::address::Account;
use crate::bank::coins::Coins;
use crate::bond::{self, errors::Error};
use crate::coin::Nicoin;
use crate::context::Context;
use crate::error::TxError;
use crate::message::{decode, response, CheckedMsg};
use crate::state::State;
use crate::tx::gas;
use crate::{fields, node};

struct PayBond {
    sender: Account,
    amount: Nicoin,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgPayBond = decode(bytes)?;
    let sender = fields::signer("sender", &msg.sender)?;
    let coins = Coins::parse(msg.amount.as_slice())?;
    if !coins.is_valid() || coins.foreign().is_some() || coins.nicoin() == 0 {
        let got = coins.to_string().chars().take(80).collect();
        return Err(Error::Amount { got }.into());
    }
    Ok(Box::new(PayBond {
        sender,
        amount: coins.nicoin(),
    }))
}

impl CheckedMsg for PayBond {
    fn signer(&self) -> Account {
        self.sender
    }

    fn gas(&self) -> u64 {
        gas::TRANSFER
    }

    /// The coins are the sender's; once bonded they are the operator's.
    fn execute(&self, state: &mut State, _: &Context<'_>) -> Result<Any, TxError> {
        let node = node::by_sender(state, &self.sender)?;
        let operator = node::operator(&node);
        let address = node::address(&node);
        bond::add(state, &self.sender, &address, &operator, self.amount)?;
        Ok(response(&MsgPayBondResponse {}))
    }
}
