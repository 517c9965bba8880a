//! What `feegrant` does at the end of each block: forget allowances whose time is over.

use super::{keys, remove};
use crate::context::Context;
use crate::state::State;

/// Most allowances that are forgotten in a block. One that is over and still there is refused all the
/// same.
const PRUNED_A_BLOCK: usize = 64;

/// Forgets what is over, the oldest first.
pub fn end_block(state: &mut State, context: &Context<'_>) {
    for ((end, grantee, granter), ()) in keys::QUEUE.first(state, PRUNED_A_BLOCK) {
        if end > context.time_ms {
            return;
        }
        remove(state, (grantee, granter));
    }
}
