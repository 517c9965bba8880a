//! Who gets what: minted rewards by weight and fulfilment, and the parts of a fee.
//!
//! Every function returns the whole of what it was given: parts and remainder add up exactly.

use crate::math::mul_div;
use std::collections::BTreeMap;

/// Fulfilment 1, in parts per million.
pub const FULL: u64 = 1_000_000;

/// The training fund's share of all inference revenue in percent, unless governance sets another.
pub const TRAINING_PERCENT: u8 = 20;

/// `min(1, served / assigned)` in parts per million, rounded towards zero. A host that was assigned
/// nothing has fulfilled everything if it was ready all epoch, and nothing otherwise.
#[must_use]
pub fn fulfilment(served: u64, assigned: u64, ready_all_epoch: bool) -> u64 {
    if assigned == 0 {
        return if ready_all_epoch { FULL } else { 0 };
    }
    mul_div(u128::from(FULL), u128::from(served), u128::from(assigned))
        .and_then(|part| u64::try_from(part).ok())
        .map_or(FULL, |part| part.min(FULL))
}

/// A host's share in minting: `weight * fulfilment`, in weight times parts per million.
#[must_use]
pub fn share(weight: u64, fulfilment: u64) -> u128 {
    u128::from(weight).saturating_mul(u128::from(fulfilment))
}

/// An amount split among keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split<K: Ord> {
    /// What each key with a share gets, in nicoin; zero parts are listed too.
    pub parts: BTreeMap<K, u128>,
    /// What rounding left over, less than one nicoin per key; everything when nobody has a share.
    pub remainder: u128,
}

/// Splits `amount` in proportion to `shares`, each part rounded towards zero. When no share is
/// positive nothing is handed out: for minted rewards this means that nothing is minted.
///
/// The sum of the shares must fit 128 bits: 2^44 hosts of full weight and fulfilment.
#[must_use]
pub fn proportionally<K: Ord + Clone>(amount: u128, shares: &BTreeMap<K, u128>) -> Split<K> {
    let total = shares
        .values()
        .fold(0u128, |sum, share| sum.saturating_add(*share));
    let mut remainder = amount;
    let mut parts = BTreeMap::new();
    for (key, share) in shares.iter().filter(|(_, share)| **share > 0) {
        // At most the amount, and never more than is left even if the total was saturated.
        let part = mul_div(amount, *share, total)
            .unwrap_or_default()
            .min(remainder);
        remainder = remainder.saturating_sub(part);
        parts.insert(key.clone(), part);
    }
    Split { parts, remainder }
}

/// `percent` of `amount`, rounded towards zero, and the rest. Percentages above 100 count as 100.
#[must_use]
pub fn percent_of(amount: u128, percent: u8) -> (u128, u128) {
    let part = mul_div(amount, u128::from(percent.min(100)), 100).unwrap_or_default();
    (part, amount.saturating_sub(part))
}

/// The parts of one fee, in nicoin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeSplit {
    /// To the training fund, taken first.
    pub training: u128,
    /// To the executor of the task, what rounding left over included.
    pub executor: u128,
    /// To each of those who checked the task.
    pub per_checker: u128,
    /// How many those are.
    pub checkers: u32,
}

