//! Keys of `duty`.

use race_proto::race::duty::v1::{Ballot, DutyReveal, Reverification};

use crate::address::ConsensusAddress;
use crate::settlement::TaskId;
use crate::state::Map;

/// The store of this module.
pub const STORE: &str = "duty";

/// What the verdicts on a task come to, but for those that found it false: these contest it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Tally {
    /// The weight of the hosts that passed it.
    #[prost(uint64, tag = "1")]
    pub passed: u64,
    /// The weight of those that could not check it.
    #[prost(uint64, tag = "2")]
    pub unable: u64,
    /// Who those are.
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub unable_hosts: Vec<Vec<u8>>,
}

/// Tallies by (epoch, task); none for a task on which nobody gave a verdict.
pub(super) const TALLIES: Map<(u64, TaskId), Tally> = Map::new(STORE, "tally");

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
