use race_app::{race, treasury};
use race_proto::race::race::v1::{DisputeStatus, Outcome};

use crate::network::Network;
use crate::node::{Checks, Proof};

#[test]
fn the_accused_keeps_its_count_and_the_accuser_loses_its_own() {
    let mut network = Network::new(4);
    network.node(3).checks = Checks::Accuse(0);
    network.until_epoch(2);
    assert_eq!(network.result(1, 1, 0), Some((Outcome::Accepted, 4)));
    assert_eq!(network.result(1, 1, 3), Some((Outcome::FalseCheck, 0)));
    let disputes = race::disputes(&network.state, 1, 1);
    assert_eq!(disputes.len(), 4);
    for dispute in &disputes {
        assert_eq!(dispute.status(), DisputeStatus::LeafTrue);
        assert_eq!(dispute.accusers, [network.address(3).to_vec()]);
    }
    assert_eq!(network.power(3), 0);
    assert!(
        treasury::forfeit(&network.state, 1, &network.address(3))
            .unwrap()
            .all
    );
    assert_eq!(
        treasury::forfeit(&network.state, 1, &network.address(0)),
        None
    );
}

#[test]
fn who_says_match_without_computing_is_found_out() {
    let mut network = Network::new(4);
    network.node(3).checks = Checks::Blind;
    network.until_epoch(2);
    assert_eq!(network.result(1, 1, 3), Some((Outcome::FalseCheck, 0)));
    for honest in 0..3 {
        assert_eq!(network.result(1, 1, honest), Some((Outcome::Accepted, 4)));
    }
}

#[test]
fn who_was_found_false_is_no_longer_heard() {
    let mut network = Network::with(4, &[("race/max_disputes", 2)]);
    network.node(3).checks = Checks::Accuse(0);
    network.until_epoch(2);
    // Two of its four accusations were enough.
    assert_eq!(race::disputes(&network.state, 1, 1).len(), 2);
    assert_eq!(network.result(1, 1, 0), Some((Outcome::Accepted, 4)));
    assert_eq!(network.result(1, 1, 3), Some((Outcome::FalseCheck, 0)));
}

#[test]
fn no_false_proof_is_accepted_because_too_many_are_accused() {
    // One leaf at a time, three false proofs and a false accuser of the honest one.
    let mut network = Network::with(7, &[("race/max_disputes", 1), ("race/checkers", 6)]);
    for index in 0..3 {
        network.node(index).proof = Proof::WrongHash;
    }
    network.node(3).checks = Checks::Accuse(4);
    let mut most = 0;
    while network.epoch().number == 1 {
        network.block();
        let disputes = race::disputes(&network.state, 1, 1);
        let pending = disputes
            .iter()
            .filter(|dispute| dispute.status() == DisputeStatus::Pending);
        most = most.max(pending.count());
    }
    assert_eq!(most, 1);
    for index in 0..3 {
        assert_eq!(
            network.result(1, 1, index),
            Some((Outcome::FalseLeaf, 0)),
            "{index}"
        );
    }
    assert_eq!(network.result(1, 1, 3), Some((Outcome::FalseCheck, 0)));
    for index in 4..7 {
        assert_eq!(network.result(1, 1, index), Some((Outcome::Accepted, 4)));
    }
    // One dispute for each of the four, six blocks each.
    let disputes = race::disputes(&network.state, 1, 1);
    assert_eq!(disputes.len(), 4);
    let opened: Vec<_> = disputes.iter().map(|d| d.opened_height).collect();
    let (first, last) = (opened.iter().min().unwrap(), opened.iter().max().unwrap());
    assert_eq!(last - first, 18);
}

#[test]
fn missing_checks_cost_only_the_reward_of_checking() {
    for checks in [Checks::None, Checks::Withheld] {
        let mut network = Network::new(4);
        network.node(3).checks = checks;
        network.until_epoch(2);
        assert_eq!(network.result(1, 1, 3), Some((Outcome::Accepted, 4)));
        let forfeit = treasury::forfeit(&network.state, 1, &network.address(3)).unwrap();
        assert!(!forfeit.all);
        assert_eq!(
            treasury::forfeit(&network.state, 1, &network.address(0)),
            None
        );
    }
}

#[test]
fn one_upheld_dispute_ends_the_others_over_the_same_participant() {
    let mut network = Network::new(4);
    // Two checkers accuse all of node 0, whose proof is false in one leaf.
    network.node(0).proof = crate::node::Proof::WrongHash;
    network.node(3).checks = Checks::Accuse(0);
    network.until_epoch(2);
    assert_eq!(network.result(1, 1, 0), Some((Outcome::FalseLeaf, 0)));
    let disputes = race::disputes(&network.state, 1, 1);
    let statuses: Vec<_> = disputes.iter().map(|dispute| dispute.status()).collect();
    assert_eq!(statuses[0], DisputeStatus::LeafFalse);
    assert!(
        statuses[1..]
            .iter()
            .all(|status| *status == DisputeStatus::Moot),
        "{statuses:?}"
    );
    assert_eq!(statuses.len(), 4);
}
