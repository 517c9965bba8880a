//! Who checks which opened leaf, and what a checker commits to.

use std::collections::BTreeMap;

use race_proto::race::race::v1::{Check, OpenedLeaf};
use race_randomness::draw;
use race_randomness::hash::{be, h};

use crate::address::ConsensusAddress;

/// Most checks in one reveal: 4 times the largest sample, and half of what fits a transaction of a
/// node. Who has more reveals in several messages.
pub const MAX_REVEALED: usize = 4096;

/// The checkers of one opened leaf: up to `n` by weight, never the participant itself.
pub fn checkers(
    challenge: &[u8; 32],
    participant: &ConsensusAddress,
    position: u64,
    powers: &BTreeMap<ConsensusAddress, u64>,
    n: usize,
) -> Vec<ConsensusAddress> {
    let mut eligible = powers.clone();
    eligible.remove(participant);
    let domain: [&[u8]; 2] = [participant, &be(position)];
    draw::weighted("race/race/checkers/v1", challenge, &domain, &eligible, n)
}

/// The positions of one participant that fall to each checker, in the order of the leaves.
pub fn assign(
    challenge: &[u8; 32],
    participant: &ConsensusAddress,
    leaves: &[OpenedLeaf],
    powers: &BTreeMap<ConsensusAddress, u64>,
    n: usize,
) -> BTreeMap<ConsensusAddress, Vec<u64>> {
    let mut assigned: BTreeMap<ConsensusAddress, Vec<u64>> = BTreeMap::new();
    for leaf in leaves {
        for checker in checkers(challenge, participant, leaf.position, powers, n) {
            assigned.entry(checker).or_default().push(leaf.position);
        }
    }
    assigned
}

/// The checks of each participant, of checks by participant.
pub fn by_participant(checks: &[Check]) -> impl Iterator<Item = &[Check]> {
    checks.chunk_by(|a, b| a.participant == b.participant)
}

/// The digest of one participant's checks:
/// `H("race/race/check-list/v1", participant, (position, digest, matches) of each check)`, `matches`
/// one byte, 0 or 1.
pub fn list_digest(checks: &[Check]) -> [u8; 32] {
    let numbers: Vec<([u8; 8], [u8; 1])> = checks
        .iter()
        .map(|check| (be(check.position), [u8::from(check.matches)]))
        .collect();
    let participant = checks.first().map_or(&[][..], |check| &check.participant);
    let mut parts: Vec<&[u8]> = vec![participant];
    for (check, (position, matches)) in checks.iter().zip(&numbers) {
        parts.extend([position.as_slice(), check.digest.as_slice(), matches]);
    }
    h("race/race/check-list/v1", &parts)
}

/// What a checker commits to: `H("race/race/checks/v1", chain, epoch, attempt, address, salt,
/// digests)`, with the [`list_digest`] of each participant that fell to it, by participant.
pub fn check_commitment(
    chain_id: &str,
    epoch: u64,
    attempt: u32,
    address: &ConsensusAddress,
    salt: &[u8; 32],
    digests: &[[u8; 32]],
) -> [u8; 32] {
    let (epoch, attempt) = (be(epoch), be(attempt.into()));
    let mut parts: Vec<&[u8]> = vec![chain_id.as_bytes(), &epoch, &attempt, address, salt];
    parts.extend(digests.iter().map(<[u8; 32]>::as_slice));
    h("race/race/checks/v1", &parts)
}

/// The digests behind a checker's commitment, of all its checks by participant.
pub fn digests(checks: &[Check]) -> Vec<[u8; 32]> {
    by_participant(checks).map(list_digest).collect()
}

/// One reveal after the other: as many whole participants as a message may hold.
pub fn reveals(checks: &[Check]) -> Vec<&[Check]> {
    let mut reveals = Vec::new();
    let (mut rest, mut taken) = (checks, 0_usize);
    for list in by_participant(checks) {
        let with = taken.saturating_add(list.len());
        if taken > 0 && with > MAX_REVEALED {
            let (head, tail) = rest.split_at(taken);
            reveals.push(head);
            (rest, taken) = (tail, list.len());
        } else {
            taken = with;
        }
    }
    if !rest.is_empty() {
        reveals.push(rest);
    }
    reveals
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn checks(sizes: &[usize]) -> Vec<Check> {
        let lists = sizes.iter().enumerate().map(|(participant, size)| {
            (0..*size as u64).map(move |position| Check {
                participant: vec![participant as u8; 20],
                position,
                digest: vec![1; 32],
                matches: true,
            })
        });
        lists.flatten().collect()
    }

    proptest! {
        #[test]
        fn reveals_hold_every_check_once_and_participants_whole(
            sizes in proptest::collection::vec(1..1024_usize, 0..60)
        ) {
            let checks = checks(&sizes);
            let reveals = reveals(&checks);
            prop_assert_eq!(reveals.concat(), checks.clone());
            let lists: usize = reveals.iter().map(|r| by_participant(r).count()).sum();
            prop_assert_eq!(lists, sizes.len());
            prop_assert!(reveals.iter().all(|r| !r.is_empty() && r.len() <= MAX_REVEALED));
        }
    }

    #[test]
    fn a_full_reveal_fits_a_transaction_of_a_node() {
        use prost::Message;
        let mut checks = checks(&[1024; 4]);
        for check in &mut checks {
            check.position = u64::MAX;
        }
        let message = race_proto::race::race::v1::MsgRevealChecks {
            sender: "race1".repeat(9),
            epoch: u64::MAX,
            attempt: u32::MAX,
            salt: vec![0; 32],
            digests: vec![vec![0; 32]; 1000],
            checks,
        };
        let limit = crate::tx::params::MAX_PROTOCOL_BYTES.network;
        assert!((message.encoded_len() as u64) < limit - 1024);
    }
}
