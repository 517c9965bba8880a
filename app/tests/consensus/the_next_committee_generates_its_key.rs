use race_app::beacon::{self, keygen};
use race_app::{epoch, treasury};
use race_proto::race::beacon::v1::{
    KeyStatus, QueryKeyGenerationRequest, QueryKeyGenerationResponse, QueryKeyRequest,
    QueryKeyResponse,
};
use race_proto::race::epoch::v1::Phase;
use race_proto::race::race::v1::Outcome;
use race_randomness::dkg::Post;
use race_randomness::scheme::{Blst, Message, Scheme};

use crate::network::Network;
use crate::node::{Proof, CHAIN};

fn generation(network: &Network) -> QueryKeyGenerationResponse {
    let latest = QueryKeyGenerationRequest::default();
    network.query("/race.beacon.v1.Query/KeyGeneration", &latest)
}

/// Why a node forfeits its rewards of an epoch, if it does.
fn forfeit(network: &Network, epoch: u64, index: usize) -> Option<String> {
    let forfeit = treasury::forfeit(&network.state, epoch, &network.address(index))?;
    forfeit.all.then_some(forfeit.reason)
}

#[test]
fn those_who_deal_and_confirm_are_the_committee_of_a_key_of_their_own() {
    let mut network = Network::new(4);
    network.until(Phase::Confirm);
    let under_way = generation(&network);
    let of = under_way.generation.unwrap();
    assert_eq!((of.epoch, of.race_attempt, of.key_attempt), (2, 1, 1));
    assert_eq!(of.status(), KeyStatus::Confirm);
    assert_eq!((of.members.len(), of.shares), (4, 16));
    assert_eq!(under_way.deals.len(), 4);
    assert_eq!(under_way.confirmations, []);
    network.until_epoch(2);
    assert_eq!(network.refused, []);
    let done = generation(&network);
    assert_eq!(done.generation.unwrap().status(), KeyStatus::Active);
    assert_eq!(done.confirmations.len(), 4);
    let key = |epoch| {
        let answer: QueryKeyResponse =
            network.query("/race.beacon.v1.Query/Key", &QueryKeyRequest { epoch });
        answer.key.unwrap()
    };
    assert_eq!(key(0), key(2));
    assert_ne!(key(1).group, key(2).group);
    assert_eq!(
        (key(2).generated_epoch, key(2).threshold),
        (2, of.threshold)
    );
    for event in ["KeyGeneration", "Deal", "Confirmation", "Key"] {
        let event = format!("race.beacon.v1.Event{event}");
        assert!(network.events.contains(&event), "{event}");
    }
}

#[test]
fn every_member_recovers_its_shares_from_state_and_any_threshold_of_them_signs() {
    let mut network = Network::new(4);
    network.until_epoch(2);
    let (board, key) = keygen::shares_of(&network.state, CHAIN, 2).unwrap();
    let scheme = Blst::new(key.public_keys().unwrap());
    let message = Message::new([7; 32]);
    let sign = |members: std::ops::Range<usize>| {
        let of = |index: usize| {
            let participant = network.nodes[index].participant();
            let shares = participant.secret_shares(board.session(), board.qualified(), &key);
            let shares = shares.unwrap();
            let signed = shares
                .iter()
                .map(|(i, share)| (i, Blst::sign(share, &message)));
            signed.collect::<Vec<_>>()
        };
        scheme.combine(&members.flat_map(of).collect())
    };
    let (first, last) = (sign(0..3).unwrap(), sign(1..4).unwrap());
    assert!(first == last && scheme.verify(&message, &first));
    assert!(sign(0..2).is_err(), "half of the power signs nothing");
}

#[test]
fn who_does_not_deal_is_dropped_and_the_others_go_on() {
    let mut network = Network::new(4);
    network.node(0).deals = false;
    network.until(Phase::Deal);
    // The window is used up, since one is waited for.
    let (height, length) = (network.height, 5);
    network.until(Phase::Confirm);
    assert_eq!(network.height, height + length);
    network.until_epoch(2);
    assert_eq!(network.result(1, 1, 0), Some((Outcome::NotReady, 0)));
    assert_eq!(network.power(0), 0);
    assert_eq!(network.power(1), 4);
    assert_eq!(forfeit(&network, 1, 0), None);
}

#[test]
fn who_does_not_confirm_is_dropped_and_the_others_go_on() {
    let mut network = Network::new(4);
    network.node(0).confirms = false;
    network.until_epoch(2);
    assert_eq!(network.result(1, 1, 0), Some((Outcome::NotReady, 0)));
    assert_eq!(network.power(0), 0);
    assert!(!epoch::record(&network.state, 1).unwrap().race_failed);
}

#[test]
fn a_bad_share_is_complained_about_and_its_dealer_is_out() {
    let mut network = Network::new(4);
    network.node(0).deals_badly_to = Some(2);
    network.until_epoch(2);
    assert_eq!(network.refused, []);
    let complaints = generation(&network).complaints;
    assert_eq!(complaints.len(), 1);
    assert_eq!(complaints[0].accuser, network.address(2));
    assert_eq!(complaints[0].dealer, network.address(0));
    assert!(complaints[0].upheld);
    assert_eq!(network.result(1, 1, 0), Some((Outcome::NotReady, 0)));
    assert_eq!((network.power(0), network.power(2)), (0, 4));
    assert_eq!(forfeit(&network, 1, 0).as_deref(), Some("false deal"));
    assert_eq!(forfeit(&network, 1, 2), None);
    // The key is made of the other deals, and everybody has its shares of it.
    let (board, key) = keygen::shares_of(&network.state, CHAIN, 2).unwrap();
    assert_eq!(board.qualified().count(), 3);
    for node in &network.nodes {
        let shares = node
            .participant()
            .secret_shares(board.session(), board.qualified(), &key);
        assert_eq!(shares.unwrap().iter().count(), 4);
    }
}

