//! The participant's side of a race: submit the root, open the sampled leaves.

use std::sync::Arc;

use race::proof::Tree;
use race_app::epoch;
use race_app::race as module;
use race_proto::race::epoch::v1::{Epoch, Phase};
use race_proto::race::race::v1::{MsgOpenLeaves, MsgSubmitRace};

use super::{Identity, View, Wanted};
use crate::racer::{RaceId, Start};

/// Names the race of an epoch.
pub fn id(epoch: &Epoch) -> RaceId {
    (epoch.number, epoch.race_attempt)
}

/// What to race for now, while the window is open and there is time before its margin.
pub fn start(view: &View, me: &Identity, margin: u64) -> Option<Start> {
    let epoch = epoch::current(&view.state);
    let open =
        epoch.phase() == Phase::Race && view.next().saturating_add(margin) <= epoch.phase_end;
    if !open {
        return None;
    }
    let seed = module::seed(&view.state, epoch.number, epoch.race_attempt)?;
    let preset = race::Preset::by_name(&module::preset(&view.state)).ok()?;
    Some(Start {
        id: id(&epoch),
        preset,
        seed,
        public_key: me.public_key,
    })
}

/// Whether the window is about to close: stop and submit.
pub fn must_finish(view: &View, margin: u64) -> Option<RaceId> {
    let epoch = epoch::current(&view.state);
    let late = epoch.phase() != Phase::Race || view.next().saturating_add(margin) > epoch.phase_end;
    late.then(|| id(&epoch))
}

/// The submission, while the window is open and the chain has not got it.
pub fn submission(view: &View, me: &Identity, proof: Option<&Arc<Tree>>) -> Option<Wanted> {
    let epoch = epoch::current(&view.state);
    let tree = proof.filter(|tree| tree.count() > 0)?;
    if epoch.phase() != Phase::Race {
        return None;
    }
    let there = module::submission(&view.state, epoch.number, epoch.race_attempt, &me.address)
        .is_some_and(|s| s.root == tree.root() && s.count == tree.count());
    (!there).then(|| {
        Wanted::new(
            format!("race/{}/{}/submit", epoch.number, epoch.race_attempt),
            &MsgSubmitRace {
                sender: me.hot.to_string(),
                epoch: epoch.number,
                attempt: epoch.race_attempt,
                root: tree.root().to_vec(),
                count: tree.count(),
            },
        )
    })
}

/// The opening, while its window is open and the chain has not got it.
pub fn opening(view: &View, me: &Identity, proof: Option<&Arc<Tree>>) -> Option<Wanted> {
    let epoch = epoch::current(&view.state);
    let (number, attempt) = id(&epoch);
    if epoch.phase() != Phase::Open
        || module::opening(&view.state, number, attempt, &me.address).is_some()
        || module::is_struck(&view.state, number, attempt, &me.address)
    {
        return None;
    }
    let positions = module::sample(&view.state, number, attempt, &me.address)?;
    let multiproof = proof?.open_many(&positions).and_then(|p| p.encode());
    let multiproof = match multiproof {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(%error, "the sampled leaves cannot be opened");
            return None;
        }
    };
    Some(Wanted::new(
        format!("race/{number}/{attempt}/open"),
        &MsgOpenLeaves {
            sender: me.hot.to_string(),
            epoch: number,
            attempt,
            multiproof,
        },
    ))
}
