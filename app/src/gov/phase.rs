//! What `gov` does at the end of each block: close periods that are over.

use std::cmp::Reverse;

use race_proto::cosmos::gov::v1::{Proposal, ProposalStatus};
use race_proto::Any;

use super::tally::Tally;
use super::{deposits, keys};
use crate::context::Context;
use crate::error::TxError;
use crate::events::event;
use crate::registry;
use crate::state::State;

/// Closes every proposal whose period has ended by this block's header time.
pub fn end_block(state: &mut State, context: &Context<'_>) {
    for (id, end) in keys::OPEN.all(state) {
        if context.time_ms < end {
            continue;
        }
        let Some(proposal) = keys::PROPOSALS.get(state, &id) else {
            continue;
        };
        keys::OPEN.remove(state, &id);
        match proposal.status() {
            ProposalStatus::VotingPeriod => close_vote(state, context, proposal),
            _ => drop_proposal(state, &proposal),
        }
    }
}

/// Ends the proposal that waits with the smallest deposit, the youngest of several: whether there is one.
pub(super) fn make_room(state: &mut State) -> bool {
    let open = keys::OPEN.all(state).into_iter();
    let proposals = open.filter_map(|(id, _)| keys::PROPOSALS.get(state, &id));
    let waiting = proposals.filter(|proposal| proposal.status() == ProposalStatus::DepositPeriod);
    let least = waiting.min_by_key(|proposal| {
        (
            deposits::total(&proposal.total_deposit),
            Reverse(proposal.id),
        )
    });
    let Some(proposal) = least else {
        return false;
    };
    keys::OPEN.remove(state, &proposal.id);
    drop_proposal(state, &proposal);
    true
}

/// The deposit did not come together: the proposal is removed, what came is returned.
fn drop_proposal(state: &mut State, proposal: &Proposal) {
    keys::PROPOSALS.remove(state, &proposal.id);
    deposits::refund(state, proposal.id);
    let id = proposal.id.to_string();
    let attributes = [
        ("proposal_id", id.as_str()),
        ("proposal_result", "proposal_dropped"),
    ];
    state.emit(event("inactive_proposal", &attributes));
}

fn close_vote(state: &mut State, context: &Context<'_>, mut proposal: Proposal) {
    let id = proposal.id;
    let tally = Tally::count(state, id);
    let passes = tally.passes(state);
    proposal.final_tally_result = Some(tally.shown());
    keys::VOTES.remove_under(state, &id);
    deposits::refund(state, id);
    let (status, result) = match passes.then(|| execute(state, context, &proposal.messages)) {
        None => (ProposalStatus::Rejected, "proposal_rejected"),
        Some(Ok(())) => (ProposalStatus::Passed, "proposal_passed"),
        Some(Err(error)) => {
            proposal.failed_reason = error.to_string();
            (ProposalStatus::Failed, "proposal_failed")
        }
    };
    proposal.set_status(status);
    keys::PROPOSALS.put(state, &id, &proposal);
    let attributes = [
        ("proposal_id", &*id.to_string()),
        ("proposal_result", result),
    ];
    state.emit(event("active_proposal", &attributes));
}

/// Executes the messages of a passed proposal: all or none.
fn execute(state: &mut State, context: &Context<'_>, messages: &[Any]) -> Result<(), TxError> {
    state.begin();
    let run = |state: &mut State| {
        for any in messages {
            let kind = registry::message(&any.type_url)
                .ok_or_else(|| TxError::sdk(6, format!("{}: unknown request", any.type_url)))?;
            (kind.parse)(&any.value)?.execute(state, context)?;
        }
        Ok(())
    };
    let result = run(state);
    match result {
        Ok(()) => state.keep(),
        Err(_) => state.discard(),
    }
    result
}
