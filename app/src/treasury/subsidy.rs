//! What an epoch mints, and whose it would be if everyone did all duties.

use std::collections::{BTreeMap, BTreeSet};

use race_pricing::issuance::{epoch_mint, Epoch};
use race_pricing::split::{fulfilment, percent_of, proportionally, share};
use race_proto::race::settlement::v1::Task;

use super::{issuance, keys, params};
use crate::address::ConsensusAddress;
use crate::coin::{stored, Nicoin};
use crate::state::State;
use crate::{epoch, fields, session, settlement};

/// The subsidy of an epoch, in nicoin.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Subsidy {
    /// To the training fund, first.
    pub training: Nicoin,
    /// To the committee's members by weight and fulfilment, before duties are looked at.
    pub parts: BTreeMap<ConsensusAddress, Nicoin>,
}

/// The training fund's share in percent.
pub(super) fn training_percent(state: &State) -> u8 {
    u8::try_from(crate::params::get(state, &params::TRAINING_PERCENT)).unwrap_or(u8::MAX)
}

/// Computes the subsidy of an ended epoch. `fees` is what counts towards minting. Nothing when
/// nobody has a share.
pub fn of(state: &State, number: u64, fees: Nicoin) -> Subsidy {
    let Some(record) = epoch::record(state, number) else {
        return Subsidy::default();
    };
    let genesis = keys::GENESIS_MS.get(state).unwrap_or(record.start_time_ms);
    let amount = epoch_mint(&Epoch {
        from_ms: record.start_time_ms.saturating_sub(genesis),
        to_ms: record.end_time_ms.saturating_sub(genesis),
        fees,
        minted_before: stored(&issuance(state).minted),
        ceiling_per_year: Nicoin::from(crate::params::get(state, &params::CEILING_PER_YEAR)),
    });
    let shares: BTreeMap<ConsensusAddress, u128> = epoch::powers(state, number)
        .into_iter()
        .map(|(address, power)| {
            let work = settlement::workload(state, number, &address);
            let ready = keys::READY.has(state, &(number, address));
            (
                address,
                share(power, fulfilment(work.served, work.assigned, ready)),
            )
        })
        .collect();
    if shares.values().all(|share| *share == 0) {
        return Subsidy::default();
    }
    let (training, rest) = percent_of(amount, training_percent(state));
    Subsidy {
        training,
        parts: proportionally(rest, &shares).parts,
    }
}

/// Which of an epoch's fees count towards minting; each session is looked at once.
pub(super) struct Earnest {
    total_power: u128,
    sessions: BTreeMap<u64, bool>,
}

impl Earnest {
    /// For the tasks of an epoch.
    pub(super) fn of(state: &State, epoch: u64) -> Self {
        Self {
            total_power: u128::from(epoch::total_power(state, epoch)),
            sessions: BTreeMap::new(),
        }
    }

    /// Whether a task's fee counts: not for a retry, not on a scarce model (fewer than 3 hosts, or hosts with less
    /// than a quarter of the weight), and from a session that is used in earnest.
    pub(super) fn counts(&mut self, state: &State, task: &Task) -> bool {
        let Self {
            total_power,
            sessions,
        } = self;
        task.attempt == 0
            && *sessions.entry(task.session_id).or_insert_with(|| {
                is_hosted_widely(state, task, *total_power)
                    && settlement::counts_towards_minting(state, task.session_id)
            })
    }
}

fn is_hosted_widely(state: &State, task: &Task, total_power: u128) -> bool {
    let Some(pin) = session::pin(state, task.epoch, task.session_id) else {
        return false;
    };
    let hosts = session::hosts(&pin);
    let hosting = hosts
        .values()
        .fold(0u128, |sum, weight| sum.saturating_add(u128::from(*weight)));
    hosts.len() >= 3 && hosting.saturating_mul(4) >= total_power
}

/// Remembers who hosted a model during the whole epoch that ends.
pub(super) fn note_ready(state: &mut State, closed: u64) {
    let start = epoch::record(state, closed).map_or(0, |record| record.start_height);
    for member in epoch::powers(state, closed).keys() {
        if crate::model::hosts_anything(state, member, start) {
            keys::READY.put(state, &(closed, *member), &());
        }
    }
}

/// Hosts that may have had a duty in an epoch: of a session with a task, other than its executor.
pub(super) fn liable(state: &State, tasks: &[Task]) -> BTreeSet<ConsensusAddress> {
    let mut executors: BTreeMap<(u64, u64), BTreeSet<ConsensusAddress>> = BTreeMap::new();
    for task in tasks {
        let of_session = executors.entry((task.epoch, task.session_id)).or_default();
        of_session.insert(fields::stored(&task.executor));
    }
    let mut liable = BTreeSet::new();
    for ((epoch, session), executors) in executors {
        let pin = session::pin(state, epoch, session);
        let hosts = pin.map(|pin| session::hosts(&pin)).unwrap_or_default();
        // Where several served, each may have had to check another.
        let alone = |host: &ConsensusAddress| executors.iter().eq([host]);
        liable.extend(hosts.into_keys().filter(|host| !alone(host)));
    }
    liable
}
