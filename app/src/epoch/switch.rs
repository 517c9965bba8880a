//! The switch: the next committee takes over, and everything that changes with it.

use std::collections::{BTreeMap, BTreeSet};

use race_proto::race::beacon::v1::Purpose;
use race_proto::race::epoch::v1::{Epoch, EpochRecord, Member, Phase, Validator};

use super::caps::{caps, is_old, Limits, Weights};
use super::diff::{diff, Set};
use super::{calendar, events, keys, KEPT};
use crate::address::ConsensusAddress;
use crate::context::Context;
use crate::state::State;
use crate::{beacon, bond, evidence, node, params, pricing, race, session, treasury};

/// A committee, by address.
type Committee = BTreeMap<ConsensusAddress, Member>;

/// The powers that these accepted counts give in the next epoch.
pub(super) fn powers(state: &State, epoch: &Epoch, counts: &Weights) -> Weights {
    let old: BTreeSet<_> = super::committee(state, epoch.number).into_keys().collect();
    caps(counts, &old, &live(state, epoch), &Limits::of(state))
}

/// The next key was generated: the capped counts of those who confirmed are the powers of the next
/// epoch.
pub(super) fn switch(
    state: &mut State,
    context: &Context<'_>,
    epoch: &Epoch,
    counts: &Weights,
) -> Vec<Validator> {
    let old: BTreeSet<_> = super::committee(state, epoch.number).into_keys().collect();
    let live = live(state, epoch);
    let powers = powers(state, epoch, counts);
    let members = powers
        .into_iter()
        .map(|(address, power)| {
            let count = counts.get(&address).copied().unwrap_or(0);
            let newcomer = !is_old(&old, &live, &address);
            (
                address,
                Member {
                    address: address.to_vec(),
                    power,
                    count,
                    newcomer,
                },
            )
        })
        .collect();
    close(state, context, epoch, members, false)
}

/// The race failed: the committee and its key stay, and who did not take part to the end carries half
/// of its power, rounded up.
pub(super) fn keep(state: &mut State, context: &Context<'_>, epoch: &Epoch) -> Vec<Validator> {
    beacon::keygen::keep(state, epoch.number);
    let mut members = without_expelled(state, epoch.number);
    for (address, member) in &mut members {
        member.newcomer = false;
        if !took_part(state, epoch, address) {
            member.power = member.power.div_ceil(2);
        }
    }
    close(state, context, epoch, members, true)
}

/// The members of an epoch's committee without those who equivocated in it; all, if nobody were left.
fn without_expelled(state: &State, epoch: u64) -> Committee {
    let members = super::committee(state, epoch);
    let out = evidence::out(state, epoch);
    let stays = |address: &ConsensusAddress| !out.contains(address);
    if !members.keys().any(stays) {
        return members;
    }
    let stay = members.into_iter();
    stay.filter(|(address, _)| stays(address)).collect()
}

/// What CometBFT should have of the current committee.
pub(super) fn in_force(state: &State) -> Set {
    let epoch = super::current(state).number;
    validators(state, &without_expelled(state, epoch))
}

/// Takes those who equivocated in this epoch out of CometBFT's set, and says what it must be told.
pub(super) fn expel(state: &mut State) -> Vec<Validator> {
    let old = super::validators(state);
    let out = evidence::out(state, super::current(state).number);
    if !out.iter().any(|address| old.contains_key(address)) {
        return Vec::new();
    }
    let new = in_force(state);
    match diff(&old, &new) {
        Ok(updates) => {
            tell(state, &new);
            updates
        }
        Err(error) => {
            tracing::error!(%error, "the set without equivocators is illegal, the old one is kept");
            Vec::new()
        }
    }
}

/// Notes what CometBFT was told.
fn tell(state: &mut State, set: &Set) {
    keys::VALIDATORS.remove_under(state, &());
    for (address, validator) in set {
        keys::VALIDATORS.put(state, address, validator);
    }
}

/// Whether a member did its part in the attempt that failed, as far as that attempt came.
fn took_part(state: &State, epoch: &Epoch, address: &ConsensusAddress) -> bool {
    let (number, attempt) = (epoch.number, epoch.race_attempt);
    let revealed =
        |purpose| beacon::revealed(state, &beacon::id(purpose, number, attempt, 0), address);
    if beacon::did_not_sign(
        state,
        &beacon::id(Purpose::RaceSeed, number, attempt, 0),
        address,
    ) {
        return false;
    }
    match epoch.phase() {
        Phase::Seed => revealed(Purpose::RaceSeed),
        Phase::Challenge => revealed(Purpose::Challenge),
        _ => race::accepted(state, number, attempt).contains_key(address),
    }
}

