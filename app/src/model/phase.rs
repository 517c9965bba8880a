//! What `model` does at the end of each block: forget how often nodes announced something in past epochs.

use super::keys;
use crate::epoch;
use crate::state::State;

/// Most counts that are forgotten in a block. One of a past epoch that is still there counts nothing.
const PRUNED_A_BLOCK: usize = 64;

/// Forgets counts of past epochs, the oldest first.
pub fn end_block(state: &mut State) {
    let current = epoch::current(state).number;
    for (key, _) in keys::ANNOUNCEMENTS.first(state, PRUNED_A_BLOCK) {
        if key.0 >= current {
            return;
        }
        keys::ANNOUNCEMENTS.remove(state, &key);
    }
}
