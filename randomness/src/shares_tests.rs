use super::*;
use proptest::prelude::*;

fn address(i: usize) -> Address {
    let mut address = [0; 20];
    address[..8].copy_from_slice(&(i as u64).to_be_bytes());
    address
}

fn powers(list: &[u64]) -> BTreeMap<Address, u64> {
    list.iter()
        .enumerate()
        .map(|(i, power)| (address(i), *power))
        .collect()
}

/// Shares and power of every coalition.
fn coalitions(members: &[(u64, u16)]) -> Vec<(u128, u16)> {
    (0..1usize << members.len())
        .map(|set| {
            members
                .iter()
                .enumerate()
                .filter(|(i, _)| set >> i & 1 == 1)
                .fold((0, 0), |(power, shares), (_, member)| {
                    (power + u128::from(member.0), shares + member.1)
                })
        })
        .collect()
}

fn brute_threshold(members: &[(u64, u16)]) -> u16 {
    let all = power_of(members);
    let within = coalitions(members).into_iter().filter(|c| 2 * c.0 <= all);
    1 + within.map(|c| c.1).max().unwrap()
}

fn brute_fewest(members: &[(u64, u16)]) -> u16 {
    let all = power_of(members);
    let above = coalitions(members)
        .into_iter()
        .filter(|c| 3 * c.0 > 2 * all);
    above.map(|c| c.1).min().unwrap()
}

fn members(powers: &BTreeMap<Address, u64>, allotment: &Allotment) -> Vec<(u64, u16)> {
    allotment
        .shares
        .iter()
        .map(|(address, shares)| (powers[address], *shares))
        .collect()
}

fn largest(allotment: &Allotment) -> u16 {
    allotment.shares.values().copied().max().unwrap()
}

#[test]
fn remainders_go_to_the_largest_and_equal_ones_by_address() {
    let shares = largest_remainder(&powers(&[1, 1, 1]), 16);
    assert_eq!(shares.into_values().collect::<Vec<_>>(), [6, 5, 5]);
    // 16 * (5, 3, 2) / 10 = 8.0, 4.8, 3.2
    let shares = largest_remainder(&powers(&[5, 3, 2]), 16);
    assert_eq!(shares.into_values().collect::<Vec<_>>(), [8, 5, 3]);
}

/// Total, threshold and the largest member's shares, computed by another program from the words of the
/// module's documentation.
#[test]
fn allotments_agree_with_another_implementation() {
    let numbers = |list: Vec<u64>| {
        let allotment = Allotment::of(&powers(&list)).unwrap();
        (allotment.total, allotment.threshold, largest(&allotment))
    };
    assert_eq!(numbers((1..=12).map(|i| i * i).collect()), (16, 10, 4));
    assert_eq!(numbers((1..=40).collect()), (64, 37, 3));
    assert_eq!(numbers((1..=100).collect()), (256, 141, 5));
    assert_eq!(numbers((0..20).map(|i| 1 << i).collect()), (16, 9, 8));
    let mut one_large = vec![300];
    one_large.resize(101, 7);
    assert_eq!(numbers(one_large), (128, 72, 38));
}

#[test]
fn a_committee_of_one_signs_alone() {
    let allotment = Allotment::of(&powers(&[7])).unwrap();
    assert_eq!((allotment.total, allotment.threshold), (16, 1));
    assert_eq!(largest(&allotment), 16);
}

#[test]
fn equal_members_get_the_first_total_that_passes() {
    let numbers = |n| {
        let allotment = Allotment::of(&powers(&vec![1; n])).unwrap();
        assert!(allotment.dropped.is_empty());
        (allotment.total, allotment.threshold)
    };
    assert_eq!(numbers(4), (16, 9));
    assert_eq!(numbers(7), (16, 9));
    assert_eq!(numbers(31), (32, 17));
    assert_eq!(numbers(100), (256, 151));
}

