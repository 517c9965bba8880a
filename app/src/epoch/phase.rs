//! The two lists: what happens at the start and at the end of every block.

use race_proto::race::beacon::v1::{Purpose, Round, RoundStatus};
use race_proto::race::epoch::v1::Validator;

use super::{calendar, keys, switch};
use crate::address::ConsensusAddress;
use crate::beacon::phase::Step;
use crate::context::Context;
use crate::state::State;
use crate::{authz, beacon, duty, feegrant, gov, model, node, session, treasury};

/// The start of a block: `signed` says which validators signed the block before.
pub fn begin_block(state: &mut State, context: &Context<'_>, signed: &[(ConsensusAddress, bool)]) {
    count_signatures(state, context, signed);
}

/// The end of a block, all modules' phases in order. Returns the updates for CometBFT: power 0
/// removes.
pub fn end_block(state: &mut State, context: &Context<'_>) -> Vec<Validator> {
    for step in beacon::phase::end_block(state, context) {
        match step {
            Step::Closed(round) => round_closed(state, context, &round),
            Step::Unsigned(id, absent) => {
                for address in absent {
                    treasury::forfeit_epoch(state, &address, id.epoch, "race seed not signed");
                }
            }
        }
    }
    duty::phase::end_block(state, context);
    treasury::phase::end_block(state);
    session::phase::expire(state, context);
    gov::phase::end_block(state, context);
    authz::phase::end_block(state, context);
    feegrant::phase::end_block(state, context);
    model::phase::end_block(state);
    let mut updates = calendar::advance(state, context);
    node::phase::end_block(state);
    calendar::open_session_round(state, context);
    // After a switch there is nobody to expel: the new committee was made without them.
    updates.extend(switch::expel(state));
    updates
}

/// A beacon round became a seed or failed. Who withheld its reveal forfeits its rewards of the epoch
/// where the race depends on it, else those of checking.
fn round_closed(state: &mut State, context: &Context<'_>, round: &Round) {
    let Some(id) = &round.id else { return };
    let reason = match id.purpose() {
        Purpose::SessionRound | Purpose::Duties => treasury::CHECKING,
        _ => "withheld reveal",
    };
    let fallback = beacon::fallback_withheld(state, id);
    for address in beacon::withheld(state, id).into_iter().chain(fallback) {
        treasury::forfeit_epoch(state, &address, id.epoch, reason);
    }
    match (id.purpose(), round.status()) {
        (Purpose::SessionRound, RoundStatus::Done) => {
            session::phase::session_round_done(state, context, round);
        }
        (Purpose::Duties, RoundStatus::Failed) if id.epoch == super::current(state).number => {
            calendar::open_duties(state, context, id.epoch, id.attempt.saturating_add(1));
        }
        _ => {}
    }
}

/// Counts who signed the blocks of this epoch. The last commit is of the block before, so the
/// epoch's first block counts for the epoch that ended and is left out.
fn count_signatures(state: &mut State, context: &Context<'_>, signed: &[(ConsensusAddress, bool)]) {
    if context.height <= super::current(state).start_height {
        return;
    }
    keys::COUNTED.put(
        state,
        &keys::COUNTED.get_or_default(state).saturating_add(1),
    );
    for (address, signed) in signed {
        if *signed {
            let blocks = keys::SIGNED
                .get(state, address)
                .unwrap_or(0)
                .saturating_add(1);
            keys::SIGNED.put(state, address, &blocks);
        }
    }
}
