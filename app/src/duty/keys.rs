//! Keys of `duty`.

use race_proto::race::duty::v1::{Ballot, DutyReveal, Reverification};

use crate::address::ConsensusAddress;
use crate::settlement::TaskId;
use crate::state::Map;

/// The store of this module.
pub const STORE: &str = "duty";

/// Revealed duties by (epoch, node).
pub(super) const REVEALS: Map<(u64, ConsensusAddress), DutyReveal> = Map::new(STORE, "reveal");

/// The code of each verdict's outcome, by (epoch, node, task).
pub(super) const VERDICTS: Map<(u64, ConsensusAddress, TaskId), u32> = Map::new(STORE, "verdict");

/// Omissions that were proved, by (epoch, node, task).
pub(super) const OMISSIONS: Map<(u64, ConsensusAddress, TaskId), ()> = Map::new(STORE, "omission");

/// The rate in thousandths at which an executor's tasks of an epoch are checked, fixed when its
/// last settlements are in: by (epoch, executor).
pub(super) const RATES: Map<(u64, ConsensusAddress), u64> = Map::new(STORE, "rate");

/// Re-verifications by (epoch of the task, task).
pub(super) const REVERIFICATIONS: Map<(u64, TaskId), Reverification> =
    Map::new(STORE, "reverification");

/// Those that are not decided: the epoch of the task, by task.
pub(super) const OPEN: Map<TaskId, u64> = Map::new(STORE, "open");

/// Ballots by (epoch, task, voter).
pub(super) const BALLOTS: Map<(u64, TaskId, ConsensusAddress), Ballot> = Map::new(STORE, "ballot");
