//! What `beacon` does at its blocks: rounds go from window to window until they are seeds, or fail; the
//! next block takes deals afresh.
//!
//! ```text
//! race seed              commits -> reveals -> signing, up to 3 attempts -> fallback
//! challenge              commits -> signing -> fallback
//! session round, duties  signing -> commits -> reveals
//! ```
//!
//! A signature ends a round as a seed wherever signing stands. The last window ends it as a degraded
//! seed, made of secrets, or as failed when too few revealed.

use std::collections::BTreeMap;

use race_proto::race::beacon::v1::{
    Contribution, FallbackSecret, Purpose, Round, RoundId, RoundStatus, Seed,
};
use race_randomness::commit_reveal::{Member, Transcript};
use race_randomness::hash::{h, Hash};

use super::{events, keygen, keys, signing};
use crate::address::ConsensusAddress;
use crate::context::Context;
use crate::state::State;
use crate::{epoch, node};

/// What others must know of a block's end.
#[derive(Debug, Clone)]
pub enum Step {
    /// A round became a seed, or failed.
    Closed(Round),
    /// A signing attempt at a race seed came to nothing, and these members did not post their shares.
    Unsigned(RoundId, Vec<ConsensusAddress>),
}

/// Moves the rounds along whose window ends with this block.
pub fn end_block(state: &mut State, context: &Context<'_>) -> Vec<Step> {
    if keys::DEALT.get_or_default(state) > 0 {
        keys::DEALT.put(state, &0);
    }
    let open = super::open_rounds(state);
    let moved = open
        .into_iter()
        .filter_map(|round| advance(state, context, round));
    moved.collect()
}

fn advance(state: &mut State, context: &Context<'_>, mut round: Round) -> Option<Step> {
    let id = round.id?;
    let purpose = id.purpose();
    match round.status() {
        RoundStatus::Signing if !round.signature.is_empty() => {
            let seed = signing::seed(&round);
            return Some(close(state, context, round, seed));
        }
        RoundStatus::Signing if context.height >= round.sign_end => {
            return unsigned(state, context, round);
        }
        RoundStatus::Open | RoundStatus::Fallback if context.height >= round.reveal_end => {}
        _ => return None,
    }
    match (round.status(), purpose) {
        // When RACE is over: [`super::bind`].
        (RoundStatus::Open, Purpose::Challenge) => None,
        (RoundStatus::Open, Purpose::RaceSeed) => {
            let transcript = seed_transcript(state, context, &id);
            count_power(&mut round, &members(state, &id), &transcript);
            round.bound = transcript.digest().to_vec();
            if !signing::begin(state, context, &mut round) {
                fall_back(context, &mut round);
            }
            keys::ROUNDS.put(state, &keys::key(&id), &round);
            None
        }
        (_, Purpose::RaceSeed) => {
            let seed = fallback_seed(state, context, &mut round);
            Some(close(state, context, round, seed))
        }
        _ => {
            let seed = revealed_seed(state, context, &mut round);
            Some(close(state, context, round, seed))
        }
    }
}

/// The round takes commits from the next block on, then reveals; a challenge's reveals wait for what it
/// binds.
pub(super) fn take_commits(context: &Context<'_>, round: &mut Round) {
    round.set_status(RoundStatus::Open);
    round.commit_start = context.height.saturating_add(1);
    round.commit_end = context.height.saturating_add(round.commit_blocks);
    round.reveal_end = match round.id.as_ref().map(RoundId::purpose) {
        Some(Purpose::Challenge) => round.commit_end,
        _ => round.commit_end.saturating_add(round.reveal_blocks),
    };
}

/// The committee did not sign: the secrets behind what was committed to are revealed from the next
/// block on.
pub(super) fn fall_back(context: &Context<'_>, round: &mut Round) {
    round.set_status(RoundStatus::Fallback);
    round.reveal_end = context.height.saturating_add(round.reveal_blocks);
}

