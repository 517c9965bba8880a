use super::*;
use crate::dkg::{Attempt, Complaint, Member, Participant, Verdict};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn participant(i: u8) -> Participant {
    let share_key = SecretKey::from_key_material(&[i; 32]).unwrap();
    Participant::new([i; 20], &[i; 32], share_key)
}

fn members(powers: &[u64]) -> BTreeMap<Address, Member> {
    let member = |(i, power): (u8, &u64)| {
        let member = Member {
            share_key: participant(i).share_key(),
            power: *power,
        };
        ([i; 20], member)
    };
    (0..).zip(powers).map(member).collect()
}

fn attempt() -> Attempt {
    Attempt {
        chain_id: "race-test-1".to_owned(),
        epoch: 4,
        race_attempt: 1,
        key_attempt: 2,
    }
}

fn session() -> Session {
    Session::new(attempt(), members(&[5, 6, 7, 8])).unwrap()
}

/// Sessions that differ from [`session`] in one thing each.
fn neighbours() -> Vec<Session> {
    let of = |attempt, powers| Session::new(attempt, members(powers)).unwrap();
    let powers = &[5, 6, 7, 8];
    vec![
        of(
            Attempt {
                chain_id: "race-test-2".to_owned(),
                ..attempt()
            },
            powers,
        ),
        of(
            Attempt {
                epoch: 5,
                ..attempt()
            },
            powers,
        ),
        of(
            Attempt {
                race_attempt: 0,
                ..attempt()
            },
            powers,
        ),
        of(
            Attempt {
                key_attempt: 3,
                ..attempt()
            },
            powers,
        ),
        of(attempt(), &[5, 6, 7, 9]),
        of(attempt(), &[5, 6, 7]),
    ]
}

/// Where the parts of a deal begin.
fn offsets(session: &Session) -> [usize; 4] {
    let ephemeral = 52 + 48 * usize::from(session.threshold());
    let masked = ephemeral + 48 + 96;
    let possession = masked + 32 * usize::from(session.total());
    [ephemeral, masked, possession, possession + 96]
}

#[test]
fn a_session_binds_everything_that_a_deal_depends_on() {
    let mut digests: BTreeSet<Hash> = neighbours().iter().map(|s| *s.digest()).collect();
    digests.insert(*session().digest());
    assert_eq!(digests.len(), 7);
    let mut others = members(&[5, 6, 7, 8]);
    others.get_mut(&[1; 20]).unwrap().share_key = participant(9).share_key();
    let session_of_others = Session::new(attempt(), others).unwrap();
    assert!(digests.insert(*session_of_others.digest()));
}

#[test]
fn a_deal_is_the_same_after_a_crash_and_another_in_another_session() {
    let deal = participant(0).deal(&session());
    assert_eq!(deal.len(), Deal::length(&session()));
    assert_eq!(participant(0).deal(&session()), deal);
    let commitments = |deal: &[u8]| deal[52..100].to_vec();
    let mut seen = BTreeSet::from([commitments(&deal)]);
    for other in neighbours() {
        assert!(seen.insert(commitments(&participant(0).deal(&other))));
    }
    assert!(seen.insert(commitments(&participant(1).deal(&session()))));
}

#[test]
fn a_good_deal_verifies_and_opens_to_good_shares_for_everyone() {
    let session = session();
    let deal = Deal::check(&session, &[0; 20], &participant(0).deal(&session)).unwrap();
    for i in 0..4 {
        assert!(participant(i).is_good(&session, &deal));
    }
    let restored = Deal::restore(&session, &[0; 20], &participant(0).deal(&session));
    assert_eq!(restored, Ok(deal));
}

#[test]
fn no_byte_of_a_deal_can_be_changed() {
    let session = session();
    let deal = participant(0).deal(&session);
    let step = 13;
    for at in (0..deal.len()).step_by(step) {
        let mut changed = deal.clone();
        changed[at] ^= 1;
        assert!(
            Deal::check(&session, &[0; 20], &changed).is_err(),
            "byte {at}"
        );
    }
}

#[test]
fn a_deal_of_another_length_session_or_dealer_is_refused_by_name() {
    let session = session();
    let deal = participant(0).deal(&session);
    let check = |bytes: &[u8]| Deal::check(&session, &[0; 20], bytes);
    for length in [0, 1, deal.len() - 1, deal.len() + 1] {
        let mut bytes = deal.clone();
        bytes.resize(length, 0);
        assert!(matches!(check(&bytes), Err(DealError::Length(_))));
    }
    let mut stale = deal.clone();
    stale[0] ^= 1;
    assert_eq!(check(&stale), Err(DealError::Session));
    assert_eq!(
        Deal::check(&session, &[1; 20], &deal),
        Err(DealError::Dealer([0; 20]))
    );
    let stranger = Draft::new(&session, &[9; 20], &[9; 32]).finish();
    assert_eq!(
        Deal::check(&session, &[9; 20], &stranger),
        Err(DealError::NotAMember(NotAMember([9; 20])))
    );
}

