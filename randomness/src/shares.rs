//! Voting power becomes whole shares of the committee's key, and the threshold that goes with them.
//!
//! With `W` shares in all, a member of power `w` out of `P` gets `w * W / P`, rounded by largest
//! remainder, equal remainders by address. The threshold `t` is one more than the most shares of
//! any coalition with at most half of the power: no such coalition signs. An allotment is good when
//! every coalition with more than two thirds of the power has at least `t` shares: every such
//! coalition signs. `W` is the first of [`TOTALS`] that is good; when none is, the smallest member
//! is dropped and the list is tried again. One member alone is always good.
//!
//! Of a member's shares only the first [`MAX_SHARES`] travel, so no more of them count for the two thirds;
//! for the half all do, since nobody keeps a coalition from using them.
//!
//! Both conditions are exact. A coalition has more than two thirds of the power exactly when the
//! others have less than one third, so the fewest shares of the former are `W` less the most shares
//! of the latter; and the most shares below a bound of power is a knapsack over shares, solved in
//! `O(n W)` by the least power that holds each number of shares.

use crate::hash::Address;
use crate::signing::MAX_SHARES;
use std::collections::{BTreeMap, BTreeSet};

/// The numbers of shares that are tried, in this order.
pub const TOTALS: [u16; 7] = [16, 32, 64, 128, 256, 400, 512];

/// The largest sum of powers: with it every product here fits 128 bits with room to spare.
pub const MAX_POWER: u64 = 1 << 60;

/// Why powers cannot be turned into shares.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllotError {
    /// Nobody is there.
    #[error("a committee needs at least one member")]
    Empty,
    /// A member without power.
    #[error("member {} has no power; leave it out of the committee", crate::hash::hex(.0))]
    NoPower(Address),
    /// More power than the arithmetic is made for.
    #[error("the powers add up to more than {MAX_POWER}; scale them down")]
    TooMuchPower,
}

/// The shares of a committee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allotment {
    /// Shares by member; a member whose power is far below `P / W` can have none.
    pub shares: BTreeMap<Address, u16>,
    /// `W`: all shares.
    pub total: u16,
    /// `t`: how many shares sign.
    pub threshold: u16,
    /// Who was dropped so that a good allotment exists, in the order of dropping.
    pub dropped: Vec<Address>,
}

impl Allotment {
    /// The shares and the threshold for these powers.
    ///
    /// # Errors
    ///
    /// When there are no members, one has no power, or they have more than [`MAX_POWER`].
    pub fn of(powers: &BTreeMap<Address, u64>) -> Result<Self, AllotError> {
        if powers.is_empty() {
            return Err(AllotError::Empty);
        }
        if let Some((address, _)) = powers.iter().find(|(_, power)| **power == 0) {
            return Err(AllotError::NoPower(*address));
        }
        if sum(powers.values()) > u128::from(MAX_POWER) {
            return Err(AllotError::TooMuchPower);
        }
        let mut left = powers.clone();
        let mut dropped = Vec::new();
        loop {
            if let Some((total, threshold, shares)) =
                TOTALS.into_iter().find_map(|total| good(&left, total))
            {
                return Ok(Self {
                    shares,
                    total,
                    threshold,
                    dropped,
                });
            }
            // Of equally small members the one with the highest address goes.
            let smallest = left
                .iter()
                .rev()
                .min_by_key(|(_, power)| **power)
                .map(|(address, _)| *address);
            let Some(smallest) = smallest else {
                return Err(AllotError::Empty);
            };
            left.remove(&smallest);
            dropped.push(smallest);
        }
    }

    /// Whether every coalition with more than two thirds of the power of `present` has the threshold
    /// among those present alone. That no coalition with at most half of it has the threshold follows
    /// from the same for all members.
    #[must_use]
    pub fn lives_on(&self, powers: &BTreeMap<Address, u64>, present: &BTreeSet<Address>) -> bool {
        let present: Vec<(u64, u16)> = powers
            .iter()
            .filter(|(address, _)| present.contains(*address))
            .filter_map(|(address, power)| Some((*power, *self.shares.get(address)?)))
            .collect();
        fewest_above_two_thirds(&present) >= self.threshold
    }
}

