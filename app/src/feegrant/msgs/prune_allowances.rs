//! `MsgPruneAllowances`: forgets allowances whose time is over.

use race_proto::cosmos::feegrant::v1beta1::{MsgPruneAllowances, MsgPruneAllowancesResponse};
use race_proto::Any;

use crate::address::Account;
use crate::context::Context;
use crate::error::TxError;
use crate::events::event;
use crate::feegrant::keys;
use crate::message::{decode, response, signer, CheckedMsg};
use crate::state::State;
use crate::tx::gas;

/// Most allowances that a message forgets, as in the SDK.
const PRUNED: usize = 75;

struct Prune {
    pruner: Account,
}

/// Checks the signer.
pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgPruneAllowances = decode(bytes)?;
    Ok(Box::new(Prune {
        pruner: signer(&msg.pruner)?,
    }))
}

impl CheckedMsg for Prune {
    fn signer(&self) -> Account {
        self.pruner
    }

    fn gas(&self) -> u64 {
        gas::LARGE
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        keys::BOOK.forget(state, context.time_ms, PRUNED);
        let pruner = self.pruner.to_string();
        state.emit(event("prune_feegrant", &[("pruner", &pruner)]));
        Ok(response(&MsgPruneAllowancesResponse {}))
    }
}
