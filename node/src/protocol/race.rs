//! The participant's side of a race: submit the root, open the sampled leaves.

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

/// The race of the current attempt, once its seed is known.
pub fn current(view: &View, me: &Identity) -> Option<Start> {
    let epoch = epoch::current(&view.state);
    let seed = module::seed(&view.state, epoch.number, epoch.race_attempt)?;
    let preset = race::Preset::by_name(&module::preset(&view.state)).ok()?;
    Some(Start {
        id: id(&epoch),
        preset,
        seed,
        public_key: me.public_key,
    })
}

/// The open window of a race, as a node plans it, at one block.
///
/// The search goes on until no submission could land any more, so a margin costs no racing time: from
/// half of the window on a node has something on chain, whatever happens to it later, and within the
/// margin it replaces that at every block at which it has more. A submission that the network loses
/// is sent again after a few blocks ([`crate::sender`]): the margin should be longer than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    first: u64,
    last: u64,
    margin: u64,
    /// The block that a message sent now can land in at the earliest.
    next: u64,
}

impl Window {
    /// The window that is open, if one is. A margin of more than half of it is cut to that.
    pub fn open(view: &View, margin: u64) -> Option<Self> {
        let epoch = epoch::current(&view.state);
        (epoch.phase() == Phase::Race)
            .then(|| Self::at(epoch.phase_start, epoch.phase_end, margin, view.next()))
    }

    fn at(first: u64, last: u64, margin: u64, next: u64) -> Self {
        let half = last.saturating_sub(first).saturating_add(1) / 2;
        Self {
            first,
            last,
            margin: margin.clamp(1, half.max(1)),
            next,
        }
    }

    /// Whether there is time to search: what is found now can be submitted at a later block.
    pub fn searches(&self) -> bool {
        self.blocks_to_search() > 0
    }

    /// Blocks until the search ends.
    pub fn blocks_to_search(&self) -> u64 {
        self.last.saturating_sub(self.next)
    }

    /// Blocks until it closes, the next one included.
    pub fn blocks_left(&self) -> u64 {
        self.last.saturating_add(1).saturating_sub(self.next)
    }

    /// How much of it has passed.
    pub fn percent(&self) -> u64 {
        let blocks = self.last.saturating_sub(self.first).saturating_add(1);
        let passed = self.next.saturating_sub(self.first);
        passed.saturating_mul(100) / blocks
    }

    /// Whether a root should be on chain now: in the second half, even of one nonce.
    pub fn submits(&self) -> bool {
        self.percent() >= 50 || self.in_margin()
    }

    fn in_margin(&self) -> bool {
        self.next.saturating_add(self.margin) > self.last
    }

    /// Whether to submit `found` leaves where the chain has `submitted`.
    pub fn takes(&self, found: u64, submitted: u64) -> bool {
        found > submitted && self.submits() && (submitted == 0 || self.in_margin())
    }
}

/// The count that the chain has of this node in a race; 0 when it has none.
pub fn submitted(view: &View, me: &Identity, id: RaceId) -> u64 {
    module::submission(&view.state, id.0, id.1, &me.address).map_or(0, |s| s.count)
}

/// The submission of a proof.
pub fn submission(me: &Identity, id: RaceId, tree: &Tree) -> Wanted {
    Wanted::new(
        format!("race/{}/{}/submit", id.0, id.1),
        &MsgSubmitRace {
            sender: me.hot.to_string(),
            epoch: id.0,
            attempt: id.1,
            root: tree.root().to_vec(),
            count: tree.count(),
        },
    )
}

/// The count of the proof that is to be opened now, while the chain has not got its opening.
pub fn to_open(view: &View, me: &Identity) -> Option<u64> {
    let epoch = epoch::current(&view.state);
    let (number, attempt) = id(&epoch);
    let due = epoch.phase() == Phase::Open
        && module::opening(&view.state, number, attempt, &me.address).is_none()
        && !module::is_struck(&view.state, number, attempt, &me.address);
    due.then(|| submitted(view, me, (number, attempt)))
        .filter(|count| *count > 0)
}

/// The opening of the sampled leaves of `tree`, which must be what was submitted.
pub fn opening(view: &View, me: &Identity, tree: &Tree) -> Option<Wanted> {
    let epoch = epoch::current(&view.state);
    let (number, attempt) = id(&epoch);
    let submission = module::submission(&view.state, number, attempt, &me.address)?;
    if submission.root != tree.root() {
        tracing::error!("the finds on disk are not those that were submitted; nothing is opened");
        return None;
    }
    let positions = module::sample(&view.state, number, attempt, &me.address)?;
    let multiproof = match tree.open_many(&positions).and_then(|p| p.encode()) {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a node does at each block of a window, as found nonces grow by ten a block and each
    /// submission is in the next block: (next block, count sent), and the last block with a search.
    fn plan(first: u64, last: u64, margin: u64, begin: u64) -> (Vec<(u64, u64)>, Option<u64>) {
        let (mut sent, mut searched, mut found, mut on_chain) = (Vec::new(), None, 0, 0);
        for next in begin..=last {
            let window = Window::at(first, last, margin, next);
            if window.takes(found, on_chain) {
                sent.push((next, found));
                on_chain = found;
            }
            if window.searches() {
                searched = Some(next);
                found += 10;
            }
        }
        (sent, searched)
    }

    #[test]
    fn the_whole_window_is_searched_and_the_last_block_has_the_last_root() {
        let (sent, searched) = plan(101, 220, 6, 101);
        assert_eq!(searched, Some(219));
        // At half, then at each block of the margin.
        let blocks: Vec<u64> = sent.iter().map(|(block, _)| *block).collect();
        assert_eq!(blocks, [161, 215, 216, 217, 218, 219, 220]);
        assert_eq!(sent.last(), Some(&(220, 1190)));
    }

    #[test]
    fn a_node_that_is_late_submits_what_it_has() {
        // Its first nonces come when all but two blocks are over.
        let (sent, searched) = plan(101, 220, 6, 218);
        assert_eq!(searched, Some(219));
        assert_eq!(sent, [(219, 10), (220, 20)]);
        let (sent, searched) = plan(101, 220, 6, 220);
        assert_eq!((sent, searched), (vec![], None));
    }

    #[test]
    fn short_windows_and_large_margins_leave_half_to_search_in_quiet() {
        assert_eq!(plan(1, 2, 6, 1), (vec![(2, 10)], Some(1)));
        let (sent, _) = plan(1, 10, 1_000, 1);
        assert_eq!(sent[0], (6, 50));
        assert_eq!(sent.len(), 5);
    }

    #[test]
    fn a_smaller_or_equal_count_never_replaces_a_larger_one() {
        let window = Window::at(1, 10, 5, 9);
        assert!(window.takes(6, 5));
        assert!(!window.takes(5, 5) && !window.takes(4, 5) && !window.takes(0, 0));
    }

    #[test]
    fn a_window_knows_how_far_it_is() {
        let window = |next| Window::at(101, 220, 6, next);
        assert_eq!((window(101).percent(), window(101).blocks_left()), (0, 120));
        assert_eq!((window(161).percent(), window(161).blocks_left()), (50, 60));
        assert_eq!((window(220).percent(), window(220).blocks_left()), (99, 1));
    }
}
