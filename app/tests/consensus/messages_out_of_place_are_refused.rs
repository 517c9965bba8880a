use race_app::beacon;
use race_app::error::TxError;
use race_app::race::checks::{by_participant, check_commitment, digests};
use race_proto::race::beacon::v1::{MsgCommit, MsgReveal, Purpose};
use race_proto::race::epoch::v1::Phase;
use race_proto::race::race::v1::{MsgCommitChecks, MsgOpenLeaves, MsgRevealChecks, MsgSubmitRace};
use race_randomness::dkg::Post;

use crate::network::Network;
use crate::node::Checks;

fn code(result: Result<(), TxError>) -> (&'static str, u32) {
    let error = result.expect_err("a refusal");
    (error.codespace, error.code)
}

fn submit(network: &Network, epoch: u64, attempt: u32) -> MsgSubmitRace {
    let sender = network.nodes[0].hot.to_string();
    MsgSubmitRace {
        sender,
        epoch,
        attempt,
        root: vec![1; 32],
        count: 3,
    }
}

#[test]
fn a_refusal_names_the_phase_expected_and_the_one_found() {
    let mut network = Network::new(4);
    let message = submit(&network, 1, 1);
    let error = network.send(&message).unwrap_err();
    assert_eq!(
        error.log,
        "expected phase RACE, the epoch is in SERVE until block 4: send it in its phase"
    );
}

#[test]
fn another_epoch_and_another_attempt_are_refused() {
    let mut network = Network::new(4);
    network.until(Phase::Race);
    let message = submit(&network, 2, 1);
    assert_eq!(code(network.send(&message)), ("race_epoch", 3));
    let message = submit(&network, 1, 2);
    assert_eq!(code(network.send(&message)), ("race_epoch", 4));
    let mut stranger = submit(&network, 1, 1);
    stranger.sender = race_app::address::Account([0x77; 20]).to_string();
    assert_eq!(code(network.send(&stranger)), ("race_node", 2));
}

#[test]
fn a_submission_is_replaced_once_a_block_until_the_window_closes() {
    let mut network = Network::new(4);
    network.until(Phase::Race);
    let message = submit(&network, 1, 1);
    network.send(&message).unwrap();
    assert_eq!(code(network.send(&message)), ("race_race", 3));
    network.block();
    let message = MsgSubmitRace {
        count: 5,
        ..message
    };
    network.send(&message).unwrap();
    let stored = race_app::race::submission(&network.state, 1, 1, &network.address(0)).unwrap();
    assert_eq!(stored.count, 5);
    network.until(Phase::Challenge);
    assert_eq!(code(network.send(&message)), ("race_epoch", 2));
}

#[test]
fn wrong_sizes_and_counts_are_refused_without_state() {
    let mut network = Network::new(4);
    let short = MsgSubmitRace {
        root: vec![1; 31],
        ..submit(&network, 1, 1)
    };
    assert_eq!(code(network.send(&short)), ("sdk", 18));
    for count in [0, race_app::race::MAX_COUNT + 1] {
        let message = MsgSubmitRace {
            count,
            ..submit(&network, 1, 1)
        };
        assert_eq!(code(network.send(&message)), ("race_race", 2));
    }
    let nobody = MsgSubmitRace {
        sender: "race1x".to_owned(),
        ..submit(&network, 1, 1)
    };
    assert_eq!(code(network.send(&nobody)), ("sdk", 7));
    let sender = network.nodes[0].hot.to_string();
    let junk = MsgOpenLeaves {
        sender,
        epoch: 1,
        attempt: 1,
        multiproof: vec![1; 50],
    };
    assert_eq!(code(network.send(&junk)), ("race_race", 6));
}

#[test]
fn beacon_messages_are_taken_in_their_windows_once_from_members() {
    let mut network = Network::new(4);
    let newcomer = network.join();
    network.node(0).commits = false;
    network.until(Phase::Commit);
    let round = Some(beacon::id(Purpose::RaceSeed, 1, 1, 0));
    let commit = |network: &Network, index: usize| {
        let sender = network.nodes[index].hot.to_string();
        MsgCommit {
            sender,
            round,
            commitment: vec![1; 32],
            fallback_commitment: vec![2; 32],
        }
    };
    let reveal = |network: &Network, index: usize| {
        let sender = network.nodes[index].hot.to_string();
        MsgReveal {
            sender,
            round,
            secret: vec![1; 32],
        }
    };
    let (a, b) = (commit(&network, newcomer), commit(&network, 0));
    assert_eq!(code(network.send(&a)), ("race_epoch", 5));
    let early = reveal(&network, 0);
    assert_eq!(code(network.send(&early)), ("race_beacon", 5));
    network.send(&b).unwrap();
    assert_eq!(code(network.send(&b)), ("race_beacon", 6));
    network.until(Phase::Reveal);
    assert_eq!(code(network.send(&b)), ("race_beacon", 4));
    let wrong = reveal(&network, 0);
    assert_eq!(code(network.send(&wrong)), ("race_beacon", 9));
    network.block();
    let twice = reveal(&network, 1);
    assert_eq!(code(network.send(&twice)), ("race_beacon", 8));
    network.until(Phase::Race);
    assert_eq!(code(network.send(&wrong)), ("race_beacon", 3));
}

