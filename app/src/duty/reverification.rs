//! Re-verification of a contested task, from the first accusation to its consequences.

use std::collections::BTreeMap;

use race_proto::race::duty::v1::{
    Ballot, EventReverificationOpened, EventReverified, Outcome, Reverification,
    ReverificationStatus,
};
use race_proto::race::settlement::v1::{Task, TaskStatus};

use super::{keys, params, windows};
use crate::address::ConsensusAddress;
use crate::events::typed;
use crate::settlement::{self, TaskId};
use crate::state::State;
use crate::{bond, fields, reputation, session, treasury};

/// Why a convicted executor loses everything.
pub const FALSE_ANSWER: &str = "false answer";

/// Why an accuser who was not confirmed loses its reputation.
pub const FALSE_ACCUSATION: &str = "false accusation";

/// Contests a task, or joins those who did.
pub(super) fn accuse(state: &mut State, task: &mut Task, accuser: &ConsensusAddress) {
    let key: (u64, TaskId) = (task.epoch, fields::stored(&task.id));
    let mut case = keys::REVERIFICATIONS
        .get(state, &key)
        .unwrap_or_else(|| opened(state, task));
    case.accusers.push(accuser.to_vec());
    case.accusers.sort();
    keys::REVERIFICATIONS.put(state, &key, &case);
    keys::OPEN.put(state, &key.1, &key.0);
    task.set_status(TaskStatus::Contested);
    state.emit(typed(&EventReverificationOpened {
        session_id: task.session_id,
        index: task.index,
        executor: task.executor.clone(),
        accuser: accuser.to_vec(),
    }));
}

/// A new case. Commits end after the reveal of duties, so that every accuser is known before a
/// ballot is.
fn opened(state: &State, task: &Task) -> Reverification {
    let blocks = |spec| crate::params::get(state, spec);
    let commit_end = windows(state, task.epoch)
        .reveal_end
        .saturating_add(blocks(&params::REVERIFY_COMMIT_BLOCKS));
    Reverification {
        task_id: task.id.clone(),
        epoch: task.epoch,
        session_id: task.session_id,
        index: task.index,
        executor: task.executor.clone(),
        accusers: Vec::new(),
        commit_end,
        reveal_end: commit_end.saturating_add(blocks(&params::REVERIFY_REVEAL_BLOCKS)),
        status: ReverificationStatus::Commit.into(),
        electorate: electorate(state, task)
            .values()
            .fold(0, |sum, w| sum.saturating_add(*w)),
        false_weight: 0,
    }
}

/// The hosts of the task's pin but its executor, with their weights.
pub(super) fn electorate(state: &State, task: &Task) -> BTreeMap<ConsensusAddress, u64> {
    let pin = session::pin(state, task.epoch, task.session_id);
    let mut hosts = pin.map(|pin| session::hosts(&pin)).unwrap_or_default();
    hosts.remove(&fields::stored::<20>(&task.executor));
    hosts
}

/// The epoch of an undecided re-verification.
pub(super) fn find_open(state: &State, task: &TaskId) -> Option<u64> {
    keys::OPEN.get(state, task)
}

/// Moves every open case on at the end of a block.
pub(super) fn advance(state: &mut State, height: u64) {
    for (id, epoch) in keys::OPEN.all(state) {
        let key = (epoch, id);
        let Some(mut case) = keys::REVERIFICATIONS.get(state, &key) else {
            continue;
        };
        if height >= case.reveal_end {
            decide(state, key, case);
        } else if height >= case.commit_end && case.status() == ReverificationStatus::Commit {
            case.set_status(ReverificationStatus::Reveal);
            keys::REVERIFICATIONS.put(state, &key, &case);
        }
    }
}

/// More than half of the electorate's weight must have confirmed. Accusers count as confirming;
/// who cast no ballot confirms nothing and loses what it earned by checking in that epoch.
fn decide(state: &mut State, key: (u64, TaskId), mut case: Reverification) {
    let (epoch, id) = key;
    let mut task = settlement::task(state, epoch, &id).expect("a contested task is kept");
    let accusers: Vec<ConsensusAddress> = case
        .accusers
        .iter()
        .map(|address| fields::stored(address))
        .collect();
    let mut false_weight = 0u64;
    for (voter, weight) in electorate(state, &task) {
        let ballot: Option<Ballot> = keys::BALLOTS.get(state, &(epoch, id, voter));
        let outcome = ballot
            .filter(|ballot| ballot.revealed)
            .map(|ballot| ballot.outcome());
        if accusers.contains(&voter) || outcome == Some(Outcome::False) {
            false_weight = false_weight.saturating_add(weight);
        } else if outcome.is_none() {
            treasury::forfeit_epoch(state, &voter, epoch, treasury::CHECKING);
        }
    }
    let convicted = u128::from(false_weight).saturating_mul(2) > u128::from(case.electorate);
    case.false_weight = false_weight;
    case.set_status(match convicted {
        true => ReverificationStatus::False,
        false => ReverificationStatus::Upheld,
    });
    keys::REVERIFICATIONS.put(state, &key, &case);
    keys::OPEN.remove(state, &id);
    state.emit(typed(&EventReverified {
        session_id: case.session_id,
        index: case.index,
        executor: case.executor.clone(),
        convicted,
        false_weight,
        electorate: case.electorate,
    }));
    if convicted {
        let executor = fields::stored(&case.executor);
        settlement::refund(state, task);
        reputation::convict(state, &executor, FALSE_ANSWER);
        treasury::forfeit_all(state, &executor, FALSE_ANSWER);
        bond::burn(state, &executor, FALSE_ANSWER);
    } else {
        task.set_status(TaskStatus::Settled);
        settlement::put(state, &task);
        for accuser in accusers {
            reputation::convict(state, &accuser, FALSE_ACCUSATION);
            treasury::forfeit_epoch(state, &accuser, epoch, treasury::CHECKING);
        }
    }
}
