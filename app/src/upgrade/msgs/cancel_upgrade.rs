//! `MsgCancelUpgrade`: the planned upgrade does not take place. Without a plan nothing happens, as in the
//! SDK.

use race_proto::cosmos::upgrade::v1beta1::{MsgCancelUpgrade, MsgCancelUpgradeResponse};
use race_proto::Any;

use crate::address::Account;
use crate::context::Context;
use crate::error::TxError;
use crate::gov;
use crate::message::{decode, response, signer, CheckedMsg};
use crate::state::State;
use crate::tx::gas;
use crate::upgrade::keys;

struct CancelUpgrade {
    authority: Account,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgCancelUpgrade = decode(bytes)?;
    let authority = signer(&msg.authority)?;
    Ok(Box::new(CancelUpgrade { authority }))
}

impl CheckedMsg for CancelUpgrade {
    fn signer(&self) -> Account {
        self.authority
    }

    fn gas(&self) -> u64 {
        gas::SMALL
    }

    fn execute(&self, state: &mut State, _: &Context<'_>) -> Result<Any, TxError> {
        gov::require_authority(&self.authority)?;
        keys::PLAN.remove(state);
        Ok(response(&MsgCancelUpgradeResponse {}))
    }
}