#[test]
fn checks_must_be_those_that_were_drawn_and_committed_to() {
    let mut network = Network::new(4);
    network.node(0).checks = Checks::None;
    let outsider = network.join();
    network.until(Phase::CheckCommit);
    let sender = network.nodes[0].hot.to_string();
    let address = network.address(0);
    let honest = network.checks(0);
    let mut checks = honest.clone();
    // Others were drawn: the last one is left out of what is committed to.
    checks.pop();
    let (salt, digests) = ([5; 32], digests(&checks));
    let commitment = check_commitment(crate::node::CHAIN, 1, 1, &address, &salt, &digests);
    let commit = MsgCommitChecks {
        sender: sender.clone(),
        epoch: 1,
        attempt: 1,
        commitment: commitment.to_vec(),
    };
    let from_outside = MsgCommitChecks {
        sender: network.nodes[outsider].hot.to_string(),
        ..commit.clone()
    };
    assert_eq!(code(network.send(&from_outside)), ("race_epoch", 5));
    network.send(&commit).unwrap();
    assert_eq!(code(network.send(&commit)), ("race_race", 9));
    network.until(Phase::CheckReveal);
    let reveal = MsgRevealChecks {
        sender,
        epoch: 1,
        attempt: 1,
        salt: salt.to_vec(),
        digests: digests.iter().map(|d| d.to_vec()).collect(),
        checks,
    };
    let part = |participants: std::ops::Range<usize>| MsgRevealChecks {
        checks: by_participant(&reveal.checks)
            .skip(participants.start)
            .take(participants.len())
            .collect::<Vec<_>>()
            .concat(),
        ..reveal.clone()
    };
    let other_salt = MsgRevealChecks {
        salt: vec![6; 32],
        ..reveal.clone()
    };
    assert_eq!(code(network.send(&other_salt)), ("race_race", 12));
    let nothing = part(0..0);
    assert_eq!(code(network.send(&nothing)), ("race_race", 13));
    let with_one_left_out = &reveal;
    assert_eq!(code(network.send(with_one_left_out)), ("race_race", 13));
    let with_one_more = MsgRevealChecks {
        checks: honest,
        ..reveal.clone()
    };
    assert_eq!(code(network.send(&with_one_more)), ("race_race", 12));
    let mut turned = part(0..2);
    let first = turned.checks.remove(0);
    turned.checks.push(first);
    assert_eq!(code(network.send(&turned)), ("race_race", 13));
    network.send(&part(1..2)).unwrap();
    assert_eq!(code(network.send(&part(0..2))), ("race_race", 11));
    network.send(&part(0..1)).unwrap();
    let uncommitted = MsgRevealChecks {
        sender: network.nodes[outsider].hot.to_string(),
        ..part(0..1)
    };
    assert_eq!(code(network.send(&uncommitted)), ("race_race", 10));
}

#[test]
fn key_posts_are_taken_in_their_windows_once_from_members() {
    let mut network = Network::new(4);
    network.node(0).deals = false;
    network.node(1).proof = crate::node::Proof::None;
    network.until(Phase::Deal);
    let attempt = (2, 1, 1);
    let session = network.board().session().clone();
    let deal = |network: &Network, index: usize| {
        Post::Deal(network.nodes[index].participant().deal(&session))
    };
    let good = deal(&network, 0);
    let other_attempt = network.post(0, (2, 1, 2), &good);
    assert_eq!(code(other_attempt), ("race_beacon", 10));
    let absent = deal(&network, 1);
    assert_eq!(code(network.post(1, attempt, &absent)), ("race_beacon", 11));
    let early = Post::Confirmation(vec![0; 84]);
    assert_eq!(code(network.post(0, attempt, &early)), ("race_beacon", 10));
    let short = Post::Deal(vec![0; 100]);
    assert_eq!(code(network.post(0, attempt, &short)), ("race_beacon", 13));
    network.post(0, attempt, &good).unwrap();
    assert_eq!(code(network.post(0, attempt, &good)), ("race_beacon", 12));
    network.node(0).confirms = false;
    network.until(Phase::Confirm);
    assert_eq!(code(network.post(0, attempt, &good)), ("race_beacon", 10));
    let other_deals = [session.digest().as_slice(), &network.address(0), &[0; 32]].concat();
    let other_deals = Post::Confirmation(other_deals);
    assert_eq!(
        code(network.post(0, attempt, &other_deals)),
        ("race_beacon", 12)
    );
    let owed = network.nodes[0].participant().owes(&network.board());
    network.post(0, attempt, &owed[0]).unwrap();
    assert_eq!(
        code(network.post(0, attempt, &owed[0])),
        ("race_beacon", 12)
    );
}
