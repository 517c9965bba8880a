//! Which session makes room when all places are taken.
//!
//! A place costs nothing but an escrow that comes back, so nobody may hold one for as long as a session
//! lasts without using it. Sessions stand in a line by the epoch in which something was last settled of
//! them, or else they were opened. When all places are taken, a new session takes that of the first in the
//! line, if a whole epoch went by without a settlement: that one is closed, and its owner has the rest of the
//! escrow back. To keep a place one must pay for an answer in every other epoch, or open anew and pay the gas.
//!
//! Invariant: a session stands in the line exactly when it is open ([`super::invariants`]).

use super::{errors::Error, keys, params};
use crate::epoch;
use crate::params::get;
use crate::state::State;

/// A session was opened, or something was settled of it: it stands last in the line.
pub(super) fn used(state: &mut State, id: u64) {
    let now = epoch::current(state).number;
    if keys::USED.get(state, &id) == Some(now) {
        return;
    }
    closed(state, id);
    keys::USED.put(state, &id, &now);
    keys::LINE.put(state, &(now, id), &());
}

/// A session was closed.
pub(super) fn closed(state: &mut State, id: u64) {
    if let Some(since) = keys::USED.get(state, &id) {
        keys::USED.remove(state, &id);
        keys::LINE.remove(state, &(since, id));
    }
}

/// Whose place a new session takes; nobody's while there is room.
///
/// # Errors
/// [`Error::Full`] when all were used lately.
pub(super) fn room(state: &State) -> Result<Option<u64>, Error> {
    let limit = get(state, &params::MAX_OPEN);
    if keys::OPEN_COUNT.get_or_default(state) < limit {
        return Ok(None);
    }
    let now = epoch::current(state).number;
    match keys::LINE.first(state, 1).first() {
        Some(((since, id), ())) if since.saturating_add(1) < now => Ok(Some(*id)),
        _ => Err(Error::Full { limit }),
    }
}
