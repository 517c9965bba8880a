//! What `race` decides at the close of each window of an attempt.

use std::collections::{BTreeMap, BTreeSet};

use race_proto::race::beacon::v1::Purpose;
use race_proto::race::epoch::v1::Epoch;
use race_proto::race::node::v1::Node;
use race_proto::race::race::v1::{Check, Dispute, DisputeStatus, Outcome, Result, Submission};

use super::disputes::{accusers, share_out, Place, View};
use super::seats::{self, Claim};
use super::{events, keys, params};
use crate::address::ConsensusAddress;
use crate::context::Context;
use crate::state::State;
use crate::{beacon, bond, epoch, node, treasury};

/// Why a participant forfeits its rewards and its bond.
const FALSE_PROOF: &str = "false race proof";

/// Attempts' entries are kept for this many epochs, the current one included.
const KEPT: u64 = 3;

/// RACE closed: the challenge binds everything that was submitted. Members are judged, and as many
/// newcomers as there are seats ([`seats::judged`]): more could not be seated, and each costs the checkers a
/// sample. There are no more submissions than members of kept committees and `node/max_outside` others: who
/// submitted in an epoch makes room for nobody in it.
pub fn race_closed(state: &mut State, context: &Context<'_>, epoch: &Epoch) {
    let (number, attempt) = (epoch.number, epoch.race_attempt);
    let digest = super::submissions_digest(state, context.chain_id, number, attempt);
    let challenge = beacon::id(Purpose::Challenge, number, attempt, 0);
    beacon::bind(state, context, &challenge, digest);
    let members = epoch::powers(state, number);
    let newcomers: Vec<Claim> = super::submissions(state, number, attempt)
        .iter()
        .filter(|submission| !members.contains_key(submission.address.as_slice()))
        .map(|submission| claim(state, submission))
        .collect();
    let everybody: Vec<_> = newcomers.iter().map(|claim| claim.address).collect();
    let seats = crate::params::get(state, &epoch::params::MAX_VALIDATORS);
    let judged = seats::judged(newcomers, usize::try_from(seats).unwrap_or(usize::MAX));
    for address in everybody {
        if !judged.contains(&address) {
            super::strike(state, number, attempt, &address, Outcome::NotJudged);
        }
    }
}

fn claim(state: &State, submission: &Submission) -> Claim {
    let address = node::member(&submission.address);
    let since = |node: Node| (node::waits_since(state, &node), node.registered_height);
    Claim {
        address,
        count: submission.count,
        waits_since: node::get(state, &address).map_or((u64::MAX, 0), since),
        struck: node::is_struck(state, &address),
    }
}

/// CHALLENGE closed: the proof of whoever withheld its secret is void, where the race seed or the
/// challenge had to be made of secrets.
pub fn challenge_closed(state: &mut State, epoch: &Epoch) {
    let (number, attempt) = (epoch.number, epoch.race_attempt);
    let id = |purpose| beacon::id(purpose, number, attempt, 0);
    let of_seed = beacon::fallback_withheld(state, &id(Purpose::RaceSeed));
    let of_challenge = beacon::withheld(state, &id(Purpose::Challenge));
    for address in of_seed.into_iter().chain(of_challenge) {
        if super::submission(state, number, attempt, &address).is_some() {
            super::strike(state, number, attempt, &address, Outcome::Withheld);
        }
    }
}

/// OPEN closed: who did not open is struck.
pub fn open_closed(state: &mut State, epoch: &Epoch) {
    let (number, attempt) = (epoch.number, epoch.race_attempt);
    for submission in super::submissions(state, number, attempt) {
        let address = node::member(&submission.address);
        if !keys::OPENINGS.has(state, &(number, attempt, address)) {
            super::strike(state, number, attempt, &address, Outcome::NotOpened);
        }
    }
}

