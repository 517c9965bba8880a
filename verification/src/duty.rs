//! The duty lottery: which validator must check which task.
//!
//! Validator v signs the epoch's duty beacon with its BLS duty key; the signature `rho_v` is unique, and
//! secret until v reveals it. v must check task T when the first 64 bits of `H(rho_v, T)` fall below
//! `2^64 * p_v`, with `p_v = min(1, rate * w_v / (W_M - w_executor))`.

use race_randomness::hash::{be, h, Hash};

/// Length of `rho_v`, a compressed BLS signature, in bytes.
pub const RHO_BYTES: usize = 96;

/// A threshold at which a task must be checked with certainty.
pub const CERTAIN: u64 = u64::MAX;

/// The id of task `index` of a session: `H(dst, chain, session, index)`.
#[must_use]
pub fn task_id(chain_id: &str, session: u64, index: u64) -> Hash {
    h(
        "race/verification/task/v1",
        &[chain_id.as_bytes(), &be(session), &be(index)],
    )
}

/// The message whose BLS signature is `rho_v`: `H(dst, chain, epoch, beacon)`, with the epoch's duty
/// beacon. It is signed with the duty key under the plain ciphersuite.
#[must_use]
pub fn rho_message(chain_id: &str, epoch: u64, beacon: &Hash) -> Hash {
    h(
        "race/verification/duties/v1",
        &[chain_id.as_bytes(), &be(epoch), beacon],
    )
}

/// `p_v` as a 64-bit fraction: `floor(2^64 * rate * w_v / (W_M - w_executor))`, or [`CERTAIN`] when
/// that reaches 2^64.
///
/// `rate_millis` is the rate in thousandths ([`crate::reputation`]); `w_model` is the weight of all
/// hosts of the model, the executor's `w_executor` included. Zero, so never drawn, when v has no
/// weight, when the rate is zero, and when the model has no other host (not checkable: the model is
/// scarce). The executor itself is never asked to check its own task; the caller leaves it out.
#[must_use]
pub fn threshold(rate_millis: u64, w_v: u64, w_model: u64, w_executor: u64) -> u64 {
    let others = u128::from(w_model.saturating_sub(w_executor));
    let numerator = u128::from(rate_millis).saturating_mul(u128::from(w_v));
    let denominator = others.saturating_mul(1000);
    if denominator == 0 {
        return 0;
    }
    if numerator >= denominator {
        return CERTAIN;
    }
    // floor(2^64 n / d) in two steps of 32 bits; n < d < 2^74, so nothing overflows.
    let (high, rest) = shift_divide(numerator, denominator);
    let (low, _) = shift_divide(rest, denominator);
    u64::try_from((high << 32) | low).unwrap_or(CERTAIN)
}

/// Quotient and remainder of `2^32 n / d`.
fn shift_divide(n: u128, d: u128) -> (u128, u128) {
    let shifted = n << 32;
    (
        shifted.checked_div(d).unwrap_or_default(),
        shifted.checked_rem(d).unwrap_or_default(),
    )
}

/// Whether the validator whose signature is `rho` must check `task`: `H(dst, rho, task)`, its first 8
/// bytes big-endian, is below the threshold, or the threshold is [`CERTAIN`].
#[must_use]
pub fn must_check(rho: &[u8; RHO_BYTES], task: &Hash, threshold: u64) -> bool {
    let digest = h("race/verification/duty/v1", &[rho, task]);
    let drawn = digest[..8]
        .iter()
        .fold(0u64, |value, byte| (value << 8) | u64::from(*byte));
    threshold == CERTAIN || drawn < threshold
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn certainty_begins_exactly_at_one() {
        assert_eq!(
            threshold(1000, 50, 150, 50),
            1 << 63,
            "rate 1, half of the others' weight"
        );
        assert_eq!(threshold(2000, 50, 150, 50), CERTAIN);
        assert_eq!(
            threshold(1999, 50, 150, 50),
            ((1u128 << 64) * 1999 / 2000) as u64
        );
        assert_eq!(threshold(4000, 99, 100, 1), CERTAIN);
    }

    #[test]
    fn rates_of_the_design_come_out() {
        // Weights 50% and 10% of the others, rate 0.1: 1 task in 20 and in 100.
        assert_eq!(threshold(100, 50, 100, 0), ((1u128 << 64) / 20) as u64);
        assert_eq!(threshold(100, 10, 100, 0), ((1u128 << 64) / 100) as u64);
    }

    #[test]
    fn nobody_is_drawn_without_weight_rate_or_other_hosts() {
        assert_eq!(threshold(4000, 0, 100, 1), 0);
        assert_eq!(threshold(0, 10, 100, 1), 0);
        assert_eq!(threshold(4000, 10, 100, 100), 0);
        assert_eq!(threshold(4000, 10, 5, 100), 0);
        assert!(!must_check(&[0; 96], &[0; 32], 0));
    }

    #[test]
    fn the_draw_compares_the_first_eight_bytes() {
        let (rho, task) = ([7; RHO_BYTES], task_id("race-1", 1, 2));
        let digest = h("race/verification/duty/v1", &[&rho, &task]);
        let drawn = u64::from_be_bytes(digest[..8].try_into().unwrap());
        assert!(!must_check(&rho, &task, drawn));
        assert!(must_check(&rho, &task, drawn + 1));
        assert!(must_check(&rho, &task, CERTAIN));
    }

    #[test]
    fn tasks_are_checked_as_often_as_the_threshold_says() {
        let threshold = threshold(100, 50, 100, 0);
        let checked = (0..20_000)
            .filter(|i| must_check(&[1; RHO_BYTES], &task_id("race-1", 9, *i), threshold))
            .count();
        // 1000 expected, standard deviation 31.
        assert!(checked.abs_diff(1000) < 160, "{checked}");
    }

    #[test]
    fn ids_and_messages_differ_in_every_field() {
        let ids = [
            task_id("a", 1, 2),
            task_id("b", 1, 2),
            task_id("a", 2, 2),
            task_id("a", 1, 3),
        ];
        let messages = [
            rho_message("a", 1, &[0; 32]),
            rho_message("b", 1, &[0; 32]),
            rho_message("a", 2, &[0; 32]),
            rho_message("a", 1, &[1; 32]),
        ];
        let all: std::collections::BTreeSet<_> = ids.iter().chain(&messages).collect();
        assert_eq!(all.len(), 8);
    }

    proptest! {
        #[test]
        fn the_threshold_is_the_floor(rate in 0u64..10_000, w_v in 0u64..1 << 40, others in 1u64..1 << 40) {
            let (n, d) = (u128::from(rate * (w_v >> 14)), 1000 * u128::from(others));
            let got = threshold(rate, w_v >> 14, others, 0);
            if n >= d {
                prop_assert_eq!(got, CERTAIN);
            } else {
                // n < 2^64, so 2^64 n fits 128 bits.
                prop_assert_eq!(u128::from(got), (n << 64) / d);
            }
        }

        #[test]
        fn extreme_weights_do_not_overflow(rate in any::<u64>(), w_v in any::<u64>(), w_model in any::<u64>(), w_e in any::<u64>()) {
            let _ = threshold(rate, w_v, w_model, w_e);
        }
    }
}
