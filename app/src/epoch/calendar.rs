//! Which phase follows which.
//!
//! ```text
//! SERVE -> COMMIT -> REVEAL -> RACE -> CHALLENGE -> OPEN -> CHECK_COMMIT -> CHECK_REVEAL -> DISPUTE -> READY -> switch
//! ```
//!
//! DISPUTE is skipped when there is none, and begins again while accusations had to wait. READY ends
//! when every candidate confirmed, and begins again (the next key attempt, of at most
//! [`KEY_ATTEMPTS`]) without those who did not; after the last one those who confirmed are enough. A
//! race is run again from COMMIT (the next race attempt) when too little weight revealed its seed, nobody the challenge, or less than half of
//! the accepted count was ready. It fails when those who proved something hold less than half of the
//! power, and when it cannot be run again.

use race_proto::race::beacon::v1::Purpose;
use race_proto::race::epoch::v1::{Epoch, Phase, Validator};

use super::caps::Weights;
use super::params as specs;
use super::{events, keys, switch};
use crate::context::Context;
use crate::params::{self, ParamSpec};
use crate::state::State;
use crate::{beacon, race};

/// Key attempts of a race attempt.
pub const KEY_ATTEMPTS: u32 = 3;

/// Ends the current phase if its time has come. Returns CometBFT's updates at a switch.
pub fn advance(state: &mut State, context: &Context<'_>) -> Vec<Validator> {
    let epoch = super::current(state);
    let due = context.height >= epoch.phase_end;
    match epoch.phase() {
        Phase::Ready => return ready(state, context, epoch, due),
        _ if !due => {}
        Phase::Unspecified => {}
        Phase::Serve => start_attempt(state, context, epoch),
        Phase::Commit => enter(state, context, epoch, Phase::Reveal),
        Phase::Reveal => match race::seed(state, epoch.number, epoch.race_attempt) {
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
    }
    Vec::new()
}

/// The length of a phase.
fn length_of(phase: Phase) -> &'static ParamSpec {
    match phase {
        Phase::Serve | Phase::Unspecified => &specs::SERVE,
        Phase::Commit => &specs::COMMIT,
        Phase::Reveal => &specs::REVEAL,
        Phase::Race => &specs::RACE,
        Phase::Challenge => &specs::CHALLENGE,
        Phase::Open => &specs::OPEN,
        Phase::CheckCommit => &specs::CHECK_COMMIT,
        Phase::CheckReveal => &specs::CHECK_REVEAL,
        Phase::Dispute => &specs::DISPUTE,
        Phase::Ready => &specs::READY,
    }
}

/// The next block is the first of `phase`.
pub(super) fn enter(state: &mut State, context: &Context<'_>, mut epoch: Epoch, phase: Phase) {
    let length = match (epoch.number, phase) {
        (1, Phase::Serve) => &specs::FIRST_SERVE,
        _ => length_of(phase),
    };
    epoch.set_phase(phase);
    epoch.phase_start = context.height.saturating_add(1);
    epoch.phase_end = context.height.saturating_add(params::get(state, length));
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

/// All proofs are judged: the candidates confirm, unless the race has failed.
fn judge(state: &mut State, context: &Context<'_>, epoch: Epoch) -> Vec<Validator> {
    race::phase::judge(state, &epoch);
    let accepted = race::accepted(state, epoch.number, epoch.race_attempt);
    let powers = super::powers(state, epoch.number);
    let power = |sum: u64, who: &_| sum.saturating_add(powers.get(who).copied().unwrap_or(0));
    let standing = accepted.keys().fold(0, power);
    let total = powers.keys().fold(0, power);
    if accepted.is_empty() || standing < total.saturating_sub(standing) {
        return switch::keep(state, context, &epoch);
    }
    let candidates = super::candidates(state, &epoch);
    keys::ACCEPTED.put(
        state,
        &candidates.values().fold(0, |sum, n| sum.saturating_add(*n)),
    );
    enter(state, context, epoch, Phase::Ready);
    Vec::new()
}

/// READY: switches when all candidates confirmed; at the end of the window the others are dropped.
/// Where somebody is dropped and more nodes proved something than there are seats, the next ones
/// become candidates of the next key attempt.
fn ready(state: &mut State, context: &Context<'_>, mut epoch: Epoch, due: bool) -> Vec<Validator> {
    let (number, attempt) = (epoch.number, epoch.race_attempt);
    let mut confirmed = Weights::new();
    let mut absent = Vec::new();
    for (address, count) in super::candidates(state, &epoch) {
        if keys::CONFIRMATIONS.has(state, &(number, attempt, epoch.key_attempt, address)) {
            confirmed.insert(address, count);
        } else {
            absent.push(address);
        }
    }
    if absent.is_empty() {
        return switch::switch(state, context, &epoch, &confirmed);
    }
    if !due {
        return Vec::new();
    }
    for address in absent {
        race::phase::not_ready(state, &epoch, &address);
    }
    let left = confirmed
        .values()
        .fold(0, |sum: u64, n| sum.saturating_add(*n));
    let accepted = keys::ACCEPTED.get_or_default(state);
    if left == 0 || left < accepted.saturating_sub(left) {
        return run_again(state, context, epoch);
    }
    if epoch.key_attempt >= KEY_ATTEMPTS {
        return switch::switch(state, context, &epoch, &confirmed);
    }
    epoch.key_attempt = epoch.key_attempt.saturating_add(1);
    enter(state, context, epoch, Phase::Ready);
    Vec::new()
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

/// Opens a session round from the next block on, when one is due there.
pub(super) fn open_session_round(state: &mut State, context: &Context<'_>) {
    let epoch = super::current(state);
    let every = params::get(state, &specs::SESSION_ROUND);
    let since = context
        .height
        .saturating_add(1)
        .saturating_sub(epoch.start_height);
    if epoch.number == 0 || since.checked_rem(every) != Some(0) {
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

/// Opens a round that takes commits for one length from the next block on, then reveals for another.
fn open_round(
    state: &mut State,
    context: &Context<'_>,
    id: race_proto::race::beacon::v1::RoundId,
    commits: &ParamSpec,
    reveals: &ParamSpec,
) {
    let commit_end = context.height.saturating_add(params::get(state, commits));
    let reveal_end = commit_end.saturating_add(params::get(state, reveals));
    let commit_start = context.height.saturating_add(1);
    beacon::open(
        state,
        context,
        id,
        commit_start,
        commit_end,
        reveal_end,
        Vec::new(),
    );
}
