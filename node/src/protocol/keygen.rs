//! A member's part in the key generation that is under way: its deal, then complaints and a
//! confirmation.

use race_app::beacon::keygen::{self, KeyAttempt};
use race_app::epoch;
use race_randomness::dkg::{Participant, Post};
use race_randomness::hash::h;

use super::{Identity, View, Wanted};

/// What the chain still wants from this node. Everything is derived, so a node that was killed posts
/// the same again, byte for byte.
pub fn wanted(view: &View, me: &Identity, participant: &mut Participant) -> Vec<Wanted> {
    let Some(attempt) = epoch::key_attempt(&view.state) else {
        return Vec::new();
    };
    let Some(board) = keygen::board(&view.state, &me.chain_id, &attempt) else {
        return Vec::new();
    };
    let owed = participant.owes(&board);
    let wanted = owed.iter().map(|post| posted(me, attempt, post));
    wanted.collect()
}

/// A complaint about the first deal of another member that it may still complain about, good or not.
pub fn false_complaint(view: &View, me: &Identity, participant: &Participant) -> Option<Wanted> {
    let attempt = epoch::key_attempt(&view.state)?;
    let board = keygen::board(&view.state, &me.chain_id, &attempt)?;
    board.session().member(&me.address).ok()?;
    if !board.deals_closed() {
        return None;
    }
    let mut others = board.deals();
    let deal = others.find(|deal| *deal.dealer() != me.address)?;
    let first = board.may_complain(&me.address, deal.dealer());
    let complaint = first.then(|| participant.complain(board.session(), deal))?;
    Some(posted(me, attempt, &Post::Complaint(complaint)))
}

fn posted(me: &Identity, attempt: KeyAttempt, post: &Post) -> Wanted {
    let (epoch, race_attempt, key_attempt) = attempt;
    let what = match post {
        Post::Deal(_) => "deal".to_owned(),
        Post::Complaint(bytes) => {
            let about = h("race/node/complaint/v1", &[bytes]);
            format!("complain/{}", hex::encode(about))
        }
        Post::Confirmation(_) => "confirm".to_owned(),
    };
    Wanted {
        step: format!("key/{epoch}/{race_attempt}/{key_attempt}/{what}"),
        message: keygen::message(attempt, &me.hot.to_string(), post),
    }
}
