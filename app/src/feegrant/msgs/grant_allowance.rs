//! `MsgGrantAllowance`: promises to pay another account's fees.

use race_proto::cosmos::feegrant::v1beta1::{MsgGrantAllowance, MsgGrantAllowanceResponse};
use race_proto::Any;

use crate::address::Account;
use crate::auth;
use crate::context::Context;
use crate::error::TxError;
use crate::feegrant::allowance::Allowance;
use crate::feegrant::{keys, put, told};
use crate::grants::Sides;
use crate::message::{decode, response, CheckedMsg};
use crate::state::State;
use crate::tx::gas;

struct Give {
    sides: Sides,
    allowance: Allowance,
}

/// Checks the signer and the kind of allowance; the rest fails in the block, as in the SDK.
pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgGrantAllowance = decode(bytes)?;
    Ok(Box::new(Give {
        sides: Sides::read(&msg.granter, msg.grantee)?,
        allowance: Allowance::unpack(msg.allowance.as_ref())?,
    }))
}

impl CheckedMsg for Give {
    fn signer(&self) -> Account {
        self.sides.granter
    }

    fn gas(&self) -> u64 {
        gas::LARGE
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        let same = TxError::sdk(7, "cannot self-grant fee authorization: invalid address");
        let grantee = self.sides.grantee(same)?;
        let id = (grantee, self.sides.granter);
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