/// Equal members need W >= 5n/6: 614 are the most for 512 shares.
#[test]
fn the_smallest_member_is_dropped_when_no_total_passes() {
    let mut list = vec![1; 620];
    list.push(2);
    let powers = powers(&list);
    let allotment = Allotment::of(&powers).unwrap();
    assert_eq!(allotment.total, 512);
    // Of equally small members the one with the highest address goes first.
    let dropped: Vec<Address> = (0..allotment.dropped.len())
        .map(|i| address(619 - i))
        .collect();
    assert!(!dropped.is_empty());
    assert_eq!(allotment.dropped, dropped);
    assert!(allotment.shares.contains_key(&address(620)));
    assert_eq!(allotment.shares.len() + dropped.len(), powers.len());
}

#[test]
fn impossible_committees_are_refused_by_name() {
    assert_eq!(Allotment::of(&BTreeMap::new()), Err(AllotError::Empty));
    assert_eq!(
        Allotment::of(&powers(&[1, 0])),
        Err(AllotError::NoPower(address(1)))
    );
    assert_eq!(
        Allotment::of(&powers(&[MAX_POWER, 1])),
        Err(AllotError::TooMuchPower)
    );
    assert!(Allotment::of(&powers(&[MAX_POWER - 1, 1])).is_ok());
}

#[test]
fn shares_that_do_not_travel_do_not_count_for_two_thirds() {
    // The first and two others have more than two thirds of the power and 200 shares; 180 travel.
    let members = [(2, 120), (1, 40), (1, 40), (1, 40)];
    assert_eq!(fewest_above_two_thirds(&members), 180);
    assert_eq!(most_in_half(&members), 120);
}

proptest! {
    #[test]
    fn the_knapsack_agrees_with_every_coalition(
        list in proptest::collection::vec((1u64..1000, 0u16..40), 1..11),
    ) {
        prop_assert_eq!(most_in_half(&list) + 1, brute_threshold(&list));
        prop_assert_eq!(fewest_above_two_thirds(&list), brute_fewest(&list));
    }

    #[test]
    fn no_half_signs_and_every_two_thirds_do(
        list in proptest::collection::vec(1u64..=MAX_POWER / 16, 1..11),
    ) {
        let powers = powers(&list);
        let allotment = Allotment::of(&powers).unwrap();
        let members = members(&powers, &allotment);
        let all = power_of(&members);
        prop_assert_eq!(shares_of(&members), allotment.total);
        prop_assert_eq!(allotment.threshold, brute_threshold(&members));
        for (power, shares) in coalitions(&members) {
            if 2 * power <= all {
                prop_assert!(shares < allotment.threshold);
            }
            if 3 * power > 2 * all {
                prop_assert!(shares >= allotment.threshold);
            }
        }
    }

    #[test]
    fn the_confirmers_alone_are_judged_by_every_coalition_of_them(
        list in proptest::collection::vec(1u64..100, 1..9), present in any::<u16>(),
    ) {
        let powers = powers(&list);
        let allotment = Allotment::of(&powers).unwrap();
        let present: BTreeSet<Address> = powers.keys().enumerate()
            .filter(|(i, _)| present >> i & 1 == 1).map(|(_, address)| *address).collect();
        let alone: Vec<(u64, u16)> = allotment.shares.iter()
            .filter(|(address, _)| present.contains(*address))
            .map(|(address, shares)| (powers[address], *shares)).collect();
        let live = !alone.is_empty() && brute_fewest(&alone) >= allotment.threshold;
        prop_assert_eq!(allotment.lives_on(&powers, &present), live);
        if live {
            // Safe for them, too: no half of them has the threshold.
            prop_assert!(brute_threshold(&alone) <= allotment.threshold);
        }
    }

    #[test]
    fn large_committees_get_shares_in_proportion(
        list in proptest::collection::vec(1u64..=MAX_POWER / 128, 50..100),
    ) {
        let powers = powers(&list);
        let allotment = Allotment::of(&powers).unwrap();
        let all: u128 = allotment.shares.keys().map(|address| u128::from(powers[address])).sum();
        for (address, shares) in &allotment.shares {
            let exact = u128::from(powers[address]) * u128::from(allotment.total);
            prop_assert!(u128::from(*shares) * all <= exact + all);
            prop_assert!(u128::from(*shares) * all + all >= exact);
        }
    }
}
