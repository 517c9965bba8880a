use super::*;

const NUMBERS: Map<(u64, String), u64> = Map::new("test", "number");

#[test]
fn a_discarded_layer_leaves_no_trace() {
    let mut state = State::empty();
    state.put("test", b"a".to_vec(), b"1".to_vec());
    state.begin();
    state.put("test", b"a".to_vec(), b"2".to_vec());
    state.delete("test", b"a".to_vec());
    state.emit(Event::default());
    state.discard();
    assert_eq!(state.get("test", b"a"), Some(b"1".to_vec()));
    assert!(state.events().is_empty());
}

#[test]
fn a_kept_layer_overrides_what_lies_below() {
    let mut state = State::empty();
    state.put("test", b"a".to_vec(), b"1".to_vec());
    state.put("test", b"b".to_vec(), b"1".to_vec());
    state.begin();
    state.delete("test", b"a".to_vec());
    state.put("test", b"c".to_vec(), b"3".to_vec());
    state.keep();
    let entries = state.scan("test", b"");
    assert_eq!(
        entries,
        vec![
            (b"b".to_vec(), b"1".to_vec()),
            (b"c".to_vec(), b"3".to_vec())
        ]
    );
}

#[test]
fn maps_iterate_in_the_order_of_their_fields_and_keep_defaults() {
    let mut state = State::empty();
    for (n, s) in [(256, "b"), (1, "z"), (1, "a"), (255, "x")] {
        NUMBERS.put(&mut state, &(n, s.to_owned()), &0);
    }
    let keys: Vec<_> = NUMBERS.all(&state).into_iter().map(|(k, _)| k.0).collect();
    assert_eq!(keys, [1, 1, 255, 256]);
    assert_eq!(NUMBERS.under(&state, &1u64).len(), 2);
    assert_eq!(NUMBERS.get(&state, &(1, "a".to_owned())), Some(0));
    NUMBERS.remove_under(&mut state, &1u64);
    assert_eq!(NUMBERS.all(&state).len(), 2);
}

#[test]
fn no_more_is_forgotten_than_is_left_to_forget() {
    let mut state = State::empty();
    for n in 0..5u64 {
        NUMBERS.put(&mut state, &(n % 2, n.to_string()), &n);
    }
    let mut left = 2;
    NUMBERS.forget_under(&mut state, &0u64, &mut left);
    assert_eq!((left, NUMBERS.under(&state, &0u64).len()), (0, 1));
    NUMBERS.forget_under(&mut state, &1u64, &mut left);
    assert_eq!(NUMBERS.under(&state, &1u64).len(), 2);
    left = 9;
    NUMBERS.forget_under(&mut state, &1u64, &mut left);
    assert_eq!((left, NUMBERS.all(&state).len()), (7, 1));
}

#[test]
fn the_first_entries_are_those_of_a_scan() {
    struct Below;
    impl Base for Below {
        fn get(&self, _: &str, _: &[u8]) -> Option<Vec<u8>> {
            None
        }
        fn scan(&self, _: &str, _: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
            (0..8u8).map(|n| (vec![b'a', 2 * n], vec![1])).collect()
        }
    }
    let mut state = State::new(Arc::new(Below));
    state.delete("s", vec![b'a', 0]);
    state.delete("s", vec![b'a', 4]);
    state.put("s", vec![b'a', 3], vec![2]);
    state.begin();
    state.put("s", vec![b'a', 4], vec![3]);
    state.delete("s", vec![b'a', 6]);
    state.put("s", vec![b'b'], vec![4]);
    state.put("t", vec![b'a', 1], vec![4]);
    let all = state.scan("s", b"a");
    for count in 0..=all.len() + 1 {
        let expected = &all[..count.min(all.len())];
        assert_eq!(state.first("s", b"a", count), expected, "{count}");
    }
}
