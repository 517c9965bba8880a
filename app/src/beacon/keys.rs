//! Keys of `beacon`.

use race_proto::race::beacon::v1::{
    CommitteeKey, Contribution, KeyComplaint, KeyConfirmation, KeyDeal, KeyGeneration, Round,
    RoundId, Seed,
};

use super::keygen::KeyAttempt;
use crate::address::ConsensusAddress;
use crate::state::{Item, Map};

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

/// The rounds among them that are not closed.
pub(super) const OPEN: Map<RoundKey, ()> = Map::new(STORE, "open");

/// Members' parts in rounds.
pub(super) const CONTRIBUTIONS: Map<(RoundKey, ConsensusAddress), Contribution> =
    Map::new(STORE, "contribution");

/// Shares that members posted for a round's signing attempt.
pub(super) const POSTED: Map<(RoundKey, ConsensusAddress), Vec<u8>> = Map::new(STORE, "posted");

/// The seed of each race attempt of an epoch: for ever.
pub(super) const SEEDS: Map<(u64, u32), Seed> = Map::new(STORE, "seed");

/// Which key signs for an epoch: for ever.
pub(super) const COMMITTEE_KEYS: Map<u64, CommitteeKey> = Map::new(STORE, "key");

/// Key generations.
pub(super) const GENERATIONS: Map<KeyAttempt, KeyGeneration> = Map::new(STORE, "generation");

/// Who dealt in them.
pub(super) const DEALS: Map<(KeyAttempt, ConsensusAddress), KeyDeal> = Map::new(STORE, "deal");

/// The deals themselves.
pub(super) const DEAL_BYTES: Map<(KeyAttempt, ConsensusAddress), Vec<u8>> =
    Map::new(STORE, "deal_bytes");

/// The complaints, in the order in which they were judged.
pub(super) const COMPLAINTS: Map<(KeyAttempt, u64), KeyComplaint> = Map::new(STORE, "complaint");

/// Who confirmed.
pub(super) const CONFIRMATIONS: Map<(KeyAttempt, ConsensusAddress), KeyConfirmation> =
    Map::new(STORE, "confirmation");

/// The committee keys that came out of key generations, with the commitments to all shares.
pub(super) const COMMITMENTS: Map<KeyAttempt, Vec<u8>> = Map::new(STORE, "commitments");

/// Deals that this block took.
pub(super) const DEALT: Item<u64> = Item::new(STORE, "dealt");