#[test]
fn a_false_complaint_costs_the_accuser() {
    let mut network = Network::new(4);
    network.node(0).complains_about = Some(2);
    network.until_epoch(2);
    let complaints = generation(&network).complaints;
    assert_eq!((complaints.len(), complaints[0].upheld), (1, false));
    assert_eq!(forfeit(&network, 1, 0).as_deref(), Some("false complaint"));
    assert_eq!(forfeit(&network, 1, 2), None);
    assert_eq!((network.power(0), network.power(2)), (0, 4));
}

#[test]
fn a_copied_deal_is_refused() {
    let mut network = Network::new(4);
    for index in 0..4 {
        network.node(index).deals = false;
    }
    network.until(Phase::Deal);
    let session = network.board().session().clone();
    let mut deal = network.nodes[0].participant().deal(&session);
    let said = network.post(1, (2, 1, 1), &Post::Deal(deal.clone()));
    let said = said.unwrap_err();
    assert_eq!((said.codespace, said.code), ("race_beacon", 12));
    assert!(said.log.contains("a member posts its own deal"), "{said}");
    // With the thief's own name on it the proofs no longer hold.
    deal[32..52].copy_from_slice(&network.address(1));
    let said = network.post(1, (2, 1, 1), &Post::Deal(deal)).unwrap_err();
    assert!(said.log.contains("does not prove possession"), "{said}");
}

#[test]
fn a_block_takes_eight_deals() {
    let mut network = Network::born(10, &[]);
    network.block();
    assert_eq!(generation(&network).deals.len(), 8);
    let missing = (0..10).find(|index| !network.board().has_dealt(&network.address(*index)));
    assert!(missing.is_some());
    network.block();
    assert_eq!(network.epoch().phase(), Phase::Confirm);
    network.until(Phase::Serve);
    assert_eq!(network.refused, []);
}

#[test]
fn there_are_no_session_rounds_before_the_first_key() {
    let mut network = Network::born(4, &[]);
    for index in 0..4 {
        network.node(index).confirms = false;
    }
    for _ in 0..9 {
        network.block();
    }
    assert_eq!(beacon::open_rounds(&network.state), []);
    assert_eq!(keygen::key(&network.state, 1), None);
    for index in 0..4 {
        network.node(index).confirms = true;
    }
    network.until(Phase::Serve);
    assert!(keygen::key(&network.state, 1).is_some());
    network.until(Phase::Commit);
    assert!(!beacon::open_rounds(&network.state).is_empty());
}

#[test]
fn the_first_key_is_tried_for_with_all_until_it_is_there() {
    let mut network = Network::born(4, &[]);
    for index in 0..2 {
        network.node(index).deals = false;
    }
    network.until_it(|epoch| epoch.key_attempt == 5);
    assert_eq!(network.epoch().number, 1);
    assert_eq!(network.board().session().members().len(), 4);
    network.node(0).deals = true;
    network.until(Phase::Serve);
    // Who did not deal is in the first committee all the same, and has its shares.
    assert_eq!(network.power(1), 100);
    let (board, key) = keygen::shares_of(&network.state, CHAIN, 1).unwrap();
    let participant = network.nodes[1].participant();
    let shares = participant.secret_shares(board.session(), board.qualified(), &key);
    assert_eq!(shares.unwrap().iter().count(), 4);
    network.until_epoch(2);
}

#[test]
fn a_third_that_lies_about_the_first_key_does_not_keep_the_chain_from_starting() {
    let mut network = Network::born(7, &[]);
    // Without the two that have most shares, the others cannot be sure to sign with those of the seven.
    let seats = network.board().session().seats().clone();
    let shares = |index: &usize| seats.get(&network.address(*index)).unwrap().shares();
    let mut liars: Vec<usize> = (0..7).collect();
    liars.sort_by_key(|index| std::cmp::Reverse(shares(index)));
    liars.truncate(2);
    let honest = (0..7).find(|index| !liars.contains(index));
    network.node(liars[0]).complains_about = honest;
    network.node(liars[1]).deals = false;
    network.until(Phase::Serve);
    // They are validators all the same, and hold no shares.
    let (board, _) = keygen::shares_of(&network.state, CHAIN, 1).unwrap();
    for index in liars {
        assert_eq!(network.power(index), 100);
        assert!(board.session().member(&network.address(index)).is_err());
    }
    network.until_it(|epoch| epoch.phase() == Phase::Race);
    assert!(!beacon::race_seed(&network.state, 1).unwrap().degraded);
}

#[test]
fn a_failed_race_keeps_the_key_and_its_shares() {
    let mut network = Network::new(4);
    let group = |network: &Network, epoch| keygen::key(&network.state, epoch).unwrap().group;
    let first = group(&network, 1);
    for index in 0..3 {
        network.node(index).proof = Proof::None;
    }
    network.until_epoch(3);
    assert_eq!(group(&network, 3), first);
    assert_eq!(keygen::key(&network.state, 3).unwrap().generated_epoch, 1);
    assert!(keygen::shares_of(&network.state, CHAIN, 3).is_some());
    for index in 0..3 {
        network.node(index).proof = Proof::Honest;
    }
    network.until_epoch(6);
    assert_ne!(group(&network, 4), first);
    // Old groups stay, what shares are recovered from goes two epochs later.
    assert_eq!(group(&network, 2), first);
    assert!(keygen::shares_of(&network.state, CHAIN, 3).is_none());
    assert!(keygen::shares_of(&network.state, CHAIN, 5).is_some());
}
