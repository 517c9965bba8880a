//! `MsgDeposit`: adds to a proposal's deposit.

use race_proto::cosmos::gov::v1::{MsgDeposit, MsgDepositResponse};
use race_proto::Any;

use super::{amount, find};
use crate::address::Account;
use crate::coin::Nicoin;
use crate::context::Context;
use crate::error::TxError;
use crate::gov::{deposits, keys, Error};
use crate::message::{decode, response, signer, CheckedMsg};
use crate::state::State;
use crate::tx::gas;

struct Deposit {
    depositor: Account,
    id: u64,
    amount: Nicoin,
}

/// The amount must be a positive amount of nicoin.
pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgDeposit = decode(bytes)?;
    let depositor = signer(&msg.depositor)?;
    match amount(&msg.amount)? {
        0 => Err(Error::InvalidDeposit {
            coins: "0nicoin".to_owned(),
        }
        .into()),
        amount => Ok(Box::new(Deposit {
            depositor,
            id: msg.proposal_id,
            amount,
        })),
    }
}

impl CheckedMsg for Deposit {
    fn signer(&self) -> Account {
        self.depositor
    }

    fn gas(&self) -> u64 {
        gas::TRANSFER
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        let mut proposal = find(state, self.id)?;
        if !keys::OPEN.has(state, &self.id) {
            return Err(Error::Inactive { id: self.id }.into());
        }
        deposits::add(state, context, &mut proposal, &self.depositor, self.amount)?;
        Ok(response(&MsgDepositResponse {}))
    }
}
