//! What `beacon` does at its blocks: rounds whose reveals are over become seeds, or fail; the next
//! block takes deals afresh.

use std::collections::BTreeMap;

use race_proto::race::beacon::v1::{Contribution, Purpose, Round, RoundId, RoundStatus};
use race_randomness::commit_reveal::{Member, Transcript};
use race_randomness::hash::h;

use super::{events, keys};
use crate::address::ConsensusAddress;
use crate::context::Context;
use crate::state::State;
use crate::{epoch, node};

/// Closes the rounds whose last block this is; returns them, seeds and failures alike.
pub fn end_block(state: &mut State, context: &Context<'_>) -> Vec<Round> {
    if keys::DEALT.get_or_default(state) > 0 {
        keys::DEALT.put(state, &0);
    }
    let mut due = super::open_rounds(state);
    due.retain(|round| round.reveal_end <= context.height);
    due.into_iter()
        .filter_map(|round| close(state, context, round))
        .collect()
}

fn close(state: &mut State, context: &Context<'_>, mut round: Round) -> Option<Round> {
    let id = round.id?;
    let key = keys::key(&id);
    let bound = super::bound(context.chain_id, &id)?;
    let members = members(state, &id);
    // Every reveal was checked against its commitment when it came.
    let transcript = Transcript::close(&bound, &[], &members).expect("state is damaged: a reveal");
    let (revealed, total) = (transcript.revealed_weight(), transcript.total_weight());
    let enough = match id.purpose() {
        Purpose::Challenge => revealed > 0,
        _ => revealed > total.saturating_sub(revealed),
    };
    round.committed_power = members
        .values()
        .filter(|member| member.commitment.is_some())
        .fold(0, |sum, member| sum.saturating_add(member.weight));
    round.revealed_power = u64::try_from(revealed).unwrap_or(u64::MAX);
    round.degraded = true;
    if enough {
        round.set_status(RoundStatus::Done);
        round.seed = seed_of(context.chain_id, &transcript, &round.context).to_vec();
        events::seed(state, &round);
    } else {
        round.set_status(RoundStatus::Failed);
        events::failed(state, &round);
    }
    keys::ROUNDS.put(state, &key, &round);
    keys::OPEN.remove(state, &key);
    prune(state, &id, round.status());
    Some(round)
}

/// The one place where a transcript becomes a seed: `H("race/beacon/seed/v1", chain, seed of the
/// transcript, context)`. With the committee's threshold signature over the transcript's digest, the
/// signature takes the place of the reveals' seed here, and the round is no longer degraded.
pub fn seed_of(chain_id: &str, transcript: &Transcript, context: &[u8]) -> [u8; 32] {
    h(
        "race/beacon/seed/v1",
        &[chain_id.as_bytes(), &transcript.seed(), context],
    )
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
