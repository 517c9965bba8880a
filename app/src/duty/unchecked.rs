//! Tasks that their checkers could not check, such as those whose artifact was never served.

use race_proto::race::settlement::v1::Task;

use super::reverification::electorate;
use super::{keys, verdict_on, Outcome};
use crate::fields;
use crate::state::State;

/// Whether more of the hosts' weight found that it cannot check a task than passed it.
pub fn uncheckable(state: &State, task: &Task) -> bool {
    let id = fields::stored(&task.id);
    let (mut passed, mut unable) = (0u128, 0u128);
    for (host, weight) in electorate(state, task) {
        let weight = u128::from(weight);
        match verdict_on(state, task.epoch, &host, &id) {
            Some(Outcome::Pass) => passed = passed.saturating_add(weight),
            Some(Outcome::CannotCheck) => unable = unable.saturating_add(weight),
            _ => {}
        }
    }
    unable > passed
}

/// Takes an uncheckable task out of what was due from those who said that they cannot check it. Done
/// once for each such task, when it is refunded.
pub(crate) fn excuse(state: &mut State, task: &Task) {
    let id = fields::stored(&task.id);
    for host in electorate(state, task).into_keys() {
        if verdict_on(state, task.epoch, &host, &id) != Some(Outcome::CannotCheck) {
            continue;
        }
        let key = (task.epoch, host);
        if let Some(mut reveal) = keys::REVEALS.get(state, &key) {
            reveal.cannot_check = reveal.cannot_check.saturating_sub(1);
            keys::REVEALS.put(state, &key, &reveal);
        }
    }
}
