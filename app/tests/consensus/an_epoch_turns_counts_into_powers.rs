use race_app::{beacon, epoch, race};
use race_proto::race::beacon::v1::Purpose;
use race_proto::race::epoch::v1::Phase;
use race_proto::race::params::v1::{MsgUpdateParams, Param};
use race_proto::race::race::v1::Outcome;

use crate::network::Network;

#[test]
fn honest_nodes_hold_what_they_proved() {
    let mut network = Network::new(4);
    for (index, leaves) in [3, 4, 5, 4].into_iter().enumerate() {
        network.node(index).leaves = leaves;
    }
    network.until_epoch(2);
    assert_eq!(network.refused, []);
    for (index, leaves) in [3, 4, 5, 4].into_iter().enumerate() {
        assert_eq!(
            network.result(1, 1, index),
            Some((Outcome::Accepted, leaves))
        );
    }
    // 5 of 16 is above 30%: the largest c with 10 c <= 3 (3 + 4 + 4 + c) is 4.
    let powers: Vec<u64> = (0..4).map(|index| network.power(index)).collect();
    assert_eq!(powers, [3, 4, 4, 4]);
    let record = epoch::record(&network.state, 1).unwrap();
    assert!(!record.race_failed);
    assert_eq!(
        (record.race_attempts, record.end_height),
        (1, network.height)
    );
    assert_eq!(race::disputes(&network.state, 1, 1), []);
    for event in ["EventPhase", "EventSwitch"] {
        assert!(
            network.events.contains(&format!("race.epoch.v1.{event}")),
            "{event}"
        );
    }
    for event in [
        "race.beacon.v1.EventSeed",
        "race.race.v1.EventSubmitted",
        "race.race.v1.EventResult",
    ] {
        assert!(network.events.contains(&event.to_owned()), "{event}");
    }
}

#[test]
fn an_epoch_without_disputes_skips_their_phase_and_ends_when_all_confirmed() {
    let mut network = Network::new(4);
    network.until_epoch(2);
    // The first key 1 + 1; serve 2, commit 4, reveal 4, race 3, challenge 4, open 4, check 4 + 3, deal
    // 1 of 5, confirm 1 of 5.
    assert_eq!(network.height, 2 + 2 + 4 + 4 + 3 + 4 + 4 + 4 + 3 + 2);
}

#[test]
fn seeds_differ_by_purpose_epoch_and_round() {
    let mut network = Network::new(4);
    network.until_epoch(3);
    let seed = |purpose, epoch, round| {
        beacon::seed(&network.state, &beacon::id(purpose, epoch, 1, round)).expect("a seed")
    };
    let seeds = std::collections::BTreeSet::from([
        seed(Purpose::RaceSeed, 1, 0),
        seed(Purpose::Challenge, 1, 0),
        seed(Purpose::SessionRound, 1, 1),
        seed(Purpose::SessionRound, 1, 2),
        seed(Purpose::Duties, 1, 0),
        seed(Purpose::RaceSeed, 2, 0),
        seed(Purpose::Duties, 2, 0),
    ]);
    assert_eq!(seeds.len(), 7);
    assert_eq!(
        beacon::duties_seed(&network.state, 2),
        Some(seed(Purpose::Duties, 2, 0))
    );
    let latest = beacon::latest_session_round(&network.state).unwrap();
    assert_eq!((latest.degraded, latest.id.unwrap().epoch), (false, 2));
}

#[test]
fn newcomers_get_at_most_a_quarter_until_they_have_signed_an_epoch() {
    let mut network = Network::new(4);
    let newcomer = network.join();
    network.node(newcomer).leaves = 12;
    network.until_epoch(2);
    // The four old ones proved 4 each: 16 / 3 = 5.
    assert_eq!(network.power(newcomer), 5);
    let committee = epoch::committee(&network.state, 2);
    assert!(committee[&network.address(newcomer)].newcomer);
    assert_eq!(committee[&network.address(newcomer)].count, 12);
    assert!(!committee[&network.address(0)].newcomer);

    network.until_epoch(3);
    let committee = epoch::committee(&network.state, 3);
    assert!(!committee[&network.address(newcomer)].newcomer);
    // Only the largest share limits it now: 10 c <= 3 (16 + c).
    assert_eq!(network.power(newcomer), 6);
}

#[test]
fn who_signs_too_little_is_a_newcomer_again() {
    let mut network = Network::new(4);
    network.until_epoch(2);
    network.node(3).signs = false;
    network.until_epoch(3);
    let committee = epoch::committee(&network.state, 3);
    assert!(committee[&network.address(3)].newcomer);
    assert_eq!((network.power(0), network.power(3)), (4, 4));
}

#[test]
fn committees_are_kept_for_four_epochs() {
    let mut network = Network::with(1, &[("race/checkers", 1)]);
    network.until_epoch(6);
    assert_eq!(network.refused, []);
    let kept: Vec<u64> = (0..8)
        .filter(|e| !epoch::committee(&network.state, *e).is_empty())
        .collect();
    assert_eq!(kept, [3, 4, 5, 6]);
    assert_eq!(epoch::total_power(&network.state, 6), 4);
}

#[test]
fn a_changed_length_takes_effect_at_the_switch() {
    // With 7 blocks of serving, the changed calendar leaves just enough room.
    let mut network = Network::with(1, &[("epoch/serve_blocks", 7)]);
    let message = MsgUpdateParams {
        authority: race_app::auth::module_account("gov").to_string(),
        params: vec![Param {
            name: "epoch/commit_blocks".to_owned(),
            value: 7,
        }],
    };
    network.send(&message).unwrap();
    let length_of_commit = |network: &mut Network| {
        network.until(Phase::Commit);
        let length = network.epoch().phase_end - network.height;
        network.until(Phase::Reveal);
        length
    };
    assert_eq!(length_of_commit(&mut network), 4);
    network.until_epoch(2);
    assert_eq!(length_of_commit(&mut network), 7);
}