#[test]
fn identity_points_and_points_outside_the_subgroup_are_refused_in_a_deal() {
    let session = session();
    let deal = participant(0).deal(&session);
    let ephemeral = offsets(&session)[0];
    for at in [52, 100, ephemeral] {
        let mut identity = deal.clone();
        identity[at..at + 48].fill(0);
        identity[at] = 0xc0;
        assert!(matches!(
            Deal::check(&session, &[0; 20], &identity),
            Err(DealError::Point(BlsError::Identity(_)))
        ));
        let outside = (1..=50u8).any(|x| {
            let mut outside = deal.clone();
            outside[at..at + 48].fill(0);
            outside[at] = 0x80;
            outside[at + 47] = x;
            matches!(
                Deal::check(&session, &[0; 20], &outside),
                Err(DealError::Point(BlsError::Subgroup(_)))
            )
        });
        assert!(outside);
    }
}

/// A dealer that takes another's ciphertext, and proves everything that it can.
#[test]
fn a_copied_ciphertext_is_refused() {
    let session = session();
    let [ephemeral, _, possession, _] = offsets(&session);
    let victim = participant(1).deal(&session);
    let mut copy = participant(0).deal(&session);
    copy[ephemeral..possession].copy_from_slice(&victim[ephemeral..possession]);
    assert_eq!(
        Deal::check(&session, &[0; 20], &copy),
        Err(DealError::Possession)
    );
    let body = body_digest(&copy[..possession]);
    let constant = derive(&[0; 32], &session, &[0; 20], "coefficient", &be(0));
    let proof = constant.sign(&body, DST_POSSESSION).to_bytes();
    copy[possession..possession + 96].copy_from_slice(&proof);
    assert_eq!(
        Deal::check(&session, &[0; 20], &copy),
        Err(DealError::Knowledge)
    );
}

#[test]
fn the_ephemeral_key_must_be_the_same_in_both_groups() {
    let session = session();
    let [ephemeral, masked, ..] = offsets(&session);
    let mut deal = participant(0).deal(&session);
    let other = participant(1).deal(&session);
    deal[ephemeral + 48..masked].copy_from_slice(&other[ephemeral + 48..masked]);
    assert_eq!(
        Deal::check(&session, &[0; 20], &deal),
        Err(DealError::Ephemeral)
    );
}

/// The constant terms of all others, negated, would make the key one's own; it cannot be proven.
#[test]
fn a_constant_term_that_the_dealer_does_not_know_is_refused() {
    let session = session();
    let [_, _, possession, _] = offsets(&session);
    let mut deal = participant(0).deal(&session);
    let other = participant(1).deal(&session);
    deal[52..100].copy_from_slice(&other[52..100]);
    // The sign of a compressed point is one bit.
    deal[52] ^= 0x20;
    let body = body_digest(&deal[..possession]);
    let own = derive(&[0; 32], &session, &[0; 20], "coefficient", &be(0));
    let proof = own.sign(&body, DST_POSSESSION).to_bytes();
    deal[possession..possession + 96].copy_from_slice(&proof);
    assert_eq!(
        Deal::check(&session, &[0; 20], &deal),
        Err(DealError::Possession)
    );
}

#[test]
fn a_justified_complaint_convicts_the_dealer_and_a_false_one_its_accuser() {
    let session = session();
    let victim = [2; 20];
    let bad: Vec<Index> = session.indices(&victim).take(1).collect();
    let bytes = participant(0).deal_badly(&session, &bad);
    let deal = Deal::check(&session, &[0; 20], &bytes).unwrap();
    assert!(!participant(2).is_good(&session, &deal));
    assert!(participant(3).is_good(&session, &deal));
    let judge = |accuser: u8| {
        let bytes = participant(accuser).complain(&session, &deal);
        assert_eq!(bytes.len(), Complaint::LENGTH);
        let complaint = Complaint::decode(&session, &[accuser; 20], &bytes).unwrap();
        complaint.judge(&session, &deal).unwrap()
    };
    assert_eq!(judge(2), Verdict::DealerFalse);
    assert_eq!(judge(3), Verdict::AccuserFalse);
    assert_eq!(judge(0), Verdict::AccuserFalse, "its own shares are good");
}

#[test]
fn a_complaint_that_opens_something_else_convicts_its_accuser() {
    let session = session();
    let bytes = participant(0).deal(&session);
    let deal = Deal::check(&session, &[0; 20], &bytes).unwrap();
    let mut complaint = participant(2).complain(&session, &deal);
    let point = participant(3).share_key().to_bytes();
    complaint[72..].copy_from_slice(&point);
    let complaint = Complaint::decode(&session, &[2; 20], &complaint).unwrap();
    assert_eq!(complaint.judge(&session, &deal), Ok(Verdict::AccuserFalse));
}

