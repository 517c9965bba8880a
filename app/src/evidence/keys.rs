//! Keys of `evidence`.

use race_proto::race::evidence::v1::Equivocation;

use crate::address::ConsensusAddress;
use crate::state::Map;

/// The store of this module.
pub const STORE: &str = "evidence";

/// Proven equivocations, by validator, height and kind.
pub(super) const EQUIVOCATIONS: Map<(ConsensusAddress, u64, u32), Equivocation> =
    Map::new(STORE, "equivocation");

/// The last epoch in which evidence about a validator came.
pub(super) const OUT: Map<ConsensusAddress, u64> = Map::new(STORE, "out");
