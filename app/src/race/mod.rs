//! Race proofs on chain: commitments, openings, checks, disputes, and the counts that are accepted.
//!
//! A participant commits to (root, count) while the race runs; the challenge picks positions, which
//! it opens in one multiproof; drawn checkers recompute each opened leaf, commit and reveal what they
//! got; where they disagree, the chain itself recomputes, so much at a time until no
//! accused proof is left unjudged. A proof stands unless a dispute goes against it. The Race is exact, so nobody votes.
//!
//! | room | what is in it |
//! |---|---|
//! | [`checks`] | who checks which leaf; what a checker commits to |
//! | [`disputes`] | pure: which disagreements become disputes first when there are too many |
//! | [`seats`] | pure: which newcomers are judged when there are too many |
//! | [`phase`] | what is decided at the close of each window |
//!
//! Invariant: once a count is struck to 0 it stays 0 ([`invariants`]).

pub mod checks;
pub mod disputes;
pub mod errors;
mod events;
pub mod genesis;
pub mod invariants;
mod keys;
mod msgs;
pub mod params;
pub mod phase;
pub mod queries;
pub mod seats;

use std::collections::BTreeMap;

use race_proto::race::beacon::v1::Purpose;
use race_proto::race::race::v1::{
    Assigned, Assignment, CheckCommitment, Dispute, DisputeStatus, OpenedLeaf, Opening, Outcome,
    Result, Submission,
};
use race_randomness::draw;
use race_randomness::hash::{be, h};

use crate::address::ConsensusAddress;
use crate::oracle::Recomputation;
use crate::state::State;
use crate::{beacon, node};

pub use errors::Error;
pub use keys::STORE;
pub use msgs::MESSAGES;
pub use queries::QUERIES;

/// No proof claims more leaves.
pub const MAX_COUNT: u64 = 1 << 32;

/// The name of the preset that everybody races.
pub fn preset(state: &State) -> String {
    keys::PRESET.get_or_default(state)
}

/// The seed of a race, once its beacon round is done.
pub fn seed(state: &State, epoch: u64, attempt: u32) -> Option<[u8; 32]> {
    beacon::seed(state, &beacon::id(Purpose::RaceSeed, epoch, attempt, 0))
}

/// The challenge of a race, once its beacon round is done.
pub fn challenge(state: &State, epoch: u64, attempt: u32) -> Option<[u8; 32]> {
    beacon::seed(state, &beacon::id(Purpose::Challenge, epoch, attempt, 0))
}

/// What a participant committed to.
pub fn submission(
    state: &State,
    epoch: u64,
    attempt: u32,
    address: &ConsensusAddress,
) -> Option<Submission> {
    keys::SUBMISSIONS.get(state, &(epoch, attempt, *address))
}

/// All commitments of a race, by address.
pub fn submissions(state: &State, epoch: u64, attempt: u32) -> Vec<Submission> {
    keys::SUBMISSIONS.values_under(state, &(epoch, attempt))
}

/// The positions that a participant must open: drawn from the challenge, all when there are fewer
/// than the sample; `None` before the challenge or without a submission.
pub fn sample(
    state: &State,
    epoch: u64,
    attempt: u32,
    address: &ConsensusAddress,
) -> Option<Vec<u64>> {
    let round = beacon::round(state, &beacon::id(Purpose::Challenge, epoch, attempt, 0))?;
    let seed = challenge(state, epoch, attempt)?;
    let submission = submission(state, epoch, attempt, address)?;
    let spec = if round.degraded {
        params::CHALLENGE_K_DEGRADED
    } else {
        params::CHALLENGE_K
    };
    // Bounded by the registry to what one proof can open.
    let k = usize::try_from(crate::params::get(state, &spec)).unwrap_or(race::proof::MAX_OPENED);
    Some(draw::positions(
        "race/race/challenge/v1",
        &seed,
        &[address],
        submission.count,
        k,
    ))
}

/// What a participant opened.
pub fn opening(
    state: &State,
    epoch: u64,
    attempt: u32,
    address: &ConsensusAddress,
) -> Option<Opening> {
    keys::OPENINGS.get(state, &(epoch, attempt, *address))
}

/// What a checker committed to.
pub fn check_commitment_of(
    state: &State,
    epoch: u64,
    attempt: u32,
    checker: &ConsensusAddress,
) -> Option<CheckCommitment> {
    keys::COMMITMENTS.get(state, &(epoch, attempt, *checker))
}

/// The opened leaves that a checker must recompute, by participant and position.
pub fn assignments(
    state: &State,
    epoch: u64,
    attempt: u32,
    checker: &ConsensusAddress,
) -> Vec<Assignment> {
    let mut assignments = Vec::new();
    for (pair, assigned) in keys::ASSIGNED.under(state, &(epoch, attempt, *checker)) {
        let participant = pair.3;
        let opened = opening(state, epoch, attempt, &participant).unwrap_or_default();
        let node = node::get(state, &participant);
        let public_key = node.map_or_else(Vec::new, |node| node::public_key(&node).to_vec());
        let mut leaves = opened.leaves.into_iter();
        for position in assigned.positions {
            assignments.push(Assignment {
                participant: participant.to_vec(),
                public_key: public_key.clone(),
                // Leaves and positions come in the same order.
                leaf: leaves.find(|leaf| leaf.position == position),
            });
        }
    }
    assignments
}