/// A signing attempt came to nothing.
fn unsigned(state: &mut State, context: &Context<'_>, mut round: Round) -> Option<Step> {
    let id = round.id?;
    let key = keys::key(&id);
    // Enough shares in state are a signature, whoever proposed: nobody gains by leaving it out, or by
    // posting when it is too late for a proposer.
    if let Some(signature) = signing::of_posted(state, context.chain_id, &round) {
        round.signature = signature.to_bytes().to_vec();
        let seed = signing::seed(&round);
        return Some(close(state, context, round, seed));
    }
    let posted = |who: &ConsensusAddress| keys::POSTED.has(state, &(key, *who));
    // In the first attempt shares were in votes alone, which are not state.
    let absent: Vec<ConsensusAddress> = match round.signing_attempt {
        0 | 1 => Vec::new(),
        _ => {
            let members = signing::members(state, id.epoch).into_iter();
            members.filter(|who| !posted(who)).collect()
        }
    };
    keys::POSTED.remove_under(state, &key);
    events::unsigned(state, &round, &absent);
    for address in &absent {
        if !round.absent.iter().any(|known| known[..] == address[..]) {
            round.absent.push(address.to_vec());
        }
    }
    if !signing::begin(state, context, &mut round) {
        match id.purpose() {
            Purpose::RaceSeed | Purpose::Challenge => fall_back(context, &mut round),
            _ => take_commits(context, &mut round),
        }
    }
    keys::ROUNDS.put(state, &key, &round);
    (!absent.is_empty()).then_some(Step::Unsigned(id, absent))
}

/// Closes a round with a seed, or without one as failed.
fn close(state: &mut State, context: &Context<'_>, mut round: Round, seed: Option<Hash>) -> Step {
    round.degraded = round.signature.is_empty();
    round.seed = seed.map_or_else(Vec::new, |seed| seed.to_vec());
    round.set_status(match seed {
        Some(_) => RoundStatus::Done,
        None => RoundStatus::Failed,
    });
    match seed {
        Some(_) => events::seed(state, &round),
        None => events::failed(state, &round),
    }
    if let Some(id) = &round.id {
        let key = keys::key(id);
        keys::ROUNDS.put(state, &key, &round);
        keys::OPEN.remove(state, &key);
        keys::POSTED.remove_under(state, &key);
        if id.purpose() == Purpose::RaceSeed && seed.is_some() {
            record(state, context, id, &round);
        }
        prune(state, id, round.status());
    }
    Step::Closed(round)
}

/// Keeps a race seed with what it is verified with.
fn record(state: &mut State, context: &Context<'_>, id: &RoundId, round: &Round) {
    let parts = super::contributions(state, id).into_iter();
    let secrets = parts
        .filter(|part| round.degraded && !part.fallback_secret.is_empty())
        .map(|part| FallbackSecret {
            address: part.address,
            secret: part.fallback_secret,
        });
    let seed = Seed {
        epoch: id.epoch,
        race_attempt: id.attempt,
        seed: round.seed.clone(),
        degraded: round.degraded,
        transcript: round.bound.clone(),
        signing_attempt: round.signing_attempt,
        signature: round.signature.clone(),
        group: group(state, id.epoch),
        height: context.height,
        secrets: secrets.collect(),
    };
    keys::SEEDS.put(state, &(id.epoch, id.attempt), &seed);
}

/// An epoch's group key; nothing before the first one.
fn group(state: &State, epoch: u64) -> Vec<u8> {
    keygen::key(state, epoch).map_or_else(Vec::new, |key| key.group)
}

/// The transcript of a race seed's commits and reveals.
fn seed_transcript(state: &State, context: &Context<'_>, id: &RoundId) -> Transcript {
    let bound = super::bound(context.chain_id, id).expect("an open round has a purpose");
    let mut fallbacks = BTreeMap::new();
    for part in super::contributions(state, id) {
        if let Ok(commitment) = part.fallback_commitment.as_slice().try_into() {
            fallbacks.insert(node::member(&part.address), commitment);
        }
    }
    let (group, members) = (group(state, id.epoch), members(state, id));
    // Every reveal was checked against its commitment when it came.
    Transcript::close_with_fallback(&bound, &group, &members, &fallbacks)
        .expect("state is damaged: a reveal")
}

