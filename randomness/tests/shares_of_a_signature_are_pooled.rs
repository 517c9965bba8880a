//! Vote extensions, and the pool that combines them.

use race_randomness::commit_reveal::Purpose;
use race_randomness::dkg::{Attempt, CommitteeKey, Deal, Outcome, Session};
use race_randomness::hash::Address;
use race_randomness::scheme::{Blst, CombineError, Message, Scheme};
use race_randomness::signing::{
    check_size, extension, message, ExtensionError, Pool, Subject, MAX_EXTENSION_BYTES, MAX_SHARES,
};
use race_randomness::sim::{Committee, Spread};
use std::collections::{BTreeMap, BTreeSet};

struct World {
    key: CommitteeKey,
    scheme: Blst,
    message: Message,
    extensions: BTreeMap<Address, Vec<u8>>,
}

fn world(powers: &[u64]) -> World {
    let committee = Committee::new(powers);
    let run = committee.generate_key(1);
    let Outcome::Active { key, .. } = run.outcome else {
        panic!("no key")
    };
    let message = seed_message(0);
    let extend = |address: Address| {
        let node = committee.nodes().find(|node| node.address == address)?;
        let shares =
            node.participant()
                .secret_shares(run.board.session(), run.board.qualified(), &key);
        Some((address, extension::<Blst>(&shares.ok()?, &message)))
    };
    let with_shares = key.seats().iter().filter(|(_, seat)| seat.shares() > 0);
    World {
        extensions: with_shares
            .filter_map(|(address, _)| extend(*address))
            .collect(),
        scheme: Blst::new(key.public_keys().unwrap()),
        message,
        key,
    }
}

fn seed_message(signing_attempt: u64) -> Message {
    let subject = Subject::Seed {
        transcript: [1; 32],
        signing_attempt,
    };
    message("race-test-1", 7, 0, &subject)
}

impl World {
    fn pool(&self) -> Pool<'_, Blst> {
        Pool::new(&self.key, &self.scheme, self.message.clone())
    }

    fn members(&self) -> Vec<Address> {
        self.extensions.keys().copied().collect()
    }
}

#[test]
fn a_share_less_than_the_threshold_waits_and_the_threshold_signs() {
    // 16 shares, 4 each, 9 sign: of power 1 each, 3 members have 12.
    let world = world(&[1; 4]);
    assert_eq!(world.key.threshold(), 9);
    let mut pool = world.pool();
    for member in &world.members()[..2] {
        pool.add(member, &world.extensions[member]).unwrap();
    }
    assert_eq!(
        pool.signature(),
        Err(CombineError::TooFew { have: 8, need: 9 })
    );
    let third = world.members()[2];
    pool.add(&third, &world.extensions[&third]).unwrap();
    let signature = pool.signature().unwrap();
    assert!(world.scheme.verify(&world.message, &signature));
}

#[test]
fn exactly_the_threshold_of_shares_signs() {
    // 16 shares: 9 of 16 sign when no half of the power has 9.
    let world = world(&[8, 1, 1, 1, 1, 1, 1, 1, 1]);
    let threshold = usize::from(world.key.threshold());
    let mut pool = world.pool();
    let mut members = world.members();
    members.sort_by_key(|member| world.extensions[member].len());
    for member in members.iter().rev() {
        pool.add(member, &world.extensions[member]).unwrap();
        if pool.shares() >= threshold {
            break;
        }
    }
    assert_eq!(pool.shares(), threshold);
    assert!(pool.signature().is_ok());
}

#[test]
fn any_two_subsets_give_the_same_signature() {
    let world = world(&[3, 2, 2, 2, 2]);
    let members = world.members();
    let mut signatures = BTreeSet::new();
    for left_out in &members {
        let mut pool = world.pool();
        for member in members.iter().filter(|member| *member != left_out) {
            pool.add(member, &world.extensions[member]).unwrap();
        }
        signatures.insert(pool.signature().unwrap().to_bytes());
    }
    assert_eq!(signatures.len(), 1);
}

/// At this size a key of one deal stands for one of a hundred: signing sees no difference.
#[test]
fn a_committee_of_a_hundred_signs_although_a_third_sends_bad_shares() {
    let committee = Committee::new(&Committee::powers(100, Spread::Equal));
    let attempt = Attempt {
        chain_id: "race-test-1".to_owned(),
        epoch: 7,
        race_attempt: 0,
        key_attempt: 0,
    };
    let session = Session::new(attempt, committee.members()).unwrap();
    assert_eq!((session.total(), session.threshold()), (256, 151));
    let dealer = committee.nodes().next().unwrap();
    let bytes = dealer.participant().deal(&session);
    let deal = Deal::check(&session, &dealer.address, &bytes).unwrap();
    let key = CommitteeKey::sum(&session, [&deal].into_iter()).unwrap();
    let scheme = Blst::new(key.public_keys().unwrap());
    let (message, other) = (seed_message(0), seed_message(1));
    let mut pool = Pool::new(&key, &scheme, message.clone());
    for (i, node) in committee.nodes().enumerate() {
        let shares = node
            .participant()
            .secret_shares(&session, [&deal].into_iter(), &key)
            .unwrap();
        let bad = i % 3 == 0 && i < 99;
        let mut bytes = extension::<Blst>(&shares, if bad { &other } else { &message });
        bytes[..32].copy_from_slice(message.digest());
        pool.add(&node.address, &bytes).unwrap();
    }
    let signature = pool.signature().unwrap();
    assert!(scheme.verify(&message, &signature));
    assert_eq!(pool.bad().len(), 33);
}

