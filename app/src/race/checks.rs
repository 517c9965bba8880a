//! Who checks which opened leaf, and what a checker commits to.

use std::collections::BTreeMap;

use race_proto::race::race::v1::{Check, CheckList, Opening};
use race_randomness::draw;
use race_randomness::hash::{be, h};

use crate::address::ConsensusAddress;
use crate::node;

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

/// Every checker's assignment, by (participant, position): checks without results.
pub fn assign(
    challenge: &[u8; 32],
    openings: &[Opening],
    powers: &BTreeMap<ConsensusAddress, u64>,
    n: usize,
) -> BTreeMap<ConsensusAddress, CheckList> {
    let mut assigned: BTreeMap<ConsensusAddress, CheckList> = BTreeMap::new();
    // Openings come by address and their leaves by position, which is the order of the lists.
    for opening in openings {
        let participant = node::member(&opening.address);
        for leaf in &opening.leaves {
            for checker in checkers(challenge, &participant, leaf.position, powers, n) {
                assigned.entry(checker).or_default().checks.push(Check {
                    participant: participant.to_vec(),
                    position: leaf.position,
                    digest: Vec::new(),
                    matches: false,
                });
            }
        }
    }
    assigned
}

/// What a checker commits to: `H("race/race/checks/v1", chain, epoch, attempt, address, salt, d)`
/// with `d = H("race/race/check-list/v1", (participant, position, digest, matches) of each check)`
/// and `matches` one byte, 0 or 1.
pub fn check_commitment(
    chain_id: &str,
    epoch: u64,
    attempt: u32,
    address: &ConsensusAddress,
    salt: &[u8; 32],
    checks: &[Check],
) -> [u8; 32] {
    let numbers: Vec<([u8; 8], [u8; 1])> = checks
        .iter()
        .map(|check| (be(check.position), [u8::from(check.matches)]))
        .collect();
    let mut parts: Vec<&[u8]> = Vec::with_capacity(checks.len().saturating_mul(4));
    for (check, (position, matches)) in checks.iter().zip(&numbers) {
        parts.extend([
            check.participant.as_slice(),
            position,
            check.digest.as_slice(),
            matches,
        ]);
    }
    let list = h("race/race/check-list/v1", &parts);
    let (epoch, attempt) = (be(epoch), be(attempt.into()));
    let parts: [&[u8]; 6] = [chain_id.as_bytes(), &epoch, &attempt, address, salt, &list];
    h("race/race/checks/v1", &parts)
}
