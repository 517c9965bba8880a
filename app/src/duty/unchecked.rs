//! Tasks that their checkers could not check, such as those whose artifact was never served, and who answers
//! for it.
//!
//! That a checker could not check is its word against the executor's: nobody else sees whether an artifact was
//! served. So neither is believed more than its weight.
//!
//! | of a task's checkers, by weight | the task | who could not check it |
//! |---|---|---|
//! | more passed it | is paid | alone: missed a duty. With others: is released less for checking |
//! | more could not check it, one host | is void, the user refunded | is released less for checking |
//! | more could not check it, several hosts | is void, the user refunded | has missed nothing |
//!
//! "Less for checking" is less of nothing else, since otherwise an executor that withholds its artifacts takes the
//! income of those who ask for them; but a host that could check few of its duties is released less of all
//! ([`super::share`]).
//!
//! Invariant: a [`Tally`] is the sum of the verdicts on its task, written with each of them, so that judging a
//! task at a switch costs the same however many host its model. Ballots that passed it count as well.

use std::collections::BTreeMap;

use race_proto::race::settlement::v1::Task;

use super::keys::Tally;
use super::{keys, Outcome};
use crate::address::ConsensusAddress;
use crate::fields;
use crate::settlement::{self, TaskId};
use crate::state::State;

/// Adds a verdict to its task's tally.
pub(super) fn count(
    state: &mut State,
    task: &Task,
    checker: &ConsensusAddress,
    weight: u64,
    outcome: Outcome,
) {
    let key = (task.epoch, fields::stored(&task.id));
    let mut tally = keys::TALLIES.get(state, &key).unwrap_or_default();
    match outcome {
        Outcome::Pass => tally.passed = tally.passed.saturating_add(weight),
        Outcome::CannotCheck => {
            tally.unable = tally.unable.saturating_add(weight);
            tally.unable_hosts.push(checker.to_vec());
        }
        Outcome::False => return,
    }
    keys::TALLIES.put(state, &key, &tally);
}

/// A re-verification passed a task: that weighs as if it had been passed when duties were revealed.
pub(super) fn passed_by_vote(state: &mut State, task: &Task, weight: u64) {
    let key = (task.epoch, fields::stored(&task.id));
    let mut tally = keys::TALLIES.get(state, &key).unwrap_or_default();
    tally.passed = tally.passed.max(weight);
    keys::TALLIES.put(state, &key, &tally);
}

/// The tallies of an epoch's tasks, read at once.
pub struct Tallies(BTreeMap<TaskId, Tally>);

impl Tallies {
    /// Those of an epoch.
    pub fn of(state: &State, epoch: u64) -> Self {
        let tallies = keys::TALLIES.under(state, &epoch).into_iter();
        Self(tallies.map(|((_, id), tally)| (id, tally)).collect())
    }

    fn get(&self, task: &Task) -> Option<&Tally> {
        self.0.get(task.id.as_slice())
    }

    /// Whether more of the hosts' weight found that it cannot check a task than passed it.
    pub fn uncheckable(&self, task: &Task) -> bool {
        self.get(task).is_some_and(is_void)
    }

    /// Whether a host passed a task.
    pub(crate) fn passed(&self, task: &Task) -> bool {
        self.get(task).is_some_and(|tally| tally.passed > 0)
    }

    /// Whether several hosts could not check a task.
    pub(crate) fn is_confirmed_uncheckable(&self, task: &Task) -> bool {
        self.get(task)
            .is_some_and(|tally| tally.unable_hosts.len() > 1)
    }

    /// How many of the tasks each host alone could not check while others passed them: duties missed.
    pub(crate) fn alone<'a>(
        &self,
        tasks: impl IntoIterator<Item = &'a Task>,
    ) -> BTreeMap<ConsensusAddress, u64> {
        let paid = tasks.into_iter().filter(|task| !settlement::is_void(task));
        let tallies = paid.filter_map(|task| self.get(task));
        let mut missed: BTreeMap<ConsensusAddress, u64> = BTreeMap::new();
        for tally in tallies.filter(|tally| !is_void(tally)) {
            if let [host] = tally.unable_hosts.as_slice() {
                let count = missed.entry(fields::stored(host)).or_default();
                *count = count.saturating_add(1);
            }
        }
        missed
    }
}

fn is_void(tally: &Tally) -> bool {
    tally.unable > tally.passed
}

/// Takes void tasks of an epoch out of what was due from those who said that they cannot check them. Done once
/// for each such task, when it is refunded.
pub(crate) fn excuse<'a>(state: &mut State, epoch: u64, tasks: impl IntoIterator<Item = &'a Task>) {
    let mut excused: BTreeMap<ConsensusAddress, u64> = BTreeMap::new();
    for task in tasks {
        let tally = keys::TALLIES.get(state, &(epoch, fields::stored(&task.id)));
        for host in tally.unwrap_or_default().unable_hosts {
            let count = excused.entry(fields::stored(&host)).or_default();
            *count = count.saturating_add(1);
        }
    }
    for (host, count) in excused {
        let key = (epoch, host);
        if let Some(mut reveal) = keys::REVEALS.get(state, &key) {
            reveal.cannot_check = reveal.cannot_check.saturating_sub(count);
            keys::REVEALS.put(state, &key, &reveal);
        }
    }
}
