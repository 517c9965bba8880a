//! Keys of `model`.

use race_proto::race::model::v1::{Host, Model};

use crate::address::ConsensusAddress;
use crate::state::Map;

/// The store of this module.
pub const STORE: &str = "model";

/// Models by id.
pub(super) const MODELS: Map<String, Model> = Map::new(STORE, "model");

/// Who has loaded a model, by (model id, node).
pub(super) const HOSTS: Map<(String, ConsensusAddress), Host> = Map::new(STORE, "host");

/// The same by (node, model id).
pub(super) const BY_NODE: Map<(ConsensusAddress, String), ()> = Map::new(STORE, "node");

/// How often a node announced something in an epoch, by (epoch, node).
pub(super) const ANNOUNCEMENTS: Map<(u64, ConsensusAddress), u64> =
    Map::new(STORE, "announcements");
