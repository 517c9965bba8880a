//! Weighted draws, the one way.
//!
//! A draw takes `u`, the first 16 bytes (big-endian) of `H(dst, seed, domain..., counter)`. With the
//! total weight W it refuses `u >= floor(2^128 / W) * W`, counts on and tries again, so that every
//! unit of weight is equally likely. What it draws is found by walking the cumulative weights, in
//! address order, to `u mod W`. Without replacement means: remove the drawn one and repeat; the
//! counter never starts again within one domain.

use crate::hash::{be, h, Address, Hash};
use std::collections::BTreeMap;

/// The unbiased numbers of one (dst, seed, domain): a counter that only moves forward.
struct Draws<'a> {
    dst: &'a str,
    parts: Vec<&'a [u8]>,
    counter: u64,
}

impl<'a> Draws<'a> {
    fn new(dst: &'a str, seed: &'a Hash, domain: &[&'a [u8]]) -> Self {
        let mut parts: Vec<&[u8]> = vec![seed];
        parts.extend_from_slice(domain);
        Self {
            dst,
            parts,
            counter: 0,
        }
    }

    /// The 128 bits at the counter, which moves on.
    fn next(&mut self) -> u128 {
        let counter = be(self.counter);
        self.counter = self.counter.wrapping_add(1);
        let mut parts = self.parts.clone();
        parts.push(&counter);
        let digest = h(self.dst, &parts);
        digest[..16]
            .iter()
            .fold(0, |u, byte| (u << 8) | u128::from(*byte))
    }

    /// A uniform number below `total`, which is not zero.
    fn below(&mut self, total: u128) -> u128 {
        loop {
            let u = self.next();
            if let Some(drawn) = accept(u, total) {
                return drawn;
            }
        }
    }
}

/// `u mod total`, or nothing when u lies in the incomplete last block of 2^128 / total.
fn accept(u: u128, total: u128) -> Option<u128> {
    // 2^128 mod total, without 2^128.
    let excess = u128::MAX
        .checked_rem(total)?
        .wrapping_add(1)
        .checked_rem(total)?;
    if u > u128::MAX.wrapping_sub(excess) {
        return None;
    }
    u.checked_rem(total)
}

/// Draws up to `n` members by weight, without replacement, in the order drawn.
///
/// `dst` is `race/<module>/<purpose>/v1`; `domain` is what distinguishes this draw from others
/// under the same seed (already encoded: integers by [`be`]). A member of weight 0 is never drawn,
/// so fewer than `n` come back when fewer have weight.
#[must_use]
pub fn weighted(
    dst: &str,
    seed: &Hash,
    domain: &[&[u8]],
    weights: &BTreeMap<Address, u64>,
    n: usize,
) -> Vec<Address> {
    let mut left: Vec<(Address, u64)> = weights
        .iter()
        .filter(|(_, weight)| **weight > 0)
        .map(|(address, weight)| (*address, *weight))
        .collect();
    let mut draws = Draws::new(dst, seed, domain);
    let mut drawn = Vec::with_capacity(n.min(left.len()));
    while drawn.len() < n && !left.is_empty() {
        let total = left.iter().fold(0u128, |sum, (_, weight)| {
            sum.saturating_add(u128::from(*weight))
        });
        let mut target = draws.below(total);
        // The target is below the sum of the weights, so the walk ends at a member.
        let at = left
            .iter()
            .position(
                |(_, weight)| match target.checked_sub(u128::from(*weight)) {
                    Some(rest) => {
                        target = rest;
                        false
                    }
                    None => true,
                },
            )
            .unwrap_or_default();
        drawn.push(left.remove(at).0);
    }
    drawn
}

/// Draws `k` of the positions `0..count` without replacement, all equally likely, and returns them
/// sorted; all positions when `count <= k`.
///
/// The same draw as [`weighted`] with weights 1 in the order of the positions, but in `O(k^2)`
/// whatever `count` is.
#[must_use]
pub fn positions(dst: &str, seed: &Hash, domain: &[&[u8]], count: u64, k: usize) -> Vec<u64> {
    if u64::try_from(k).map_or(true, |k| count <= k) {
        return (0..count).collect();
    }
    let mut draws = Draws::new(dst, seed, domain);
    let mut taken: Vec<u64> = Vec::with_capacity(k);
    let mut remaining = count;
    while taken.len() < k {
        // Below `remaining`, which is a u64.
        let mut position = u64::try_from(draws.below(u128::from(remaining))).unwrap_or_default();
        // The position-th of those not taken yet: step over each taken one at or before it.
        let mut at = 0usize;
        for earlier in &taken {
            if *earlier > position {
                break;
            }
            position = position.saturating_add(1);
            at = at.saturating_add(1);
        }
        taken.insert(at, position);
        remaining = remaining.saturating_sub(1);
    }
    taken
}

#[cfg(test)]
#[path = "draw_tests.rs"]
mod tests;
