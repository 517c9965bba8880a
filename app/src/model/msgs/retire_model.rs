//! `MsgRetireModel`: governance retires a model. Open sessions on it run on until they expire.

use race_proto::race::model::v1::{EventModelRetired, MsgRetireModel, MsgRetireModelResponse};
use race_proto::Any;

use super::{authority, check_id};
use crate::address::Account;
use crate::context::Context;
use crate::error::TxError;
use crate::events::typed;
use crate::message::{decode, response, CheckedMsg};
use crate::model::errors::Error;
use crate::model::{get, keys};
use crate::state::State;
use crate::tx::gas;

struct RetireModel {
    authority: Account,
    id: String,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgRetireModel = decode(bytes)?;
    let authority = authority(&msg.authority)?;
    check_id(&msg.id)?;
    Ok(Box::new(RetireModel {
        authority,
        id: msg.id,
    }))
}

impl CheckedMsg for RetireModel {
    fn signer(&self) -> Account {
        self.authority
    }

    fn gas(&self) -> u64 {
        gas::SMALL
    }

    fn execute(&self, state: &mut State, _: &Context<'_>) -> Result<Any, TxError> {
        let id = self.id.clone();
        let Some(mut model) = get(state, &id) else {
            return Err(Error::Unknown { id }.into());
        };
        if model.retired {
            return Err(Error::Retired { id }.into());
        }
        model.retired = true;
        keys::MODELS.put(state, &id, &model);
        state.emit(typed(&EventModelRetired { id }));
        Ok(response(&MsgRetireModelResponse {}))
    }
}
