//! Which phase follows which.
//!
//! ```text
//! SERVE -> COMMIT -> REVEAL -> SEED -> RACE -> CHALLENGE -> OPEN -> CHECK_COMMIT -> CHECK_REVEAL -> DISPUTE -> DEAL -> CONFIRM -> switch
//! ```
//!
//! SEED ends when the committee has signed the race seed, or its fallback is over; CHALLENGE likewise.
//! DISPUTE is skipped when there is none, and begins again while accusations had to wait. DEAL ends
//! when every candidate dealt, CONFIRM when every dealer that is not out confirmed; when no key comes
//! out of them they begin again (the next key attempt, of at most [`KEY_ATTEMPTS`]) without those who
//! did not do both. A race is run again from COMMIT (the next race attempt) when too little weight
//! revealed its seed, nobody the challenge, or less than half of the accepted count is left for the
//! next key attempt, or no key attempt is. It fails when those who proved something hold less than half
//! of the power, and when it cannot be run again.
//!
//! The chain starts in DEAL: its first committee generates the first key, in as many attempts as that
//! takes, without those who did not do their part as long as two thirds of the power are left, and serves
//! from then on.

use std::collections::BTreeSet;

use race_proto::race::beacon::v1::{Purpose, RoundId};
use race_proto::race::epoch::v1::{Epoch, Phase, Validator};
use race_randomness::dkg::Outcome;

use super::caps::Weights;
use super::params as specs;
use super::{events, keys, switch};
use crate::address::ConsensusAddress;
use crate::beacon::keygen::{self, KeyAttempt};
use crate::beacon::signing::SEED_ATTEMPTS;
use crate::beacon::Lengths;
use crate::context::Context;
use crate::params::{self, ParamSpec};
use crate::state::State;
use crate::{beacon, race};

/// Key attempts of a race attempt.
pub const KEY_ATTEMPTS: u32 = 3;

/// The attempt at a key that an epoch's DEAL and CONFIRM are for.
pub(super) fn key_attempt(state: &State, epoch: &Epoch) -> KeyAttempt {
    let whose = match keygen::key(state, epoch.number) {
        Some(_) => epoch.number.saturating_add(1),
        None => epoch.number,
    };
    (whose, epoch.race_attempt, epoch.key_attempt)
}

/// Ends the current phase if its time has come. Returns CometBFT's updates at a switch.
pub fn advance(state: &mut State, context: &Context<'_>) -> Vec<Validator> {
    let epoch = super::current(state);
    let attempt = key_attempt(state, &epoch);
    let late = context.height >= epoch.phase_end;
    let closed = |purpose| {
        let id = beacon::id(purpose, epoch.number, epoch.race_attempt, 0);
        !beacon::is_open(state, &id)
    };
    let over = match epoch.phase() {
        Phase::Seed => closed(Purpose::RaceSeed),
        Phase::Challenge => closed(Purpose::Challenge),
        Phase::Deal => late || keygen::all_dealt(state, &attempt),
        Phase::Confirm => late || keygen::all_confirmed(state, &attempt),
        _ => late,
    };
    if !over {
        return Vec::new();
    }
    match epoch.phase() {
        Phase::Unspecified => {}
        Phase::Serve => start_attempt(state, context, epoch),
        Phase::Commit => enter(state, context, epoch, Phase::Reveal),
        Phase::Reveal => enter(state, context, epoch, Phase::Seed),
        Phase::Seed => match race::seed(state, epoch.number, epoch.race_attempt) {
            Some(_) => start_race(state, context, epoch),
            None => return run_again(state, context, epoch),
        },
        Phase::Race => {
            race::phase::race_closed(state, context, &epoch);
            enter(state, context, epoch, Phase::Challenge);
        }
        Phase::Challenge => match race::challenge(state, epoch.number, epoch.race_attempt) {
            Some(_) => {
                race::phase::challenge_closed(state, &epoch);
                enter(state, context, epoch, Phase::Open);
            }
            None => return run_again(state, context, epoch),
        },
        Phase::Open => {
            race::phase::open_closed(state, &epoch);
            enter(state, context, epoch, Phase::CheckCommit);
        }
        Phase::CheckCommit => enter(state, context, epoch, Phase::CheckReveal),
        Phase::CheckReveal => match race::phase::checks_closed(state, context, &epoch) {
            true => enter(state, context, epoch, Phase::Dispute),
            false => return judge(state, context, epoch),
        },
        Phase::Dispute => match race::phase::disputes_closed(state, context, &epoch) {
            true => enter(state, context, epoch, Phase::Dispute),
            false => return judge(state, context, epoch),
        },
        Phase::Deal => {
            keygen::close_deals(state, context, &attempt);
            enter(state, context, epoch, Phase::Confirm);
        }
        Phase::Confirm => return confirmed(state, context, epoch),
    }
    Vec::new()
}

