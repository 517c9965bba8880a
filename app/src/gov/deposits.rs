//! Deposits: taken, and given back at the end.

use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::gov::v1::{Deposit, Proposal, ProposalStatus};

use super::{authority, keys, params};
use crate::address::Account;
use crate::bank::{self, coins};
use crate::coin::{stored, Nicoin};
use crate::context::Context;
use crate::error::TxError;
use crate::events::event;
use crate::params::get;
use crate::state::State;
use crate::time::timestamp;

/// The amount of a stored list of coins.
pub(super) fn total(coins: &[Coin]) -> Nicoin {
    coins.first().map_or(0, |coin| stored(&coin.amount))
}

/// A list of coins as stored: empty for zero.
fn listed(amount: Nicoin) -> Vec<Coin> {
    match amount {
        0 => Vec::new(),
        _ => vec![coins::nicoin(amount)],
    }
}

/// Takes a deposit; the vote begins once it suffices.
pub(super) fn add(
    state: &mut State,
    context: &Context<'_>,
    proposal: &mut Proposal,
    depositor: &Account,
    amount: Nicoin,
) -> Result<(), TxError> {
    bank::transfer(state, depositor, &authority(), amount)?;
    let key = (proposal.id, *depositor);
    let before = keys::DEPOSITS
        .get(state, &key)
        .map_or(0, |deposit| total(&deposit.amount));
    let deposit = Deposit {
        proposal_id: proposal.id,
        depositor: depositor.to_string(),
        amount: listed(before.saturating_add(amount)),
    };
    keys::DEPOSITS.put(state, &key, &deposit);
    let sum = total(&proposal.total_deposit).saturating_add(amount);
    proposal.total_deposit = listed(sum);
    let (id, shown) = (proposal.id.to_string(), bank::shown(amount));
    let depositor = depositor.to_string();
    let attributes = [
        ("depositor", depositor.as_str()),
        ("amount", &shown),
        ("proposal_id", &id),
    ];
    state.emit(event("proposal_deposit", &attributes));
    let waits = proposal.status() == ProposalStatus::DepositPeriod;
    if waits && sum >= Nicoin::from(get(state, &params::MIN_DEPOSIT)) {
        begin_vote(state, context, proposal);
    }
    keys::PROPOSALS.put(state, &proposal.id, proposal);
    Ok(())
}

fn begin_vote(state: &mut State, context: &Context<'_>, proposal: &mut Proposal) {
    let end = context
        .time_ms
        .saturating_add(get(state, &params::VOTING_PERIOD));
    proposal.set_status(ProposalStatus::VotingPeriod);
    proposal.voting_start_time = Some(timestamp(context.time_ms));
    proposal.voting_end_time = Some(timestamp(end));
    keys::OPEN.put(state, &proposal.id, &end);
    state.emit(event(
        "proposal_deposit",
        &[("voting_period_start", &proposal.id.to_string())],
    ));
}

/// Gives all deposits of a proposal back.
pub(super) fn refund(state: &mut State, id: u64) {
    for ((_, depositor), deposit) in keys::DEPOSITS.under(state, &id) {
        keys::DEPOSITS.remove(state, &(id, depositor));
        bank::transfer(state, &authority(), &depositor, total(&deposit.amount))
            .expect("the gov account holds all deposits");
    }
}
