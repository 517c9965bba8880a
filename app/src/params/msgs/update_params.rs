//! `MsgUpdateParams`: governance sets parameters.

use race_proto::race::params::v1::{MsgUpdateParams, MsgUpdateParamsResponse};
use race_proto::Any;

use crate::address::Account;
use crate::context::Context;
use crate::error::TxError;
use crate::gov;
use crate::message::{decode, response, signer, CheckedMsg};
use crate::params::{check, fits, get, pending, refused, schedule, ParamSpec};
use crate::state::State;
use crate::tx::gas;

struct UpdateParams {
    authority: Account,
    values: Vec<(&'static ParamSpec, u64)>,
}

/// Every name must exist, once, and every value be within its bounds.
pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgUpdateParams = decode(bytes)?;
    let authority = signer(&msg.authority)?;
    let mut values: Vec<(&ParamSpec, u64)> = Vec::with_capacity(msg.params.len());
    for param in &msg.params {
        let spec = check(&param.name, param.value).map_err(refused)?;
        if values.iter().any(|(earlier, _)| earlier.name == spec.name) {
            return Err(refused(format!("parameter {} is given twice", spec.name)));
        }
        values.push((spec, param.value));
    }
    if values.is_empty() {
        return Err(refused("no parameter is given".to_owned()));
    }
    Ok(Box::new(UpdateParams { authority, values }))
}

impl CheckedMsg for UpdateParams {
    fn signer(&self) -> Account {
        self.authority
    }

    fn gas(&self) -> u64 {
        gas::SMALL
    }

    fn execute(&self, state: &mut State, _: &Context<'_>) -> Result<Any, TxError> {
        gov::require_authority(&self.authority)?;
        fits(|spec| {
            let new = self.values.iter().find(|(s, _)| s.name == spec.name);
            new.map(|(_, value)| *value)
                .or_else(|| pending(state, spec))
                .unwrap_or_else(|| get(state, spec))
        })
        .map_err(|misfit| refused(misfit.to_string()))?;
        for (spec, value) in &self.values {
            schedule(state, spec, *value);
        }
        Ok(response(&MsgUpdateParamsResponse {}))
    }
}
