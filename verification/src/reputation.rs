//! Reputation and the rate of checking that follows from it.
//!
//! A node starts at zero, gains one point per unit of its work that was checked and passed, saturates,
//! and falls back to zero when convicted. The rate at which its tasks are checked (the sum over checkers
//! of their probabilities) falls with it in a straight line, from 4 (2% of tasks stay unchecked) to
//! 0.1, and never below 5 expected checks an epoch.

/// The parameters of reputation; governance may set others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// Points at which reputation saturates: units of checked work.
    pub full: u64,
    /// The rate at reputation zero, in thousandths.
    pub start_millis: u64,
    /// The rate at full reputation, in thousandths.
    pub floor_millis: u64,
    /// The expected checks of an executor in an epoch below which the rate does not fall, as far as it
    /// has tasks.
    pub min_checks: u64,
}

impl Params {
    /// Saturation after 10,000 units; rate 4 down to 0.1; at least 5 checks an epoch.
    pub const DEFAULT: Self = Self {
        full: 10_000,
        start_millis: 4_000,
        floor_millis: 100,
        min_checks: 5,
    };
}

/// A node's reputation in points: units of work that were checked and passed since it joined or was
/// last convicted, at most [`Params::full`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reputation(u64);

impl Reputation {
    /// The reputation read from storage.
    #[must_use]
    pub const fn from_points(points: u64) -> Self {
        Self(points)
    }

    /// The points for storage.
    #[must_use]
    pub const fn points(self) -> u64 {
        self.0
    }

    /// After `units` more units of work were checked and passed. Dummy tasks count.
    #[must_use]
    pub fn grown(self, units: u64, params: &Params) -> Self {
        Self(self.0.saturating_add(units).min(params.full))
    }

    /// After a conviction: zero.
    #[must_use]
    pub const fn convicted(self) -> Self {
        Self(0)
    }

    /// The rate in thousandths at which the tasks of this node are checked, given how many it has in the
    /// epoch: a straight line from start to floor, never below `min(1, min_checks / tasks)`.
    #[must_use]
    pub fn rate_millis(self, tasks: u64, params: &Params) -> u64 {
        let span = params.start_millis.saturating_sub(params.floor_millis);
        let line = params
            .start_millis
            .saturating_sub(part(span, self.0, params.full));
        let enough = params
            .min_checks
            .saturating_mul(1000)
            .div_ceil(tasks.max(1))
            .min(1000);
        line.max(enough)
    }
}

/// `floor(whole * min(1, points / full))`; the whole at a `full` of zero.
fn part(whole: u64, points: u64, full: u64) -> u64 {
    let product = u128::from(whole).saturating_mul(u128::from(points.min(full)));
    product
        .checked_div(u128::from(full))
        .and_then(|part| u64::try_from(part).ok())
        .unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PARAMS: Params = Params::DEFAULT;

    #[test]
    fn reputation_starts_at_zero_grows_saturates_and_is_lost() {
        let mut reputation = Reputation::default();
        assert_eq!(reputation.points(), 0);
        reputation = reputation.grown(2_500, &PARAMS);
        assert_eq!(reputation.points(), PARAMS.full / 4);
        reputation = reputation.grown(u64::MAX, &PARAMS);
        assert_eq!(reputation.points(), PARAMS.full);
        assert_eq!(reputation.convicted(), Reputation::default());
    }

    #[test]
    fn the_rate_falls_from_four_to_a_tenth() {
        let rate = |points| Reputation::from_points(points).rate_millis(1_000_000, &PARAMS);
        assert_eq!(
            [rate(0), rate(5_000), rate(10_000), rate(u64::MAX)],
            [4_000, 2_050, 100, 100]
        );
    }

    #[test]
    fn few_tasks_are_checked_more_often() {
        let rate = |tasks| Reputation::from_points(10_000).rate_millis(tasks, &PARAMS);
        assert_eq!(
            [
                rate(0),
                rate(1),
                rate(5),
                rate(6),
                rate(10),
                rate(50),
                rate(51)
            ],
            [1000, 1000, 1000, 834, 500, 100, 100]
        );
    }

    #[test]
    fn a_newcomer_with_few_tasks_keeps_the_starting_rate() {
        assert_eq!(Reputation::default().rate_millis(1, &PARAMS), 4_000);
    }

    proptest! {
        #[test]
        fn growing_in_steps_is_growing_at_once(a in 0u64..20_000, b in 0u64..20_000) {
            let zero = Reputation::default();
            prop_assert_eq!(zero.grown(a, &PARAMS).grown(b, &PARAMS), zero.grown(a + b, &PARAMS));
        }

        #[test]
        fn more_reputation_never_raises_the_rate(a in 0u64..20_000, b in 0u64..20_000, tasks in 0u64..1 << 40) {
            let rate = |points| Reputation::from_points(points).rate_millis(tasks, &PARAMS);
            prop_assert!(rate(a.max(b)) <= rate(a.min(b)));
            // rate * tasks >= 5 whenever there are that many.
            prop_assert!(tasks < 5 || rate(a) * tasks >= 5_000);
        }
    }
}
