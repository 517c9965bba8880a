//! Hardware noise as statistics: one borderline miss is not a conviction, a steady rate of them is.
//!
//! A one-sided CUSUM of the log-likelihood ratio between an honest rate of misses p0 and a dishonest
//! rate p1: every miss adds `ln(p1 / p0)`, every other check subtracts `ln((1 - p0) / (1 - p1))`, never
//! below zero, and the alarm is raised above a threshold. The state is carried across epochs: a test that
//! starts anew each epoch hardly ever catches cheating of 5%.

/// The constants of one test, in millionths of a nat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// What a miss adds: `ln(p1 / p0)`.
    pub miss: u64,
    /// What a check without a miss subtracts: `ln((1 - p0) / (1 - p1))`.
    pub hit: u64,
    /// The alarm is raised at this value.
    pub alarm: u64,
}

impl Params {
    /// p0 = 0.1%, p1 = 5%, alarm at 14 nats.
    pub const DEFAULT: Self = Self {
        miss: 3_912_023,
        hit: 50_293,
        alarm: 14_000_000,
    };
}

/// The state of the test for one executor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cusum(u64);

impl Cusum {
    /// The state read from storage, in millionths of a nat.
    #[must_use]
    pub const fn from_value(value: u64) -> Self {
        Self(value)
    }

    /// The state for storage, in millionths of a nat.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The state after one more check.
    #[must_use]
    pub const fn after(self, missed: bool, params: &Params) -> Self {
        Self(if missed {
            self.0.saturating_add(params.miss)
        } else {
            self.0.saturating_sub(params.hit)
        })
    }

    /// Whether the misses are too many for an honest executor.
    #[must_use]
    pub const fn alarmed(self, params: &Params) -> bool {
        self.0 >= params.alarm
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use race_randomness::hash::{be, h};

    #[test]
    fn the_defaults_are_the_logarithms_they_claim_to_be() {
        let micro = |x: f64| (x.ln() * 1e6).round() as u64;
        assert_eq!(Params::DEFAULT.miss, micro(0.05 / 0.001));
        assert_eq!(Params::DEFAULT.hit, micro(0.999 / 0.95));
    }

    /// Checks until the alarm at a rate of misses of one in `one_in`, if it comes within `limit`.
    fn checks_until_alarm(label: u64, one_in: u64, limit: u64) -> Option<u64> {
        let mut state = Cusum::default();
        (0..limit).find(|i| {
            let digest = h("race/test/cusum/v1", &[&be(label), &be(*i)]);
            let drawn = u64::from_be_bytes(digest[..8].try_into().unwrap());
            state = state.after(drawn % one_in == 0, &Params::DEFAULT);
            state.alarmed(&Params::DEFAULT)
        })
    }

    #[test]
    fn one_borderline_miss_is_not_a_conviction() {
        let one = Cusum::default().after(true, &Params::DEFAULT);
        assert!(!one.alarmed(&Params::DEFAULT));
        let four = (0..4).fold(Cusum::default(), |state, _| {
            state.after(true, &Params::DEFAULT)
        });
        assert!(four.alarmed(&Params::DEFAULT), "four in a row are");
    }

    #[test]
    fn honest_noise_is_not_convicted_and_steady_cheating_is() {
        for label in 0..20 {
            assert_eq!(
                checks_until_alarm(label, 1000, 20_000),
                None,
                "honest executor {label}"
            );
            assert!(
                checks_until_alarm(label, 20, 3_000).is_some(),
                "cheat {label}"
            );
        }
    }

    #[test]
    fn the_state_never_falls_below_zero_nor_overflows() {
        assert_eq!(
            Cusum::default().after(false, &Params::DEFAULT),
            Cusum::default()
        );
        assert_eq!(
            Cusum::from_value(u64::MAX)
                .after(true, &Params::DEFAULT)
                .value(),
            u64::MAX
        );
    }
}
