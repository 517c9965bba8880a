use race_app::{race, treasury};
use race_proto::race::race::v1::{DisputeStatus, Outcome};

use crate::network::Network;
use crate::node::Proof;

/// Runs an epoch in which node 0 cheats; the others keep their own.
fn cheat(proof: Proof) -> Network {
    let mut network = Network::new(4);
    network.node(0).proof = proof;
    network.until_epoch(2);
    for honest in 1..4 {
        assert_eq!(network.result(1, 1, honest), Some((Outcome::Accepted, 4)));
    }
    assert_eq!(network.power(0), 0);
    assert!(network.power(1) > 0);
    network
}

#[test]
fn an_inflated_count_cannot_be_opened() {
    let network = cheat(Proof::Inflated);
    assert_eq!(network.result(1, 1, 0), Some((Outcome::NotOpened, 0)));
    let (from, name, error) = &network.refused[0];
    assert_eq!(
        (*from, *name, error.codespace),
        (0, "MsgOpenLeaves", "race_race")
    );
    assert!(error.log.contains("expected 8 opened leaves"), "{error}");
}

#[test]
fn leaves_that_repeat_cannot_be_opened() {
    let network = cheat(Proof::Repeated);
    assert_eq!(network.result(1, 1, 0), Some((Outcome::NotOpened, 0)));
    assert!(
        network.refused[0].2.log.contains("ranges overlap"),
        "{}",
        network.refused[0].2
    );
}

#[test]
fn a_nonce_that_is_not_appropriate_is_found_and_recomputed() {
    let network = cheat(Proof::Inappropriate);
    assert_eq!(network.result(1, 1, 0), Some((Outcome::FalseLeaf, 0)));
    let disputes = race::disputes(&network.state, 1, 1);
    assert_eq!(disputes.len(), 1);
    assert_eq!(disputes[0].status(), DisputeStatus::LeafFalse);
    assert_eq!(disputes[0].accusers.len(), 3);
    assert_eq!(network.oracle.started().len(), 1);
    assert_eq!(network.oracle.started()[0].nonce, disputes[0].nonce);
    let forfeit = treasury::forfeit(&network.state, 1, &network.address(0)).unwrap();
    assert!(forfeit.all);
}

#[test]
fn a_hash_that_nobody_computes_is_found() {
    let network = cheat(Proof::WrongHash);
    assert_eq!(network.result(1, 1, 0), Some((Outcome::FalseLeaf, 0)));
}

#[test]
fn a_proof_that_is_not_opened_counts_nothing() {
    let network = cheat(Proof::NotOpened);
    assert_eq!(network.result(1, 1, 0), Some((Outcome::NotOpened, 0)));
    assert_eq!(network.refused, []);
}

#[test]
fn who_submits_nothing_is_not_in_the_next_committee() {
    let network = cheat(Proof::None);
    assert_eq!(network.result(1, 1, 0), None);
}

#[test]
fn a_withheld_reveal_voids_the_proof_when_seeds_had_to_be_made_of_reveals() {
    let mut network = Network::new(4);
    network.node(0).reveals = false;
    for index in 0..2 {
        network.node(index).signs_rounds = false;
    }
    network.until_epoch(2);
    assert_eq!(network.result(1, 1, 0), Some((Outcome::Withheld, 0)));
    assert_eq!((network.power(0), network.power(1)), (0, 4));
    assert!(
        treasury::forfeit(&network.state, 1, &network.address(0))
            .unwrap()
            .all
    );
}

#[test]
fn a_withheld_reveal_of_a_signed_seed_costs_the_reward_and_leaves_the_proof_alone() {
    let mut network = Network::new(4);
    network.node(0).reveals = false;
    network.until_epoch(2);
    assert_eq!(network.result(1, 1, 0), Some((Outcome::Accepted, 4)));
    let forfeit = treasury::forfeit(&network.state, 1, &network.address(0)).unwrap();
    assert!(forfeit.all);
}

#[test]
fn a_withheld_reveal_of_duties_or_a_session_round_costs_only_the_reward_of_checking() {
    let mut network = Network::new(4);
    network.node(0).reveals_others = false;
    for index in 0..2 {
        network.node(index).signs_rounds = false;
    }
    // Longer than the duties await their signature.
    for _ in 0..8 {
        network.block();
    }
    for index in 0..2 {
        network.node(index).signs_rounds = true;
    }
    network.until_epoch(2);
    assert_eq!(network.result(1, 1, 0), Some((Outcome::Accepted, 4)));
    let forfeit = treasury::forfeit(&network.state, 1, &network.address(0)).unwrap();
    assert!(!forfeit.all);
}

#[test]
fn not_committing_at_all_costs_the_reward_and_leaves_the_proof_alone() {
    let mut network = Network::new(4);
    network.node(0).commits = false;
    network.until_epoch(2);
    assert_eq!(network.result(1, 1, 0), Some((Outcome::Accepted, 4)));
    let forfeit = treasury::forfeit(&network.state, 1, &network.address(0)).unwrap();
    assert!(forfeit.all);
}
