//! `MsgRevoke`: takes a grant back.

use race_proto::cosmos::authz::v1beta1::{MsgRevoke, MsgRevokeResponse};
use race_proto::Any;

use super::grantee;
use crate::address::Account;
use crate::authz::{remove, revoked, Error};
use crate::context::Context;
use crate::error::TxError;
use crate::message::{decode, response, signer, CheckedMsg};
use crate::registry;
use crate::state::State;
use crate::tx::gas;

struct Revoke {
    granter: Account,
    grantee: String,
    url: String,
}

/// Checks the signer; the rest fails in the block, as in the SDK.
pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgRevoke = decode(bytes)?;
    Ok(Box::new(Revoke {
        granter: signer(&msg.granter)?,
        grantee: msg.grantee,
        url: msg.msg_type_url,
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
            return Err(Error::GranteeIsGranter {}.into());
        }
        if self.url.is_empty() {
            let log = "missing msg method name: invalid request";
            return Err(TxError::sdk(18, log));
        }
        let id = (self.granter, grantee, self.url.clone());
        // A type that is not known is not looked up: only those that are known are fit for a key.
        if registry::message(&self.url).is_none() || !remove(state, &id) {
            let (granter, url) = (self.granter, &self.url);
            let what = format!("failed to delete the grant of {url} from {granter} to {grantee}");
            return Err(Error::NotFound { what }.into());
        }
        state.emit(revoked(&id));
        Ok(response(&MsgRevokeResponse {}))
    }
}