/// Total, threshold and shares for this total, if every two thirds reach the threshold.
fn good(powers: &BTreeMap<Address, u64>, total: u16) -> Option<(u16, u16, BTreeMap<Address, u16>)> {
    let shares = largest_remainder(powers, total);
    let members: Vec<(u64, u16)> = powers
        .iter()
        .filter_map(|(address, power)| Some((*power, *shares.get(address)?)))
        .collect();
    let threshold = most_in_half(&members).saturating_add(1);
    (fewest_above_two_thirds(&members) >= threshold).then_some((total, threshold, shares))
}

fn largest_remainder(powers: &BTreeMap<Address, u64>, total: u16) -> BTreeMap<Address, u16> {
    let all = sum(powers.values()).max(1);
    let mut shares = BTreeMap::new();
    let mut remainders = Vec::new();
    let mut left = total;
    for (address, power) in powers {
        // Below 2^60 * 2^9.
        let product = u128::from(*power).saturating_mul(u128::from(total));
        let whole = product.checked_div(all).unwrap_or_default();
        // At most `total`.
        let whole = u16::try_from(whole).unwrap_or(total);
        left = left.saturating_sub(whole);
        shares.insert(*address, whole);
        remainders.push((product.checked_rem(all).unwrap_or_default(), *address));
    }
    remainders.sort_by(|(a, x), (b, y)| b.cmp(a).then(x.cmp(y)));
    for (_, address) in remainders.iter().take(usize::from(left)) {
        if let Some(of_member) = shares.get_mut(address) {
            *of_member = of_member.saturating_add(1);
        }
    }
    shares
}

/// The most shares of a coalition with at most half of the power.
fn most_in_half(members: &[(u64, u16)]) -> u16 {
    let all = power_of(members);
    most(members, |power| power.saturating_mul(2) <= all)
}

/// The fewest shares that a coalition with more than two thirds of the power can send: all but the most
/// of those who have less than one third.
fn fewest_above_two_thirds(members: &[(u64, u16)]) -> u16 {
    let sent: Vec<(u64, u16)> = members
        .iter()
        .map(|(power, shares)| (*power, *shares.min(&MAX_SHARES)))
        .collect();
    let all = power_of(&sent);
    let others = most(&sent, |power| power.saturating_mul(3) < all);
    shares_of(&sent).saturating_sub(others)
}

/// The most shares of a coalition whose power is `within` bounds; being within bounds is inherited
/// by smaller powers.
fn most(members: &[(u64, u16)], within: impl Fn(u128) -> bool) -> u16 {
    // least[s]: the least power of a coalition with exactly s shares.
    let mut least = vec![None; usize::from(shares_of(members)).saturating_add(1)];
    if let Some(nobody) = least.first_mut() {
        *nobody = Some(0u128);
    }
    for (power, shares) in members.iter().filter(|(_, shares)| *shares > 0) {
        let shares = usize::from(*shares);
        for with in (shares..least.len()).rev() {
            let without = with.saturating_sub(shares);
            let Some(joined) = least[without].map(|rest| u128::from(*power).saturating_add(rest))
            else {
                continue;
            };
            if least[with].is_none_or(|known| joined < known) {
                least[with] = Some(joined);
            }
        }
    }
    let most = least
        .iter()
        .rposition(|power| power.is_some_and(&within))
        .unwrap_or_default();
    u16::try_from(most).unwrap_or(u16::MAX)
}

fn sum<'a>(powers: impl Iterator<Item = &'a u64>) -> u128 {
    powers.fold(0, |sum, power| sum.saturating_add(u128::from(*power)))
}

fn power_of(members: &[(u64, u16)]) -> u128 {
    sum(members.iter().map(|(power, _)| power))
}

fn shares_of(members: &[(u64, u16)]) -> u16 {
    members
        .iter()
        .fold(0, |sum, (_, shares)| sum.saturating_add(*shares))
}

#[cfg(test)]
#[path = "shares_tests.rs"]
mod tests;
