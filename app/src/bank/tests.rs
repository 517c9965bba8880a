use super::*;
use proptest::prelude::*;

fn account(n: u8) -> Account {
    Account([n; 20])
}

#[test]
fn balances_have_the_sdk_layout_and_zero_deletes() {
    let mut state = State::empty();
    mint(&mut state, &account(1), 5);
    let key = [&[2, 20][..], &[1; 20], b"nicoin"].concat();
    assert_eq!(state.get("bank", &key), Some(b"5".to_vec()));
    assert_eq!(state.get("bank", b"\0nicoin"), Some(b"5".to_vec()));
    transfer(&mut state, &account(1), &account(2), 5).unwrap();
    assert_eq!(state.get("bank", &key), None);
    assert_eq!(balances(&state), [(account(2), 5)]);
}

#[test]
fn a_transfer_emits_the_events_of_the_sdk_in_order() {
    let mut state = State::empty();
    mint(&mut state, &account(1), 5);
    state.take_events();
    transfer(&mut state, &account(1), &account(2), 5).unwrap();
    let kinds: Vec<_> = state.take_events().into_iter().map(|e| e.r#type).collect();
    assert_eq!(
        kinds,
        ["coin_spent", "coin_received", "transfer", "message"]
    );
}

#[test]
fn more_than_the_balance_is_refused_in_the_words_of_the_sdk() {
    let mut state = State::empty();
    mint(&mut state, &account(1), 9);
    let error = transfer(&mut state, &account(1), &account(2), 10).unwrap_err();
    assert_eq!((error.codespace, error.code), ("sdk", 5));
    assert_eq!(
        error.log,
        "spendable balance 9nicoin is smaller than 10nicoin: insufficient funds"
    );
}

proptest! {
    #[test]
    fn whatever_happens_the_balances_add_up_to_the_supply(
        steps in proptest::collection::vec((0u8..3, 0u8..4, 0u8..4, 0u128..1000), 0..60)
    ) {
        let mut state = State::empty();
        for (what, from, to, amount) in steps {
            match what {
                0 => mint(&mut state, &account(to), amount),
                1 => drop(burn(&mut state, &account(from), amount)),
                _ => drop(transfer(&mut state, &account(from), &account(to), amount)),
            }
            prop_assert_eq!(invariants::supply_is_the_sum(&state), Ok(()));
        }
    }
}
