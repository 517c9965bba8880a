use super::*;

use proptest::collection::btree_map;
use proptest::prelude::*;

fn validator(n: u8, power: u64) -> (ConsensusAddress, Validator) {
    let validator = Validator {
        address: vec![n; 20],
        public_key: vec![n; 32],
        power,
    };
    ([n; 20], validator)
}

/// What CometBFT makes of updates; it halts where this is an error.
fn apply(set: &Set, updates: &[Validator]) -> Result<Set, String> {
    let mut set = set.clone();
    let mut seen = std::collections::BTreeSet::new();
    for update in updates {
        let address = <[u8; 20]>::try_from(update.address.as_slice()).unwrap();
        if !seen.insert(address) {
            return Err("a duplicate".to_owned());
        }
        match update.power {
            0 => {
                set.remove(&address).ok_or("an unknown key is removed")?;
            }
            _ => {
                set.insert(address, update.clone());
            }
        }
    }
    let total: u128 = set.values().map(|v| u128::from(v.power)).sum();
    match !set.is_empty() && total <= (1 << 63) / 8 {
        true => Ok(set),
        false => Err("empty or too much".to_owned()),
    }
}

#[test]
fn equal_sets_need_no_update() {
    let set = Set::from([validator(1, 5), validator(2, 6)]);
    assert_eq!(diff(&set, &set), Ok(vec![]));
}

#[test]
fn a_set_that_would_halt_cometbft_is_refused() {
    let old = Set::from([validator(1, 5)]);
    assert_eq!(diff(&old, &Set::new()), Err(IllegalSet::Empty));
    let zero = Set::from([validator(1, 0)]);
    assert_eq!(diff(&old, &zero), Err(IllegalSet::NoPower("01".repeat(20))));
    let much = Set::from([validator(1, MAX_TOTAL), validator(2, 1)]);
    assert_eq!(
        diff(&old, &much),
        Err(IllegalSet::Total(u128::from(MAX_TOTAL) + 1))
    );
    let mut twice = Set::from([validator(1, 5), validator(2, 5)]);
    twice.get_mut(&[2; 20]).unwrap().public_key = vec![1; 32];
    assert_eq!(
        diff(&old, &twice),
        Err(IllegalSet::Duplicate("02".repeat(20)))
    );
}

fn set() -> impl Strategy<Value = Set> {
    btree_map(0u8..30, 1u64..6, 1..20).prop_map(|powers| {
        powers
            .into_iter()
            .map(|(n, power)| validator(n, power))
            .collect()
    })
}

proptest! {
    #[test]
    fn applying_the_difference_gives_the_new_set(old in set(), new in set()) {
        let updates = diff(&old, &new).unwrap();
        prop_assert_eq!(apply(&old, &updates), Ok(new.clone()));
        // Only what changed is reported.
        for update in &updates {
            let address = <[u8; 20]>::try_from(update.address.as_slice()).unwrap();
            prop_assert_ne!(old.get(&address), Some(update));
        }
        prop_assert_eq!(diff(&new, &new), Ok(vec![]));
    }
}