/// CHECK_REVEAL closed: missing checks cost their checkers, disagreements become disputes whose
/// recomputation starts at once. Returns whether there is any.
pub fn checks_closed(state: &mut State, context: &Context<'_>, epoch: &Epoch) -> bool {
    let (number, attempt) = (epoch.number, epoch.race_attempt);
    let assigned = keys::ASSIGNED.under(state, &(number, attempt));
    let missing = assigned
        .iter()
        .filter(|(pair, _)| !keys::CHECKS.has(state, pair));
    for checker in missing.map(|(pair, _)| pair.2).collect::<BTreeSet<_>>() {
        treasury::forfeit_epoch(state, &checker, number, treasury::CHECKING);
    }
    open_disputes(state, context, epoch)
}

/// Opens as many disputes as the chain recomputes at once, over leaves of proofs that stand so far
/// and on which checkers disagree who were not found false. Returns whether there is any.
///
/// The views of one leaf that disagree cannot all be true, so every dispute that is joined strikes a
/// participant or finds a checker false that was not found false before: disputes come to an end.
fn open_disputes(state: &mut State, context: &Context<'_>, epoch: &Epoch) -> bool {
    let (number, attempt) = (epoch.number, epoch.race_attempt);
    let weights = epoch::powers(state, number);
    let mut candidates: BTreeMap<Place, BTreeSet<ConsensusAddress>> = BTreeMap::new();
    for ((participant, position), mut views) in views(state, epoch, &weights) {
        let known = keys::DISPUTES.has(state, &(number, attempt, participant, position));
        if known || super::is_struck(state, number, attempt, &participant) {
            continue;
        }
        views.retain(|v| !keys::FALSE_CHECKERS.has(state, &(number, attempt, v.checker)));
        let accusers = accusers(&views);
        if !accusers.is_empty() {
            candidates.insert((participant, position), accusers);
        }
    }
    // Who had disputes earlier in this epoch comes after the others.
    let mut used: BTreeMap<ConsensusAddress, u64> = BTreeMap::new();
    let earlier = keys::DISPUTES.values_under(state, &number);
    for accuser in earlier.iter().flat_map(|dispute| &dispute.accusers) {
        let count = used.entry(node::member(accuser)).or_default();
        *count = count.saturating_add(1);
    }
    let slots = crate::params::get(state, &params::MAX_DISPUTES);
    let slots = usize::try_from(slots).unwrap_or(usize::MAX);
    let chosen = share_out(&candidates, &weights, &mut used, slots);
    for place in &chosen {
        let accusers = candidates.get(place).cloned().unwrap_or_default();
        open_dispute(state, context, epoch, *place, accusers);
    }
    !chosen.is_empty()
}

/// Everything that checkers revealed, by leaf.
fn views(
    state: &State,
    epoch: &Epoch,
    weights: &BTreeMap<ConsensusAddress, u64>,
) -> BTreeMap<Place, Vec<View>> {
    let mut views: BTreeMap<Place, Vec<View>> = BTreeMap::new();
    for ((_, _, checker, _), list) in keys::CHECKS.under(state, &(epoch.number, epoch.race_attempt))
    {
        let weight = weights.get(&checker).copied().unwrap_or(0);
        for Check {
            participant,
            position,
            digest,
            matches,
        } in list.checks
        {
            let place = (node::member(&participant), position);
            views.entry(place).or_default().push(View {
                checker,
                weight,
                digest,
                matches,
            });
        }
    }
    views
}

fn open_dispute(
    state: &mut State,
    context: &Context<'_>,
    epoch: &Epoch,
    (participant, position): Place,
    accusers: BTreeSet<ConsensusAddress>,
) {
    let (number, attempt) = (epoch.number, epoch.race_attempt);
    let opening = keys::OPENINGS
        .get(state, &(number, attempt, participant))
        .unwrap_or_default();
    let Some(leaf) = opening
        .leaves
        .into_iter()
        .find(|leaf| leaf.position == position)
    else {
        return;
    };
    let length = crate::params::get(state, &epoch::params::DISPUTE);
    let dispute = Dispute {
        epoch: number,
        attempt,
        participant: participant.to_vec(),
        position,
        nonce: leaf.nonce,
        leaf: leaf.leaf,
        opened_height: context.height,
        join_height: context.height.saturating_add(length),
        status: DisputeStatus::Pending.into(),
        accusers: accusers.iter().map(|accuser| accuser.to_vec()).collect(),
    };
    if let Some(what) = super::recomputation(state, &dispute) {
        context.oracle.start(&what);
    }
    keys::DISPUTES.put(state, &(number, attempt, participant, position), &dispute);
    events::dispute(state, dispute);
}

