//! A committee member's part in beacon rounds: commits, reveals, and shares where votes did not do.

use race_app::beacon::signing::{self, Awaited, BeaconSigner};
use race_app::{beacon, epoch};
use race_proto::race::beacon::v1::{
    MsgCommit, MsgPostShares, MsgReveal, Purpose, Round, RoundId, RoundStatus,
};
use race_randomness::commit_reveal::{self, Which};

use super::{Identity, View, Wanted};

/// What open rounds still want from this node. The secrets are derived, so a node that was killed
/// between commit and reveal reveals what it committed to.
pub fn wanted(view: &View, me: &Identity, signer: &dyn BeaconSigner) -> Vec<Wanted> {
    let open = beacon::open_rounds(&view.state);
    let mut wanted: Vec<Wanted> = open
        .iter()
        .filter_map(|round| part(view, me, round))
        .collect();
    let awaited = signing::awaited(&view.state, &me.chain_id);
    wanted.extend(awaited.iter().filter_map(|it| shares(view, me, it, signer)));
    wanted
}

fn step(id: &RoundId, what: &str) -> String {
    let RoundId {
        purpose,
        epoch,
        attempt,
        round,
    } = id;
    format!("beacon/{purpose}/{epoch}/{attempt}/{round}/{what}")
}

fn part(view: &View, me: &Identity, round: &Round) -> Option<Wanted> {
    let id = round.id.as_ref()?;
    if !epoch::committee(&view.state, id.epoch).contains_key(&me.address) {
        return None;
    }
    let bound = beacon::bound(&me.chain_id, id)?;
    let secret = |which| commit_reveal::secret(me.secrets.node.as_slice(), &bound, which);
    let mine = beacon::contribution(&view.state, id, &me.address);
    let (sender, next) = (me.hot.to_string(), view.next());
    let takes_commits = (round.commit_start..=round.commit_end).contains(&next);
    let (second, there) = match (round.status(), mine) {
        (RoundStatus::Open, None) if takes_commits => {
            let commit = |which| {
                let secret = secret(which);
                commit_reveal::commitment(&bound, &me.address, which, secret.expose()).to_vec()
            };
            let fallback_commitment = match id.purpose() {
                Purpose::RaceSeed => commit(Which::Fallback),
                _ => Vec::new(),
            };
            let message = MsgCommit {
                sender,
                round: Some(*id),
                commitment: commit(Which::Reveal),
                fallback_commitment,
            };
            return Some(Wanted::new(step(id, "commit"), &message));
        }
        (RoundStatus::Open, Some(mine)) if next > round.commit_end => (false, mine.secret),
        (RoundStatus::Fallback, Some(mine)) => match id.purpose() {
            Purpose::RaceSeed => (true, mine.fallback_secret),
            _ => (false, mine.secret),
        },
        _ => return None,
    };
    if !there.is_empty() || next > round.reveal_end {
        return None;
    }
    let (which, what) = match second {
        true => (Which::Fallback, "fallback"),
        false => (Which::Reveal, "reveal"),
    };
    let message = MsgReveal {
        sender,
        round: Some(*id),
        secret: secret(which).expose().to_vec(),
    };
    Some(Wanted::new(step(id, what), &message))
}

/// The node's shares of a race seed's signature, when votes did not give it in the first attempt.
fn shares(
    view: &View,
    me: &Identity,
    awaited: &Awaited,
    signer: &dyn BeaconSigner,
) -> Option<Wanted> {
    let Awaited {
        id,
        signing_attempt,
        message,
    } = awaited;
    let posted = beacon::has_posted(&view.state, id, &me.address);
    if *signing_attempt < 2 || posted {
        return None;
    }
    let message = MsgPostShares {
        sender: me.hot.to_string(),
        round: Some(*id),
        signing_attempt: *signing_attempt,
        shares: signer.sign(id.epoch, message)?,
    };
    let step = step(id, &format!("shares/{signing_attempt}"));
    Some(Wanted::new(step, &message))
}
