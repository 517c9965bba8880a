//! Which tasks fall to whom.
//!
//! `p_v = min(1, rate * w_v / (W_M - w_executor))` with the weights of the pin under which the task
//! was served and the rate that was fixed when the epoch's last settlements were in, so that a
//! conviction meanwhile changes nobody's duties.

use race_proto::race::settlement::v1::Task;
use race_verification::duty::{must_check, threshold, RHO_BYTES};

use super::keys;
use crate::address::ConsensusAddress;
use crate::state::State;
use crate::{fields, reputation, session, settlement};

/// A task that may fall to a node: it does when [`must_check`]`(rho, task id, threshold)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// The task.
    pub task: Task,
    /// The threshold, 64-bit fraction of 1.
    pub threshold: u64,
}

/// Fixes the rates of an epoch's executors.
pub(super) fn fix_rates(state: &mut State, epoch: u64) {
    for work in settlement::workloads(state, epoch) {
        let address = fields::stored(&work.address);
        let rate = reputation::rate_millis(state, &address, work.tasks);
        keys::RATES.put(state, &(epoch, address), &rate);
    }
}

/// The threshold of a task for a node: 0 (never drawn) for its executor and for who does not host.
pub fn threshold_of(state: &State, task: &Task, address: &ConsensusAddress) -> u64 {
    let executor: ConsensusAddress = fields::stored(&task.executor);
    if executor == *address {
        return 0;
    }
    let Some(pin) = session::pin(state, task.epoch, task.session_id) else {
        return 0;
    };
    let hosts = session::hosts(&pin);
    let weight = |address| hosts.get(address).copied().unwrap_or(0);
    let all = hosts
        .values()
        .fold(0u64, |sum, weight| sum.saturating_add(*weight));
    let rate = keys::RATES.get(state, &(task.epoch, executor)).unwrap_or(0);
    threshold(rate, weight(address), all, weight(&executor))
}

/// Whether a task fell to the node whose revealed signature is `rho`.
pub(super) fn falls_to(
    state: &State,
    task: &Task,
    address: &ConsensusAddress,
    rho: &[u8; RHO_BYTES],
) -> bool {
    must_check(
        rho,
        &fields::stored(&task.id),
        threshold_of(state, task, address),
    )
}

/// The tasks of an epoch that may fall to a node, with their thresholds. A node reads it once the
/// rates are fixed (from block `settle_end` on) and keeps `rho` to itself until it reveals.
pub fn thresholds(state: &State, epoch: u64, address: &ConsensusAddress) -> Vec<Due> {
    settlement::tasks(state, epoch)
        .into_iter()
        .map(|task| Due {
            threshold: threshold_of(state, &task, address),
            task,
        })
        .filter(|due| due.threshold > 0)
        .collect()
}
