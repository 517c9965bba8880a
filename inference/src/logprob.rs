//! From logits to integers. This module is the boundary: floats on the engine's side, integers on
//! everyone else's.
//!
//! A log-probability is `round_ties_even(10_000 * ln p)`, clamped at [`LOGPROB_FLOOR`].

use crate::engine::TokenId;
use crate::error::InferenceError;

/// A quantised log-probability: whole 1/[`LOGPROB_UNITS_PER_NAT`] nats, never positive.
pub type LogProb = i32;

/// Units of [`LogProb`] in one nat.
pub const LOGPROB_UNITS_PER_NAT: i32 = 10_000;

/// The lowest value of [`LogProb`] (1,000 nats below certainty); impossible tokens have it too.
pub const LOGPROB_FLOOR: LogProb = -1_000 * LOGPROB_UNITS_PER_NAT;

/// Length of top-k lists unless parameters say otherwise.
pub const DEFAULT_TOP_K: usize = 20;

/// Beyond this distance from the largest logit a token adds less than 1e-17 to the sum.
const NEGLIGIBLE_NATS: f64 = -40.0;

/// A token and its log-probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// The token.
    pub token: TokenId,
    /// Its log-probability.
    pub logprob: LogProb,
}

/// The most likely tokens of a position, by (log-probability descending, id ascending).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TopK(pub Vec<Candidate>);

impl TopK {
    /// The candidates, most likely first.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.0
    }

    /// The most likely token; `None` only for an empty list.
    #[must_use]
    pub fn best(&self) -> Option<Candidate> {
        self.0.first().copied()
    }

    /// Log-probability of `token`, if it is in the list.
    #[must_use]
    pub fn get(&self, token: TokenId) -> Option<LogProb> {
        self.0
            .iter()
            .find(|candidate| candidate.token == token)
            .map(|candidate| candidate.logprob)
    }
}

/// The distribution at one position: logits and their log-sum-exp.
pub(crate) struct Distribution<'a> {
    logits: &'a [f32],
    log_sum: f64,
}

impl<'a> Distribution<'a> {
    /// Of raw `logits` `[vocabulary]`. Minus infinity is a token that cannot occur.
    ///
    /// # Errors
    /// NaN or plus infinity among the logits, or no finite one.
    pub(crate) fn new(logits: &'a [f32]) -> Result<Self, InferenceError> {
        let mut max = f32::NEG_INFINITY;
        for &logit in logits {
            if logit.is_nan() || logit == f32::INFINITY {
                return Err(InferenceError::Engine(
                    "the model produced a logit that is not a number; the file is damaged or the \
                     format does not suit this device"
                        .into(),
                ));
            }
            max = max.max(logit);
        }
        if max == f32::NEG_INFINITY {
            return Err(InferenceError::Engine(
                "the model produced no finite logit".into(),
            ));
        }
        let max = f64::from(max);
        let sum: f64 = logits
            .iter()
            .map(|&logit| f64::from(logit) - max)
            .filter(|&below| below > NEGLIGIBLE_NATS)
            .map(f64::exp)
            .sum();
        Ok(Self {
            logits,
            log_sum: max + sum.ln(),
        })
    }

    fn quantise(&self, logit: f32) -> LogProb {
        let units = (f64::from(logit) - self.log_sum) * f64::from(LOGPROB_UNITS_PER_NAT);
        let rounded = units.round_ties_even().clamp(f64::from(LOGPROB_FLOOR), 0.0);
        // In range by the clamp; minus infinity became the floor.
        #[allow(clippy::cast_possible_truncation)]
        let quantised = rounded as LogProb;
        quantised
    }

    /// Log-probability of one token; `None` outside the vocabulary.
    pub(crate) fn logprob(&self, token: TokenId) -> Option<LogProb> {
        let index = usize::try_from(token).ok()?;
        self.logits.get(index).map(|&logit| self.quantise(logit))
    }

    /// The `k` most likely tokens, ordered and cut by the *quantised* value, so that whoever has
    /// the same integers gets the same list.
    pub(crate) fn top(&self, k: usize) -> TopK {
        let mut best: Vec<Candidate> = Vec::with_capacity(k.saturating_add(1));
        let mut entry = f32::NEG_INFINITY;
        for (token, &logit) in (0u32..).zip(self.logits) {
            // Quantising keeps order, so a smaller logit cannot displace the last of a full list.
            if best.len() == k && logit <= entry {
                continue;
            }
            let logprob = self.quantise(logit);
            // Ids come in ascending order: an equal value goes behind those already there.
            let place = best.partition_point(|candidate| candidate.logprob >= logprob);
            best.insert(place, Candidate { token, logprob });
            best.truncate(k);
            if best.len() == k {
                entry = best
                    .last()
                    .and_then(|last| self.logits.get(last.token as usize))
                    .copied()
                    .unwrap_or(f32::INFINITY);
            }
        }
        TopK(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top(logits: &[f32], k: usize) -> Vec<(TokenId, LogProb)> {
        Distribution::new(logits)
            .unwrap()
            .top(k)
            .0
            .iter()
            .map(|c| (c.token, c.logprob))
            .collect()
    }

    #[test]
    fn two_equal_logits_have_minus_ln_two_each_in_order_of_id() {
        assert_eq!(top(&[3.0, 3.0], 2), vec![(0, -6931), (1, -6931)]);
    }

    #[test]
    fn a_tie_at_the_cut_keeps_the_smaller_id() {
        let list = top(&[0.0, 1.0, 0.0, 1.0, 0.0], 3);
        assert_eq!(list.iter().map(|c| c.0).collect::<Vec<_>>(), vec![1, 3, 0]);
    }

    #[test]
    fn logits_that_quantise_alike_are_ordered_by_id_not_by_float() {
        // 1e-6 nats apart: the same integer.
        let list = top(&[0.0, 1e-6, 2e-6], 2);
        assert_eq!(list.iter().map(|c| c.0).collect::<Vec<_>>(), vec![0, 1]);
        assert_eq!(list[0].1, list[1].1);
    }

    #[test]
    fn the_list_equals_a_full_sort_of_all_quantised_values() {
        // A fixed pseudo-random walk with many near ties.
        let mut state = 1u32;
        let logits: Vec<f32> = (0..5000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 22) as f32 * 0.003_001
            })
            .collect();
        let distribution = Distribution::new(&logits).unwrap();
        let mut all: Vec<Candidate> = (0..5000u32)
            .map(|token| Candidate {
                token,
                logprob: distribution.logprob(token).unwrap(),
            })
            .collect();
        all.sort_by_key(|c| (std::cmp::Reverse(c.logprob), c.token));
        all.truncate(64);
        assert_eq!(distribution.top(64).0, all);
    }

    #[test]
    fn an_impossible_token_has_the_floor_and_a_certain_one_zero() {
        assert_eq!(
            top(&[f32::NEG_INFINITY, 5.0], 2),
            vec![(1, 0), (0, LOGPROB_FLOOR)]
        );
    }

    #[test]
    fn a_logit_that_is_no_number_is_an_error() {
        assert!(Distribution::new(&[0.0, f32::NAN]).is_err());
        assert!(Distribution::new(&[f32::NEG_INFINITY]).is_err());
        assert!(Distribution::new(&[]).is_err());
    }

    #[test]
    fn a_list_longer_than_the_vocabulary_holds_the_vocabulary() {
        assert_eq!(top(&[0.0, 1.0], 9).len(), 2);
    }
}
