//! `MsgRevokeAllowance`: takes an allowance back.

use race_proto::cosmos::feegrant::v1beta1::{MsgRevokeAllowance, MsgRevokeAllowanceResponse};
use race_proto::Any;

use crate::address::Account;
use crate::context::Context;
use crate::error::TxError;
use crate::feegrant::{keys, told};
use crate::grants::Sides;
use crate::message::{decode, response, CheckedMsg};
use crate::state::State;
use crate::tx::gas;

struct Revoke {
    sides: Sides,
}

/// Checks the signer; the rest fails in the block, as in the SDK.
pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgRevokeAllowance = decode(bytes)?;
    Ok(Box::new(Revoke {
        sides: Sides::read(&msg.granter, msg.grantee)?,
    }))
}

impl CheckedMsg for Revoke {
    fn signer(&self) -> Account {
        self.sides.granter
    }

    fn gas(&self) -> u64 {
        gas::SMALL
    }

    fn execute(&self, state: &mut State, _: &Context<'_>) -> Result<Any, TxError> {
        let same = TxError::sdk(7, "addresses must be different: invalid address");
        let grantee = self.sides.grantee(same)?;
        let id = (grantee, self.sides.granter);
        if !keys::BOOK.remove(state, &id) {
            return Err(TxError::sdk(38, "fee-grant not found: not found"));
        }
        state.emit(told("revoke_feegrant", id));
        Ok(response(&MsgRevokeAllowanceResponse {}))
    }
}
