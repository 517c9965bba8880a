//! What must hold after every block.

use race_proto::race::settlement::v1::TaskStatus;

use super::{held_account, keys};
use crate::bank;
use crate::coin::stored;
use crate::state::State;

/// `settlement_held` holds the fees of all tasks that are neither paid nor refunded.
///
/// # Errors
/// A sentence with both numbers.
pub fn held_is_the_sum(state: &State) -> Result<(), String> {
    let sum = keys::TASKS
        .all(state)
        .iter()
        .filter(|(_, task)| matches!(task.status(), TaskStatus::Settled | TaskStatus::Contested))
        .fold(0u128, |sum, (_, task)| {
            sum.saturating_add(stored(&task.fee))
        });
    let held = bank::balance(state, &held_account());
    match sum == held {
        true => Ok(()),
        false => Err(format!(
            "unfinished tasks hold {sum} nicoin, settlement_held has {held}"
        )),
    }
}
