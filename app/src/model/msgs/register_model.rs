//! `MsgRegisterModel`: governance adds a model.

use race_proto::race::model::v1::{
    EventModelRegistered, Model, MsgRegisterModel, MsgRegisterModelResponse,
};
use race_proto::Any;

use super::{authority, check_model};
use crate::address::Account;
use crate::context::Context;
use crate::error::TxError;
use crate::events::typed;
use crate::message::{decode, response, CheckedMsg};
use crate::model::errors::Error;
use crate::model::{get, keys, params};
use crate::state::State;
use crate::tx::gas;

struct RegisterModel {
    authority: Account,
    model: Model,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgRegisterModel = decode(bytes)?;
    let authority = authority(&msg.authority)?;
    let model = msg.model.unwrap_or_default();
    check_model(&model)?;
    Ok(Box::new(RegisterModel { authority, model }))
}

impl CheckedMsg for RegisterModel {
    fn signer(&self) -> Account {
        self.authority
    }

    fn gas(&self) -> u64 {
        gas::LARGE
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        let id = self.model.id.clone();
        if get(state, &id).is_some() {
            return Err(Error::Exists { id }.into());
        }
        let limit = crate::params::get(state, &params::MAX_MODELS);
        if crate::model::all(state).len() as u64 >= limit {
            return Err(Error::Full { limit }.into());
        }
        let mut model = self.model.clone();
        model.registered_height = context.height;
        keys::MODELS.put(state, &id, &model);
        state.emit(typed(&EventModelRegistered { id }));
        Ok(response(&MsgRegisterModelResponse {}))
    }
}
