//! A checker's words to the chain: the reveal of an epoch's duties with their verdicts, and ballots
//! on contested tasks.

use race_app::{beacon, duty, epoch, settlement};
use race_proto::race::duty::v1 as pb;
use race_proto::race::settlement::v1::{Task, TaskStatus};
use race_randomness::bls::DST_SIGNATURE;
use race_verification::verdict::Outcome;
use race_verification::Hash;

use super::{Identity, View, Wanted};
use crate::serving::verifier::{unchecked, Verdicts};

/// The signature that draws this node's duties of an epoch; secret until it is revealed.
fn rho(view: &View, me: &Identity, epoch: u64) -> Option<[u8; 96]> {
    let seed = beacon::duties_seed(&view.state, epoch)?;
    let message = duty::rho_message(&me.chain_id, epoch, &seed);
    Some(me.secrets.duty.sign(&message, DST_SIGNATURE).to_bytes())
}

/// The tasks of an epoch that fell to this node, once that is fixed.
fn drawn(view: &View, me: &Identity, epoch: u64) -> Vec<Task> {
    let windows = duty::windows(&view.state, epoch);
    if windows.settle_end == 0 || view.height < windows.settle_end {
        return Vec::new();
    }
    let Some(rho) = rho(view, me, epoch) else {
        return Vec::new();
    };
    duty::thresholds(&view.state, epoch, &me.address)
        .into_iter()
        .filter(|due| {
            Hash::try_from(due.task.id.as_slice())
                .is_ok_and(|id| duty::must_check(&rho, &id, due.threshold))
        })
        .map(|due| due.task)
        .collect()
}

/// The epoch whose duties are revealed now, if one is: the one before the current.
fn closing(view: &View) -> Option<u64> {
    epoch::current(&view.state)
        .number
        .checked_sub(1)
        .filter(|number| *number > 0)
}

/// Contested tasks on which this node may vote.
fn contested(view: &View, me: &Identity, epoch: u64) -> Vec<(pb::Reverification, Task)> {
    duty::reverifications(&view.state, epoch)
        .into_iter()
        .filter(|case| {
            matches!(
                case.status(),
                pb::ReverificationStatus::Commit | pb::ReverificationStatus::Reveal
            )
        })
        .filter(|case| case.executor != me.address && !case.accusers.contains(&me.address.to_vec()))
        .filter_map(|case| {
            let id = Hash::try_from(case.task_id.as_slice()).ok()?;
            let task = settlement::task(&view.state, epoch, &id)?;
            Some((case, task))
        })
        .collect()
}

/// Everything that this node should check now.
pub fn to_check(view: &View, me: &Identity) -> Vec<Task> {
    let Some(epoch) = closing(view) else {
        return Vec::new();
    };
    let mut tasks = drawn(view, me, epoch);
    tasks.retain(|task| matches!(task.status(), TaskStatus::Settled | TaskStatus::Contested));
    tasks.extend(contested(view, me, epoch).into_iter().map(|(_, task)| task));
    tasks
}

/// The reveal and the ballots that the chain waits for.
pub fn wanted(view: &View, me: &Identity, verdicts: &Verdicts) -> Vec<Wanted> {
    let Some(epoch) = closing(view) else {
        return Vec::new();
    };
    let mut wanted = Vec::from_iter(reveal(view, me, epoch, verdicts));
    // An accuser has no vote, and who accuses is known once the reveals are over.
    if view.next() <= duty::windows(&view.state, epoch).reveal_end {
        return wanted;
    }
    for (case, task) in contested(view, me, epoch) {
        wanted.extend(ballot(view, me, &case, &task, verdicts));
    }
    wanted
}

fn reveal(view: &View, me: &Identity, epoch: u64, verdicts: &Verdicts) -> Option<Wanted> {
    let windows = duty::windows(&view.state, epoch);
    let next = view.next();
    let open =
        windows.settle_end > 0 && (windows.reveal_start..=windows.reveal_end).contains(&next);
    let member = epoch::power(&view.state, epoch, &me.address) > 0;
    if !open || !member || duty::reveal(&view.state, epoch, &me.address).is_some() {
        return None;
    }
    let mut tasks = drawn(view, me, epoch);
    tasks.sort_by_key(|task| (task.session_id, task.index));
    // Whatever is still being checked may take until two blocks before the window closes.
    let patient = next.saturating_add(2) <= windows.reveal_end;
    let mut posted = Vec::new();
    for task in &tasks {
        let id = Hash::try_from(task.id.as_slice()).ok()?;
        let (outcome, evidence) = match verdicts.get(&hex::encode(id)) {
            Some(found) => (found.outcome(), found.evidence),
            None if patient => return None,
            None => unchecked(me, &id),
        };
        posted.push(pb::Verdict {
            session_id: task.session_id,
            index: task.index,
            outcome: wire(outcome).into(),
            evidence: evidence.to_vec(),
        });
    }
    let signature = rho(view, me, epoch)?.to_vec();
    let message = pb::MsgRevealDuties {
        sender: me.hot.to_string(),
        epoch,
        signature,
        verdicts: posted,
    };
    Some(Wanted::new(format!("duties/{epoch}/reveal"), &message))
}

fn wire(outcome: Outcome) -> pb::Outcome {
    match outcome {
        Outcome::Pass => pb::Outcome::Pass,
        Outcome::False => pb::Outcome::False,
        Outcome::CannotCheck => pb::Outcome::CannotCheck,
    }
}

fn ballot(
    view: &View,
    me: &Identity,
    case: &pb::Reverification,
    task: &Task,
    verdicts: &Verdicts,
) -> Option<Wanted> {
    let id = Hash::try_from(task.id.as_slice()).ok()?;
    let outcome = verdicts.get(&hex::encode(id))?.outcome();
    if outcome == Outcome::CannotCheck {
        return None; // abstaining confirms nothing
    }
    let salt = me.salt("ballot", &[&id]);
    let cast = duty::ballot(&view.state, task.epoch, &id, &me.address);
    let next = view.next();
    match cast {
        None if next <= case.commit_end => Some(Wanted::new(
            format!("ballot/{}/commit", hex::encode(id)),
            &pb::MsgCommitBallot {
                sender: me.hot.to_string(),
                task_id: id.to_vec(),
                commitment: duty::ballot_commitment(&me.chain_id, &id, &me.address, outcome, &salt)
                    .to_vec(),
            },
        )),
        Some(cast) if !cast.revealed && next > case.commit_end && next <= case.reveal_end => {
            Some(Wanted::new(
                format!("ballot/{}/reveal", hex::encode(id)),
                &pb::MsgRevealBallot {
                    sender: me.hot.to_string(),
                    task_id: id.to_vec(),
                    outcome: wire(outcome).into(),
                    salt: salt.to_vec(),
                },
            ))
        }
        _ => None,
    }
}
