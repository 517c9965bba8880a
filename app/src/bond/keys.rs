//! Keys of `bond`.

use race_proto::race::bond::v1::Bond;

use crate::address::ConsensusAddress;
use crate::state::Map;

/// The store of this module.
pub const STORE: &str = "bond";

/// Bonds by node and operator.
pub(super) const BONDS: Map<(ConsensusAddress, [u8; 20]), Bond> = Map::new(STORE, "bond");
