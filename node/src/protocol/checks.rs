//! A validator's side of a race: recompute the opened leaves that fell to it, commit, reveal.

use race::recompute::Recomputed;
use race_app::race::checks::{check_commitment, digests, reveals};
use race_app::{epoch, node, race as module};
use race_proto::race::epoch::v1::Phase;
use race_proto::race::race::v1::{Assignment, Check, MsgCommitChecks, MsgRevealChecks};

use super::{Identity, View, Wanted};
use crate::checker::Job;
use crate::racer::RaceId;

/// The race whose openings are to be recomputed now.
pub fn open(view: &View, me: &Identity) -> Option<RaceId> {
    let epoch = epoch::current(&view.state);
    let due = matches!(epoch.phase(), Phase::CheckCommit | Phase::CheckReveal);
    let member = epoch::power(&view.state, epoch.number, &me.address) > 0;
    (due && member).then_some((epoch.number, epoch.race_attempt))
}

fn assignments(view: &View, me: &Identity, id: RaceId) -> Vec<Assignment> {
    module::assignments(&view.state, id.0, id.1, &me.address)
}

/// The recomputations, in the order of the assignments.
pub fn job(view: &View, me: &Identity, id: RaceId) -> Option<Job> {
    let preset = race::Preset::by_name(&module::preset(&view.state)).ok()?;
    let seed = module::seed(&view.state, id.0, id.1)?;
    let claims: Option<Vec<_>> = assignments(view, me, id)
        .iter()
        .map(|a| {
            Some((
                a.public_key.as_slice().try_into().ok()?,
                a.leaf.as_ref()?.nonce,
            ))
        })
        .collect();
    Some(Job {
        id,
        preset,
        seed,
        claims: claims.filter(|c| !c.is_empty())?,
    })
}

/// The commitment, then the reveal. `accuse`: say of the first leaf that it does not match.
pub fn wanted(
    view: &View,
    me: &Identity,
    id: RaceId,
    results: &[Recomputed],
    accuse: bool,
) -> Option<Wanted> {
    let epoch = epoch::current(&view.state);
    let assignments = assignments(view, me, id);
    if assignments.is_empty() || assignments.len() != results.len() {
        return None;
    }
    let checks: Vec<Check> = assignments
        .iter()
        .zip(results)
        .enumerate()
        .filter_map(|(at, (assignment, result))| {
            let leaf = assignment.leaf.as_ref()?;
            let stands = leaf
                .leaf
                .as_slice()
                .try_into()
                .is_ok_and(|hash| result.upholds(hash));
            Some(Check {
                participant: assignment.participant.clone(),
                position: leaf.position,
                digest: result.check_digest.to_vec(),
                matches: stands && !(accuse && at == 0),
            })
        })
        .collect();
    let salt = me.salt("checks", &[&id.0.to_be_bytes(), &id.1.to_be_bytes()]);
    let committed = module::check_commitment_of(&view.state, id.0, id.1, &me.address);
    let step = |what: &str| format!("race/{}/{}/{what}", id.0, id.1);
    match (epoch.phase(), committed) {
        (Phase::CheckCommit, None) => Some(Wanted::new(
            step("commit-checks"),
            &MsgCommitChecks {
                sender: me.hot.to_string(),
                epoch: id.0,
                attempt: id.1,
                commitment: check_commitment(
                    &me.chain_id,
                    id.0,
                    id.1,
                    &me.address,
                    &salt,
                    &digests(&checks),
                )
                .to_vec(),
            },
        )),
        (Phase::CheckReveal, Some(_)) => {
            // One after the other: a whole participant is revealed or not.
            let next = reveals(&checks).into_iter().enumerate().find(|(_, part)| {
                let whose = part.first().and_then(|c| node::consensus(&c.participant));
                whose.is_some_and(|whose| {
                    !module::has_revealed(&view.state, id.0, id.1, &me.address, &whose)
                })
            });
            let (part, checks_of_part) = next?;
            Some(Wanted::new(
                step(&format!("reveal-checks/{part}")),
                &MsgRevealChecks {
                    sender: me.hot.to_string(),
                    epoch: id.0,
                    attempt: id.1,
                    salt: salt.to_vec(),
                    digests: digests(&checks).iter().map(|d| d.to_vec()).collect(),
                    checks: checks_of_part.to_vec(),
                },
            ))
        }
        _ => None,
    }
}
