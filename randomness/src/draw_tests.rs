use super::*;
use proptest::prelude::*;

fn address(i: u16) -> Address {
    let mut address = [0; 20];
    address[..2].copy_from_slice(&i.to_be_bytes());
    address
}

fn members(weights: &[u64]) -> BTreeMap<Address, u64> {
    weights
        .iter()
        .enumerate()
        .map(|(i, w)| (address(i as u16), *w))
        .collect()
}

fn seed(i: u64) -> Hash {
    h("race/test/seed/v1", &[&be(i)])
}

#[test]
fn a_number_in_the_incomplete_last_block_is_refused() {
    // 2^128 mod 3 = 1: exactly one value is left over.
    assert_eq!(accept(u128::MAX, 3), None);
    assert_eq!(accept(u128::MAX - 1, 3), Some(2));
    // 2^128 mod 2^64 = 0: nothing is.
    assert_eq!(accept(u128::MAX, 1 << 64), Some((1 << 64) - 1));
    assert_eq!(accept(u128::MAX, 1), Some(0));
    // The largest possible total: the upper half (2^127 - 1 values) is left over.
    let total = (1u128 << 127) + 1;
    assert_eq!(accept(total, total), None);
    assert_eq!(accept(total - 1, total), Some(total - 1));
    assert_eq!(accept(5, 0), None);
}

#[test]
fn the_first_draw_is_the_documented_formula() {
    let weights = members(&[3, 0, 5, 2]);
    let digest = h("race/test/draw/v1", &[&seed(1), b"x", &be(7), &be(0)]);
    let u = u128::from_be_bytes(digest[..16].try_into().unwrap());
    let expected = match u % 10 {
        0..=2 => address(0),
        3..=7 => address(2),
        _ => address(3),
    };
    assert_eq!(
        weighted("race/test/draw/v1", &seed(1), &[b"x", &be(7)], &weights, 1),
        vec![expected]
    );
}

#[test]
fn the_counter_goes_on_after_a_draw() {
    let weights = members(&[1, 1]);
    let drawn = weighted("race/test/draw/v1", &seed(2), &[], &weights, 2);
    let digest = h("race/test/draw/v1", &[&seed(2), &be(0)]);
    let first = u128::from_be_bytes(digest[..16].try_into().unwrap()) % 2;
    assert_eq!(
        drawn,
        vec![address(first as u16), address(1 - first as u16)]
    );
}

#[test]
fn draws_agree_with_another_implementation() {
    let drawn = weighted(
        "race/test/draw/v1",
        &[7; 32],
        &[b"frozen"],
        &members(&[5, 1, 9, 4, 4]),
        5,
    );
    assert_eq!(
        drawn.iter().map(|a| a[1]).collect::<Vec<_>>(),
        FROZEN_MEMBERS
    );
    assert_eq!(
        positions("race/test/draw/v1", &[7; 32], &[b"frozen"], 1_000_000, 4),
        FROZEN_POSITIONS
    );
}

/// Computed by another program from the formulas of the module's documentation.
const FROZEN_MEMBERS: [u8; 5] = [4, 2, 0, 3, 1];
const FROZEN_POSITIONS: [u64; 4] = [41956, 69790, 838096, 848371];

#[test]
fn members_without_weight_are_never_drawn() {
    let drawn = weighted(
        "race/test/draw/v1",
        &seed(3),
        &[],
        &members(&[0, 4, 0, 1]),
        10,
    );
    assert_eq!(drawn.len(), 2);
    assert!(drawn.contains(&address(1)) && drawn.contains(&address(3)));
    assert!(weighted("race/test/draw/v1", &seed(3), &[], &members(&[0, 0]), 3).is_empty());
    assert!(weighted("race/test/draw/v1", &seed(3), &[], &BTreeMap::new(), 3).is_empty());
}

#[test]
fn the_largest_weights_do_not_overflow() {
    let drawn = weighted(
        "race/test/draw/v1",
        &seed(4),
        &[],
        &members(&[u64::MAX; 50]),
        50,
    );
    assert_eq!(drawn.len(), 50);
}

#[test]
fn frequencies_follow_the_weights() {
    let weights = members(&[1, 2, 7]);
    let mut counts = [0u32; 3];
    for i in 0..10_000 {
        let drawn = weighted("race/test/draw/v1", &seed(5), &[&be(i)], &weights, 1);
        counts[usize::from(drawn[0][1])] += 1;
    }
    // Five standard deviations at most.
    assert!(counts[0].abs_diff(1000) < 150, "{counts:?}");
    assert!(counts[1].abs_diff(2000) < 200, "{counts:?}");
    assert!(counts[2].abs_diff(7000) < 230, "{counts:?}");
}

#[test]
fn a_million_positions_are_drawn_from_quickly_and_evenly() {
    let drawn = positions("race/test/draw/v1", &seed(6), &[], 1_000_000, 256);
    assert_eq!(drawn.len(), 256);
    assert!(drawn.windows(2).all(|w| w[0] < w[1]));
    assert!(*drawn.last().unwrap() < 1_000_000);
    let low = drawn.iter().filter(|p| **p < 500_000).count();
    assert!((88..=168).contains(&low), "{low} of 256 in the lower half");
}

#[test]
fn all_positions_come_back_when_there_are_no_more_than_asked_for() {
    assert_eq!(
        positions("race/test/draw/v1", &seed(7), &[], 3, 5),
        vec![0, 1, 2]
    );
    assert_eq!(
        positions("race/test/draw/v1", &seed(7), &[], 5, 5),
        vec![0, 1, 2, 3, 4]
    );
    assert!(positions("race/test/draw/v1", &seed(7), &[], 0, 5).is_empty());
    assert!(positions("race/test/draw/v1", &seed(7), &[], 9, 0).is_empty());
}

proptest! {
    #[test]
    fn positions_are_the_weighted_draw_with_weights_one(s in any::<u64>(), count in 1u64..60, k in 0usize..60) {
        let weights = members(&vec![1; count as usize]);
        let mut expected: Vec<u64> = if count <= k as u64 {
            (0..count).collect()
        } else {
            weighted("race/test/draw/v1", &seed(s), &[b"d"], &weights, k)
                .iter().map(|a| u64::from(u16::from_be_bytes([a[0], a[1]]))).collect()
        };
        expected.sort_unstable();
        prop_assert_eq!(positions("race/test/draw/v1", &seed(s), &[b"d"], count, k), expected);
    }

    #[test]
    fn a_longer_draw_begins_with_the_shorter_one(
        s in any::<u64>(), weights in proptest::collection::vec(0u64..1000, 1..30), n in 0usize..30,
    ) {
        let weights = members(&weights);
        let all = weighted("race/test/draw/v1", &seed(s), &[], &weights, usize::MAX);
        let some = weighted("race/test/draw/v1", &seed(s), &[], &weights, n);
        prop_assert_eq!(&all[..n.min(all.len())], &some[..]);
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        prop_assert_eq!(distinct.len(), weights.values().filter(|w| **w > 0).count());
    }
}
