//! The share of its rewards of an epoch that a node's duties release.
//!
//! | | |
//! |---|---|
//! | d | checks done: passed, or found false |
//! | u | what it could not check, and was not excused for |
//! | m | of those, what it alone could not check while others passed it |
//! | o | omissions that were proved |
//!
//! What it earned by checking is released as `d / (d + u + o)`. Everything else as `d / (d + m + o)`, times
//! `(2d + 1) / (d + u - m + 1)` where that is below 1: who could check at least as much as was withheld from it loses
//! nothing for that, a single withheld artifact never costs more than half, and who checks nothing at all is never
//! released in full.

use std::collections::{BTreeMap, BTreeSet};

use super::reveal;
use crate::address::ConsensusAddress;
use crate::beacon;
use crate::state::State;

/// A fraction of at most 1, by a denominator that is not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Above the line.
    pub of: u128,
    /// Below it.
    pub whole: u128,
}

impl Part {
    const ALL: Self = Self { of: 1, whole: 1 };
    const NOTHING: Self = Self { of: 0, whole: 1 };

    /// `of / whole`, at most 1; all of it when nothing was due.
    fn new(of: u128, whole: u128) -> Self {
        match of >= whole {
            true => Self::ALL,
            false => Self { of, whole },
        }
    }

    fn times(self, other: Self) -> Self {
        Self {
            of: self.of.saturating_mul(other.of),
            whole: self.whole.saturating_mul(other.whole),
        }
    }
}

/// What a node's duties release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Of what it earned by checking.
    pub checking: Part,
    /// Of fees, gas and subsidy.
    pub rest: Part,
}

impl Share {
    fn of(done: u64, unable: u64, alone: u64, omitted: u64) -> Self {
        let [done, unable, alone, omitted] = [done, unable, alone, omitted].map(u128::from);
        let withheld = unable.saturating_sub(alone);
        let sum = |parts: &[u128]| parts.iter().fold(0u128, |sum, n| sum.saturating_add(*n));
        let missed = Part::new(done, sum(&[done, alone, omitted]));
        let able = Part::new(
            done.saturating_mul(2).saturating_add(1),
            sum(&[done, withheld, 1]),
        );
        Self {
            checking: Part::new(done, sum(&[done, unable, omitted])),
            rest: missed.times(able),
        }
    }
}

/// The share of a node in an epoch. `liable` are those who may have had duties: of them, who revealed none is
/// released nothing. `alone` is what each missed by itself
/// ([`super::Tallies`]).
pub(crate) fn share(
    state: &State,
    epoch: u64,
    address: &ConsensusAddress,
    liable: &BTreeSet<ConsensusAddress>,
    alone: &BTreeMap<ConsensusAddress, u64>,
) -> Share {
    let (all, nothing) = (Part::ALL, Part::NOTHING);
    match reveal(state, epoch, address) {
        Some(reveal) => Share::of(
            reveal.done,
            reveal.cannot_check,
            alone.get(address).copied().unwrap_or(0),
            reveal.omitted,
        ),
        None if liable.contains(address) && beacon::duties_seed(state, epoch).is_some() => Share {
            checking: nothing,
            rest: nothing,
        },
        None => Share {
            checking: all,
            rest: all,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(done: u64, unable: u64, alone: u64, omitted: u64) -> [(u128, u128); 2] {
        let share = Share::of(done, unable, alone, omitted);
        [share.checking, share.rest].map(|part| (part.of, part.whole))
    }

    #[test]
    fn who_has_done_all_or_had_nothing_to_do_is_released_everything() {
        assert_eq!(shares(0, 0, 0, 0), [(1, 1), (1, 1)]);
        assert_eq!(shares(9, 0, 0, 0), [(1, 1), (1, 1)]);
    }

    #[test]
    fn what_was_withheld_lowers_what_is_released_for_checking_alone() {
        assert_eq!(shares(3, 1, 0, 0), [(3, 4), (1, 1)]);
        assert_eq!(shares(3, 4, 0, 0), [(3, 7), (7, 8)]);
    }

    #[test]
    fn who_checks_nothing_is_never_released_in_full() {
        assert_eq!(shares(0, 1, 0, 0), [(0, 1), (1, 2)]);
        assert_eq!(shares(0, 9, 0, 0), [(0, 9), (1, 10)]);
    }

    #[test]
    fn what_others_could_check_was_missed() {
        assert_eq!(shares(3, 1, 1, 0), [(3, 4), (3, 4)]);
        assert_eq!(shares(0, 1, 1, 0).map(|(of, _)| of), [0, 0]);
        assert_eq!(shares(3, 1, 0, 1), [(3, 5), (3, 4)]);
    }
}