#[test]
fn a_malformed_complaint_is_refused_by_name() {
    use crate::dkg::ComplaintError as E;
    let session = session();
    let deal = Deal::check(&session, &[0; 20], &participant(0).deal(&session)).unwrap();
    let good = participant(2).complain(&session, &deal);
    let decode = |bytes: &[u8]| Complaint::decode(&session, &[2; 20], bytes);
    assert!(decode(&good).is_ok());
    assert!(matches!(decode(&good[1..]), Err(E::Length(_))));
    let changed = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    assert_eq!(decode(&changed(0)), Err(E::Session));
    assert!(matches!(decode(&changed(32)), Err(E::Accuser(_))));
    assert!(matches!(decode(&changed(52)), Err(E::NotAMember(_))));
    let mut identity = good.clone();
    identity[72..].fill(0);
    identity[72] = 0xc0;
    assert!(matches!(
        decode(&identity),
        Err(E::Point(BlsError::Identity(_)))
    ));
}

#[test]
fn a_member_whose_power_is_too_small_for_a_share_has_nothing_to_complain_about() {
    let session = Session::new(attempt(), members(&[1000, 1000, 1000, 1])).unwrap();
    assert_eq!(session.indices(&[3; 20]).count(), 0);
    let deal = Deal::check(&session, &[0; 20], &participant(0).deal(&session)).unwrap();
    assert!(participant(3).is_good(&session, &deal));
    let complaint = participant(3).complain(&session, &deal);
    assert_eq!(
        Complaint::decode(&session, &[3; 20], &complaint),
        Err(crate::dkg::ComplaintError::NoShares([3; 20]))
    );
}

/// A change of these bytes changes the protocol: nodes of different versions no longer understand each
/// other, and a node that is upgraded between its deal and its confirmation deals a second polynomial.
#[test]
fn the_bytes_of_a_deal_do_not_change_between_versions() {
    let session = session();
    let bytes = participant(0).deal(&session);
    let deal = Deal::check(&session, &[0; 20], &bytes).unwrap();
    let complaint = participant(2).complain(&session, &deal);
    let frozen = [
        *session.digest(),
        *deal.digest(),
        h("race/test/frozen/v1", &[&complaint]),
    ];
    assert_eq!(frozen.map(::hex::encode), FROZEN);
}

const FROZEN: [&str; 3] = [
    "6f1f86f08077ee62b5619d9fa8e5b06e8e120c80ed9d1e66b72ffcb8655d6aee",
    "6b63cf823b8c7816f646dfea1c12546fefdb2814e8fb35d04110d4e496e98e0d",
    "7b146adc0c87d6baa78ed30d465a8752b9ef1f31bf987d3cbc5d794102fee320",
];

#[test]
fn a_committee_key_survives_its_bytes_and_only_those() {
    use crate::dkg::{CommitteeKey, KeyError};
    let session = session();
    let deal = Deal::check(&session, &[0; 20], &participant(0).deal(&session)).unwrap();
    let key = CommitteeKey::sum(&session, [&deal].into_iter()).unwrap();
    let bytes = key.encode();
    assert_eq!(bytes.len(), 36 + 22 * 4 + 48 * usize::from(key.threshold()));
    assert_eq!(CommitteeKey::decode(&bytes), Ok(key));
    for length in [0, 35, bytes.len() - 1, bytes.len() + 1] {
        let mut cut = bytes.clone();
        cut.resize(length, 0);
        assert!(matches!(
            CommitteeKey::decode(&cut),
            Err(KeyError::Length(_))
        ));
    }
    // Members in another order, twice, or with fewer shares than the threshold.
    let (first, second) = (36..58, 58..80);
    let mut swapped = bytes.clone();
    swapped.copy_within(second, first.start);
    swapped[58..80].copy_from_slice(&bytes[first]);
    let mut twice = bytes.clone();
    twice.copy_within(36..58, 58);
    let mut poor = bytes.clone();
    for member in 0..4 {
        poor[36 + 22 * member + 20..36 + 22 * (member + 1)].fill(0);
    }
    for wrong in [swapped, twice, poor] {
        assert_eq!(CommitteeKey::decode(&wrong), Err(KeyError::Members));
    }
    assert_eq!(
        CommitteeKey::sum(&session, [].into_iter()),
        None,
        "no deals make no key"
    );
}

proptest! {
    #[test]
    fn bytes_from_anywhere_are_refused_without_harm(
        bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..1200, value in any::<u8>(),
    ) {
        let session = session();
        prop_assert!(Deal::check(&session, &[0; 20], &bytes).is_err());
        prop_assert!(Complaint::decode(&session, &[0; 20], &bytes).is_err());
        prop_assert!(crate::dkg::Confirmation::decode(&session, &[0; 20], &bytes).is_err());
        prop_assert!(crate::dkg::CommitteeKey::decode(&bytes).is_err());
        // A deal with the right head and something else in the middle.
        let mut deal = vec![0; Deal::length(&session)];
        deal[..32].copy_from_slice(session.digest());
        let end = deal.len().min(at + bytes.len());
        let at = at.min(end);
        deal[52.max(at)..end.max(52)].fill(value);
        prop_assert!(Deal::restore(&session, &[0; 20], &deal).is_err());
    }
}

#[test]
fn secrets_are_not_printed() {
    assert_eq!(
        format!("{:?}", participant(1)),
        format!("Participant({})", "01".repeat(20))
    );
}
