//! What must hold after every block.

use super::{escrow_account, keys, left};
use crate::bank;
use crate::state::State;

/// The open sessions, and no others, stand in the line, each at the epoch in which it was last used.
///
/// # Errors
/// A sentence that names the session.
pub fn who_is_open_stands_in_the_line(state: &State) -> Result<(), String> {
    let open = keys::OPEN.all(state);
    for (id, ()) in &open {
        let since = keys::USED.get(state, id);
        if !since.is_some_and(|since| keys::LINE.has(state, &(since, *id))) {
            return Err(format!("session {id} is open and not in the line"));
        }
    }
    let lengths = (keys::USED.all(state).len(), keys::LINE.all(state).len());
    match lengths == (open.len(), open.len()) {
        true => Ok(()),
        false => Err(format!(
            "{} sessions are open, the line has {lengths:?}",
            open.len()
        )),
    }
}

/// The escrow account holds what open sessions have left.
///
/// # Errors
/// A sentence with both numbers.
pub fn escrow_is_the_sum(state: &State) -> Result<(), String> {
    let sum = keys::OPEN
        .all(state)
        .iter()
        .filter_map(|(id, ())| super::get(state, *id))
        .fold(0u128, |sum, session| sum.saturating_add(left(&session)));
    let held = bank::balance(state, &escrow_account());
    match sum == held {
        true => Ok(()),
        false => Err(format!(
            "open sessions have {sum} nicoin left, session_escrow holds {held}"
        )),
    }
}
