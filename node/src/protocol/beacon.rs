//! A committee member's part in beacon rounds: commit, then reveal.

use race_app::{beacon, epoch};
use race_proto::race::beacon::v1::{MsgCommit, MsgReveal, Round};
use race_randomness::commit_reveal::{self, Which};

use super::{Identity, View, Wanted};

/// Commits and reveals that open rounds still want from this node. The secrets are derived, so a
/// node that was killed between the two reveals what it committed to.
pub fn wanted(view: &View, me: &Identity) -> Vec<Wanted> {
    beacon::open_rounds(&view.state)
        .iter()
        .filter_map(|round| part(view, me, round))
        .collect()
}

fn part(view: &View, me: &Identity, round: &Round) -> Option<Wanted> {
    let id = round.id.as_ref()?;
    if !epoch::committee(&view.state, id.epoch).contains_key(&me.address) {
        return None;
    }
    let bound = beacon::bound(&me.chain_id, id)?;
    let secret = commit_reveal::secret(me.secrets.node.as_slice(), &bound, Which::Reveal);
    let mine = beacon::contribution(&view.state, id, &me.address);
    let step = |what: &str| {
        format!(
            "beacon/{}/{}/{}/{}/{what}",
            id.purpose, id.epoch, id.attempt, id.round
        )
    };
    let next = view.next();
    match mine {
        None if (round.commit_start..=round.commit_end).contains(&next) => {
            let commitment =
                commit_reveal::commitment(&bound, &me.address, Which::Reveal, secret.expose());
            Some(Wanted::new(
                step("commit"),
                &MsgCommit {
                    sender: me.hot.to_string(),
                    round: Some(*id),
                    commitment: commitment.to_vec(),
                },
            ))
        }
        Some(mine)
            if mine.secret.is_empty() && next > round.commit_end && next <= round.reveal_end =>
        {
            Some(Wanted::new(
                step("reveal"),
                &MsgReveal {
                    sender: me.hot.to_string(),
                    round: Some(*id),
                    secret: secret.expose().to_vec(),
                },
            ))
        }
        _ => None,
    }
}
