use super::*;

use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;

const LIMITS: Limits = Limits {
    max_validators: 100,
    min_share_parts: 2000,
    old_per_newcomer: 3,
    max_share: 300,
};

fn who(n: u8) -> ConsensusAddress {
    [n; 20]
}

fn weights(list: &[u64]) -> Weights {
    (1u8..).map(who).zip(list.iter().copied()).collect()
}

fn everyone(weights: &Weights) -> BTreeSet<ConsensusAddress> {
    weights.keys().copied().collect()
}

/// The powers when all are old.
fn settled(list: &[u64]) -> Vec<u64> {
    let candidates = weights(list);
    let all = everyone(&candidates);
    caps(&candidates, &all, &all, &LIMITS)
        .into_values()
        .collect()
}

#[test]
fn three_or_fewer_members_keep_their_weights() {
    assert_eq!(settled(&[7]), [7]);
    assert_eq!(settled(&[1, 1000]), [1, 1000]);
    assert_eq!(settled(&[1, 1, 1000]), [1, 1, 1000]);
}

#[test]
fn of_four_members_none_holds_more_than_three_tenths() {
    assert_eq!(settled(&[10, 10, 10, 1000]), [10, 10, 10, 12]);
    assert_eq!(settled(&[5, 5, 5, 5]), [5, 5, 5, 5]);
    assert_eq!(settled(&[1, 1, 1, 1]), [1, 1, 1, 1]);
}

#[test]
fn the_smallest_address_wins_a_tie_for_the_last_seat() {
    let candidates = weights(&[5, 7, 5]);
    let all = everyone(&candidates);
    let two = Limits {
        max_validators: 2,
        ..LIMITS
    };
    let members: Vec<_> = caps(&candidates, &all, &all, &two).into_keys().collect();
    assert_eq!(members, [who(1), who(2)]);
}

#[test]
fn the_minimum_share_is_applied_once_after_the_cut() {
    // 1 of 2001 is below 1/2000; 2 of 2002 is not, although the drop of others would matter.
    assert_eq!(settled(&[2000, 1]), [2000]);
    assert_eq!(settled(&[1999, 1]), [1999, 1]);
    assert_eq!(settled(&[1_000_000, 1, 1, 1, 499]), [1_000_000]);
}

#[test]
fn newcomers_together_get_a_third_of_what_the_old_have() {
    let candidates = weights(&[30, 30, 90, 30]);
    let old = BTreeSet::from([who(1), who(2)]);
    let loose = Limits {
        max_share: 1000,
        ..LIMITS
    };
    let powers: Vec<_> = caps(&candidates, &old, &old, &loose)
        .into_values()
        .collect();
    // 60 / 3 = 20, split 3 to 1.
    assert_eq!(powers, [30, 30, 15, 5]);
}

#[test]
fn a_member_that_was_not_live_counts_as_a_newcomer() {
    let candidates = weights(&[30, 90]);
    let old = everyone(&candidates);
    let live = BTreeSet::from([who(1)]);
    let powers: Vec<_> = caps(&candidates, &old, &live, &LIMITS)
        .into_values()
        .collect();
    assert_eq!(powers, [30, 10]);
    // A signature of somebody who was no member makes nobody old.
    let powers: Vec<_> = caps(&candidates, &BTreeSet::from([who(1)]), &old, &LIMITS)
        .into_values()
        .collect();
    assert_eq!(powers, [30, 10]);
}

#[test]
fn without_old_members_nobody_is_limited_as_a_newcomer() {
    let candidates = weights(&[30, 90]);
    let none = BTreeSet::new();
    assert_eq!(caps(&candidates, &none, &none, &LIMITS), candidates);
}

#[test]
fn a_newcomer_with_less_than_one_is_left_out() {
    let candidates = weights(&[2, 500]);
    let old = BTreeSet::from([who(1)]);
    let limits = Limits {
        min_share_parts: 1000,
        ..LIMITS
    };
    let powers = caps(&candidates, &old, &old, &limits);
    assert_eq!(powers, Weights::from([(who(1), 2)]));
}

#[test]
fn a_newcomer_with_less_than_the_minimum_share_after_the_limit_is_left_out() {
    let candidates = weights(&[6000, 1_000_000, 400]);
    let old = BTreeSet::from([who(1)]);
    let powers = caps(&candidates, &old, &old, &LIMITS);
    // 2000 are shared out: 0 of them to the third.
    assert_eq!(powers, Weights::from([(who(1), 6000), (who(2), 1999)]));
}

