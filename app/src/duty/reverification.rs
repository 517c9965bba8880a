//! Re-verification of a contested task, from the first accusation to its consequences.
//!
//! | found false by | passed by | then |
//! |---|---|---|
//! | more than half of the weight | | the executor is convicted, the user refunded |
//! | | more than half of the weight | the answer stands, and its accusers are convicted |
//! | neither | | void: the user is refunded, nobody is convicted |
//!
//! The weight is that of all hosts but the executor; accusers count as finding it false. Silence convicts nobody:
//! an executor that serves one checker alone, so that nobody else can tell, is not paid for it, and that checker
//! is no liar for it. A voter that cannot check says so in its ballot and loses nothing; who casts none loses
//! what it earned by checking in that epoch, whatever is decided.

use std::collections::BTreeMap;

use race_proto::race::duty::v1::{
    Ballot, EventReverificationOpened, EventReverified, Outcome, Reverification,
    ReverificationStatus,
};
use race_proto::race::settlement::v1::{Task, TaskStatus};

use super::{keys, params, unchecked, windows};
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
        pass_weight: 0,
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

/// Decides a case and carries out what follows.
fn decide(state: &mut State, key: (u64, TaskId), mut case: Reverification) {
    let (epoch, id) = key;
    let task = settlement::task(state, epoch, &id).expect("a contested task is kept");
    count(state, &task, &mut case);
    let majority = |weight: u64| u128::from(weight).saturating_mul(2) > u128::from(case.electorate);
    let status = if majority(case.false_weight) {
        ReverificationStatus::False
    } else if majority(case.pass_weight) {
        ReverificationStatus::Upheld
    } else {
        ReverificationStatus::Void
    };
    case.set_status(status);
    keys::REVERIFICATIONS.put(state, &key, &case);
    keys::OPEN.remove(state, &id);
    state.emit(typed(&EventReverified {
        session_id: case.session_id,
        index: case.index,
        executor: case.executor.clone(),
        convicted: status == ReverificationStatus::False,
        false_weight: case.false_weight,
        electorate: case.electorate,
        pass_weight: case.pass_weight,
        status: status.into(),
    }));
    match status {
        ReverificationStatus::False => convict(state, &case, task),
        ReverificationStatus::Upheld => uphold(state, &case, task),
        _ => void(state, task),
    }
}

/// Counts the ballots. Who cast none loses what it earned by checking in that epoch.
fn count(state: &mut State, task: &Task, case: &mut Reverification) {
    let id: TaskId = fields::stored(&task.id);
    for (voter, weight) in electorate(state, task) {
        let ballot: Option<Ballot> = keys::BALLOTS.get(state, &(task.epoch, id, voter));
        let outcome = ballot
            .filter(|ballot| ballot.revealed)
            .map(|ballot| ballot.outcome());
        let accuses = case.accusers.iter().any(|accuser| *accuser == voter);
        if accuses || outcome == Some(Outcome::False) {
            case.false_weight = case.false_weight.saturating_add(weight);
        } else if outcome == Some(Outcome::Pass) {
            case.pass_weight = case.pass_weight.saturating_add(weight);
        } else if outcome.is_none() {
            treasury::forfeit_epoch(state, &voter, task.epoch, treasury::CHECKING);
        }
    }
}

fn convict(state: &mut State, case: &Reverification, task: Task) {
    let executor = fields::stored(&case.executor);
    settlement::refund(state, task);
    reputation::convict(state, &executor, FALSE_ANSWER);
    treasury::forfeit_all(state, &executor, FALSE_ANSWER);
    bond::burn(state, &executor, FALSE_ANSWER);
}

fn uphold(state: &mut State, case: &Reverification, mut task: Task) {
    task.set_status(TaskStatus::Settled);
    settlement::put(state, &task);
    unchecked::passed_by_vote(state, &task, case.pass_weight);
    for accuser in &case.accusers {
        let accuser = fields::stored(accuser);
        reputation::convict(state, &accuser, FALSE_ACCUSATION);
        treasury::forfeit_epoch(state, &accuser, task.epoch, treasury::CHECKING);
    }
}

/// A task that could not be judged was nobody's duty.
fn void(state: &mut State, task: Task) {
    unchecked::excuse(state, task.epoch, [&task]);
    settlement::void(state, task);
}
