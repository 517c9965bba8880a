//! Keys of `race`.

use race_proto::race::race::v1::{
    Assigned, CheckCommitment, CheckList, Dispute, Opening, Result, Submission,
};

use crate::address::ConsensusAddress;
use crate::state::{Item, Map};

/// The store of this module.
pub const STORE: &str = "race";

/// An attempt's entry of a node: epoch, race attempt, address.
pub(super) type Entry = (u64, u32, ConsensusAddress);

/// What is between two nodes: epoch, race attempt, checker, participant.
pub(super) type Pair = (u64, u32, ConsensusAddress, ConsensusAddress);

/// The name of the preset.
pub(super) const PRESET: Item<String> = Item::new(STORE, "preset");

/// Commitments of proofs.
pub(super) const SUBMISSIONS: Map<Entry, Submission> = Map::new(STORE, "submission");

/// Opened leaves.
pub(super) const OPENINGS: Map<Entry, Opening> = Map::new(STORE, "opening");

/// What a checker must recompute of a participant.
pub(super) const ASSIGNED: Map<Pair, Assigned> = Map::new(STORE, "assigned");

/// Checkers' commitments.
pub(super) const COMMITMENTS: Map<Entry, CheckCommitment> = Map::new(STORE, "commitment");

/// What a checker revealed of a participant.
pub(super) const CHECKS: Map<Pair, CheckList> = Map::new(STORE, "check");

/// Disputes, by epoch, attempt, participant and position.
pub(super) const DISPUTES: Map<(u64, u32, ConsensusAddress, u64), Dispute> =
    Map::new(STORE, "dispute");

/// Checkers that a dispute of the attempt found false: their other views count no more.
pub(super) const FALSE_CHECKERS: Map<Entry, ()> = Map::new(STORE, "false-checker");

/// What became of proofs: only struck ones before the attempt is judged, then all.
pub(super) const RESULTS: Map<Entry, Result> = Map::new(STORE, "result");