fn address() -> impl Strategy<Value = ConsensusAddress> {
    (0u8..60).prop_map(who)
}

fn candidates() -> impl Strategy<Value = Weights> {
    let weight = prop_oneof![1u64..50, 1u64..100_000, any::<u64>()];
    btree_map(address(), weight, 1..50)
}

fn limits() -> impl Strategy<Value = Limits> {
    (1u64..60, 1000u64..3000, 1u64..5, 50u64..=1000).prop_map(
        |(max_validators, min_share_parts, old_per_newcomer, max_share)| Limits {
            max_validators,
            min_share_parts,
            old_per_newcomer,
            max_share,
        },
    )
}

proptest! {
    #[test]
    fn one_newcomer_pushes_no_old_member_out_and_gets_at_most_a_quarter(
        settled in btree_map(address(), prop_oneof![1u64..50, 1u64..1 << 40], 1..50),
        count in prop_oneof![1u64..100, 1u64 << 40..=u64::MAX],
    ) {
        let old = everyone(&settled);
        let before = caps(&settled, &old, &old, &LIMITS);
        let newcomer = who(255);
        let mut candidates = settled;
        candidates.insert(newcomer, count);
        let after = caps(&candidates, &old, &old, &LIMITS);
        for member in before.keys() {
            prop_assert!(after.contains_key(member));
        }
        let power = u128::from(after.get(&newcomer).copied().unwrap_or(0));
        prop_assert!(power * 4 <= sum(after.values()), "{power} of {after:?}");
    }

    #[test]
    fn the_set_is_never_empty_and_its_total_is_bounded(
        candidates in candidates(),
        old in btree_set(address(), 0..60),
        live in btree_set(address(), 0..60),
        limits in limits(),
    ) {
        let powers = caps(&candidates, &old, &live, &limits);
        prop_assert!(!powers.is_empty() || candidates.values().all(|w| *w == 0));
        prop_assert!(powers.len() as u64 <= limits.max_validators);
        prop_assert!(sum(powers.values()) <= MAX_TOTAL.into());
        for (who, power) in &powers {
            prop_assert!(*power >= 1 && *power <= candidates[who]);
        }
    }

    #[test]
    fn the_cap_is_the_largest_that_fits(candidates in candidates(), share in 50u64..=1000) {
        let before: Weights =
            candidates.iter().map(|(who, w)| (*who, (*w).min(MAX_WEIGHT))).collect();
        let mut after = before.clone();
        max_share(&mut after, share);
        if (before.len() as u64) * share < 1000 {
            prop_assert_eq!(&after, &before);
        } else {
            let c = *after.values().max().unwrap();
            let capped = |c: u64| sum(before.values().copied().map(|w| w.min(c)).collect::<Vec<_>>().iter());
            let fits = |c: u64| u128::from(c) * 1000 <= capped(c) * u128::from(share);
            prop_assert!(fits(c));
            let most = *before.values().max().unwrap();
            prop_assert!(c == most || !fits(c + 1), "{c} is not the largest");
            for (who, w) in &before {
                prop_assert_eq!(after[who], (*w).min(c));
            }
            // Nobody holds more than the share.
            prop_assert!(u128::from(c) * 1000 <= sum(after.values()) * u128::from(share));
        }
    }

    #[test]
    fn newcomers_never_weigh_more_than_their_part_of_the_old(
        candidates in candidates(),
        newcomers in btree_set(address(), 0..60),
        ratio in 1u64..5,
    ) {
        let mut powers = largest(&candidates, 1000);
        let before = powers.clone();
        limit_newcomers(&mut powers, &newcomers, ratio);
        let of = |powers: &Weights, new: bool| {
            let part = powers.iter().filter(|(who, _)| newcomers.contains(*who) == new);
            sum(part.map(|(_, w)| w))
        };
        prop_assert_eq!(of(&powers, false), of(&before, false));
        let old = of(&before, false);
        if old > 0 {
            prop_assert!(of(&powers, true) * u128::from(ratio) <= old);
        } else {
            prop_assert_eq!(powers, before);
        }
    }

    #[test]
    fn everybody_left_by_the_minimum_share_had_it(candidates in candidates(), parts in 1000u64..3000) {
        let mut powers = largest(&candidates, 1000);
        let total = sum(powers.values());
        min_share(&mut powers, parts);
        prop_assert!(!powers.is_empty());
        for w in powers.values() {
            prop_assert!(u128::from(*w) * u128::from(parts) >= total);
        }
    }
}
