//! Finalising an epoch: what could not be checked is refunded, fees are split, rewards released or
//! forfeited.

use std::collections::{BTreeMap, BTreeSet};

use race_pricing::math::mul_div;
use race_pricing::split;
use race_proto::race::duty::v1::ReverificationStatus;
use race_proto::race::settlement::v1::{Task, TaskStatus};
use race_proto::race::treasury::v1::{EventForfeited, EventMinted, EventReleased, Held, Release};

use super::subsidy::{self, Earnest, Subsidy};
use super::{
    forfeit, held, held_account, issuance, keys, params, training_account, treasury_account,
    Forfeit,
};
use crate::address::{Account, ConsensusAddress};
use crate::coin::{stored, Nicoin};
use crate::context::Context;
use crate::duty::{share::Part, Tallies};
use crate::events::typed;
use crate::state::State;
use crate::{bank, bond, duty, fields, node, reputation, settlement};

/// What tasks earn.
#[derive(Debug, Default)]
pub(super) struct Earned {
    /// To the training fund.
    pub training: Nicoin,
    /// As executor and as checker, by node.
    pub parts: BTreeMap<ConsensusAddress, (Nicoin, Nicoin)>,
}

/// Splits the fees of tasks: the training fund first; the rest to the executor, or half to it and
/// half to the checkers.
pub(super) fn earned<'a>(state: &State, tasks: impl Iterator<Item = &'a Task>) -> Earned {
    let percent = subsidy::training_percent(state);
    let mut earned = Earned::default();
    for task in tasks {
        let checkers = u32::try_from(task.checkers.len()).unwrap_or(u32::MAX);
        let fee = split::fee(stored(&task.fee), percent, checkers);
        earned.training = earned.training.saturating_add(fee.training);
        let executor = earned
            .parts
            .entry(fields::stored(&task.executor))
            .or_default();
        executor.0 = executor.0.saturating_add(fee.executor);
        for checker in &task.checkers {
            let checker = earned.parts.entry(fields::stored(checker)).or_default();
            checker.1 = checker.1.saturating_add(fee.per_checker);
        }
    }
    earned
}

/// Refunds the settled tasks of an epoch that could not be checked, and returns all of its tasks. Called before
/// anything is computed from them: these are not served, and nobody's duty.
fn refund_uncheckable(state: &mut State, epoch: u64, tallies: &Tallies) -> Vec<Task> {
    let is_void = |task: &Task| task.status() == TaskStatus::Settled && tallies.uncheckable(task);
    let (void, mut tasks): (Vec<Task>, Vec<Task>) = settlement::tasks(state, epoch)
        .into_iter()
        .partition(is_void);
    let confirmed = void
        .iter()
        .filter(|task| tallies.is_confirmed_uncheckable(task));
    duty::excuse(state, epoch, confirmed);
    for task in void {
        tasks.push(settlement::void(state, task));
    }
    tasks
}

/// Pays an epoch's settled tasks and releases its rewards, but refunds those that could not be
/// checked ([`Tallies::uncheckable`]). The subsidy is minted the first time;
/// tasks that are still contested then are paid by a later call, without any.
pub(super) fn finalise(state: &mut State, context: &Context<'_>, epoch: u64, first: bool) {
    let tallies = Tallies::of(state, epoch);
    let tasks = refund_uncheckable(state, epoch, &tallies);
    let settled: Vec<&Task> = tasks
        .iter()
        .filter(|task| task.status() == TaskStatus::Settled)
        .collect();
    let subsidy = if first {
        mint_for(state, epoch, &settled)
    } else {
        Subsidy::default()
    };

    let earned = earned(state, settled.iter().copied());
    pay(
        state,
        &settlement::held_account(),
        &training_account(),
        earned.training,
    );
    let parts = earned.parts.values().fold(0u128, |sum, (fees, checking)| {
        sum.saturating_add(*fees).saturating_add(*checking)
    });
    pay(state, &settlement::held_account(), &held_account(), parts);
    for (address, (fees, checking)) in earned.parts {
        let mut held = held(state, epoch, &address);
        held.fees = stored(&held.fees).saturating_add(fees).to_string();
        held.checking = stored(&held.checking).saturating_add(checking).to_string();
        keys::HELD.put(state, &(epoch, address), &held);
    }
    credit(state, epoch, &settled, &tallies);
    for task in &settled {
        let mut task = (*task).clone();
        task.set_status(TaskStatus::Final);
        settlement::put(state, &task);
    }

    let duties = Duties {
        liable: subsidy::liable(state, &tasks),
        alone: tallies.alone(&tasks),
    };
    release(state, context, epoch, &subsidy, &duties);
    match tasks
        .iter()
        .any(|task| task.status() == TaskStatus::Contested)
    {
        true => keys::UNFINISHED.put(state, &epoch, &()),
        false => keys::UNFINISHED.remove(state, &epoch),
    }
}