/// The length of a phase; the greatest one where a phase ends with what it is for.
fn length_of(state: &State, epoch: u64, phase: Phase) -> u64 {
    let of = |spec: &ParamSpec| params::get(state, spec);
    // A signature comes at the earliest a block after the first extensions.
    let signing = of(&specs::SIGN).saturating_add(1);
    match phase {
        Phase::Serve if epoch == 1 => of(&specs::FIRST_SERVE),
        Phase::Serve | Phase::Unspecified => of(&specs::SERVE),
        Phase::Commit => of(&specs::COMMIT),
        Phase::Reveal => of(&specs::REVEAL),
        Phase::Seed => signing
            .saturating_mul(SEED_ATTEMPTS.into())
            .saturating_add(of(&specs::REVEAL)),
        Phase::Race => of(&specs::RACE),
        Phase::Challenge => signing.saturating_add(of(&specs::CHALLENGE)),
        Phase::Open => of(&specs::OPEN),
        Phase::CheckCommit => of(&specs::CHECK_COMMIT),
        Phase::CheckReveal => of(&specs::CHECK_REVEAL),
        Phase::Dispute => of(&specs::DISPUTE),
        Phase::Deal => of(&specs::DEAL),
        Phase::Confirm => of(&specs::CONFIRM),
    }
}

/// The next block is the first of `phase`.
pub(super) fn enter(state: &mut State, context: &Context<'_>, mut epoch: Epoch, phase: Phase) {
    let length = length_of(state, epoch.number, phase);
    epoch.set_phase(phase);
    epoch.phase_start = context.height.saturating_add(1);
    epoch.phase_end = context.height.saturating_add(length);
    keys::CURRENT.put(state, &epoch);
    events::phase(state, &epoch);
}

/// The beacon makes the race seed.
fn start_attempt(state: &mut State, context: &Context<'_>, epoch: Epoch) {
    let id = beacon::id(Purpose::RaceSeed, epoch.number, epoch.race_attempt, 0);
    let (commit, reveal) = (&specs::COMMIT, &specs::REVEAL);
    open_round(state, context, id, commit, reveal);
    enter(state, context, epoch, Phase::Commit);
}

/// The race seed is known; commits to the challenge are taken while the race runs.
fn start_race(state: &mut State, context: &Context<'_>, epoch: Epoch) {
    let id = beacon::id(Purpose::Challenge, epoch.number, epoch.race_attempt, 0);
    open_round(state, context, id, &specs::RACE, &specs::CHALLENGE);
    enter(state, context, epoch, Phase::Race);
}

/// All proofs are judged: the candidates generate the next key, unless the race has failed.
fn judge(state: &mut State, context: &Context<'_>, epoch: Epoch) -> Vec<Validator> {
    race::phase::judge(state, &epoch);
    let accepted = race::accepted(state, epoch.number, epoch.race_attempt);
    let powers = super::powers(state, epoch.number);
    let power = |sum: u64, who: &_| sum.saturating_add(powers.get(who).copied().unwrap_or(0));
    let standing = accepted.keys().fold(0, power);
    let total = powers.keys().fold(0, power);
    let candidates = super::candidates(state, &epoch);
    if candidates.is_empty() || standing < total.saturating_sub(standing) {
        return switch::keep(state, context, &epoch);
    }
    keys::ACCEPTED.put(
        state,
        &candidates.values().fold(0, |sum, n| sum.saturating_add(*n)),
    );
    generate_key(state, context, epoch);
    Vec::new()
}

/// The candidates that would have power in the next epoch generate its key. Where somebody was dropped
/// and more nodes proved something than there are seats, the next ones are candidates now.
fn generate_key(state: &mut State, context: &Context<'_>, epoch: Epoch) {
    let candidates = super::candidates(state, &epoch);
    let powers = switch::powers(state, &epoch, &candidates);
    let attempt = key_attempt(state, &epoch);
    keygen::begin(state, context.chain_id, attempt, &powers);
    enter(state, context, epoch, Phase::Deal);
}

