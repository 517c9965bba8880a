//! Which nonces a process tries, and which of them are left.
//!
//! Processes that race with one key must not repeat each other's nonces: each is configured with a
//! [`Share`]. Within a process all workers take their batches from one [`Untried`].

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The nonces of one process: `all`, `2/4` (the second of four equal parts), or `START..END`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Share {
    /// Every nonce.
    All,
    /// One of several equal parts.
    Part {
        /// Which, from 1.
        index: u32,
        /// How many there are.
        of: u32,
    },
    /// From `start` to the one before `end`.
    Range(Range<u64>),
}

/// Why a text is no share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// It has none of the three forms.
    #[error("`{0}` names no nonces; allowed are `all`, a part such as `2/4`, a range such as `0..1000000`")]
    Form(String),
    /// The part is none of those.
    #[error("there is no part {index} of {of}; the parts of {of} are 1/{of} to {of}/{of}")]
    NoSuchPart {
        /// The part asked for.
        index: u32,
        /// How many there are.
        of: u32,
    },
    /// There are no parts.
    #[error("nonces cannot be split into 0 parts; the whole is `all`")]
    NoParts,
    /// The range has no nonce.
    #[error("the range {start}..{end} is empty; its end must be larger than its start")]
    Empty {
        /// Its start.
        start: u64,
        /// Its end.
        end: u64,
    },
}

impl Share {
    /// Its nonces. The parts of a whole are disjoint, and together they are all nonces.
    pub fn range(&self) -> Range<u64> {
        let bound = |part: u32, of: u32| {
            let bound = u128::from(u64::MAX) * u128::from(part) / u128::from(of.max(1));
            u64::try_from(bound).unwrap_or(u64::MAX)
        };
        match self {
            Self::All => 0..u64::MAX,
            Self::Part { index, of } => bound(index.saturating_sub(1), *of)..bound(*index, *of),
            Self::Range(range) => range.clone(),
        }
    }
}

impl FromStr for Share {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let form = || ShareError::Form(text.to_owned());
        if text == "all" {
            return Ok(Self::All);
        }
        if let Some((index, of)) = text.split_once('/') {
            let index = index.trim().parse().map_err(|_| form())?;
            let of = of.trim().parse().map_err(|_| form())?;
            return match (index, of) {
                (_, 0) => Err(ShareError::NoParts),
                (1.., _) if index <= of => Ok(Self::Part { index, of }),
                _ => Err(ShareError::NoSuchPart { index, of }),
            };
        }
        let (start, end) = text.split_once("..").ok_or_else(form)?;
        let start = start.trim().parse().map_err(|_| form())?;
        let end = end.trim().parse().map_err(|_| form())?;
        if start >= end {
            return Err(ShareError::Empty { start, end });
        }
        Ok(Self::Range(start..end))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Part { index, of } => write!(f, "{index}/{of}"),
            Self::Range(range) => write!(f, "{}..{}", range.start, range.end),
        }
    }
}

impl TryFrom<String> for Share {
    type Error = ShareError;

    fn try_from(text: String) -> Result<Self, ShareError> {
        text.parse()
    }
}

impl From<Share> for String {
    fn from(share: Share) -> Self {
        share.to_string()
    }
}

/// A set of nonces, kept as ranges that neither touch nor overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Nonces(BTreeMap<u64, u64>);

