//! `MsgGrantAllowance`: promises to pay another account's fees.

use race_proto::cosmos::feegrant::v1beta1::{MsgGrantAllowance, MsgGrantAllowanceResponse};
use race_proto::Any;

use super::grantee;
use crate::address::Account;
use crate::auth;
use crate::context::Context;
use crate::error::TxError;
use crate::feegrant::allowance::Allowance;
use crate::feegrant::{keys, put, told};
use crate::message::{decode, response, signer, CheckedMsg};
use crate::state::State;
use crate::tx::gas;

struct Give {
    granter: Account,
    grantee: String,
    allowance: Allowance,
}

/// Checks the signer and the kind of allowance; the rest fails in the block, as in the SDK.
pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgGrantAllowance = decode(bytes)?;
    Ok(Box::new(Give {
        granter: signer(&msg.granter)?,
        grantee: msg.grantee,
        allowance: Allowance::unpack(msg.allowance.as_ref())?,
    }))
}

impl CheckedMsg for Give {
    fn signer(&self) -> Account {
        self.granter
    }

    fn gas(&self) -> u64 {
        gas::LARGE
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        let grantee = grantee(&self.grantee)?;
        if grantee == self.granter {
            let log = "cannot self-grant fee authorization: invalid address";
            return Err(TxError::sdk(7, log));
        }
        let id = (grantee, self.granter);
        if keys::ALLOWANCES.has(state, &id) {
            let log = "fee allowance already exists: invalid request";
            return Err(TxError::sdk(18, log));
        }
        self.allowance.check(context.time_ms)?;
        put(state, id, &self.allowance)?;
        auth::ensure_account(state, &grantee);
        state.emit(told("set_feegrant", id));
        Ok(response(&MsgGrantAllowanceResponse {}))
    }
}
