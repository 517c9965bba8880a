//! Keys of `beacon`.

use race_proto::race::beacon::v1::{Contribution, Round, RoundId};

use crate::address::ConsensusAddress;
use crate::state::Map;

/// The store of this module.
pub const STORE: &str = "beacon";

/// A round: purpose, epoch, attempt, round.
pub(super) type RoundKey = (u32, u64, u32, u64);

/// The key of a round.
pub(super) fn key(id: &RoundId) -> RoundKey {
    // Purposes are numbers of an enumeration, never negative.
    (id.purpose.unsigned_abs(), id.epoch, id.attempt, id.round)
}

/// Rounds, open and closed.
pub(super) const ROUNDS: Map<RoundKey, Round> = Map::new(STORE, "round");

/// The rounds among them that take commits or reveals, or will.
pub(super) const OPEN: Map<RoundKey, ()> = Map::new(STORE, "open");

/// Members' parts in rounds.
pub(super) const CONTRIBUTIONS: Map<(RoundKey, ConsensusAddress), Contribution> =
    Map::new(STORE, "contribution");