impl Nonces {
    /// Adds a range; what is in it already stays.
    pub fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let Range { mut start, mut end } = range;
        // Everything that begins before the end (or at it) and does not end before the start.
        while let Some((&from, &to)) = self.0.range(..=end).next_back() {
            if to < start {
                break;
            }
            self.0.remove(&from);
            (start, end) = (start.min(from), end.max(to));
        }
        self.0.insert(start, end);
    }

    /// Takes the lowest `most` nonces that lie side by side, or fewer where a range ends before.
    pub fn take(&mut self, most: u64) -> Option<Range<u64>> {
        let (start, end) = self.0.pop_first()?;
        let cut = start.saturating_add(most).min(end);
        if cut < end {
            self.0.insert(cut, end);
        }
        (start < cut).then_some(start..cut)
    }

    /// The nonces of `whole` that are not in this set.
    pub fn missing_from(&self, whole: Range<u64>) -> Self {
        let mut missing = Self::default();
        let mut at = whole.start;
        for (&start, &end) in &self.0 {
            missing.insert(at..start.min(whole.end));
            at = at.max(end);
        }
        missing.insert(at..whole.end);
        missing
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        let lengths = self.0.iter().map(|(start, end)| end.saturating_sub(*start));
        lengths.fold(0, u64::saturating_add)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The nonces of a process that were not tried and that no worker is trying.
#[derive(Debug, Clone)]
pub struct Untried(Nonces);

impl Untried {
    /// Those of `share` that are not among `tried`.
    pub fn new(share: &Share, tried: &Nonces) -> Self {
        Self(tried.missing_from(share.range()))
    }

    /// The next batch of a worker, at most `most` nonces: the lowest ones, so that what a stopped
    /// worker gave back comes first. `None` when all are tried.
    pub fn take(&mut self, most: u64) -> Option<Range<u64>> {
        self.0.take(most.max(1))
    }

    /// A batch was not finished: somebody tries it again.
    pub fn give_back(&mut self, batch: Range<u64>) {
        self.0.insert(batch);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_share_reads_as_it_is_written() {
        for text in ["all", "1/1", "2/4", "0..1", "7..18446744073709551615"] {
            assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
        }
        assert_eq!("5/5".parse::<Share>().unwrap().range().end, u64::MAX);
        assert_eq!("1/1".parse::<Share>().unwrap().range(), Share::All.range());
    }

    #[test]
    fn a_share_that_is_none_says_what_is_allowed() {
        let says = |text: &str| text.parse::<Share>().unwrap_err().to_string();
        assert!(says("5/4").contains("1/4 to 4/4"), "{}", says("5/4"));
        assert!(says("0/4").contains("1/4 to 4/4"), "{}", says("0/4"));
        assert!(says("1/0").contains("`all`"), "{}", says("1/0"));
        assert!(says("9..9").contains("empty"), "{}", says("9..9"));
        assert!(says("9..3").contains("empty"), "{}", says("9..3"));
        for text in ["", "half", "1/x", "-1/4", "1..x", "..", "/"] {
            assert!(says(text).contains("`2/4`"), "{}", says(text));
        }
    }

    proptest! {
        #[test]
        fn the_parts_of_a_whole_are_disjoint_and_complete(of in 1u32..2_000) {
            let mut at = 0;
            for index in 1..=of {
                let part = Share::Part { index, of }.range();
                prop_assert_eq!(part.start, at);
                prop_assert!(part.start < part.end);
                at = part.end;
            }
            prop_assert_eq!(at, Share::All.range().end);
        }

        #[test]
        fn every_nonce_is_handed_out_and_none_to_two_workers_at_once(
            whole in 1u64..400,
            tried in proptest::collection::vec((0u64..400, 0u64..40), 0..6),
            steps in proptest::collection::vec((1u64..50, any::<bool>(), any::<bool>()), 0..200),
        ) {
            let share = Share::Range(1_000..1_000 + whole);
            let mut before = Nonces::default();
            for (start, length) in tried {
                before.insert(1_000 + start..1_000 + start + length);
            }
            let mut untried = Untried::new(&share, &before);
            let mut done = before.clone();
            let mut in_flight: Vec<Range<u64>> = Vec::new();
            let overlaps = |a: &Range<u64>, b: &Range<u64>| a.start < b.end && b.start < a.end;
            // Workers that take, finish and give up batches in any order; then one that finishes all.
            for (most, take, finish) in steps.into_iter().chain([(7, true, true); 500]) {
                if take {
                    if let Some(batch) = untried.take(most) {
                        prop_assert!(!batch.is_empty() && batch.end - batch.start <= most);
                        prop_assert!(in_flight.iter().all(|other| !overlaps(other, &batch)));
                        let new = done.missing_from(batch.clone());
                        prop_assert_eq!(new.len(), batch.end - batch.start, "tried twice");
                        in_flight.push(batch);
                    }
                }
                if !in_flight.is_empty() {
                    let batch = in_flight.remove(0);
                    match finish {
                        true => done.insert(batch),
                        false => untried.give_back(batch),
                    }
                }
            }
            while let Some(batch) = in_flight.pop() {
                done.insert(batch);
            }
            prop_assert_eq!(untried.take(1), None);
            prop_assert!(done.missing_from(share.range()).is_empty());
        }
    }
}
