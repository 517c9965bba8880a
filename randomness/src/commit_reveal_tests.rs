use super::*;
use std::collections::BTreeSet;

const ROUND: RoundId<'static> = RoundId {
    chain_id: "race-test-1",
    purpose: Purpose::RaceSeed,
    epoch: 4,
    attempt: 1,
    round: 0,
};

/// The round and five that differ from it in one field each.
fn neighbours() -> Vec<RoundId<'static>> {
    vec![
        ROUND,
        RoundId {
            chain_id: "race-test-2",
            ..ROUND
        },
        RoundId {
            purpose: Purpose::Challenge,
            ..ROUND
        },
        RoundId { epoch: 5, ..ROUND },
        RoundId {
            attempt: 0,
            ..ROUND
        },
        RoundId { round: 1, ..ROUND },
    ]
}

fn members(revealing: &[bool]) -> BTreeMap<Address, Member> {
    revealing
        .iter()
        .enumerate()
        .map(|(i, reveals)| {
            let address = [i as u8; 20];
            let r = *secret(&[i as u8; 32], &ROUND, Which::Reveal).expose();
            let member = Member {
                weight: 10 + i as u64,
                commitment: Some(commitment(&ROUND, &address, Which::Reveal, &r)),
                reveal: reveals.then_some(r),
            };
            (address, member)
        })
        .collect()
}

#[test]
fn no_secret_serves_two_rounds_or_two_uses() {
    let mut seen = BTreeSet::new();
    for round in neighbours() {
        for which in [Which::Reveal, Which::Fallback] {
            assert!(seen.insert(*secret(&[1; 32], &round, which).expose()));
        }
    }
    assert!(seen.insert(*secret(&[2; 32], &ROUND, Which::Reveal).expose()));
    assert_eq!(
        secret(&[1; 32], &ROUND, Which::Reveal).expose(),
        secret(&[1; 32], &ROUND, Which::Reveal).expose()
    );
}

#[test]
fn a_commitment_binds_the_round_the_member_and_the_use() {
    let r = [3; 32];
    let mut seen = BTreeSet::new();
    for round in neighbours() {
        assert!(seen.insert(commitment(&round, &[1; 20], Which::Reveal, &r)));
    }
    assert!(seen.insert(commitment(&ROUND, &[2; 20], Which::Reveal, &r)));
    assert!(seen.insert(commitment(&ROUND, &[1; 20], Which::Fallback, &r)));
    assert!(seen.insert(commitment(&ROUND, &[1; 20], Which::Reveal, &[4; 32])));
}

#[test]
fn a_transcript_binds_everything_it_lists() {
    let base = members(&[true, true, false]);
    let mut seen = BTreeSet::new();
    let mut insert = |round: &RoundId<'_>, key: &[u8], members: &BTreeMap<Address, Member>| {
        assert!(seen.insert(Transcript::close(round, key, members).unwrap().digest()));
    };
    insert(&ROUND, b"", &base);
    insert(&ROUND, b"key", &base);
    insert(&ROUND, b"", &members(&[true, false, false]));
    insert(&ROUND, b"", &members(&[true, true]));
    let mut heavier = base.clone();
    heavier.get_mut(&[2; 20]).unwrap().weight += 1;
    insert(&ROUND, b"", &heavier);
    let mut silent = base.clone();
    silent.get_mut(&[2; 20]).unwrap().commitment = None;
    insert(&ROUND, b"", &silent);
    let absent = members(&[false, false, false]);
    for round in neighbours() {
        insert(&round, b"", &absent);
    }
}

#[test]
fn the_seed_depends_on_who_revealed() {
    let all = Transcript::close(&ROUND, b"", &members(&[true, true, true])).unwrap();
    let one_less = Transcript::close(&ROUND, b"", &members(&[true, true, false])).unwrap();
    assert_ne!(all.seed(), one_less.seed());
    assert_eq!(one_less.revealed().count(), 2);
    assert_eq!(
        (one_less.revealed_weight(), one_less.total_weight()),
        (21, 33)
    );
    assert_eq!(
        all.seed(),
        Transcript::close(&ROUND, b"", &members(&[true, true, true]))
            .unwrap()
            .seed()
    );
}

#[test]
fn a_round_of_nobody_closes() {
    let transcript = Transcript::close(&ROUND, b"", &BTreeMap::new()).unwrap();
    assert_eq!(
        (transcript.revealed_weight(), transcript.total_weight()),
        (0, 0)
    );
}

