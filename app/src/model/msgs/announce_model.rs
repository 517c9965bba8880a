//! `MsgAnnounceModel`: a node says that it has loaded, or unloaded, a model.

use race_proto::race::model::v1::{
    EventModelLoaded, EventModelUnloaded, Host, MsgAnnounceModel, MsgAnnounceModelResponse,
};
use race_proto::Any;

use super::check_id;
use crate::address::{Account, ConsensusAddress};
use crate::context::Context;
use crate::error::TxError;
use crate::events::typed;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::model::errors::Error;
use crate::model::{get, keys, load, params, unload};
use crate::state::State;
use crate::tx::gas;
use crate::{epoch, fields, node};

struct AnnounceModel {
    sender: Account,
    id: String,
    loaded: bool,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgAnnounceModel = decode(bytes)?;
    let sender = fields::signer("sender", &msg.sender)?;
    check_id(&msg.model_id)?;
    Ok(Box::new(AnnounceModel {
        sender,
        id: msg.model_id,
        loaded: msg.loaded,
    }))
}

impl AnnounceModel {
    /// Counts the announcement: what is free is bounded.
    fn count(&self, state: &mut State, address: &ConsensusAddress) -> Result<(), Error> {
        let limit = crate::params::get(state, &params::MAX_ANNOUNCEMENTS);
        let key = (epoch::current(state).number, *address);
        let made = keys::ANNOUNCEMENTS.get(state, &key).unwrap_or(0);
        if made >= limit {
            return Err(Error::TooMany { limit });
        }
        keys::ANNOUNCEMENTS.put(state, &key, &made.saturating_add(1));
        Ok(())
    }
}

impl CheckedMsg for AnnounceModel {
    fn signer(&self) -> Account {
        self.sender
    }

    fn lane(&self) -> Lane {
        Lane::Protocol
    }

    fn gas(&self) -> u64 {
        gas::SMALL
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        let address = node::address(&node::by_sender(state, &self.sender)?);
        let id = self.id.clone();
        let Some(model) = get(state, &id) else {
            return Err(Error::Unknown { id }.into());
        };
        if self.loaded && model.retired {
            return Err(Error::Retired { id }.into());
        }
        let key = (id.clone(), address);
        if keys::HOSTS.has(state, &key) == self.loaded {
            let state = if self.loaded { "loaded" } else { "not loaded" };
            return Err(Error::NoChange { id, state }.into());
        }
        self.count(state, &address)?;
        if self.loaded {
            let host = Host {
                address: address.to_vec(),
                model_id: id.clone(),
                since_height: context.height,
            };
            load(state, &host);
            state.emit(typed(&EventModelLoaded {
                id,
                address: address.to_vec(),
            }));
        } else {
            unload(state, &id, &address);
            state.emit(typed(&EventModelUnloaded {
                id,
                address: address.to_vec(),
            }));
        }
        Ok(response(&MsgAnnounceModelResponse {}))
    }
}
