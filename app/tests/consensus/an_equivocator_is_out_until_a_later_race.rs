use prost::Message as _;
use race_app::context::Context;
use race_app::evidence::Misbehavior;
use race_app::{registry, reputation, treasury};
use race_proto::race::epoch::v1::Phase;
use race_proto::race::evidence::v1::{Kind, QueryEquivocationsRequest, QueryEquivocationsResponse};

use crate::network::Network;
use crate::node::{Proof, CHAIN};
use crate::oracle::Oracle;

fn proven(network: &Network, index: usize, height: u64) -> Misbehavior {
    Misbehavior {
        address: network.address(index),
        kind: Kind::DuplicateVote,
        height,
        time_ms: 1_000 * height,
        power: 100,
    }
}

fn asked(network: &Network, address: &[u8]) -> QueryEquivocationsResponse {
    let oracle = Oracle::default();
    let context = Context {
        chain_id: CHAIN,
        height: network.height,
        time_ms: 1,
        oracle: &oracle,
    };
    let query = registry::query("/race.evidence.v1.Query/Equivocations").unwrap();
    let request = QueryEquivocationsRequest {
        address: address.to_vec(),
    };
    let answer = (query.answer)(&context, &network.state, &request.encode_to_vec()).unwrap();
    QueryEquivocationsResponse::decode(answer.as_slice()).unwrap()
}

#[test]
fn it_loses_its_power_at_once_and_gets_it_back_by_a_race_of_a_later_epoch() {
    let mut network = Network::new(5);
    let cheat = network.address(4);
    let proof = proven(&network, 4, network.height);
    network.misbehavior = vec![proof.clone(), proof.clone()];
    network.block();
    assert!(!network.comet.contains_key(&cheat));
    assert_eq!(network.comet.len(), 4);
    let events = network.events.iter();
    let told = events.filter(|kind| *kind == "race.evidence.v1.EventEquivocation");
    assert_eq!(told.count(), 1, "one piece of evidence counts once");
    assert!(treasury::forfeit(&network.state, 1, &cheat).unwrap().all);
    assert_eq!(reputation::get(&network.state, &cheat).convictions, 1);

    // Again, from another block: nothing more is lost.
    network.misbehavior = vec![proof];
    network.block();
    assert_eq!(reputation::get(&network.state, &cheat).convictions, 1);
    assert_eq!(asked(&network, &[]), asked(&network, &cheat));
    let [recorded] = asked(&network, &cheat).equivocations.try_into().unwrap();
    assert_eq!(
        (recorded.kind(), recorded.power, recorded.handled_epoch),
        (Kind::DuplicateVote, 100, 1)
    );
    assert!(asked(&network, &network.address(0))
        .equivocations
        .is_empty());

    // It races in the epoch of the evidence, which counts nothing, and in the next, which does.
    network.until_epoch(2);
    assert!(!network.comet.contains_key(&cheat));
    network.until_epoch(3);
    assert!(network.comet.contains_key(&cheat));
    assert_eq!(network.refused, []);
}

#[test]
fn evidence_while_the_next_key_is_generated_counts_too() {
    let mut network = Network::new(5);
    let cheat = network.address(4);
    network.until_it(|epoch| epoch.number == 1 && epoch.phase() == Phase::Deal);
    network.misbehavior = vec![proven(&network, 4, 3)];
    network.until_epoch(2);
    assert!(!network.comet.contains_key(&cheat));
    network.until_epoch(3);
    assert!(network.comet.contains_key(&cheat));
}

#[test]
fn a_failed_race_does_not_bring_it_back() {
    let mut network = Network::new(5);
    for index in 0..5 {
        network.node(index).proof = Proof::None;
    }
    let cheat = network.address(4);
    network.misbehavior = vec![proven(&network, 4, 1)];
    network.until_epoch(2);
    assert!(!network.comet.contains_key(&cheat));
    assert_eq!(network.comet.len(), 4);
}

#[test]
fn the_set_is_never_empty() {
    let mut network = Network::new(1);
    network.misbehavior = vec![proven(&network, 0, 1)];
    network.block();
    assert_eq!(network.comet.len(), 1);
    network.until_epoch(3);
    assert_eq!(network.comet.len(), 1);
}

#[test]
fn evidence_about_somebody_who_is_no_validator_changes_nothing_for_the_others() {
    let mut network = Network::new(4);
    let before = network.comet.clone();
    let mut proof = proven(&network, 0, 1);
    proof.address = [9; 20];
    network.misbehavior = vec![proof];
    network.block();
    assert_eq!(network.comet, before);
    network.until_epoch(2);
    assert_eq!(network.comet.len(), 4);
}