/// Who forfeits everything of an epoch.
fn convicted(state: &State, epoch: u64) -> BTreeSet<ConsensusAddress> {
    let forfeits = keys::FORFEITS.under(state, &epoch).into_iter();
    forfeits
        .filter(|(_, forfeit)| forfeit.all)
        .map(|((_, address), _)| address)
        .collect()
}

/// Reputation grows by the tokens of the tasks that somebody checked and passed.
fn credit(state: &mut State, epoch: u64, settled: &[&Task], tallies: &Tallies) {
    let convicted = convicted(state, epoch);
    let mut worked: BTreeMap<ConsensusAddress, u64> = BTreeMap::new();
    for task in settled {
        let executor: ConsensusAddress = fields::stored(&task.executor);
        if convicted.contains(&executor) || !tallies.passed(task) {
            continue;
        }
        let tokens = u64::from(task.prompt_tokens).saturating_add(u64::from(task.output_tokens));
        let sum = worked.entry(executor).or_default();
        *sum = sum.saturating_add(tokens);
    }
    for (executor, tokens) in worked {
        reputation::credit(state, &executor, tokens);
    }
}

/// The subsidy for the epoch's fees, which are counted. What convicted executors earned calls for
/// nothing.
fn mint_for(state: &mut State, epoch: u64, settled: &[&Task]) -> Subsidy {
    let convicted = convicted(state, epoch);
    let mut earnest = Earnest::of(state, epoch);
    let fees = settled
        .iter()
        .filter(|task| !convicted.contains(task.executor.as_slice()))
        .filter(|task| earnest.counts(state, task))
        .fold(0u128, |sum, task| sum.saturating_add(stored(&task.fee)));
    let subsidy = subsidy::of(state, epoch, fees);
    let mut issued = issuance(state);
    issued.fees_counted = stored(&issued.fees_counted)
        .saturating_add(fees)
        .to_string();
    keys::ISSUANCE.put(state, &issued);
    subsidy
}

/// Releases what is held for an epoch and mints its subsidy, each node's as far as it has done its
/// duties and forfeits nothing.
fn release(
    state: &mut State,
    context: &Context<'_>,
    epoch: u64,
    subsidy: &Subsidy,
    duties: &Duties,
) {
    bank::mint(state, &training_account(), subsidy.training);
    let mut minted = subsidy.training;
    let mut records: BTreeMap<ConsensusAddress, Held> = keys::HELD
        .under(state, &epoch)
        .into_iter()
        .map(|((_, address), held)| (address, held))
        .collect();
    for (address, part) in &subsidy.parts {
        let record = records
            .entry(*address)
            .or_insert_with(|| held(state, epoch, address));
        record.minted = part.to_string();
    }
    for (address, held) in records {
        keys::HELD.remove(state, &(epoch, address));
        let outcome = judge(state, epoch, &address, &held, duties);
        minted = minted.saturating_add(outcome.minted);
        carry_out(state, context, epoch, &address, outcome);
    }
    if minted > 0 {
        let mut issued = issuance(state);
        issued.minted = stored(&issued.minted).saturating_add(minted).to_string();
        keys::ISSUANCE.put(state, &issued);
        state.emit(typed(&EventMinted {
            epoch,
            amount: minted.to_string(),
        }));
    }
}

/// What the duties of an epoch's nodes are judged by.
struct Duties {
    /// Who may have had any.
    liable: BTreeSet<ConsensusAddress>,
    /// What each alone missed ([`Tallies`]).
    alone: BTreeMap<ConsensusAddress, u64>,
}

/// What becomes of a node's rewards of an epoch.
struct Judgement {
    operator: Option<Account>,
    /// Coins released to the operator.
    released: Nicoin,
    /// New coins for the operator.
    minted: Nicoin,
    /// Fees of a convicted executor: from them bounties are paid first.
    forfeited_fees: Nicoin,
    /// Other coins that go to the treasury.
    forfeited_rest: Nicoin,
    /// Subsidy that is not minted.
    unminted: Nicoin,
    reason: String,
}

fn judge(
    state: &State,
    epoch: u64,
    address: &ConsensusAddress,
    held: &Held,
    duties: &Duties,
) -> Judgement {
    let operator = node::get(state, address).map(|node| node::operator(&node));
    let forfeit = forfeit(state, epoch, address);
    let all = forfeit.as_ref().is_some_and(|forfeit| forfeit.all);
    let share = duty::share(state, epoch, address, &duties.liable, &duties.alone);
    let part_of = |amount: Nicoin, part: Part| match all || operator.is_none() {
        true => 0,
        false => mul_div(amount, part.of, part.whole).unwrap_or(0),
    };
    let part = |amount: Nicoin| part_of(amount, share.rest);
    let (fees, checking) = (stored(&held.fees), stored(&held.checking));
    let (gas, subsidy) = (stored(&held.gas), stored(&held.minted));
    let kept_checking = match forfeit {
        Some(_) => 0,
        None => part_of(checking, share.checking),
    };
    let released = part(fees)
        .saturating_add(kept_checking)
        .saturating_add(part(gas));
    let minted = part(subsidy);
    let forfeited_fees = if all { fees } else { 0 };
    let total = fees.saturating_add(checking).saturating_add(gas);
    Judgement {
        released,
        minted,
        forfeited_fees,
        forfeited_rest: total
            .saturating_sub(released)
            .saturating_sub(forfeited_fees),
        unminted: subsidy.saturating_sub(minted),
        reason: reason(forfeit, operator.is_some()),
        operator,
    }
}

