//! `MsgRevokeAllowance`: takes an allowance back.

use race_proto::cosmos::feegrant::v1beta1::{MsgRevokeAllowance, MsgRevokeAllowanceResponse};
use race_proto::Any;

use super::grantee;
use crate::address::Account;
use crate::context::Context;
use crate::error::TxError;
use crate::feegrant::{remove, told};
use crate::message::{decode, response, signer, CheckedMsg};
use crate::state::State;
use crate::tx::gas;

struct Revoke {
    granter: Account,
    grantee: String,
}

/// Checks the signer; the rest fails in the block, as in the SDK.
pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgRevokeAllowance = decode(bytes)?;
    Ok(Box::new(Revoke {
        granter: signer(&msg.granter)?,
        grantee: msg.grantee,
    }))
}

impl CheckedMsg for Revoke {
    fn signer(&self) -> Account {
        self.granter
    }

    fn gas(&self) -> u64 {
        gas::SMALL
    }

    fn execute(&self, state: &mut State, _: &Context<'_>) -> Result<Any, TxError> {
        let grantee = grantee(&self.grantee)?;
        if grantee == self.granter {
            let log = "addresses must be different: invalid address";
            return Err(TxError::sdk(7, log));
        }
        let id = (grantee, self.granter);
        if !remove(state, id) {
            return Err(TxError::sdk(38, "fee-grant not found: not found"));
        }
        state.emit(told("revoke_feegrant", id));
        Ok(response(&MsgRevokeAllowanceResponse {}))
    }
}
