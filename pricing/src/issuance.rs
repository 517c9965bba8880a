//! What an epoch mints: `S = min(C, max(m, subsidy of its fees))`, with the minimum issuance m and the
//! ceiling C scaled to the epoch's length by header time.
//!
//! Times are milliseconds since genesis. Both m and C are differences of a cumulative function, so
//! however time is cut into epochs, the parts add up to the same whole.

use crate::math::mul_div;
use crate::subsidy::{remaining, subsidy};
use crate::NICOIN_PER_ICOIN;

/// A year of 365 days in milliseconds.
pub const YEAR_MS: u64 = 365 * DAY_MS;

/// A day in milliseconds.
pub const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Minimum issuance of the first year in nicoin: 5% of the total supply of 1,000 M icoin. It halves
/// every year.
pub const FIRST_YEAR: u128 = 50_000_000 * NICOIN_PER_ICOIN;

/// Minimum issuance in nicoin from `from_ms` to `to_ms`; zero if the times are not in order.
#[must_use]
pub fn minimum(from_ms: u64, to_ms: u64) -> u128 {
    minimum_until(to_ms).saturating_sub(minimum_until(from_ms))
}

/// Minimum issuance in nicoin from genesis to `until_ms`, rounded towards zero.
#[must_use]
pub fn minimum_until(until_ms: u64) -> u128 {
    let mut sum = 0u128;
    let (mut left, mut yearly) = (until_ms, FIRST_YEAR);
    // Ends: after 56 halvings nothing is issued any more.
    while left > 0 && yearly > 0 {
        let part = left.min(YEAR_MS);
        sum = sum.saturating_add(scaled(yearly, part));
        left = left.saturating_sub(part);
        yearly >>= 1;
    }
    sum
}

/// The ceiling in nicoin from `from_ms` to `to_ms` at `per_year` nicoin a year; zero if the times
/// are not in order.
#[must_use]
pub fn ceiling(per_year: u128, from_ms: u64, to_ms: u64) -> u128 {
    scaled(per_year, to_ms).saturating_sub(scaled(per_year, from_ms))
}

/// `floor(per_year * ms / year)`.
fn scaled(per_year: u128, ms: u64) -> u128 {
    mul_div(per_year, u128::from(ms), u128::from(YEAR_MS)).unwrap_or(u128::MAX)
}

/// What an epoch is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Header time of its first block, in ms since genesis.
    pub from_ms: u64,
    /// Header time of the next epoch's first block, in ms since genesis.
    pub to_ms: u64,
    /// The fees that count towards minting, in nicoin.
    pub fees: u128,
    /// What of the core incentive was out before it, in nicoin.
    pub minted_before: u128,
    /// The ceiling in nicoin a year.
    pub ceiling_per_year: u128,
}

/// What the epoch mints in nicoin: `min(C, max(m, subsidy))`, never more than what remains of the
/// core incentive. The caller adds it to `minted_before` only as far as it is handed out.
#[must_use]
pub fn epoch_mint(epoch: &Epoch) -> u128 {
    let by_fees = subsidy(epoch.fees, epoch.minted_before);
    minimum(epoch.from_ms, epoch.to_ms)
        .max(by_fees)
        .min(ceiling(epoch.ceiling_per_year, epoch.from_ms, epoch.to_ms))
        .min(remaining(epoch.minted_before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsidy::BATCH;
    use crate::subsidy::CORE_INCENTIVE;
    use proptest::prelude::*;

    fn icoin_half_up(nicoin: u128) -> u128 {
        (nicoin + NICOIN_PER_ICOIN / 2) / NICOIN_PER_ICOIN
    }

    #[test]
    fn the_daily_minimum_halves_every_year() {
        let daily = |year: u64| icoin_half_up(minimum(year * YEAR_MS, year * YEAR_MS + DAY_MS));
        assert_eq!([daily(0), daily(1), daily(2)], [136_986, 68_493, 34_247]);
        assert_eq!(minimum(0, YEAR_MS), FIRST_YEAR);
        assert_eq!(minimum(YEAR_MS, 2 * YEAR_MS), FIRST_YEAR / 2);
    }

    #[test]
    fn an_epoch_across_the_new_year_gets_a_part_of_each() {
        let across = minimum(YEAR_MS - DAY_MS, YEAR_MS + DAY_MS);
        assert_eq!(
            across,
            FIRST_YEAR - scaled(FIRST_YEAR, YEAR_MS - DAY_MS) + scaled(FIRST_YEAR / 2, DAY_MS)
        );
        assert_eq!(icoin_half_up(across), 205_479);
    }

    #[test]
    fn the_minimum_of_all_time_is_twice_that_of_the_first_year() {
        let all = minimum_until(u64::MAX);
        assert!(all <= 2 * FIRST_YEAR && all > 2 * FIRST_YEAR - 100);
        assert_eq!(minimum(DAY_MS, 0), 0);
    }

    #[test]
    fn a_ceiling_of_one_batch_a_year_is_the_minimum_of_the_first_year() {
        assert_eq!(icoin_half_up(ceiling(BATCH, 0, DAY_MS)), 136_986);
        assert_eq!(ceiling(BATCH, 0, 77_777), minimum(0, 77_777));
    }

    const DAY: Epoch = Epoch {
        from_ms: 2 * YEAR_MS,
        to_ms: 2 * YEAR_MS + DAY_MS,
        fees: 0,
        minted_before: 0,
        ceiling_per_year: BATCH,
    };

    #[test]
    fn an_epoch_mints_between_the_minimum_and_the_ceiling() {
        assert_eq!(
            icoin_half_up(epoch_mint(&DAY)),
            34_247,
            "no fees: the minimum"
        );
        let busy = Epoch {
            fees: 10_000 * NICOIN_PER_ICOIN,
            ..DAY
        };
        assert_eq!(
            epoch_mint(&busy),
            90_000 * NICOIN_PER_ICOIN,
            "nine times the fees"
        );
        let flooded = Epoch {
            fees: u128::MAX,
            ..DAY
        };
        assert_eq!(icoin_half_up(epoch_mint(&flooded)), 136_986, "the ceiling");
        let strict = Epoch {
            ceiling_per_year: 0,
            ..busy
        };
        assert_eq!(epoch_mint(&strict), 0, "governance may close it");
    }

    #[test]
    fn an_epoch_never_mints_more_than_remains() {
        assert_eq!(
            epoch_mint(&Epoch {
                minted_before: CORE_INCENTIVE - 3,
                ..DAY
            }),
            3
        );
        assert_eq!(
            epoch_mint(&Epoch {
                minted_before: CORE_INCENTIVE,
                fees: 1 << 90,
                ..DAY
            }),
            0
        );
    }

    proptest! {
        #[test]
        fn however_time_is_cut_the_parts_add_up(mut cuts in proptest::collection::vec(0..4 * YEAR_MS, 1..20)) {
            cuts.extend([0, 4 * YEAR_MS]);
            cuts.sort_unstable();
            let minima: u128 = cuts.windows(2).map(|w| minimum(w[0], w[1])).sum();
            prop_assert_eq!(minima, minimum(0, 4 * YEAR_MS));
            let ceilings: u128 = cuts.windows(2).map(|w| ceiling(BATCH, w[0], w[1])).sum();
            prop_assert_eq!(ceilings, 4 * BATCH);
        }
    }
}