/// CONFIRM is over: who did not do its part is dropped, and the others switch when a key came out.
fn confirmed(state: &mut State, context: &Context<'_>, mut epoch: Epoch) -> Vec<Validator> {
    let attempt = key_attempt(state, &epoch);
    let members = keygen::generation(state, &attempt).map(|g| keygen::members(&g));
    let (active, left) = match keygen::finish(state, context, &attempt) {
        Outcome::Active { confirmers, .. } => (true, confirmers),
        Outcome::Failed { left, .. } => (false, left),
    };
    if attempt.0 == epoch.number {
        match active {
            true => serve_first(state, context, epoch),
            false => {
                epoch.key_attempt = epoch.key_attempt.saturating_add(1);
                keys::CURRENT.put(state, &epoch);
                let members = first_members(state, epoch.number, &left);
                generate_first_key(state, context, &members);
                keygen::forget(state, &attempt);
            }
        }
        return Vec::new();
    }
    let mut counts = super::candidates(state, &epoch);
    counts.retain(|address, _| left.contains(address));
    for address in members.unwrap_or_default().difference(&left) {
        race::phase::not_ready(state, &epoch, address);
    }
    if active {
        return switch::switch(state, context, &epoch, &counts);
    }
    let left = counts
        .values()
        .fold(0, |sum: u64, n| sum.saturating_add(*n));
    let accepted = keys::ACCEPTED.get_or_default(state);
    let enough = left > 0 && left >= accepted.saturating_sub(left);
    if !enough || epoch.key_attempt >= KEY_ATTEMPTS {
        return run_again(state, context, epoch);
    }
    epoch.key_attempt = epoch.key_attempt.saturating_add(1);
    generate_key(state, context, epoch);
    Vec::new()
}

/// Who generates the first key after an attempt that failed: those who did their part in it, when they
/// hold more than two thirds of the power, else all again. So a third that is silent or lies does not
/// keep the chain from starting; it holds no shares of the first key.
fn first_members(state: &State, number: u64, left: &BTreeSet<ConsensusAddress>) -> Weights {
    let all = super::powers(state, number);
    let of_left = all.iter().filter(|(address, _)| left.contains(*address));
    let of_left: Weights = of_left.map(|(address, power)| (*address, *power)).collect();
    let sum = |powers: &Weights| {
        powers
            .values()
            .fold(0u64, |sum, power| sum.saturating_add(*power))
    };
    let (some, whole) = (sum(&of_left), sum(&all));
    match some.saturating_mul(3) > whole.saturating_mul(2) {
        true => of_left,
        false => all,
    }
}

/// These members of the first committee generate the chain's first key, from the next block on.
pub(super) fn generate_first_key(state: &mut State, context: &Context<'_>, members: &Weights) {
    let epoch = super::current(state);
    let attempt = key_attempt(state, &epoch);
    keygen::begin(state, context.chain_id, attempt, members);
    enter(state, context, epoch, Phase::Deal);
}

/// The chain has its first key: it begins to serve.
fn serve_first(state: &mut State, context: &Context<'_>, mut epoch: Epoch) {
    let number = epoch.number;
    epoch.key_attempt = 1;
    enter(state, context, epoch, Phase::Serve);
    open_duties(state, context, number, 1);
}

/// The race is run again, or has failed.
fn run_again(state: &mut State, context: &Context<'_>, mut epoch: Epoch) -> Vec<Validator> {
    let reruns = crate::params::get(state, &specs::MAX_RERUNS);
    if u64::from(epoch.race_attempt) > reruns {
        return switch::keep(state, context, &epoch);
    }
    epoch.race_attempt = epoch.race_attempt.saturating_add(1);
    epoch.key_attempt = 1;
    start_attempt(state, context, epoch);
    Vec::new()
}

/// Opens the round of an epoch's duties from the next block on.
pub(super) fn open_duties(state: &mut State, context: &Context<'_>, epoch: u64, attempt: u32) {
    let id = beacon::id(Purpose::Duties, epoch, attempt, 0);
    open_round(state, context, id, &specs::COMMIT, &specs::REVEAL);
}

/// Opens a session round from the next block on, when one is due there and the committee has a key.
pub(super) fn open_session_round(state: &mut State, context: &Context<'_>) {
    let epoch = super::current(state);
    let every = params::get(state, &specs::SESSION_ROUND);
    let since = context
        .height
        .saturating_add(1)
        .saturating_sub(epoch.start_height);
    if keygen::key(state, epoch.number).is_none() || since.checked_rem(every) != Some(0) {
        return;
    }
    let round = since.checked_div(every).unwrap_or(0);
    let id = beacon::id(Purpose::SessionRound, epoch.number, 1, round);
    open_round(
        state,
        context,
        id,
        &specs::SESSION_ROUND,
        &specs::SESSION_ROUND,
    );
}

/// Opens a round with windows of these lengths.
fn open_round(
    state: &mut State,
    context: &Context<'_>,
    id: RoundId,
    commits: &ParamSpec,
    reveals: &ParamSpec,
) {
    let lengths = Lengths {
        commit: params::get(state, commits),
        reveal: params::get(state, reveals),
        sign: params::get(state, &specs::SIGN),
    };
    beacon::open(state, context, id, lengths);
}
