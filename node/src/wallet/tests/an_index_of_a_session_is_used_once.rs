use crate::wallet::session_index::{IndexError, SessionIndex};

#[test]
fn indices_count_up_and_each_is_handed_out_once() {
    let home = tempfile::tempdir().unwrap();
    let counter = SessionIndex::new(home.path(), 7);
    assert_eq!(counter.next().unwrap(), 0);
    assert_eq!(counter.claim(None, 0).unwrap(), 0);
    assert_eq!(counter.claim(None, 0).unwrap(), 1);
    // Another process of the same home reads the same file.
    let other = SessionIndex::new(home.path(), 7);
    assert_eq!(other.claim(None, 0).unwrap(), 2);
    assert_eq!(SessionIndex::new(home.path(), 8).claim(None, 0).unwrap(), 0);
}

#[test]
fn what_the_chain_has_settled_is_skipped() {
    let home = tempfile::tempdir().unwrap();
    let counter = SessionIndex::new(home.path(), 7);
    assert_eq!(counter.claim(None, 5).unwrap(), 5);
    assert_eq!(counter.claim(None, 5).unwrap(), 6);
}

#[test]
fn an_index_of_ones_own_choice_is_taken_once_and_counted_on_from() {
    let home = tempfile::tempdir().unwrap();
    let counter = SessionIndex::new(home.path(), 7);
    assert_eq!(counter.claim(Some(9), 0).unwrap(), 9);
    let again = counter.claim(Some(9), 0).unwrap_err();
    assert!(
        matches!(
            again,
            IndexError::Used {
                index: 9,
                next: 10,
                ..
            }
        ),
        "{again}"
    );
    assert_eq!(counter.claim(None, 0).unwrap(), 10);
}

#[test]
fn indices_claimed_at_once_differ() {
    let home = tempfile::tempdir().unwrap();
    let counter = SessionIndex::new(home.path(), 7);
    let claim = || (0..20).map(|_| counter.claim(None, 0).unwrap()).collect();
    let mut claimed: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(claim)).collect();
        let done = threads
            .into_iter()
            .flat_map(|thread| -> Vec<u64> { thread.join().unwrap() });
        done.collect()
    });
    claimed.sort_unstable();
    assert_eq!(claimed, (0..80).collect::<Vec<_>>());
}

#[test]
fn a_damaged_counter_is_named_and_hands_out_nothing() {
    let home = tempfile::tempdir().unwrap();
    let counter = SessionIndex::new(home.path(), 7);
    counter.claim(None, 0).unwrap();
    std::fs::write(home.path().join("sessions/7.next"), "many").unwrap();
    let error = counter.claim(None, 0).unwrap_err().to_string();
    assert!(
        error.contains("7.next") && error.contains("many"),
        "{error}"
    );
}
