//! The price per unit of compute: the weighted median of the providers' votes, moving at most 10%
//! an epoch.

/// One provider's vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// The price per unit in nicoin that it proposed; none if it never voted, which counts as a vote
    /// for the current price.
    pub price: Option<u128>,
    /// Its voting weight.
    pub weight: u64,
}

/// The weighted median: in order of price, the first at which the cumulative weight reaches half of
/// the total. `None` when nobody has weight. Those who never voted count at `current`.
#[must_use]
pub fn weighted_median(current: u128, votes: &[Vote]) -> Option<u128> {
    let mut sorted: Vec<(u128, u64)> = votes
        .iter()
        .filter(|vote| vote.weight > 0)
        .map(|vote| (vote.price.unwrap_or(current), vote.weight))
        .collect();
    sorted.sort_unstable();
    // Sums of u64: a u128 holds twice 2^63 of them.
    let total = sorted.iter().fold(0u128, |sum, (_, weight)| {
        sum.saturating_add(u128::from(*weight))
    });
    let mut cumulative = 0u128;
    for (price, weight) in sorted {
        cumulative = cumulative.saturating_add(u128::from(weight));
        if cumulative.saturating_mul(2) >= total {
            return Some(price);
        }
    }
    None
}

/// The price of the next epoch: the weighted median, held between `floor(0.9 p)` and `ceil(1.1 p)`
/// of the current price p; p itself when nobody has weight.
///
/// It never falls below 1 nicoin: from 0 no step of 10% would ever lead up again.
#[must_use]
pub fn next_price(current: u128, votes: &[Vote]) -> u128 {
    let (low, high) = price_range(current);
    weighted_median(current, votes)
        .unwrap_or(current)
        .clamp(low, high)
}

/// The lowest and the highest price that can follow `current`.
#[must_use]
pub fn price_range(current: u128) -> (u128, u128) {
    // floor(0.9 p) = p - ceil(0.1 p), and ceil(1.1 p) = p + ceil(0.1 p).
    let step = current.div_ceil(10);
    let low = current.saturating_sub(step).max(1);
    let high = current.saturating_add(step).max(1);
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn votes(list: &[(u128, u64)]) -> Vec<Vote> {
        list.iter()
            .map(|(price, weight)| Vote {
                price: Some(*price),
                weight: *weight,
            })
            .collect()
    }

    #[test]
    fn the_first_price_at_half_of_the_weight_is_the_median() {
        assert_eq!(
            weighted_median(0, &votes(&[(30, 1), (10, 1), (20, 1)])),
            Some(20)
        );
        assert_eq!(
            weighted_median(0, &votes(&[(10, 50), (20, 50)])),
            Some(10),
            "exactly half is enough"
        );
        assert_eq!(weighted_median(0, &votes(&[(10, 49), (20, 51)])), Some(20));
        assert_eq!(
            weighted_median(0, &votes(&[(10, 1), (20, 1), (99, 3)])),
            Some(99)
        );
        assert_eq!(weighted_median(0, &votes(&[(10, 0), (20, 1)])), Some(20));
        assert_eq!(weighted_median(0, &votes(&[(10, 0)])), None);
        assert_eq!(weighted_median(0, &[]), None);
    }

    #[test]
    fn who_never_voted_counts_for_the_current_price() {
        let silent = Vote {
            price: None,
            weight: 60,
        };
        let loud = Vote {
            price: Some(105),
            weight: 40,
        };
        assert_eq!(next_price(100, &[silent, loud]), 100);
        assert_eq!(
            next_price(
                100,
                &[
                    Vote {
                        weight: 39,
                        ..silent
                    },
                    loud
                ]
            ),
            105
        );
    }

    #[test]
    fn the_price_moves_at_most_a_tenth() {
        assert_eq!(next_price(1000, &votes(&[(1, 1)])), 900);
        assert_eq!(next_price(1000, &votes(&[(9999, 1)])), 1100);
        assert_eq!(next_price(1001, &votes(&[(1, 1)])), 900, "floor of 900.9");
        assert_eq!(
            next_price(1001, &votes(&[(9999, 1)])),
            1102,
            "ceiling of 1101.1"
        );
        assert_eq!(next_price(1000, &votes(&[(950, 1)])), 950);
        assert_eq!(next_price(1000, &[]), 1000);
    }

    #[test]
    fn a_price_never_sticks_at_zero() {
        assert_eq!(next_price(1, &votes(&[(0, 1)])), 1);
        assert_eq!(next_price(1, &votes(&[(7, 1)])), 2);
        assert_eq!(next_price(0, &votes(&[(7, 1)])), 1);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        assert_eq!(
            next_price(u128::MAX, &votes(&[(u128::MAX, u64::MAX); 100])),
            u128::MAX
        );
    }

    proptest! {
        #[test]
        fn at_most_half_of_the_weight_lies_strictly_on_either_side(
            list in proptest::collection::vec((0u128..50, 0u64..100), 1..40),
        ) {
            let total: u64 = list.iter().map(|(_, w)| w).sum();
            match weighted_median(0, &votes(&list)) {
                None => prop_assert_eq!(total, 0),
                Some(median) => {
                    let below: u64 = list.iter().filter(|(p, _)| *p < median).map(|(_, w)| w).sum();
                    let above: u64 = list.iter().filter(|(p, _)| *p > median).map(|(_, w)| w).sum();
                    prop_assert!(2 * below < total && 2 * above <= total);
                }
            }
        }

        #[test]
        fn the_range_is_the_documented_one(p in 2u128..1u128 << 100) {
            prop_assert_eq!(price_range(p), (p * 9 / 10, (p * 11).div_ceil(10)));
        }
    }
}
