//! What `duty` does at the end of a block.

use super::{lottery, reverification};
use crate::context::Context;
use crate::epoch;
use crate::settlement::settle_end;
use crate::state::State;

/// Fixes the rates of checking when the last settlements of the epoch before are in, and moves
/// re-verifications on.
pub fn end_block(state: &mut State, context: &Context<'_>) {
    let ended = epoch::current(state).number.saturating_sub(1);
    if settle_end(state, ended) == Some(context.height) {
        lottery::fix_rates(state, ended);
    }
    reverification::advance(state, context.height);
}
