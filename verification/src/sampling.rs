//! The seeded sampler, shared by executor and checker: given the top-k list, the token is determined.
//!
//! # The rule
//!
//! Gumbel-max: every candidate i has the score `logprob_i + T * g_i`, with the temperature T and
//! `g_i = -ln(-ln u_i)`, where `u_i` comes from `H(seed, position, token id)`. The highest score wins,
//! the lower token id among equal scores. That draws i with probability proportional to
//! `exp(logprob_i / T)` among the candidates, and T = 0 is greedy. Since the randomness hangs on the
//! token and not on its place in a list, a candidate that is missing at the edge of a list does not
//! change the choice among the others; that makes executor and checker comparable.
//!
//! # The arithmetic
//!
//! `u = (2v + 1) / 2^65` with v the first 8 bytes of the hash. `log2` is computed bit by bit by
//! squaring a 64-bit mantissa, 57 fractional bits. g is in 1e-6 nats, rounded to nearest; against
//! the true value it is off by at most 1e-6 while g <= 20 (all but 2 draws in 10^9) and stays within
//! -3.9 to 39.6. A score is in 1e-9 nats: `logprob * 100,000 + temperature in thousandths * g`, without
//! any division, so it is the same on every machine.

use crate::artifact::Candidate;
use race_randomness::hash::{be, h, Hash};

/// Units of a score (1e-9 nats) in one unit of a log-probability or margin (1e-4 nats).
const SCORE_PER_UNIT: i64 = 100_000;

/// Fractional bits of logarithms.
const FRACTION: u32 = 57;

/// ln 2 in 2^-64.
const LN2_Q64: u128 = 12_786_308_645_202_655_659;

/// ln 2 in 1e-18.
const LN2_E18: i128 = 693_147_180_559_945_309;

/// The randomness of request `index` of a session with this assignment seed. The retry attempt is
/// no part of it: whoever executes must give the same tokens for the same logits.
#[must_use]
pub fn seed(assignment_seed: &Hash, index: u64) -> Hash {
    h(
        "race/verification/sampling/v1",
        &[assignment_seed, &be(index)],
    )
}

/// How tokens of one request are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampler {
    /// The request's randomness ([`seed`]).
    pub seed: Hash,
    /// Temperature in thousandths; 0 is greedy.
    pub temperature_millis: u32,
    /// How many of the most likely candidates take part; 0 means all that are listed.
    pub top_k: u16,
}

impl Sampler {
    /// The token to emit at `position` (0 is the first generated token), from candidates in canonical
    /// order (most likely first); `None` for an empty list.
    #[must_use]
    pub fn pick(&self, position: u64, candidates: &[Candidate]) -> Option<u32> {
        self.winner(position, candidates).map(|(_, token)| token)
    }

    /// How far the score of `chosen` lies below the winner's, in 1e-4 nats of log-probability; 0 if it
    /// wins. `unlisted` is the log-probability of `chosen` if it is not among the candidates.
    ///
    /// A checker passes its own list and its own log-probability of the token. With an empty list
    /// nothing is above the token: 0.
    #[must_use]
    pub fn margin(
        &self,
        position: u64,
        candidates: &[Candidate],
        chosen: u32,
        unlisted: i32,
    ) -> u32 {
        let Some((best, _)) = self.winner(position, candidates) else {
            return 0;
        };
        let logprob = candidates
            .iter()
            .find(|c| c.token == chosen)
            .map_or(unlisted, |c| c.logprob);
        let below = best.saturating_sub(self.score(
            position,
            Candidate {
                token: chosen,
                logprob,
            },
        ));
        u32::try_from(below.div_euclid(SCORE_PER_UNIT).max(0)).unwrap_or(u32::MAX)
    }

    fn winner(&self, position: u64, candidates: &[Candidate]) -> Option<(i64, u32)> {
        let k = if self.top_k == 0 {
            usize::MAX
        } else {
            usize::from(self.top_k)
        };
        candidates
            .iter()
            .take(k)
            .map(|candidate| (self.score(position, *candidate), candidate.token))
            .reduce(|best, next| {
                let better = next.0 > best.0 || (next.0 == best.0 && next.1 < best.1);
                if better {
                    next
                } else {
                    best
                }
            })
    }

    /// `logprob + T * g` in 1e-9 nats. At most 2^31 * 10^5 + 2^32 * 4 * 10^7 < 2^58 in magnitude.
    fn score(&self, position: u64, candidate: Candidate) -> i64 {
        let base = i64::from(candidate.logprob).saturating_mul(SCORE_PER_UNIT);
        if self.temperature_millis == 0 {
            return base;
        }
        let digest = h(
            "race/verification/gumbel/v1",
            &[&self.seed, &be(position), &be(u64::from(candidate.token))],
        );
        let v = digest[..8]
            .iter()
            .fold(0u64, |value, byte| (value << 8) | u64::from(*byte));
        base.saturating_add(i64::from(self.temperature_millis).saturating_mul(gumbel(v)))
    }
}

/// `-ln(-ln((2v + 1) / 2^65))` in 1e-6 nats.
// Bounds: log2 is below 2^64; the two products are below 2^63 * 2^64 and 2^63 * 2^60.
#[allow(clippy::arithmetic_side_effects)]
fn gumbel(v: u64) -> i64 {
    // -ln u, 57 fractional bits: between 1 unit (for u next to 1) and 65 ln 2 = 45.1.
    let minus_log2 = (65u128 << FRACTION).saturating_sub(log2(2 * u128::from(v) + 1));
    let exponential = ((minus_log2 * LN2_Q64) >> 64).max(1);
    // Divided by 2^57 inside the logarithm.
    let log = i128::from(FRACTION) * (1i128 << FRACTION)
        - i128::try_from(log2(exponential)).unwrap_or_default();
    let unit = (1i128 << FRACTION) * 1_000_000_000_000;
    let rounded = (log * LN2_E18 + unit / 2).div_euclid(unit);
    i64::try_from(rounded).unwrap_or(i64::MAX)
}

/// `log2(x)` with 57 fractional bits, rounded down (up to the accumulated error of 57 truncated
/// squarings, a few units), for x at least 1; 0 for x = 0.
// The mantissa is below 2^64, so its square fits 128 bits.
#[allow(clippy::arithmetic_side_effects)]
fn log2(x: u128) -> u128 {
    let Some(exponent) = x.checked_ilog2() else {
        return 0;
    };
    // In [2^63, 2^64): 1 to 2 with 63 fractional bits.
    let mut mantissa = (x << (127 - exponent)) >> 64;
    let mut result = u128::from(exponent) << FRACTION;
    for bit in (0..FRACTION).rev() {
        mantissa = (mantissa * mantissa) >> 63;
        if mantissa >> 64 == 1 {
            mantissa >>= 1;
            result |= 1 << bit;
        }
    }
    result
}

#[cfg(test)]
#[path = "sampling_tests.rs"]
mod tests;