/// DISPUTE closed: joins the recomputations, strikes the wrong side of each, and opens the disputes
/// that had to wait. Returns whether there is any: then DISPUTE begins again.
pub fn disputes_closed(state: &mut State, context: &Context<'_>, epoch: &Epoch) -> bool {
    let (number, attempt) = (epoch.number, epoch.race_attempt);
    let views = views(state, epoch, &epoch::powers(state, number));
    let mut false_participants: BTreeSet<ConsensusAddress> = BTreeSet::new();
    let mut false_checkers: BTreeSet<ConsensusAddress> = BTreeSet::new();
    for mut dispute in super::disputes(state, number, attempt) {
        if dispute.status() != DisputeStatus::Pending {
            continue;
        }
        let participant = node::member(&dispute.participant);
        let place = (participant, dispute.position);
        let status = if false_participants.contains(&participant) {
            DisputeStatus::Moot
        } else {
            let what = super::recomputation(state, &dispute);
            let what = what.expect("state is damaged: a dispute without participant or race seed");
            let truth = context.oracle.join(&what);
            let stands = truth.appropriate && truth.leaf.as_slice() == dispute.leaf;
            for view in views.get(&place).into_iter().flatten() {
                if view.digest != truth.check_digest || view.matches != stands {
                    false_checkers.insert(view.checker);
                }
            }
            if stands {
                DisputeStatus::LeafTrue
            } else {
                false_participants.insert(participant);
                DisputeStatus::LeafFalse
            }
        };
        dispute.set_status(status);
        keys::DISPUTES.put(
            state,
            &(number, attempt, participant, dispute.position),
            &dispute,
        );
        events::dispute(state, dispute);
    }
    for participant in &false_participants {
        super::strike(state, number, attempt, participant, Outcome::FalseLeaf);
        treasury::forfeit_epoch(state, participant, number, FALSE_PROOF);
        bond::burn(state, participant, FALSE_PROOF);
    }
    for checker in &false_checkers {
        keys::FALSE_CHECKERS.put(state, &(number, attempt, *checker), &());
        super::strike(state, number, attempt, checker, Outcome::FalseCheck);
        treasury::forfeit_epoch(state, checker, number, "false check");
    }
    open_disputes(state, context, epoch)
}

/// All windows closed: every proof that was not struck is accepted.
pub fn judge(state: &mut State, epoch: &Epoch) {
    let (number, attempt) = (epoch.number, epoch.race_attempt);
    for submission in super::submissions(state, number, attempt) {
        let address = node::member(&submission.address);
        if super::is_struck(state, number, attempt, &address) {
            continue;
        }
        node::proved(state, &address, number);
        super::set_result(
            state,
            number,
            attempt,
            &address,
            Result {
                address: submission.address,
                claimed: submission.count,
                accepted: submission.count,
                outcome: Outcome::Accepted.into(),
            },
        );
    }
}

/// CONFIRM closed, and the node did not deal and confirm, or lied: it is dropped.
pub fn not_ready(state: &mut State, epoch: &Epoch, address: &ConsensusAddress) {
    super::strike(
        state,
        epoch.number,
        epoch.race_attempt,
        address,
        Outcome::NotReady,
    );
}

/// At the switch: drops what is older than the kept epochs.
pub fn prune(state: &mut State, closed: u64) {
    let Some(old) = closed.saturating_add(1).checked_sub(KEPT) else {
        return;
    };
    keys::SUBMISSIONS.remove_under(state, &old);
    keys::OPENINGS.remove_under(state, &old);
    keys::ASSIGNED.remove_under(state, &old);
    keys::COMMITMENTS.remove_under(state, &old);
    keys::CHECKS.remove_under(state, &old);
    keys::DISPUTES.remove_under(state, &old);
    keys::FALSE_CHECKERS.remove_under(state, &old);
    keys::RESULTS.remove_under(state, &old);
}