/// Splits a fee: the training fund's percentage first; the rest goes to the executor or, if the task
/// was checked, half to the executor and half to the checkers in equal parts.
#[must_use]
pub fn fee(fee: u128, training_percent: u8, checkers: u32) -> FeeSplit {
    let (training, rest) = percent_of(fee, training_percent);
    let per_checker = (rest >> 1)
        .checked_div(u128::from(checkers))
        .unwrap_or_default();
    let to_checkers = per_checker.saturating_mul(u128::from(checkers));
    FeeSplit {
        training,
        executor: rest.saturating_sub(to_checkers),
        per_checker,
        checkers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shares(list: &[u128]) -> BTreeMap<usize, u128> {
        list.iter().copied().enumerate().collect()
    }

    #[test]
    fn fulfilment_is_served_over_assigned_and_at_most_one() {
        assert_eq!(fulfilment(1, 3, false), 333_333);
        assert_eq!(fulfilment(3, 3, false), FULL);
        assert_eq!(fulfilment(5, 3, false), FULL);
        assert_eq!(fulfilment(0, 3, true), 0);
        assert_eq!(fulfilment(0, 0, true), FULL);
        assert_eq!(fulfilment(0, 0, false), 0);
        assert_eq!(fulfilment(u64::MAX, 1, false), FULL);
    }

    #[test]
    fn rewards_follow_the_shares_and_leave_a_remainder() {
        let split = proportionally(100, &shares(&[1, 1, 1, 0]));
        assert_eq!(split.parts, shares(&[33, 33, 33]));
        assert_eq!(split.remainder, 1);
    }

    #[test]
    fn without_shares_nothing_is_handed_out() {
        assert_eq!(
            proportionally(100, &shares(&[0, 0])),
            Split {
                parts: BTreeMap::new(),
                remainder: 100
            }
        );
        assert_eq!(proportionally(100, &shares(&[])).remainder, 100);
    }

    #[test]
    fn half_fulfilled_earns_half_per_weight() {
        let split = proportionally(
            300,
            &shares(&[share(10, FULL), share(20, FULL / 2), share(10, FULL)]),
        );
        assert_eq!(split.parts, shares(&[100, 100, 100]));
    }

    #[test]
    fn the_largest_amounts_do_not_overflow() {
        let supply = 1_000_000_000 * crate::NICOIN_PER_ICOIN;
        let split = proportionally(supply, &shares(&[share(u64::MAX, FULL); 100]));
        assert_eq!(split.parts[&0], supply / 100);
        assert_eq!(split.remainder, 0);
    }

    #[test]
    fn a_fee_goes_to_training_first_and_then_to_executor_and_checkers() {
        assert_eq!(
            fee(1_000, 20, 0),
            FeeSplit {
                training: 200,
                executor: 800,
                per_checker: 0,
                checkers: 0
            }
        );
        assert_eq!(
            fee(1_000, 20, 1),
            FeeSplit {
                training: 200,
                executor: 400,
                per_checker: 400,
                checkers: 1
            }
        );
        assert_eq!(
            fee(1_000, 20, 3),
            FeeSplit {
                training: 200,
                executor: 401,
                per_checker: 133,
                checkers: 3
            }
        );
        assert_eq!(
            fee(3, 20, 1),
            FeeSplit {
                training: 0,
                executor: 2,
                per_checker: 1,
                checkers: 1
            }
        );
        assert_eq!(fee(9, 200, 2).executor, 0);
    }

    proptest! {
        #[test]
        fn parts_and_remainder_add_up(amount in any::<u128>(), list in proptest::collection::vec(0u128..1 << 110, 0..40)) {
            let split = proportionally(amount, &shares(&list));
            let sum: u128 = split.parts.values().sum();
            prop_assert_eq!(sum + split.remainder, amount);
            if list.iter().any(|share| *share > 0) {
                prop_assert!(split.remainder < list.len() as u128);
            }
        }

        #[test]
        fn a_greater_share_never_earns_less(amount in any::<u128>(), list in proptest::collection::vec(1u128..1 << 80, 2..20)) {
            let split = proportionally(amount, &shares(&list));
            for (i, a) in list.iter().enumerate() {
                for (j, b) in list.iter().enumerate() {
                    prop_assert!(a < b || split.parts[&i] >= split.parts[&j]);
                }
            }
        }

        #[test]
        fn the_parts_of_a_fee_add_up(amount in any::<u128>(), percent in any::<u8>(), checkers in 0u32..1000) {
            let split = fee(amount, percent, checkers);
            let all_checkers = split.per_checker * u128::from(split.checkers);
            prop_assert_eq!(split.training + split.executor + all_checkers, amount);
            prop_assert!(split.executor >= all_checkers);
        }
    }
}
