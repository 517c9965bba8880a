//! What `treasury` does at a switch, and what it forgets at the end of each block.

use race_pricing::split::proportionally;

use super::{finalise, held, held_account, keys, params, subsidy};
use crate::auth;
use crate::context::Context;
use crate::state::State;
use crate::{bank, duty, epoch, session, settlement};

/// Records that a block forgets at most. What an epoch leaves behind may be many times its tasks: forgotten at once,
/// it would hold up the block.
const FORGOTTEN_A_BLOCK: usize = 1_000;

/// Closes `closed_epoch` (who was ready, whose gas fees), finalises the one before it and what was
/// held back longer. Called when the closed epoch's record and the next
/// committee are in state.
pub fn at_switch(state: &mut State, context: &Context<'_>, closed_epoch: u64) {
    note_genesis(state);
    subsidy::note_ready(state, closed_epoch);
    share_gas(state, closed_epoch);
    let due = closed_epoch.saturating_sub(1);
    for (late, ()) in keys::UNFINISHED.all(state) {
        finalise::finalise(state, context, late, false);
    }
    if due > 0 {
        finalise::finalise(state, context, due, true);
    }
}

/// Remembers when epoch 1 began.
fn note_genesis(state: &mut State) {
    if keys::GENESIS_MS.get(state).is_none() {
        if let Some(first) = epoch::record(state, 1) {
            keys::GENESIS_MS.put(state, &first.start_time_ms);
        }
    }
}

/// Shares the gas fees of the epoch that ends by its powers; they are held like rewards. What
/// rounding leaves waits for the next switch.
fn share_gas(state: &mut State, closed: u64) {
    let collector = auth::module_account(auth::FEE_COLLECTOR);
    let shares = epoch::powers(state, closed)
        .into_iter()
        .map(|(address, power)| (address, u128::from(power)))
        .collect();
    for (address, part) in proportionally(bank::balance(state, &collector), &shares).parts {
        if part == 0 {
            continue;
        }
        bank::transfer(state, &collector, &held_account(), part)
            .expect("the parts add up to at most the balance");
        let mut held = held(state, closed, &address);
        held.gas = part.to_string();
        keys::HELD.put(state, &(closed, address), &held);
    }
}

/// Forgets a part of what finalised epochs left behind, once they are old enough, oldest first, up to the first one
/// that still has contested tasks.
pub fn end_block(state: &mut State) {
    let keep = crate::params::get(state, &params::KEEP_EPOCHS);
    let finalised = epoch::current(state).number.saturating_sub(2);
    let next = keys::PRUNED.get_or_default(state).saturating_add(1);
    if next.saturating_add(keep) > finalised || keys::UNFINISHED.has(state, &next) {
        return;
    }
    let mut left = FORGOTTEN_A_BLOCK;
    duty::forget(state, next, &mut left);
    let sessions = session::closed_in(state, next);
    settlement::forget(state, next, &sessions, &mut left);
    if left == 0 {
        return;
    }
    // All that grows with the tasks is gone.
    session::prune(state, next);
    keys::RELEASES.remove_under(state, &next);
    keys::FORFEITS.remove_under(state, &next);
    keys::READY.remove_under(state, &next);
    keys::PRUNED.put(state, &next);
}
