//! `MsgRevoke`: takes a grant back.

use race_proto::cosmos::authz::v1beta1::{MsgRevoke, MsgRevokeResponse};
use race_proto::Any;

use crate::address::Account;
use crate::authz::{keys, revoked, Error};
use crate::context::Context;
use crate::error::TxError;
use crate::grants::Sides;
use crate::message::{decode, response, CheckedMsg};
use crate::registry;
use crate::state::State;
use crate::tx::gas;

struct Revoke {
    sides: Sides,
    url: String,
}

/// Checks the signer; the rest fails in the block, as in the SDK.
pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgRevoke = decode(bytes)?;
    Ok(Box::new(Revoke {
        sides: Sides::read(&msg.granter, msg.grantee)?,
        url: msg.msg_type_url,
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
        let grantee = self.sides.grantee(Error::GranteeIsGranter {})?;
        if self.url.is_empty() {
            let log = "missing msg method name: invalid request";
            return Err(TxError::sdk(18, log));
        }
        let id = (self.sides.granter, grantee, self.url.clone());
        // A type that is not known is not looked up: only those that are known are fit for a key.
        if registry::message(&self.url).is_none() || !keys::BOOK.remove(state, &id) {
            let (granter, url) = (self.sides.granter, &self.url);
            let what = format!("failed to delete the grant of {url} from {granter} to {grantee}");
            return Err(Error::NotFound { what }.into());
        }
        state.emit(revoked(&id));
        Ok(response(&MsgRevokeResponse {}))
    }
}
