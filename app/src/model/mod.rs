//! The models that the network serves, and which nodes have loaded which.
//!
//! Governance registers and retires models; nodes announce what they have loaded.
//!
//! Invariant: an id is registered once and never given to other weights; a host entry names a
//! registered model, and is listed under its node.

pub mod errors;
pub mod genesis;
pub mod keys;
pub mod msgs;
pub mod params;
pub mod phase;
pub mod queries;

use race_proto::race::model::v1::{Host, Model};

use crate::address::ConsensusAddress;
use crate::state::State;
use crate::{fields, node};

pub use keys::STORE;
pub use msgs::MESSAGES;
pub use queries::QUERIES;

/// A registered model, retired or not.
pub fn get(state: &State, id: &str) -> Option<Model> {
    keys::MODELS.get(state, &id.to_owned())
}

/// All models, by id.
pub fn all(state: &State) -> Vec<Model> {
    keys::MODELS.values_under(state, &())
}

/// The registered nodes that say that they have loaded a model, by address.
pub fn hosts(state: &State, id: &str) -> Vec<Host> {
    let mut hosts = keys::HOSTS.values_under(state, &id.to_owned());
    hosts.retain(|host| node::get(state, &fields::stored(&host.address)).is_some());
    hosts
}

/// Whether a registered node says that it has loaded a model.
pub fn is_host(state: &State, id: &str, address: &ConsensusAddress) -> bool {
    keys::HOSTS.has(state, &(id.to_owned(), *address)) && node::get(state, address).is_some()
}

/// Drops what a node announced, when the node is forgotten.
pub(crate) fn forget_host(state: &mut State, address: &ConsensusAddress) {
    for ((address, id), ()) in keys::BY_NODE.under(state, address) {
        unload(state, &id, &address);
    }
}

/// Whether a node has any model loaded that is not retired, since before block `since`.
pub fn hosts_anything(state: &State, address: &ConsensusAddress, since: u64) -> bool {
    let since_then = |id: &String| {
        let host = keys::HOSTS.get(state, &(id.clone(), *address));
        host.is_some_and(|host| host.since_height < since)
    };
    let loaded = keys::BY_NODE.under(state, address);
    let mut ids = loaded.iter().map(|((_, id), ())| id);
    ids.any(|id| get(state, id).is_some_and(|model| !model.retired) && since_then(id))
}

/// Notes that a node has loaded a model.
fn load(state: &mut State, host: &Host) {
    let (id, address) = (host.model_id.clone(), fields::stored(&host.address));
    keys::HOSTS.put(state, &(id.clone(), address), host);
    keys::BY_NODE.put(state, &(address, id), &());
}

/// Notes that a node has not loaded a model any longer.
fn unload(state: &mut State, id: &str, address: &ConsensusAddress) {
    keys::HOSTS.remove(state, &(id.to_owned(), *address));
    keys::BY_NODE.remove(state, &(*address, id.to_owned()));
}

#[cfg(test)]
mod tests;
