//! What `feegrant` does at the end of each block: forget allowances whose time is over.

use super::keys;
use crate::context::Context;
use crate::state::State;

/// Most allowances that are forgotten in a block.
const PRUNED_A_BLOCK: usize = 64;

/// Forgets what is over, the oldest first.
pub fn end_block(state: &mut State, context: &Context<'_>) {
    keys::BOOK.forget(state, context.time_ms, PRUNED_A_BLOCK);
}