/// Whether a checker has revealed what fell to it of a participant.
pub fn has_revealed(
    state: &State,
    epoch: u64,
    attempt: u32,
    checker: &ConsensusAddress,
    participant: &ConsensusAddress,
) -> bool {
    keys::CHECKS.has(state, &(epoch, attempt, *checker, *participant))
}

/// Opened leaves fall to checkers, drawn among the committee but the participant.
fn fall_to_checkers(
    state: &mut State,
    epoch: u64,
    attempt: u32,
    participant: &ConsensusAddress,
    leaves: &[OpenedLeaf],
) {
    let Some(challenge) = challenge(state, epoch, attempt) else {
        return;
    };
    let n = crate::params::get(state, &params::CHECKERS);
    let n = usize::try_from(n).unwrap_or(usize::MAX);
    let powers = crate::epoch::powers(state, epoch);
    for (checker, positions) in checks::assign(&challenge, participant, leaves, &powers, n) {
        let pair = (epoch, attempt, checker, *participant);
        keys::ASSIGNED.put(state, &pair, &Assigned { positions });
    }
}

/// What became of the proofs of a race so far, by address.
pub fn results(state: &State, epoch: u64, attempt: u32) -> Vec<Result> {
    keys::RESULTS.values_under(state, &(epoch, attempt))
}

/// The accepted counts of a judged race that were not struck since.
pub fn accepted(state: &State, epoch: u64, attempt: u32) -> BTreeMap<ConsensusAddress, u64> {
    let results = results(state, epoch, attempt);
    let standing = results.iter().filter(|result| result.accepted > 0);
    standing
        .map(|result| (node::member(&result.address), result.accepted))
        .collect()
}

/// Whether a node's count is 0 whatever else it sends.
pub fn is_struck(state: &State, epoch: u64, attempt: u32, address: &ConsensusAddress) -> bool {
    let result = keys::RESULTS.get(state, &(epoch, attempt, *address));
    result.is_some_and(|result| result.accepted == 0)
}

/// Strikes a node: its count is 0 from now on. What struck it first is what is recorded.
pub fn strike(
    state: &mut State,
    epoch: u64,
    attempt: u32,
    address: &ConsensusAddress,
    outcome: Outcome,
) {
    let entry = (epoch, attempt, *address);
    if is_struck(state, epoch, attempt, address) {
        return;
    }
    if matches!(outcome, Outcome::NotOpened | Outcome::FalseLeaf) {
        node::struck(state, address, epoch);
    }
    let claimed = keys::SUBMISSIONS
        .get(state, &entry)
        .map_or(0, |submission| submission.count);
    set_result(
        state,
        epoch,
        attempt,
        address,
        Result {
            address: address.to_vec(),
            claimed,
            accepted: 0,
            outcome: outcome.into(),
        },
    );
}

fn set_result(
    state: &mut State,
    epoch: u64,
    attempt: u32,
    address: &ConsensusAddress,
    result: Result,
) {
    keys::RESULTS.put(state, &(epoch, attempt, *address), &result);
    events::result(state, epoch, attempt, result);
}

/// Disputes of an attempt, by participant and position.
pub fn disputes(state: &State, epoch: u64, attempt: u32) -> Vec<Dispute> {
    keys::DISPUTES.values_under(state, &(epoch, attempt))
}

/// The recomputation that settles a dispute.
fn recomputation(state: &State, dispute: &Dispute) -> Option<Recomputation> {
    let participant = node::get(state, &node::consensus(&dispute.participant)?)?;
    Some(Recomputation {
        preset: preset(state),
        race_seed: seed(state, dispute.epoch, dispute.attempt)?,
        public_key: node::public_key(&participant),
        nonce: dispute.nonce,
    })
}

/// What the chain is recomputing now: a node that was restarted starts these again.
pub fn pending_recomputations(state: &State) -> Vec<Recomputation> {
    let epoch = crate::epoch::current(state);
    let disputes = disputes(state, epoch.number, epoch.race_attempt);
    let pending = disputes
        .iter()
        .filter(|dispute| dispute.status() == DisputeStatus::Pending);
    pending
        .filter_map(|dispute| recomputation(state, dispute))
        .collect()
}

/// What the challenge binds: `H(dst, chain, epoch, attempt, (address, root, count) by address)`.
pub fn submissions_digest(state: &State, chain_id: &str, epoch: u64, attempt: u32) -> [u8; 32] {
    let submissions = submissions(state, epoch, attempt);
    let (number, attempt) = (be(epoch), be(attempt.into()));
    let counts: Vec<[u8; 8]> = submissions
        .iter()
        .map(|submission| be(submission.count))
        .collect();
    let mut parts: Vec<&[u8]> = vec![chain_id.as_bytes(), &number, &attempt];
    for (submission, count) in submissions.iter().zip(&counts) {
        parts.extend([
            submission.address.as_slice(),
            submission.root.as_slice(),
            count.as_slice(),
        ]);
    }
    h("race/race/submissions/v1", &parts)
}
