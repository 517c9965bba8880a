//! Keys of `settlement`.

use race_proto::race::settlement::v1::{Task, Workload};

use super::TaskId;
use crate::address::ConsensusAddress;
use crate::state::Map;

/// The store of this module.
pub const STORE: &str = "settlement";

/// Tasks by (epoch of the pin, task id).
pub(super) const TASKS: Map<(u64, TaskId), Task> = Map::new(STORE, "task");

/// The epoch of a settled request, by (session, index). Kept as long as the session, so that
/// nothing is settled twice.
pub(super) const REQUESTS: Map<(u64, u64), u64> = Map::new(STORE, "request");

/// One above the highest index that a session settled.
pub(super) const REACHED: Map<u64, u64> = Map::new(STORE, "reached");

/// The last block in which a node settled, by (epoch of that block, node).
pub(super) const LAST: Map<(u64, ConsensusAddress), u64> = Map::new(STORE, "last");

/// Workloads by (epoch, node).
pub(super) const WORKLOADS: Map<(u64, ConsensusAddress), Workload> = Map::new(STORE, "workload");
