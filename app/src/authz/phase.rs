//! What `authz` does at the end of each block: forget grants whose time is over.

use super::{keys, remove};
use crate::context::Context;
use crate::state::State;

/// Most grants that are forgotten in a block. One that is over and still there is refused all the same.
const PRUNED_A_BLOCK: usize = 64;

/// Forgets what is over, the oldest first.
pub fn end_block(state: &mut State, context: &Context<'_>) {
    for ((end, granter, grantee, url), ()) in keys::QUEUE.first(state, PRUNED_A_BLOCK) {
        if end > context.time_ms {
            return;
        }
        remove(state, &(granter, grantee, url));
    }
}
