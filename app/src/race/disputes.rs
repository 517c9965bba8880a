//! Which disagreements become disputes: pure.
//!
//! The chain recomputes only so many leaves at once; what is left waits for the next slots. Slots are shared out by the accusers'
//! weight, so that a small accuser cannot use them up, and over the accused, since one upheld
//! dispute ends the others over the same participant. Each slot goes to the candidate with the
//! largest `sum of weight(a) / (1 + slots that a used) / (1 + slots over the participant)`.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::ConsensusAddress;

/// A checker's revealed result on one leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Who.
    pub checker: ConsensusAddress,
    /// Its power.
    pub weight: u64,
    /// The digest of what it got.
    pub digest: Vec<u8>,
    /// Whether the leaf stands, it says.
    pub matches: bool,
}

/// A leaf: participant and position.
pub type Place = (ConsensusAddress, u64);

/// Who accuses, given all that was revealed on one leaf: those who say "no match"; when all say
/// "match" and the digests differ, those outside the heaviest digest's group (one of them copied the
/// verdict and not the work). Empty when all agree that the leaf stands.
pub fn accusers(views: &[View]) -> BTreeSet<ConsensusAddress> {
    let against: BTreeSet<_> = views
        .iter()
        .filter(|view| !view.matches)
        .map(|view| view.checker)
        .collect();
    if !against.is_empty() {
        return against;
    }
    let mut groups: BTreeMap<&[u8], u128> = BTreeMap::new();
    for view in views {
        let weight = groups.entry(&view.digest).or_default();
        *weight = weight.saturating_add(view.weight.into());
    }
    let heaviest = groups
        .iter()
        .max_by_key(|(_, weight)| **weight)
        .map(|(digest, _)| *digest);
    let outside = views
        .iter()
        .filter(|view| Some(view.digest.as_slice()) != heaviest);
    outside.map(|view| view.checker).collect()
}

/// The candidates that get one of `slots`, in the order of places. `used` counts what accusers and
/// participants used up before in this epoch and is counted on.
pub fn share_out(
    candidates: &BTreeMap<Place, BTreeSet<ConsensusAddress>>,
    weights: &BTreeMap<ConsensusAddress, u64>,
    used: &mut BTreeMap<ConsensusAddress, u64>,
    slots: usize,
) -> BTreeSet<Place> {
    let mut over: BTreeMap<ConsensusAddress, u64> = BTreeMap::new();
    let mut chosen = BTreeSet::new();
    while chosen.len() < slots {
        let score = |place: &Place, accusers: &BTreeSet<ConsensusAddress>| {
            let support = accusers.iter().fold(0u128, |sum, accuser| {
                let weight = u128::from(count(weights, accuser)) << 32;
                sum.saturating_add(share(weight, count(used, accuser)))
            });
            share(support, count(&over, &place.0))
        };
        let left = candidates
            .iter()
            .filter(|(place, _)| !chosen.contains(*place));
        // Ties go to the smallest place.
        let best = left
            .rev()
            .max_by_key(|(place, accusers)| score(place, accusers));
        let Some((place, accusers)) = best else { break };
        for who in accusers {
            let count = used.entry(*who).or_default();
            *count = count.saturating_add(1);
        }
        let count = over.entry(place.0).or_default();
        *count = count.saturating_add(1);
        chosen.insert(*place);
    }
    chosen
}

fn count(counts: &BTreeMap<ConsensusAddress, u64>, who: &ConsensusAddress) -> u64 {
    counts.get(who).copied().unwrap_or(0)
}

/// `of / (1 + used)`.
fn share(of: u128, used: u64) -> u128 {
    of.checked_div(u128::from(used).saturating_add(1))
        .unwrap_or(0)
}

#[cfg(test)]
#[path = "disputes_tests.rs"]
mod tests;
