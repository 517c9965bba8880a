use race_app::{beacon, epoch, race};
use race_proto::race::beacon::v1::{Purpose, RoundStatus};
use race_proto::race::epoch::v1::Phase;
use race_proto::race::race::v1::Outcome;

use crate::network::Network;
use crate::node::Proof;

fn powers(network: &Network) -> Vec<u64> {
    (0..network.nodes.len())
        .map(|index| network.power(index))
        .collect()
}

#[test]
fn too_few_proofs_keep_the_old_set_and_halve_the_absent() {
    let mut network = Network::new(4);
    for index in 0..3 {
        network.node(index).proof = Proof::None;
    }
    network.until_epoch(2);
    assert!(epoch::record(&network.state, 1).unwrap().race_failed);
    assert_eq!(powers(&network), [50, 50, 50, 100]);
    network.until_epoch(3);
    // 100 of 250 is still less than half; halving rounds up.
    assert_eq!(powers(&network), [25, 25, 25, 100]);
    network.until_epoch(4);
    // 100 of 175 is enough: the one that proves is the committee.
    assert_eq!(powers(&network), [0, 0, 0, 4]);
}

#[test]
fn half_of_the_power_is_enough() {
    let mut network = Network::new(4);
    for index in 0..2 {
        network.node(index).proof = Proof::None;
    }
    network.until_epoch(2);
    assert!(!epoch::record(&network.state, 1).unwrap().race_failed);
    assert_eq!(powers(&network), [0, 0, 4, 4]);
}

#[test]
fn a_seed_that_too_few_sign_and_too_few_reveal_is_tried_three_times() {
    let mut network = Network::new(4);
    for index in 0..2 {
        network.node(index).signs_rounds = false;
        network.node(index).reveals = false;
    }
    network.until_epoch(2);
    let record = epoch::record(&network.state, 1).unwrap();
    assert!(record.race_failed);
    assert_eq!(record.race_attempts, 3);
    for attempt in 1..=3 {
        let round = beacon::round(
            &network.state,
            &beacon::id(Purpose::RaceSeed, 1, attempt, 0),
        );
        assert_eq!(round.unwrap().status(), RoundStatus::Failed);
    }
    assert_eq!(powers(&network), [50, 50, 100, 100]);
}

#[test]
fn after_the_last_key_attempt_the_race_is_run_again() {
    // Three of six have seats. In each attempt one of the three does not confirm: two thirds are too
    // few for a key and enough for another attempt, with the next one in the third seat.
    let mut network = Network::with(6, &[("epoch/max_validators", 3)]);
    let mut order: Vec<usize> = (0..6).collect();
    order.sort_by_key(|index| network.address(*index));
    for attempt in 1..=3 {
        network.until_it(|epoch| epoch.phase() == Phase::Deal && epoch.key_attempt == attempt);
        network.node(order[attempt as usize - 1]).confirms = false;
    }
    network.until_it(|epoch| epoch.race_attempt == 2);
    assert_eq!(network.epoch().key_attempt, 1);
    let struck = |index: usize| network.result(1, 1, index).unwrap().0;
    let outcomes: Vec<Outcome> = order.iter().map(|index| struck(*index)).collect();
    assert_eq!(outcomes[..3], [Outcome::NotReady; 3]);
    assert_eq!(outcomes[3..], [Outcome::Accepted; 3]);
}

#[test]
fn only_as_many_are_candidates_as_there_are_seats() {
    let mut network = Network::with(4, &[("epoch/max_validators", 3)]);
    network.until(Phase::Deal);
    let mut addresses: Vec<_> = (0..4).map(|index| network.address(index)).collect();
    addresses.sort_unstable();
    let candidates = |network: &Network| -> Vec<_> {
        epoch::candidates(&network.state, &network.epoch())
            .into_keys()
            .collect()
    };
    assert_eq!(candidates(&network), addresses[..3]);
    // Who is dropped makes room for the next.
    let first = (0..4)
        .find(|index| network.address(*index) == addresses[0])
        .unwrap();
    network.node(first).confirms = false;
    network.until_it(|epoch| epoch.key_attempt == 2);
    assert_eq!(candidates(&network), addresses[1..]);
    network.until_epoch(2);
    let committee: Vec<_> = epoch::powers(&network.state, 2).into_keys().collect();
    assert_eq!(committee, addresses[1..]);
}

#[test]
fn when_less_than_half_of_the_count_confirms_the_race_is_run_again() {
    let mut network = Network::new(4);
    for index in 0..3 {
        network.node(index).confirms = false;
    }
    network.until_it(|epoch| epoch.race_attempt == 2);
    assert_eq!(network.epoch().key_attempt, 1);
    for index in 0..2 {
        network.node(index).confirms = true;
    }
    network.until_epoch(2);
    assert_eq!(powers(&network), [4, 4, 0, 4]);
    let record = epoch::record(&network.state, 1).unwrap();
    assert_eq!((record.race_failed, record.race_attempts), (false, 2));
    assert_ne!(
        race::seed(&network.state, 1, 1),
        race::seed(&network.state, 1, 2)
    );
}

#[test]
fn confirmations_that_never_come_fail_the_race_after_two_reruns() {
    let mut network = Network::new(4);
    for index in 0..3 {
        network.node(index).confirms = false;
    }
    network.until_epoch(2);
    let record = epoch::record(&network.state, 1).unwrap();
    assert_eq!((record.race_failed, record.race_attempts), (true, 3));
    assert_eq!(powers(&network), [50, 50, 50, 100]);
}

#[test]
fn a_duties_round_that_fails_is_opened_again_at_once() {
    let mut network = Network::new(4);
    for index in 0..3 {
        network.node(index).commits = false;
        network.node(index).signs_rounds = false;
    }
    let id = |attempt| beacon::id(Purpose::Duties, 1, attempt, 0);
    let status = |network: &Network, attempt| {
        let round = beacon::round(&network.state, &id(attempt));
        round.map(|round| (round.status(), round.opened))
    };
    let begun = network.height;
    while status(&network, 2).is_none() {
        network.block();
    }
    // Five blocks for the signature, four for commits, four for reveals.
    assert_eq!(network.height, begun + 13);
    assert_eq!(status(&network, 1), Some((RoundStatus::Failed, begun)));
    let again = (RoundStatus::Signing, network.height);
    assert_eq!(status(&network, 2), Some(again));
    for index in 0..3 {
        network.node(index).commits = true;
        network.node(index).signs_rounds = true;
    }
    for _ in 0..2 {
        network.block();
    }
    assert_eq!(
        beacon::duties_seed(&network.state, 1),
        beacon::seed(&network.state, &id(2))
    );
    assert!(beacon::duties_seed(&network.state, 1).is_some());
}
