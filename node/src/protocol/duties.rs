//! A checker's words to the chain: the reveal of an epoch's duties with their verdicts, and ballots
//! on contested tasks.

use race_app::address::ConsensusAddress;
use race_app::{beacon, duty, epoch, settlement};
use race_proto::race::duty::v1 as pb;
use race_proto::race::settlement::v1::{Task, TaskStatus};
use race_randomness::bls::DST_SIGNATURE;
use race_verification::verdict::Outcome;
use race_verification::Hash;

use super::{Identity, View, Wanted};
use crate::serving::verifier::{unchecked, Found, Verdicts};

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

/// A task that this node should check.
pub struct ToCheck {
    /// The task.
    pub task: Task,
    /// Those that found it false; they have what was served.
    pub accusers: Vec<ConsensusAddress>,
}

/// Everything that this node should check now: a contested task comes with its accusers first, and may come again
/// as a duty.
pub fn to_check(view: &View, me: &Identity) -> Vec<ToCheck> {
    let Some(epoch) = closing(view) else {
        return Vec::new();
    };
    let mut drawn = drawn(view, me, epoch);
    drawn.retain(|task| matches!(task.status(), TaskStatus::Settled | TaskStatus::Contested));
    let contested = contested(view, me, epoch);
    let contested = contested.into_iter().map(|(case, task)| ToCheck {
        task,
        accusers: case
            .accusers
            .iter()
            .filter_map(|accuser| accuser.as_slice().try_into().ok())
            .collect(),
    });
    let drawn = drawn.into_iter().map(|task| ToCheck {
        task,
        accusers: Vec::new(),
    });
    contested.chain(drawn).collect()
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

/// Blocks that a message is given to land in one: the last ones of a window are for them.
const BLOCKS_A_MESSAGE: u64 = 2;

fn place(task: &Task) -> (u64, u64) {
    (task.session_id, task.index)
}

/// The next verdicts: all that are to come, or as many as a message holds. A block takes one such message, so one
/// is wanted at a time; what is to come after it is seen from the chain.
fn reveal(view: &View, me: &Identity, epoch: u64, verdicts: &Verdicts) -> Option<Wanted> {
    let windows = duty::windows(&view.state, epoch);
    let next = view.next();
    let open =
        windows.settle_end > 0 && (windows.reveal_start..=windows.reveal_end).contains(&next);
    let member = epoch::power(&view.state, epoch, &me.address) > 0;
    if !open || !member {
        return None;
    }
    let before = duty::reveal(&view.state, epoch, &me.address);
    let after = before.as_ref().map(duty::last_place);
    let tasks = to_come(drawn(view, me, epoch), after);
    if after.is_some() && tasks.is_empty() {
        return None;
    }
    let patient = is_patient(next, windows.reveal_end, tasks.len());
    let page = tasks.get(..duty::MAX_VERDICTS).unwrap_or(&tasks);
    let mut posted = Vec::new();
    for task in page {
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
    let (session, index) = page.first().map(place).unwrap_or_default();
    let step = format!("duties/{epoch}/reveal/{session}-{index}");
    Some(Wanted::new(step, &message))
}

/// The drawn tasks that have no verdict on chain, in the order in which they are revealed.
fn to_come(mut drawn: Vec<Task>, after: Option<(u64, u64)>) -> Vec<Task> {
    drawn.retain(|task| Some(place(task)) > after);
    drawn.sort_by_key(place);
    drawn
}

/// Whether there is time to wait for what is still being checked: enough blocks are left after this one for all
/// messages.
fn is_patient(next: u64, end: u64, tasks: usize) -> bool {
    let pages = tasks.div_ceil(duty::MAX_VERDICTS).max(1);
    let needed = u64::try_from(pages)
        .unwrap_or(u64::MAX)
        .saturating_mul(BLOCKS_A_MESSAGE);
    next.saturating_add(needed) <= end
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
    let salt = me.salt("ballot", &[&id]);
    let commitment =
        |outcome| duty::ballot_commitment(&me.chain_id, &id, &me.address, outcome, &salt).to_vec();
    let cast = duty::ballot(&view.state, task.epoch, &id, &me.address);
    let next = view.next();
    match cast {
        None if next <= case.commit_end => {
            let found = verdicts.get(&hex::encode(id)).map(Found::outcome);
            let patient = next.saturating_add(BLOCKS_A_MESSAGE) <= case.commit_end;
            let outcome = vote(found, patient)?;
            Some(Wanted::new(
                format!("ballot/{}/commit", hex::encode(id)),
                &pb::MsgCommitBallot {
                    sender: me.hot.to_string(),
                    task_id: id.to_vec(),
                    commitment: commitment(outcome),
                },
            ))
        }
        Some(cast) if !cast.revealed && next > case.commit_end && next <= case.reveal_end => {
            // What was found meanwhile changes no ballot: the one that was committed to is revealed.
            let all = [Outcome::Pass, Outcome::False, Outcome::CannotCheck];
            let outcome = all
                .into_iter()
                .find(|outcome| commitment(*outcome) == cast.commitment)?;
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

/// What to vote: what was found, or that the task cannot be checked once there is no more time to find out.
fn vote(found: Option<Outcome>, patient: bool) -> Option<Outcome> {
    match found {
        Some(told @ (Outcome::Pass | Outcome::False)) => Some(told),
        _ if patient => None,
        _ => Some(Outcome::CannotCheck),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(places: impl IntoIterator<Item = (u64, u64)>) -> Vec<Task> {
        let task = |(session_id, index)| Task {
            session_id,
            index,
            ..Task::default()
        };
        places.into_iter().map(task).collect()
    }

    #[test]
    fn verdicts_come_in_the_order_of_their_tasks_each_once() {
        let drawn = || tasks([(2, 0), (1, 7), (1, 3)]);
        let places = |after| -> Vec<_> { to_come(drawn(), after).iter().map(place).collect() };
        assert_eq!(places(None), [(1, 3), (1, 7), (2, 0)]);
        assert_eq!(places(Some((0, 0))), [(1, 3), (1, 7), (2, 0)]);
        assert_eq!(places(Some((1, 7))), [(2, 0)]);
        assert_eq!(places(Some((2, 0))), []);
    }

    #[test]
    fn who_cannot_tell_says_so_when_there_is_no_time_left() {
        for told in [Outcome::Pass, Outcome::False] {
            assert_eq!(vote(Some(told), true), Some(told));
        }
        for unknown in [None, Some(Outcome::CannotCheck)] {
            assert_eq!(vote(unknown, true), None);
            assert_eq!(vote(unknown, false), Some(Outcome::CannotCheck));
        }
    }

    #[test]
    fn who_has_many_verdicts_stops_waiting_earlier() {
        let page = duty::MAX_VERDICTS;
        for (tasks, blocks) in [(0, 2), (page, 2), (page + 1, 4), (5 * page, 10)] {
            assert!(is_patient(100 - blocks, 100, tasks));
            assert!(!is_patient(101 - blocks, 100, tasks));
        }
    }
}
