//! Which tasks fall to whom.
//!
//! `p_v = min(1, rate * w_v / (W_M - w_executor))` with the weights of the pin under which the task
//! was served and the rate that was fixed when the epoch's last settlements were in, so that a
//! conviction meanwhile changes nobody's duties.

use std::collections::BTreeMap;

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

/// The hosts of a pin.
#[derive(Default)]
struct Hosts {
    weights: BTreeMap<ConsensusAddress, u64>,
    all: u64,
}

impl Hosts {
    fn weight(&self, address: &ConsensusAddress) -> u64 {
        self.weights.get(address).copied().unwrap_or(0)
    }
}

/// The pins of tasks, each read once.
#[derive(Default)]
pub(super) struct Pins(BTreeMap<(u64, u64), Hosts>);

impl Pins {
    fn hosts(&mut self, state: &State, task: &Task) -> &Hosts {
        let key = (task.epoch, task.session_id);
        self.0.entry(key).or_insert_with(|| {
            let pin = session::pin(state, task.epoch, task.session_id);
            let weights = pin.map(|pin| session::hosts(&pin)).unwrap_or_default();
            let all = weights.values().fold(0u64, |sum, w| sum.saturating_add(*w));
            Hosts { weights, all }
        })
    }

    /// The weight of a node under a task's pin.
    pub(super) fn weight(&mut self, state: &State, task: &Task, address: &ConsensusAddress) -> u64 {
        self.hosts(state, task).weight(address)
    }

    /// The threshold of a task for a node: 0 (never drawn) for its executor and for who does not host.
    fn threshold(&mut self, state: &State, task: &Task, address: &ConsensusAddress) -> u64 {
        let executor: ConsensusAddress = fields::stored(&task.executor);
        if executor == *address {
            return 0;
        }
        let rate = keys::RATES.get(state, &(task.epoch, executor)).unwrap_or(0);
        let hosts = self.hosts(state, task);
        threshold(
            rate,
            hosts.weight(address),
            hosts.all,
            hosts.weight(&executor),
        )
    }

    /// Whether a task fell to the node whose revealed signature is `rho`.
    pub(super) fn falls_to(
        &mut self,
        state: &State,
        task: &Task,
        address: &ConsensusAddress,
        rho: &[u8; RHO_BYTES],
    ) -> bool {
        let threshold = self.threshold(state, task, address);
        must_check(rho, &fields::stored(&task.id), threshold)
    }
}

/// The tasks of an epoch that may fall to a node, with their thresholds. A node reads it once the
/// rates are fixed (from block `settle_end` on) and keeps `rho` to itself until it reveals.
pub fn thresholds(state: &State, epoch: u64, address: &ConsensusAddress) -> Vec<Due> {
    let mut pins = Pins::default();
    settlement::tasks(state, epoch)
        .into_iter()
        .map(|task| Due {
            threshold: pins.threshold(state, &task, address),
            task,
        })
        .filter(|due| due.threshold > 0)
        .collect()
}
