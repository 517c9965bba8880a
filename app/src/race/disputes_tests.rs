use super::*;

use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;

fn who(n: u8) -> ConsensusAddress {
    [n; 20]
}

fn view(n: u8, weight: u64, digest: u8, matches: bool) -> View {
    View {
        checker: who(n),
        weight,
        digest: vec![digest; 32],
        matches,
    }
}

#[test]
fn checkers_who_agree_accuse_nobody() {
    assert!(accusers(&[]).is_empty());
    assert!(accusers(&[view(1, 5, 9, true), view(2, 1, 9, true)]).is_empty());
}

#[test]
fn who_says_no_match_accuses() {
    let views = [
        view(1, 5, 9, true),
        view(2, 1, 9, false),
        view(3, 1, 8, true),
    ];
    assert_eq!(accusers(&views), BTreeSet::from([who(2)]));
    // Even when all say so.
    let views = [view(1, 5, 9, false), view(2, 1, 9, false)];
    assert_eq!(accusers(&views), BTreeSet::from([who(1), who(2)]));
}

#[test]
fn where_only_digests_differ_the_lighter_side_accuses() {
    let views = [
        view(1, 3, 9, true),
        view(2, 1, 9, true),
        view(3, 3, 8, true),
    ];
    assert_eq!(accusers(&views), BTreeSet::from([who(3)]));
}

/// `n` places over one participant, all by one accuser.
fn by_one(accuser: u8, participant: u8, n: u64) -> BTreeMap<Place, BTreeSet<ConsensusAddress>> {
    (0..n)
        .map(|position| ((who(participant), position), BTreeSet::from([who(accuser)])))
        .collect()
}

#[test]
fn a_small_accuser_cannot_use_up_the_slots() {
    // Node 1 (weight 1) accuses four nodes everywhere, node 2 (weight 9) one node once.
    let mut candidates = BTreeMap::new();
    for accused in 10..14 {
        candidates.extend(by_one(1, accused, 100));
    }
    candidates.extend(by_one(2, 20, 1));
    let weights = BTreeMap::from([(who(1), 1), (who(2), 9)]);
    let chosen = share_out(&candidates, &weights, &mut BTreeMap::new(), 1);
    assert_eq!(chosen, BTreeSet::from([(who(20), 0)]));
}

#[test]
fn several_accused_share_the_slots() {
    // The same honest checkers found two cheaters; one has many false leaves.
    let mut candidates = by_one(1, 10, 100);
    candidates.extend(by_one(1, 11, 1));
    let weights = BTreeMap::from([(who(1), 5)]);
    let chosen = share_out(&candidates, &weights, &mut BTreeMap::new(), 4);
    assert_eq!(chosen.len(), 4);
    assert!(chosen.contains(&(who(11), 0)));
}

#[test]
fn what_was_used_before_counts() {
    let mut candidates = by_one(1, 10, 1);
    candidates.extend(by_one(2, 11, 1));
    let weights = BTreeMap::from([(who(1), 10), (who(2), 6)]);
    let mut used = BTreeMap::from([(who(1), 1)]);
    assert_eq!(
        share_out(&candidates, &weights, &mut used, 1),
        BTreeSet::from([(who(11), 0)])
    );
    assert_eq!(used[&who(2)], 1);
}

proptest! {
    #[test]
    fn slots_are_filled_and_never_exceeded(
        places in btree_map((0u8..5, 0u64..10), btree_set(0u8..6, 1..4), 0..30),
        slots in 0usize..20,
    ) {
        let candidates: BTreeMap<Place, BTreeSet<ConsensusAddress>> = places
            .into_iter()
            .map(|((p, at), accusers)| ((who(p), at), accusers.into_iter().map(who).collect()))
            .collect();
        let weights: BTreeMap<_, _> = (0..6).map(|n| (who(n), u64::from(n) + 1)).collect();
        let chosen = share_out(&candidates, &weights, &mut BTreeMap::new(), slots);
        prop_assert_eq!(chosen.len(), slots.min(candidates.len()));
        prop_assert!(chosen.iter().all(|place| candidates.contains_key(place)));
    }
}
