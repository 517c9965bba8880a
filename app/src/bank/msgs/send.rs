//! `MsgSend`: coins from the signer to one account.

use race_proto::cosmos::bank::v1beta1::{MsgSend, MsgSendResponse};
use race_proto::Any;

use crate::address::Account;
use crate::bank::coins::Coins;
use crate::context::Context;
use crate::error::TxError;
use crate::message::{decode, response, signer, CheckedMsg};
use crate::state::State;
use crate::tx::gas;

struct Send {
    from: Account,
    to: String,
    amount: Coins,
}

/// Checks the signer and that the amounts are integers; the rest fails in the block, as in the SDK.
pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgSend = decode(bytes)?;
    let from = signer(&msg.from_address)?;
    Ok(Box::new(Send {
        from,
        to: msg.to_address,
        amount: Coins::parse(&msg.amount)?,
    }))
}

impl CheckedMsg for Send {
    fn signer(&self) -> Account {
        self.from
    }

    fn gas(&self) -> u64 {
        gas::TRANSFER
    }

    fn execute(&self, state: &mut State, _: &Context<'_>) -> Result<Any, TxError> {
        let to = super::receiver(&self.to, "invalid to address: ")?;
        super::valid(&self.amount)?;
        super::may_receive(&to)?;
        super::covered(state, &self.from, &self.amount)?;
        crate::bank::transfer(state, &self.from, &to, self.amount.nicoin())?;
        Ok(response(&MsgSendResponse {}))
    }
}
