//! Keys of `reputation`.

use race_proto::race::reputation::v1::Reputation;

use crate::address::ConsensusAddress;
use crate::state::Map;

/// The store of this module.
pub const STORE: &str = "reputation";

/// Reputations by node.
pub(super) const REPUTATIONS: Map<ConsensusAddress, Reputation> = Map::new(STORE, "reputation");