/// The degraded race seed, of the members' second secrets; nothing unless those of more than half of
/// the power are there.
fn fallback_seed(state: &State, context: &Context<'_>, round: &mut Round) -> Option<Hash> {
    let id = round.id?;
    let bound = super::bound(context.chain_id, &id)?;
    let mut secrets = BTreeMap::new();
    for part in super::contributions(state, &id) {
        if let Ok(secret) = part.fallback_secret.as_slice().try_into() {
            secrets.insert(node::member(&part.address), secret);
        }
    }
    let members = members(state, &id);
    let sum = |sum: u64, weight: u64| sum.saturating_add(weight);
    let total = members.values().map(|member| member.weight).fold(0, sum);
    let there = members.iter().filter(|(who, _)| secrets.contains_key(*who));
    round.revealed_power = there.map(|(_, member)| member.weight).fold(0, sum);
    if round.revealed_power <= total.saturating_sub(round.revealed_power) {
        return None;
    }
    let transcript = seed_transcript(state, context, &id);
    let seed = transcript.fallback_seed(&bound, &secrets);
    // Every secret was checked against its commitment when it came.
    Some(seed.expect("state is damaged: a second secret"))
}

/// The degraded seed of the other rounds, of the members' secrets: `H("race/beacon/seed/v1", chain, seed
/// of the transcript, context)`. Nothing unless more than half of the power revealed; a challenge takes
/// what there is.
fn revealed_seed(state: &State, context: &Context<'_>, round: &mut Round) -> Option<Hash> {
    let id = round.id?;
    let bound = super::bound(context.chain_id, &id)?;
    let members = members(state, &id);
    // Every reveal was checked against its commitment when it came.
    let transcript = Transcript::close(&bound, &[], &members).expect("state is damaged: a reveal");
    count_power(round, &members, &transcript);
    let (revealed, total) = (transcript.revealed_weight(), transcript.total_weight());
    let enough = match id.purpose() {
        Purpose::Challenge => revealed > 0,
        _ => revealed > total.saturating_sub(revealed),
    };
    enough.then(|| {
        h(
            "race/beacon/seed/v1",
            &[
                context.chain_id.as_bytes(),
                &transcript.seed(),
                &round.context,
            ],
        )
    })
}

/// Records how much power committed and revealed.
fn count_power(
    round: &mut Round,
    members: &BTreeMap<ConsensusAddress, Member>,
    transcript: &Transcript,
) {
    round.committed_power = members
        .values()
        .filter(|member| member.commitment.is_some())
        .fold(0, |sum, member| sum.saturating_add(member.weight));
    round.revealed_power = u64::try_from(transcript.revealed_weight()).unwrap_or(u64::MAX);
}

/// The committee of the round's epoch, with what each posted in time.
fn members(state: &State, id: &RoundId) -> BTreeMap<ConsensusAddress, Member> {
    let mut members: BTreeMap<_, _> = epoch::powers(state, id.epoch)
        .into_iter()
        .map(|(address, weight)| {
            (
                address,
                Member {
                    weight,
                    commitment: None,
                    reveal: None,
                },
            )
        })
        .collect();
    for Contribution {
        address,
        commitment,
        secret,
        ..
    } in super::contributions(state, id)
    {
        if let Some(member) = members.get_mut(&node::member(&address)) {
            member.commitment = commitment.as_slice().try_into().ok();
            member.reveal = secret.as_slice().try_into().ok();
        }
    }
    members
}

/// Keeps the newest closed rounds of a purpose and an outcome.
fn prune(state: &mut State, id: &RoundId, status: RoundStatus) {
    let mut rounds = keys::ROUNDS.under(state, &keys::key(id).0);
    rounds.retain(|(_, round)| round.status() == status);
    let surplus = rounds.len().saturating_sub(super::KEPT);
    for (key, _) in rounds.into_iter().take(surplus) {
        keys::ROUNDS.remove(state, &key);
        keys::CONTRIBUTIONS.remove_under(state, &key);
    }
}
