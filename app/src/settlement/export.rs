//! What `settlement` owes when a chain ends.

use race_proto::race::settlement::v1::TaskStatus;

use super::keys;
use crate::address::Account;
use crate::coin::{stored, Nicoin};
use crate::session;
use crate::state::State;

/// The fees of tasks that are neither paid nor refunded go back to the sessions' owners: what was not
/// checked to the end is not paid.
pub fn owed(state: &State) -> Vec<(Account, Nicoin)> {
    let unfinished = |status| matches!(status, TaskStatus::Settled | TaskStatus::Contested);
    keys::TASKS
        .all(state)
        .into_iter()
        .filter(|(_, task)| unfinished(task.status()))
        .filter_map(|(_, task)| {
            let session = session::get(state, task.session_id)?;
            Some((Account::parse(&session.owner).ok()?, stored(&task.fee)))
        })
        .collect()
}