/// Who signed at least half of the epoch's blocks. The first nodes count as live in epoch 1.
fn live(state: &State, epoch: &Epoch) -> BTreeSet<ConsensusAddress> {
    let members = super::committee(state, epoch.number).into_keys();
    let blocks = keys::COUNTED.get_or_default(state);
    let signed = |address: &_| keys::SIGNED.get(state, address).unwrap_or(0);
    members
        .filter(|address| {
            let signed = signed(address);
            epoch.number == 1 || signed >= blocks.saturating_sub(signed)
        })
        .collect()
}

/// Ends the epoch: the list of what changes.
fn close(
    state: &mut State,
    context: &Context<'_>,
    epoch: &Epoch,
    members: Committee,
    race_failed: bool,
) -> Vec<Validator> {
    let closed = epoch.number;
    let next = closed.saturating_add(1);
    let updates = install(state, closed, members);
    record(state, context, epoch, race_failed);
    treasury::phase::at_switch(state, context, closed);
    bond::phase::at_switch(state, context, next);
    params::apply_pending(state);
    begin(state, context, next, Phase::Serve);
    pricing::phase::at_switch(state, context, next);
    session::phase::at_switch(state, context);
    prune(state, closed);
    race::phase::prune(state, closed);
    beacon::keygen::prune(state, closed);
    calendar::open_duties(state, context, next, 1);
    events::switch(state, next, context.height, race_failed);
    updates
}

/// Makes `members` the committee of the epoch after `closed` and says what CometBFT must be told.
fn install(state: &mut State, closed: u64, members: Committee) -> Vec<Validator> {
    let old = super::validators(state);
    let new = validators(state, &members);
    let (members, new, updates) = match diff(&old, &new) {
        Ok(updates) => (members, new, updates),
        Err(error) => {
            // CometBFT would halt: rather keep what it has. The caps rule this out.
            tracing::error!(%error, "the next set of validators is illegal, the old one is kept");
            (super::committee(state, closed), old, Vec::new())
        }
    };
    let next = closed.saturating_add(1);
    for (address, member) in &members {
        keys::MEMBERS.put(state, &(next, *address), member);
        node::phase::joined(state, address);
    }
    tell(state, &new);
    updates
}

/// What CometBFT is told of a committee.
pub(super) fn validators(state: &State, members: &Committee) -> Set {
    members
        .iter()
        .filter_map(|(address, member)| {
            let public_key = super::consensus_key(state, address)?.to_vec();
            Some((
                *address,
                Validator {
                    address: address.to_vec(),
                    public_key,
                    power: member.power,
                },
            ))
        })
        .collect()
}

fn record(state: &mut State, context: &Context<'_>, epoch: &Epoch, race_failed: bool) {
    keys::RECORDS.put(
        state,
        &epoch.number,
        &EpochRecord {
            number: epoch.number,
            start_height: epoch.start_height,
            end_height: context.height,
            start_time_ms: epoch.start_time_ms,
            end_time_ms: context.time_ms,
            race_failed,
            race_attempts: epoch.race_attempt,
        },
    );
}

/// The next block is the first of epoch `number`.
pub(super) fn begin(state: &mut State, context: &Context<'_>, number: u64, first: Phase) {
    keys::SIGNED.remove_under(state, &());
    keys::COUNTED.put(state, &0);
    let epoch = Epoch {
        number,
        start_height: context.height.saturating_add(1),
        start_time_ms: context.time_ms,
        race_attempt: 1,
        key_attempt: 1,
        ..Epoch::default()
    };
    calendar::enter(state, context, epoch, first);
}

/// Drops what is no longer kept of epochs up to `closed`.
fn prune(state: &mut State, closed: u64) {
    let Some(old) = closed.saturating_add(1).checked_sub(KEPT) else {
        return;
    };
    let members = super::committee(state, old);
    keys::MEMBERS.remove_under(state, &old);
    for address in members.keys() {
        if !super::in_a_kept_committee(state, address) {
            node::phase::left(state, address);
        }
    }
}
