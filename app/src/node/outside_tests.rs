use super::*;
use crate::node::{self, invariants, msgs};
use crate::params::{init_genesis, Profile};

fn state(limit: u64) -> State {
    let mut state = State::empty();
    init_genesis(&mut state, Profile::Local, [("node/max_outside", limit)]).unwrap();
    state
}

fn address(n: u16) -> ConsensusAddress {
    let mut address = [0; 20];
    address[..2].copy_from_slice(&n.to_be_bytes());
    address
}

/// Registers node `n` in an epoch, without proofs.
fn register(state: &mut State, n: u16, epoch: u64) {
    let account = |side: u8| {
        let mut bytes = address(n);
        bytes[19] = side;
        Account(bytes)
    };
    let key = |which: u8| [&n.to_be_bytes()[..], &[which]].concat();
    let node = Node {
        address: address(n).to_vec(),
        operator: account(1).to_string(),
        hot_account: account(2).to_string(),
        keys: Some(race_proto::race::node::v1::NodeKeys {
            consensus: key(1),
            duty: key(2),
            share: key(3),
            transport: key(4),
        }),
        registered_epoch: epoch,
        ..Node::default()
    };
    msgs::put(state, &node, &account(1), &account(2));
}

fn check(state: &State) {
    invariants::accounts_lead_to_their_nodes(state).unwrap();
    invariants::who_is_outside_stands_in_the_line(state).unwrap();
}

fn is_there(state: &State, n: u16) -> bool {
    node::get(state, &address(n)).is_some()
}

#[test]
fn thousands_that_never_race_are_forgotten_over_many_blocks_and_leave_nothing() {
    let mut state = state(10_000);
    let empty = state.changes().len();
    for n in 0..3_000 {
        register(&mut state, n, 1);
    }
    node::raced(&mut state, &address(7), 3);
    forget_due(&mut state, 3);
    let count = |state: &State| keys::OUTSIDE_COUNT.get_or_default(state);
    assert_eq!(count(&state), 3_000, "epoch 3 is not over");
    let before = state.changes().clone();
    forget_due(&mut state, 4);
    let after = state.changes().iter();
    let changed = after.filter(|(key, value)| before.get(*key) != Some(*value));
    // A node, four keys, two accounts, its place in the line; and the count.
    assert_eq!(changed.count(), FORGOTTEN_A_BLOCK * 8 + 1);
    let mut blocks = 1;
    while count(&state) > 1 {
        forget_due(&mut state, 4);
        blocks += 1;
    }
    assert_eq!(blocks, 2_999usize.div_ceil(FORGOTTEN_A_BLOCK));
    assert!(is_there(&state, 7), "it raced");
    check(&state);
    forget_due(&mut state, 6);
    let left = state.changes().values().filter(|value| value.is_some());
    assert_eq!(left.count(), empty + 1, "all but the count is gone");
}

#[test]
fn a_newcomer_takes_the_place_of_who_went_a_whole_epoch_without_a_race() {
    let mut state = state(3);
    for n in 0..3 {
        assert_eq!(room(&state, 1).unwrap(), None);
        register(&mut state, n, 1);
    }
    assert!(matches!(room(&state, 1), Err(Error::Full { limit: 3 })));
    assert!(room(&state, 2).is_err(), "epoch 2 is not over");
    node::raced(&mut state, &address(0), 2);
    assert_eq!(room(&state, 3).unwrap(), Some(address(1)));
    for n in 0..3 {
        node::raced(&mut state, &address(n), 3);
    }
    assert!(room(&state, 4).is_err(), "who races keeps its place");
    check(&state);
}

#[test]
fn whose_proof_was_accepted_waits_for_its_turn_again() {
    let mut state = state(3);
    register(&mut state, 0, 1);
    register(&mut state, 1, 2);
    let since =
        |state: &State, n| node::waits_since(state, &node::get(state, &address(n)).unwrap());
    assert!(since(&state, 0) < since(&state, 1));
    node::proved(&mut state, &address(0), 2);
    assert!(since(&state, 0) > since(&state, 1));
    forget(&mut state, &address(0));
    register(&mut state, 0, 2);
    assert_eq!(since(&state, 0), 2);
}

#[test]
fn who_was_struck_goes_at_the_switch_unless_a_later_proof_is_accepted() {
    let mut state = state(3);
    for n in 0..3 {
        register(&mut state, n, 1);
        node::raced(&mut state, &address(n), 1);
    }
    node::struck(&mut state, &address(1), 1);
    node::struck(&mut state, &address(2), 1);
    node::proved(&mut state, &address(2), 1);
    check(&state);
    forget_due(&mut state, 1);
    assert!(room(&state, 1).is_err(), "its race is not over");
    assert_eq!(room(&state, 2).unwrap(), Some(address(1)));
    forget_due(&mut state, 2);
    assert_eq!([0, 1, 2].map(|n| is_there(&state, n)), [true, false, true]);
    register(&mut state, 1, 2);
    assert!(
        !node::is_struck(&state, &address(1)),
        "it begins afresh, as the youngest"
    );
    check(&state);
}