#[test]
fn a_repeated_extension_counts_once() {
    let world = world(&[1; 4]);
    let member = world.members()[0];
    let mut pool = world.pool();
    for _ in 0..3 {
        pool.add(&member, &world.extensions[&member]).unwrap();
    }
    assert_eq!(pool.shares(), 4);
}

#[test]
fn a_bad_share_is_found_and_a_good_one_in_its_place_counts() {
    let world = world(&[1; 4]);
    let members = world.members();
    let mut pool = world.pool();
    let mut swapped = world.extensions[&members[0]].clone();
    let (first, second) = (32..128, 128..224);
    let share = swapped[first.clone()].to_vec();
    swapped.copy_within(second.clone(), first.start);
    swapped[second].copy_from_slice(&share);
    pool.add(&members[0], &swapped).unwrap();
    for member in &members[1..3] {
        pool.add(member, &world.extensions[member]).unwrap();
    }
    assert_eq!(
        pool.signature(),
        Err(CombineError::TooFew { have: 8, need: 9 })
    );
    assert_eq!(*pool.bad(), BTreeSet::from([members[0]]));
    pool.add(&members[0], &world.extensions[&members[0]])
        .unwrap();
    assert!(pool.signature().is_ok());
    assert!(pool.bad().is_empty());
}

#[test]
fn a_malformed_extension_is_refused_by_name() {
    let world = world(&[1000, 1000, 1000, 1]);
    let members = world.members();
    let mut pool = world.pool();
    let good = &world.extensions[&members[0]];
    assert!(check_size(&world.key, &members[0], good).is_ok());
    for bytes in [&[][..], &good[1..], &good[..good.len() - 96]] {
        assert!(matches!(
            pool.add(&members[0], bytes),
            Err(ExtensionError::Length { got, .. }) if got == bytes.len()
        ));
    }
    assert_eq!(
        pool.add(&[0; 20], good),
        Err(ExtensionError::NoShares([0; 20]))
    );
    let with_none = |seat: &(&Address, _)| !members.contains(seat.0);
    let small = *world.key.seats().iter().find(with_none).unwrap().0;
    assert_eq!(pool.add(&small, good), Err(ExtensionError::NoShares(small)));
    let mut other = good.clone();
    other[0] ^= 1;
    assert_eq!(pool.add(&members[0], &other), Err(ExtensionError::Message));
    let mut identity = good.clone();
    identity[32..128].fill(0);
    identity[32] = 0xc0;
    assert!(matches!(
        pool.add(&members[0], &identity),
        Err(ExtensionError::Point(_))
    ));
    assert_eq!(pool.shares(), 0);
}

#[test]
fn the_largest_extension_fits_a_remote_signer() {
    assert_eq!(MAX_SHARES, 100);
    const { assert!(MAX_EXTENSION_BYTES < 10 * 1024) };
}

#[test]
fn every_message_has_a_domain_of_its_own() {
    let subjects = [
        Subject::Seed {
            transcript: [1; 32],
            signing_attempt: 0,
        },
        Subject::Seed {
            transcript: [1; 32],
            signing_attempt: 1,
        },
        Subject::Seed {
            transcript: [2; 32],
            signing_attempt: 0,
        },
        Subject::Challenge { root: [1; 32] },
        Subject::Challenge { root: [2; 32] },
        Subject::Round {
            purpose: Purpose::SessionRound,
            round: 0,
        },
        Subject::Round {
            purpose: Purpose::SessionRound,
            round: 1,
        },
        Subject::Round {
            purpose: Purpose::Duties,
            round: 0,
        },
        Subject::Round {
            purpose: Purpose::Challenge,
            round: 0,
        },
        Subject::Round {
            purpose: Purpose::RaceSeed,
            round: 0,
        },
    ];
    let mut digests = BTreeSet::new();
    for subject in &subjects {
        for (chain, epoch, attempt) in [("a", 0, 0), ("b", 0, 0), ("a", 1, 0), ("a", 0, 1)] {
            let message = message(chain, epoch, attempt, subject);
            assert!(digests.insert(*message.digest()));
        }
    }
}