fn reason(forfeit: Option<Forfeit>, registered: bool) -> String {
    match forfeit {
        Some(forfeit) => forfeit.reason,
        None if registered => "duties missed".to_owned(),
        None => "node no longer registered".to_owned(),
    }
}

/// Moves the coins: to the operator, to who found a forgery, to the treasury.
fn carry_out(
    state: &mut State,
    context: &Context<'_>,
    epoch: u64,
    address: &ConsensusAddress,
    outcome: Judgement,
) {
    let released = outcome.released.saturating_add(outcome.minted);
    let mut bonded = 0;
    if let Some(operator) = &outcome.operator {
        pay(state, &held_account(), operator, outcome.released);
        bank::mint(state, operator, outcome.minted);
        announce(state, epoch, address, operator, released);
        bonded = bond::keep(state, address, operator, released);
    }
    let bounties = bounties(state, context, epoch, address, outcome.forfeited_fees);
    let to_treasury = outcome
        .forfeited_fees
        .saturating_sub(bounties)
        .saturating_add(outcome.forfeited_rest);
    pay(state, &held_account(), &treasury_account(), to_treasury);

    let lost = outcome
        .forfeited_fees
        .saturating_add(outcome.forfeited_rest)
        .saturating_add(outcome.unminted);
    if lost > 0 {
        state.emit(typed(&EventForfeited {
            epoch,
            address: address.to_vec(),
            amount: lost.to_string(),
            reason: outcome.reason,
        }));
    }
    let done = Done {
        released,
        forfeited: lost,
        minted: outcome.minted,
        bonded,
    };
    record(state, context, epoch, address, &done);
}

fn announce(
    state: &mut State,
    epoch: u64,
    address: &ConsensusAddress,
    operator: &Account,
    amount: Nicoin,
) {
    if amount > 0 {
        state.emit(typed(&EventReleased {
            epoch,
            address: address.to_vec(),
            operator: operator.to_string(),
            amount: amount.to_string(),
        }));
    }
}

/// Pays who found a convicted executor's forgeries, in equal parts, out of its forfeited fees, up to
/// the cap. The refunds were paid before: the fees of false tasks are not among these.
fn bounties(
    state: &mut State,
    context: &Context<'_>,
    epoch: u64,
    executor: &ConsensusAddress,
    fees: Nicoin,
) -> Nicoin {
    let finders: BTreeMap<ConsensusAddress, Account> = duty::reverifications(state, epoch)
        .iter()
        .filter(|case| case.status() == ReverificationStatus::False)
        .filter(|case| case.executor == executor)
        .flat_map(|case| case.accusers.iter().map(|accuser| fields::stored(accuser)))
        .filter_map(|accuser| {
            let node = node::get(state, &accuser)?;
            Some((accuser, node::operator(&node)))
        })
        .collect();
    let cap = Nicoin::from(crate::params::get(state, &params::BOUNTY_CAP));
    let count = u128::try_from(finders.len()).unwrap_or(u128::MAX);
    let each = fees.min(cap).checked_div(count).unwrap_or(0);
    if each == 0 {
        return 0;
    }
    for (finder, operator) in &finders {
        pay(state, &held_account(), operator, each);
        announce(state, epoch, finder, operator, each);
        let done = Done {
            released: each,
            ..Done::default()
        };
        record(state, context, epoch, finder, &done);
    }
    each.saturating_mul(count)
}

/// What was done with a node's rewards.
#[derive(Default)]
struct Done {
    released: Nicoin,
    forfeited: Nicoin,
    minted: Nicoin,
    bonded: Nicoin,
}

/// Adds to a node's record of an epoch.
fn record(
    state: &mut State,
    context: &Context<'_>,
    epoch: u64,
    address: &ConsensusAddress,
    done: &Done,
) {
    let before = super::release(state, epoch, address).unwrap_or_default();
    let sum = |text: &str, amount: Nicoin| stored(text).saturating_add(amount).to_string();
    let release = Release {
        address: address.to_vec(),
        epoch,
        released: sum(&before.released, done.released),
        forfeited: sum(&before.forfeited, done.forfeited),
        height: context.height,
        minted: sum(&before.minted, done.minted),
        bonded: sum(&before.bonded, done.bonded),
    };
    keys::RELEASES.put(state, &(epoch, *address), &release);
}

/// Moves coins between accounts whose contents this module answers for.
fn pay(state: &mut State, from: &Account, to: &Account, amount: Nicoin) {
    bank::transfer(state, from, to, amount)
        .expect("held accounts cover what their records say: checked by the invariants");
}
