//! `MsgGrant`: lets another account send messages of one type.

use race_proto::cosmos::authz::v1beta1::{Grant, MsgGrant, MsgGrantResponse};
use race_proto::Any;

use crate::address::Account;
use crate::auth;
use crate::authz::authorization::Authorization;
use crate::authz::{granted, is_over, put, Error};
use crate::context::Context;
use crate::error::TxError;
use crate::grants::Sides;
use crate::message::{decode, response, CheckedMsg};
use crate::registry;
use crate::state::State;
use crate::time::{self, timestamp};
use crate::tx::gas;

struct Give {
    sides: Sides,
    grant: Grant,
    authorization: Authorization,
}

/// Checks the signer and the kind of authorization; the rest fails in the block, as in the SDK.
pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgGrant = decode(bytes)?;
    let sides = Sides::read(&msg.granter, msg.grantee)?;
    let grant = msg.grant.unwrap_or_default();
    let authorization = Authorization::unpack(grant.authorization.as_ref())?;
    if let Some(end) = &grant.expiration {
        time::check(end)
            .map_err(|e| TxError::sdk(2, format!("expiration: {e}: tx parse error")))?;
    }
    Ok(Box::new(Give {
        sides,
        grant,
        authorization,
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
        let grantee = self.sides.grantee(Error::GranteeIsGranter {})?;
        self.authorization.check()?;
        let url = self.authorization.message_type();
        if registry::message(&url).is_none() {
            let log = format!("{url} doesn't exist.: invalid type");
            return Err(TxError::sdk(29, log));
        }
        if is_over(&self.grant, context.time_ms) {
            let end = self.grant.expiration.as_ref();
            return Err(Error::InvalidExpiration {
                now: time::shown(&timestamp(context.time_ms)),
                got: end.map_or_else(String::new, time::shown),
            }
            .into());
        }
        let id = (self.sides.granter, grantee, url);
        put(state, &id, &self.grant)?;
        auth::ensure_account(state, &grantee);
        state.emit(granted(&id));
        Ok(response(&MsgGrantResponse {}))
    }
}
