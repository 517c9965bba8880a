use race_app::beacon::{self, signing};
use race_app::error::TxError;
use race_app::{race, treasury};
use race_proto::race::beacon::v1::{Purpose, RoundSignature, RoundStatus};
use race_proto::race::epoch::v1::Phase;
use race_proto::race::race::v1::Outcome;
use race_randomness::commit_reveal::{self, Which};

use crate::network::Network;
use crate::node::CHAIN;

const SEED: (Purpose, u64, u32, u64) = (Purpose::RaceSeed, 1, 1, 0);

fn id() -> race_proto::race::beacon::v1::RoundId {
    let (purpose, epoch, attempt, round) = SEED;
    beacon::id(purpose, epoch, attempt, round)
}

fn attempt(network: &Network) -> (RoundStatus, u32) {
    let round = beacon::round(&network.state, &id()).unwrap();
    (round.status(), round.signing_attempt)
}

fn until_attempt(network: &mut Network, number: u32) {
    while attempt(network) != (RoundStatus::Signing, number) {
        network.block();
    }
}

fn with_silent(silent: &[usize]) -> Network {
    let mut network = Network::new(4);
    network.until(Phase::Commit);
    for index in silent {
        network.node(*index).signs_rounds = false;
    }
    network.until(Phase::Seed);
    network
}

#[test]
fn a_proposer_that_omits_signatures_delays_the_seed_by_its_turns() {
    let mut network = with_silent(&[]);
    network.omits_signatures = true;
    for _ in 0..3 {
        network.block();
    }
    assert_eq!(network.epoch().phase(), Phase::Seed);
    network.omits_signatures = false;
    network.block();
    assert_eq!(network.epoch().phase(), Phase::Race);
}

#[test]
fn a_late_attempt_signs_another_message_and_an_earlier_signature_is_refused() {
    let mut network = with_silent(&[]);
    network.omits_signatures = true;
    network.block();
    let early = network.signatures.clone();
    assert_eq!(early[0].signing_attempt, 1);
    until_attempt(&mut network, 2);
    let refused = |network: &Network, signature: &RoundSignature| {
        let refused = signing::check(&network.state, CHAIN, signature).unwrap_err();
        TxError::from(refused).code
    };
    assert_eq!(refused(&network, &early[0]), 15);
    let renamed = RoundSignature {
        signing_attempt: 2,
        ..early[0].clone()
    };
    assert_eq!(refused(&network, &renamed), 16);
    network.omits_signatures = false;
    network.until(Phase::Race);
    let seed = beacon::race_seed(&network.state, 1).unwrap();
    assert_eq!((seed.signing_attempt, seed.degraded), (2, false));
}

#[test]
fn posted_shares_sign_when_no_vote_carries_any() {
    let mut network = with_silent(&[]);
    network.votes_carry_shares = false;
    network.until(Phase::Race);
    let seed = beacon::race_seed(&network.state, 1).unwrap();
    assert_eq!((seed.signing_attempt, seed.degraded), (2, false));
    assert!((0..4).all(|index| {
        let address = network.address(index);
        treasury::forfeit(&network.state, 1, &address).is_none()
    }));
}

#[test]
fn who_does_not_sign_in_a_late_attempt_that_fails_loses_the_rewards() {
    let mut network = with_silent(&[1, 2]);
    network.until(Phase::Race);
    let seed = beacon::race_seed(&network.state, 1).unwrap();
    assert!(seed.degraded);
    let lost: Vec<bool> = (0..4)
        .map(|index| {
            let forfeit = treasury::forfeit(&network.state, 1, &network.address(index));
            forfeit.is_some_and(|forfeit| forfeit.all)
        })
        .collect();
    assert_eq!(lost, [false, true, true, false]);
    // Their proofs stand: they revealed their second secrets.
    network.until_epoch(2);
    assert_eq!(network.result(1, 1, 1), Some((Outcome::Accepted, 4)));
}

#[test]
fn the_fallback_is_the_hash_of_the_transcript_and_the_second_secrets() {
    let mut network = with_silent(&[1, 2]);
    network.until(Phase::Race);
    let record = beacon::race_seed(&network.state, 1).unwrap();
    let bound = beacon::bound(CHAIN, &id()).unwrap();
    let mut parts: Vec<Vec<u8>> = vec![record.transcript.clone()];
    for secret in &record.secrets {
        let index = (0..4)
            .find(|index| network.address(*index)[..] == secret.address[..])
            .unwrap();
        let own = commit_reveal::secret(&[index as u8; 32], &bound, Which::Fallback);
        assert_eq!(own.expose()[..], secret.secret[..]);
        parts.push(secret.address.clone());
        parts.push(secret.secret.clone());
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let seed = race_randomness::hash::h("race/randomness/fallback-seed/v1", &parts);
    assert_eq!(race::seed(&network.state, 1, 1), Some(seed));
}

#[test]
fn a_secret_of_the_fallback_is_not_taken_before_it_and_the_first_one_not_in_it() {
    let mut network = with_silent(&[1, 2]);
    let bound = beacon::bound(CHAIN, &id()).unwrap();
    let reveal = |network: &mut Network, which| {
        let secret = commit_reveal::secret(&[3; 32], &bound, which);
        let message = race_proto::race::beacon::v1::MsgReveal {
            sender: network.nodes[3].hot.to_string(),
            round: Some(id()),
            secret: secret.expose().to_vec(),
        };
        network.send(&message).map_err(|error| error.code)
    };
    assert_eq!(reveal(&mut network, Which::Fallback), Err(5));
    while attempt(&network).0 != RoundStatus::Fallback {
        network.block();
    }
    assert_eq!(reveal(&mut network, Which::Reveal), Err(9));
    assert_eq!(reveal(&mut network, Which::Fallback), Ok(()));
    assert_eq!(reveal(&mut network, Which::Fallback), Err(8));
}

#[test]
fn shares_are_taken_late_once_and_only_good_ones() {
    let mut network = with_silent(&[1, 2]);
    network.node(1).reveals = false;
    let post = |network: &mut Network, shares: Vec<u8>, signing_attempt| {
        let message = race_proto::race::beacon::v1::MsgPostShares {
            sender: network.nodes[1].hot.to_string(),
            round: Some(id()),
            signing_attempt,
            shares,
        };
        network.send(&message).map_err(|error| error.code)
    };
    let early = network.shares(1, &id());
    assert_eq!(post(&mut network, early, 1), Err(18));
    until_attempt(&mut network, 2);
    let shares = network.shares(1, &id());
    let of_another = network.shares(2, &id());
    let mut junk = shares.clone();
    let len = junk.len();
    junk[len - 96..].copy_from_slice(&of_another[len - 96..]);
    assert_eq!(post(&mut network, junk, 2), Err(17));
    assert_eq!(post(&mut network, vec![0; 10], 2), Err(17));
    assert_eq!(post(&mut network, shares.clone(), 3), Err(15));
    assert_eq!(post(&mut network, shares.clone(), 2), Ok(()));
    assert_eq!(post(&mut network, shares, 2), Err(19));
}

#[test]
fn enough_posted_shares_are_a_seed_even_if_every_proposer_leaves_the_signature_out() {
    let mut network = with_silent(&[]);
    network.omits_signatures = true;
    network.until(Phase::Race);
    let seed = beacon::race_seed(&network.state, 1).unwrap();
    assert_eq!((seed.signing_attempt, seed.degraded), (2, false));
}
