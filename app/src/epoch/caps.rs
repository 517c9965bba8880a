//! From accepted counts to voting powers: pure.
//!
//! The order is fixed: the largest `max_validators` by weight; the minimum share, once; what
//! newcomers may hold together; what one member may hold. Old members are measured for the minimum
//! share against old members alone, newcomers after they were limited: what newcomers claim pushes
//! nobody below it. Where the cap on one member cut old members, newcomers are limited once more.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::ConsensusAddress;
use crate::state::State;

/// No set has a larger total: CometBFT halts above `MaxInt64 / 8`, rounded down.
pub const MAX_TOTAL: u64 = (1 << 60) - 1;

/// A set has no more members, whatever the parameter says.
const MAX_MEMBERS: u64 = 1_000;

/// A larger weight counts as this: far above every count that a proof may claim, and a thousand of
/// them are below [`MAX_TOTAL`].
const MAX_WEIGHT: u64 = 1 << 50;

/// Weights by address.
pub type Weights = BTreeMap<ConsensusAddress, u64>;

/// The limits in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most members.
    pub max_validators: u64,
    /// A member holds at least one part in so many.
    pub min_share_parts: u64,
    /// Newcomers together weigh at most the others' weight over this.
    pub old_per_newcomer: u64,
    /// Most that one member holds, in thousandths.
    pub max_share: u64,
}

impl Limits {
    /// The parameters in force.
    pub fn of(state: &State) -> Self {
        use super::params as specs;
        Self {
            max_validators: crate::params::get(state, &specs::MAX_VALIDATORS),
            min_share_parts: crate::params::get(state, &specs::MIN_SHARE),
            old_per_newcomer: crate::params::get(state, &specs::NEWCOMERS),
            max_share: crate::params::get(state, &specs::MAX_SHARE),
        }
    }
}

/// The powers of the next committee.
///
/// `candidates` are the accepted counts of those who are ready; `old` the members of the committee
/// that ends, `live` who signed at least half of its blocks. Who is not both is a newcomer. Not
/// empty unless no candidate has weight; every power at least 1; the total at most [`MAX_TOTAL`].
pub fn caps(
    candidates: &Weights,
    old: &BTreeSet<ConsensusAddress>,
    live: &BTreeSet<ConsensusAddress>,
    limits: &Limits,
) -> Weights {
    let (new, mut powers): (Weights, Weights) = largest(candidates, limits.max_validators)
        .into_iter()
        .partition(|(who, _)| !is_old(old, live, who));
    min_share(&mut powers, limits.min_share_parts);
    let newcomers: BTreeSet<ConsensusAddress> = new.keys().copied().collect();
    powers.extend(new);
    limit_newcomers(&mut powers, &newcomers, limits.old_per_newcomer);
    let mut large = powers.clone();
    min_share(&mut large, limits.min_share_parts);
    powers.retain(|who, _| !newcomers.contains(who) || large.contains_key(who));
    max_share(&mut powers, limits.max_share);
    limit_newcomers(&mut powers, &newcomers, limits.old_per_newcomer);
    powers
}

/// Whether somebody is no newcomer: a member of the last committee that was live in it.
pub fn is_old(
    old: &BTreeSet<ConsensusAddress>,
    live: &BTreeSet<ConsensusAddress>,
    who: &ConsensusAddress,
) -> bool {
    old.contains(who) && live.contains(who)
}

/// The `n` largest, ties by address.
pub(super) fn largest(candidates: &Weights, n: u64) -> Weights {
    let mut ranked: Vec<(u64, ConsensusAddress)> = candidates
        .iter()
        .filter(|(_, w)| **w > 0)
        .map(|(who, w)| ((*w).min(MAX_WEIGHT), *who))
        .collect();
    ranked.sort_by(|(w1, who1), (w2, who2)| w2.cmp(w1).then(who1.cmp(who2)));
    ranked.truncate(usize::try_from(n.clamp(1, MAX_MEMBERS)).unwrap_or(usize::MAX));
    ranked.into_iter().map(|(w, who)| (who, w)).collect()
}

/// Drops who holds less than one part in `parts`. The largest holds at least one part in as many
/// as there are, and stays in any case.
fn min_share(powers: &mut Weights, parts: u64) {
    let total = sum(powers.values());
    let most = powers.values().max().copied().unwrap_or(0);
    powers.retain(|_, w| *w == most || u128::from(*w).saturating_mul(parts.into()) >= total);
}

/// Scales newcomers down, rounding towards zero, until they weigh at most the others over `ratio`.
/// Who is left with nothing is dropped. Without any other member nobody is limited.
fn limit_newcomers(powers: &mut Weights, newcomers: &BTreeSet<ConsensusAddress>, ratio: u64) {
    let (new, old): (Vec<_>, Vec<_>) = powers.iter().partition(|(who, _)| newcomers.contains(*who));
    let (new, old) = (
        sum(new.into_iter().map(|(_, w)| w)),
        sum(old.into_iter().map(|(_, w)| w)),
    );
    let room = old.checked_div(ratio.into()).unwrap_or(0);
    if old == 0 || new <= room {
        return;
    }
    for (who, w) in powers.iter_mut() {
        if newcomers.contains(who) {
            *w = scaled(*w, room, new);
        }
    }
    powers.retain(|_, w| *w > 0);
}

/// Caps every power at the largest c with `1000 c <= share * sum(min(w, c))`, where there are enough
/// members for it (`share` 300: at least 4).
fn max_share(powers: &mut Weights, share: u64) {
    let members = u64::try_from(powers.len()).unwrap_or(u64::MAX);
    if members.saturating_mul(share) < 1000 {
        return;
    }
    let fits = |c: u64| {
        let capped = powers
            .values()
            .fold(0u128, |sum, w| sum.saturating_add((*w).min(c).into()));
        u128::from(c).saturating_mul(1000) <= capped.saturating_mul(share.into())
    };
    // The right side is concave in c and both are 0 at 0, so what fits is an interval from 0; and
    // c = 1 fits, since there are enough members. No cap above the largest weight changes anything.
    let mut good = 1u64;
    let mut bad = powers
        .values()
        .max()
        .copied()
        .unwrap_or(1)
        .saturating_add(1);
    while bad.saturating_sub(good) > 1 {
        let middle = good.midpoint(bad);
        if fits(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    for w in powers.values_mut() {
        *w = (*w).min(good);
    }
}

/// `w * part / whole`, rounded towards zero, for `part <= whole`.
fn scaled(w: u64, part: u128, whole: u128) -> u64 {
    // Below 2^50 * 2^60, see MAX_WEIGHT.
    let scaled = u128::from(w)
        .saturating_mul(part)
        .checked_div(whole)
        .unwrap_or(0);
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

fn sum<'a>(weights: impl Iterator<Item = &'a u64>) -> u128 {
    weights.fold(0, |sum, w| sum.saturating_add(u128::from(*w)))
}

#[cfg(test)]
#[path = "caps_tests.rs"]
mod tests;