#[test]
fn a_false_reveal_is_refused() {
    let mut members = members(&[true, true]);
    members.get_mut(&[1; 20]).unwrap().reveal = Some([9; 32]);
    assert_eq!(
        Transcript::close(&ROUND, b"", &members),
        Err(TranscriptError::Mismatch([1; 20]))
    );
    members.get_mut(&[1; 20]).unwrap().commitment = None;
    assert_eq!(
        Transcript::close(&ROUND, b"", &members),
        Err(TranscriptError::NoCommitment([1; 20]))
    );
}

#[test]
fn a_copied_commitment_cannot_be_opened_by_the_copier() {
    let mut members = members(&[true, true]);
    let original = members[&[0; 20]].clone();
    members.insert([1; 20], original);
    assert_eq!(
        Transcript::close(&ROUND, b"", &members),
        Err(TranscriptError::Mismatch([1; 20]))
    );
}

#[test]
fn a_secret_is_not_printed() {
    let secret = secret(&[1; 32], &ROUND, Which::Reveal);
    assert_eq!(format!("{secret:?}"), "Secret(hidden)");
}

#[test]
fn names_of_purposes_are_distinct() {
    let names: BTreeSet<_> = Purpose::ALL.iter().map(|p| p.name()).collect();
    assert_eq!(names.len(), Purpose::ALL.len());
}

/// c' of every member, by the same secrets as `members`.
fn fallbacks(n: u8) -> BTreeMap<Address, Hash> {
    let of = |i: u8| {
        let r = fallback_secret(i);
        ([i; 20], commitment(&ROUND, &[i; 20], Which::Fallback, &r))
    };
    (0..n).map(of).collect()
}

fn fallback_secret(i: u8) -> Hash {
    *secret(&[i; 32], &ROUND, Which::Fallback).expose()
}

#[test]
fn a_transcript_binds_the_second_commitments() {
    let base = members(&[true, true]);
    let close = |fallbacks: &BTreeMap<Address, Hash>| {
        Transcript::close_with_fallback(&ROUND, b"key", &base, fallbacks).unwrap()
    };
    let digests: BTreeSet<Hash> = [
        close(&fallbacks(2)).digest(),
        close(&fallbacks(1)).digest(),
        close(&BTreeMap::new()).digest(),
        Transcript::close(&ROUND, b"key", &base).unwrap().digest(),
    ]
    .into();
    assert_eq!(digests.len(), 4);
    // Of someone who is no member: not bound, and of no use.
    let strangers = close(&fallbacks(3));
    assert_eq!(strangers.digest(), close(&fallbacks(2)).digest());
    let reveal = BTreeMap::from([([2; 20], fallback_secret(2))]);
    assert_eq!(
        strangers.fallback_seed(&ROUND, &reveal),
        Err(TranscriptError::NoCommitment([2; 20]))
    );
}

#[test]
fn the_fallback_seed_depends_on_who_revealed_and_on_matching_reveals() {
    let base = members(&[true, true, true]);
    let transcript = Transcript::close_with_fallback(&ROUND, b"key", &base, &fallbacks(3)).unwrap();
    let reveals = |who: &[u8]| -> BTreeMap<Address, Hash> {
        who.iter()
            .map(|i| ([*i; 20], fallback_secret(*i)))
            .collect()
    };
    let seeds: BTreeSet<Hash> = [&[0, 1, 2][..], &[0, 1], &[1, 2], &[]]
        .map(|who| transcript.fallback_seed(&ROUND, &reveals(who)).unwrap())
        .into();
    assert_eq!(seeds.len(), 4);
    assert!(!seeds.contains(&transcript.seed()));
    let mut swapped = reveals(&[0]);
    swapped.insert([1; 20], fallback_secret(0));
    assert_eq!(
        transcript.fallback_seed(&ROUND, &swapped),
        Err(TranscriptError::Mismatch([1; 20]))
    );
    let first = *secret(&[0; 32], &ROUND, Which::Reveal).expose();
    assert_eq!(
        transcript.fallback_seed(&ROUND, &BTreeMap::from([([0; 20], first)])),
        Err(TranscriptError::Mismatch([0; 20])),
        "the first secret does not serve as the second"
    );
}

#[test]
fn the_signed_seed_binds_the_signature_and_the_transcript() {
    use crate::bls::{SecretKey, DST_SIGNATURE};
    let sign = |i: u8| {
        let key = SecretKey::from_key_material(&[i; 32]).unwrap();
        key.sign(b"m", DST_SIGNATURE)
    };
    let close = |reveal| {
        let members = members(&[true, reveal]);
        Transcript::close_with_fallback(&ROUND, b"key", &members, &fallbacks(2)).unwrap()
    };
    let seeds: BTreeSet<Hash> = [
        signed_seed(&sign(1), &close(true).digest()),
        signed_seed(&sign(2), &close(true).digest()),
        signed_seed(&sign(1), &close(false).digest()),
    ]
    .into();
    assert_eq!(seeds.len(), 3);
}
