//! The core incentive: 600 M icoin minted in twelve batches of 50 M.
//!
//! While batch b (from 0) is being issued the subsidy share is `s = 0.9 * 0.8^b`: a fee of X calls for
//! `X * s / (1 - s)` new coins, so that providers get `X / (1 - s)` together. As integers
//! `s = 9 * 4^b / (10 * 5^b)` and `s / (1 - s) = 9 * 4^b / (10 * 5^b - 9 * 4^b)`.

use crate::math::mul_div;
use crate::NICOIN_PER_ICOIN;

/// Number of batches.
pub const BATCHES: u32 = 12;

/// One batch in nicoin: 50 M icoin.
pub const BATCH: u128 = 50_000_000 * NICOIN_PER_ICOIN;

/// The whole core incentive in nicoin: 600 M icoin.
pub const CORE_INCENTIVE: u128 = 12 * BATCH;

/// The batch (from 0) that is being issued after `minted` nicoin; `None` when all are out.
#[must_use]
pub fn batch_of(minted: u128) -> Option<u32> {
    let batch = u32::try_from(minted.checked_div(BATCH)?).ok()?;
    (batch < BATCHES).then_some(batch)
}

/// What of the core incentive is still to be minted after `minted` nicoin.
#[must_use]
pub fn remaining(minted: u128) -> u128 {
    CORE_INCENTIVE.saturating_sub(minted)
}

/// The subsidy share s of a batch as (numerator, denominator): `(9 * 4^b, 10 * 5^b)`.
/// Batches past the last have share 0.
// 10 * 5^11 = 488,281,250.
#[allow(clippy::arithmetic_side_effects)]
#[must_use]
pub fn share(batch: u32) -> (u128, u128) {
    if batch >= BATCHES {
        return (0, 1);
    }
    (9 * 4u128.pow(batch), 10 * 5u128.pow(batch))
}

/// `s / (1 - s)` as (numerator, denominator); the numerator is zero past the last batch.
fn per_fee(batch: u32) -> (u128, u128) {
    let (numerator, denominator) = share(batch);
    (numerator, denominator.saturating_sub(numerator))
}

/// How much `fees` call for in new coins (nicoin) when `minted_before` are out already.
///
/// A fee that crosses a batch boundary is split there: the part that the old batch needs is the
/// smallest fee that exhausts it, the rest counts in the next. Rounds towards zero; never more
/// than [`remaining`].
#[must_use]
pub fn subsidy(fees: u128, minted_before: u128) -> u128 {
    let (mut fees, mut minted) = (fees, minted_before);
    while let Some(batch) = batch_of(minted) {
        let (numerator, denominator) = per_fee(batch);
        let left = BATCH.saturating_sub(minted.checked_rem(BATCH).unwrap_or_default());
        // An overflow means more than any batch holds.
        let called = mul_div(fees, numerator, denominator).unwrap_or(u128::MAX);
        if called < left {
            return minted.saturating_add(called).saturating_sub(minted_before);
        }
        fees = fees.saturating_sub(fees_for(left, batch));
        minted = minted.saturating_add(left);
    }
    minted.saturating_sub(minted_before)
}

/// The smallest fee whose subsidy in `batch` is at least `amount`: `ceil(amount * (1 - s) / s)`.
/// `amount` is at most a batch, 5 * 10^16, and the factor below 5 * 10^8.
fn fees_for(amount: u128, batch: u32) -> u128 {
    let (numerator, denominator) = per_fee(batch);
    amount
        .saturating_mul(denominator)
        .div_ceil(numerator.max(1))
}

/// A row of the table of batches, rounded half up for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The batch, from 1.
    pub batch: u32,
    /// The subsidy share in hundredths of a percent: 9000 is 90%.
    pub subsidy_basis_points: u128,
    /// The fees paid in this batch, in icoin.
    pub fees_icoin: u128,
    /// The total paid to providers in this batch, in icoin: fees and subsidy.
    pub total_icoin: u128,
}

/// The paper's table of batches.
#[must_use]
pub fn table() -> Vec<Row> {
    let icoin = BATCH.checked_div(NICOIN_PER_ICOIN).unwrap_or_default();
    (0..BATCHES)
        .map(|batch| {
            let (share, whole) = share(batch);
            let (numerator, denominator) = per_fee(batch);
            let fees_icoin = round_half_up(icoin.saturating_mul(denominator), numerator);
            Row {
                batch: batch.saturating_add(1),
                subsidy_basis_points: round_half_up(share.saturating_mul(10_000), whole),
                fees_icoin,
                total_icoin: fees_icoin.saturating_add(icoin),
            }
        })
        .collect()
}

fn round_half_up(numerator: u128, denominator: u128) -> u128 {
    let doubled = numerator.saturating_mul(2).saturating_add(denominator);
    doubled
        .checked_div(denominator.saturating_mul(2))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The paper's table: subsidy in basis points, fees and total in icoin.
    const PAPER: [(u128, u128, u128); 12] = [
        (9000, 5_555_556, 55_555_556),
        (7200, 19_444_444, 69_444_444),
        (5760, 36_805_556, 86_805_556),
        (4608, 58_506_944, 108_506_944),
        (3686, 85_633_681, 135_633_681),
        (2949, 119_542_101, 169_542_101),
        (2359, 161_927_626, 211_927_626),
        (1887, 214_909_532, 264_909_532),
        (1510, 281_136_915, 331_136_915),
        (1208, 363_921_144, 413_921_144),
        (966, 467_401_430, 517_401_430),
        (773, 596_751_788, 646_751_788),
    ];

    #[test]
    fn the_table_of_the_paper_is_reproduced_exactly() {
        let rows: Vec<_> = table()
            .iter()
            .map(|r| (r.subsidy_basis_points, r.fees_icoin, r.total_icoin))
            .collect();
        assert_eq!(rows, PAPER);
        assert_eq!(table()[11].batch, 12);
    }

    #[test]
    fn the_fees_of_each_row_mint_one_batch() {
        let mut minted = 0;
        for (batch, (_, fees_icoin, _)) in PAPER.iter().enumerate() {
            let fees = fees_for(BATCH, batch as u32);
            assert_eq!(round_half_up(fees, NICOIN_PER_ICOIN), *fees_icoin);
            assert_eq!(subsidy(fees, minted), BATCH);
            assert!(subsidy(fees - 1, minted) < BATCH);
            minted += BATCH;
        }
        assert_eq!(remaining(minted), 0);
        let all: u128 = (0..BATCHES).map(|batch| fees_for(BATCH, batch)).sum();
        assert_eq!(subsidy(all, 0), CORE_INCENTIVE);
    }

    #[test]
    fn a_fee_earns_nine_times_itself_in_the_first_batch() {
        assert_eq!(subsidy(1_000, 0), 9_000);
        assert_eq!(subsidy(7, BATCH), 18, "72/28 of 7");
        assert_eq!(subsidy(0, 0), 0);
    }

    #[test]
    fn a_fee_is_split_at_the_boundary_of_a_batch() {
        // 90 nicoin are left of the first batch: 10 of the fee; the other 7 call for 18 in the second.
        assert_eq!(subsidy(17, BATCH - 90), 90 + 18);
        // 91 left need a fee of ceil(10.11) = 11, which leaves 7.
        assert_eq!(subsidy(18, BATCH - 91), 91 + 18);
    }

    #[test]
    fn nothing_is_minted_after_the_last_batch() {
        assert_eq!(subsidy(u128::MAX, 0), CORE_INCENTIVE);
        assert_eq!(subsidy(u128::MAX, CORE_INCENTIVE - 5), 5);
        assert_eq!(subsidy(1_000, CORE_INCENTIVE), 0);
        assert_eq!(subsidy(1_000, CORE_INCENTIVE + 1), 0);
        assert_eq!(batch_of(CORE_INCENTIVE - 1), Some(11));
        assert_eq!(batch_of(CORE_INCENTIVE), None);
        assert_eq!(share(12), (0, 1));
    }

    proptest! {
        #[test]
        fn splitting_fees_over_payments_never_mints_more(
            fees in proptest::collection::vec(0u128..1u128 << 58, 1..20), before in 0..CORE_INCENTIVE,
        ) {
            let mut minted = before;
            for fee in &fees {
                minted += subsidy(*fee, minted);
            }
            let at_once = subsidy(fees.iter().sum(), before);
            let apart = minted - before;
            prop_assert!(apart <= at_once + 10 * u128::from(BATCHES), "{} against {}", apart, at_once);
            // Each payment rounds down by less than one nicoin, and at a boundary by a fee of one.
            prop_assert!(at_once <= apart + 10 * (fees.len() as u128 + u128::from(BATCHES)));
        }

        #[test]
        fn more_fees_never_mint_less(a in 0u128..1u128 << 62, b in 0u128..1u128 << 62, before in 0..CORE_INCENTIVE) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(subsidy(low, before) <= subsidy(high, before));
            prop_assert!(subsidy(high, before) <= remaining(before));
        }
    }
}
