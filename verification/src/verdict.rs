//! Verdicts on the chain: salted commitments for re-verification, the root over a validator's verdicts
//! of an epoch, and the digest of the evidence behind one.

use crate::compare::{Comparison, Fault, Verdict};
use crate::merkle;
use race_randomness::hash::{be, h, Address, Hash};
use std::collections::BTreeMap;

/// The outcome of a check, as it is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The result is the model's.
    Pass,
    /// It is not.
    False,
    /// Neither could be established. Never counts as a pass and confirms nothing.
    CannotCheck,
}

impl Outcome {
    /// The stable code in hashes and messages.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass => 1,
            Self::False => 2,
            Self::CannotCheck => 3,
        }
    }

    /// The outcome of this code, if there is one.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Pass),
            2 => Some(Self::False),
            3 => Some(Self::CannotCheck),
            _ => None,
        }
    }
}

impl Verdict {
    /// The outcome to post.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Pass => Outcome::Pass,
            Self::False(_) => Outcome::False,
            Self::CannotCheck(_) => Outcome::CannotCheck,
        }
    }
}

/// Commitment to a verdict in re-verification: `H(dst, chain, task, stage, validator, outcome, evidence,
/// salt)`. The salt (32 random bytes) keeps three possible outcomes from being tried out; the validator's
/// address keeps the commitment from being copied. `stage` counts the escalation: 0 for the first three
/// validators, 1 for nine, 2 for all hosts.
#[must_use]
pub fn commitment(
    chain_id: &str,
    task: &Hash,
    stage: u8,
    validator: &Address,
    outcome: Outcome,
    evidence: &Hash,
    salt: &Hash,
) -> Hash {
    h(
        "race/verification/verdict-commit/v1",
        &[
            chain_id.as_bytes(),
            task,
            &[stage],
            validator,
            &[outcome.code()],
            evidence,
            salt,
        ],
    )
}

/// A validator's verdicts of one epoch, by task id.
pub type Verdicts = BTreeMap<Hash, (Outcome, Hash)>;

/// The leaf of one verdict: the RFC 6962 leaf hash of `task || outcome || evidence digest`.
#[must_use]
pub fn leaf(task: &Hash, outcome: Outcome, evidence: &Hash) -> Hash {
    let mut bytes = task.to_vec();
    bytes.push(outcome.code());
    bytes.extend(evidence);
    merkle::leaf_hash(&bytes)
}

/// The leaves of a validator's verdicts, in order of task ids; for [`merkle::prove`].
#[must_use]
pub fn leaves(verdicts: &Verdicts) -> Vec<Hash> {
    verdicts
        .iter()
        .map(|(task, (outcome, evidence))| leaf(task, *outcome, evidence))
        .collect()
}

/// The digest of the evidence behind a verdict: the task, the checker, everything that was measured
/// (if anything was), and the judgement with its numbers.
#[must_use]
pub fn evidence_digest(
    chain_id: &str,
    task: &Hash,
    validator: &Address,
    measured: Option<&Comparison>,
    verdict: &Verdict,
) -> Hash {
    let measured = measured.map_or_else(Vec::new, comparison_bytes);
    h(
        "race/verification/evidence/v1",
        &[
            chain_id.as_bytes(),
            task,
            validator,
            &measured,
            &verdict_bytes(verdict),
        ],
    )
}

fn comparison_bytes(comparison: &Comparison) -> Vec<u8> {
    let fields = [
        comparison.positions,
        comparison.distance_sum,
        comparison.distances,
        comparison.margin_sum,
        comparison.margin_violations,
        comparison.mismatches,
        // 2^64 - 1 stands for none: no answer is that long.
        comparison.first_mismatch.unwrap_or(u64::MAX),
        comparison.max_margin,
    ];
    fields.iter().flat_map(|field| be(*field)).collect()
}

fn verdict_bytes(verdict: &Verdict) -> Vec<u8> {
    let mut bytes = vec![verdict.outcome().code()];
    match verdict {
        Verdict::Pass => {}
        Verdict::CannotCheck(reason) => bytes.push(reason.code()),
        Verdict::False(fault) => {
            let (code, first, second) = match *fault {
                Fault::Mismatch { position } => (1, position, 0),
                Fault::Distance { mean, allowed } => (2, mean, allowed),
                Fault::Margin { mean, allowed } => (3, mean, allowed),
                Fault::Violations {
                    positions,
                    allowed_millis,
                } => (4, positions, allowed_millis),
                Fault::Outlier { margin, allowed } => (6, margin, allowed),
                Fault::Untrue(statement) => (5, statement.code().into(), 0),
            };
            bytes.push(code);
            bytes.extend(be(first));
            bytes.extend(be(second.into()));
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{CannotCheck, Statement};
    use std::collections::BTreeSet;

    #[test]
    fn a_commitment_binds_every_field() {
        let (a, t, e, s) = ([1; 20], [2; 32], [3; 32], [4; 32]);
        let all: BTreeSet<Hash> = [
            commitment("c", &t, 0, &a, Outcome::Pass, &e, &s),
            commitment("d", &t, 0, &a, Outcome::Pass, &e, &s),
            commitment("c", &[0; 32], 0, &a, Outcome::Pass, &e, &s),
            commitment("c", &t, 1, &a, Outcome::Pass, &e, &s),
            commitment("c", &t, 0, &[0; 20], Outcome::Pass, &e, &s),
            commitment("c", &t, 0, &a, Outcome::False, &e, &s),
            commitment("c", &t, 0, &a, Outcome::CannotCheck, &e, &s),
            commitment("c", &t, 0, &a, Outcome::Pass, &[0; 32], &s),
            commitment("c", &t, 0, &a, Outcome::Pass, &e, &[0; 32]),
        ]
        .into();
        assert_eq!(all.len(), 9);
    }

    #[test]
    fn a_verdict_under_the_root_is_proved_and_another_outcome_is_not() {
        let verdicts: Verdicts = (0..5)
            .map(|i| ([i; 32], (Outcome::Pass, [i + 10; 32])))
            .collect();
        let leaves = leaves(&verdicts);
        let root = merkle::root(&leaves);
        let path = merkle::prove(&leaves, 3).unwrap();
        assert!(merkle::verify(
            &root,
            &leaf(&[3; 32], Outcome::Pass, &[13; 32]),
            3,
            5,
            &path
        ));
        assert!(!merkle::verify(
            &root,
            &leaf(&[3; 32], Outcome::False, &[13; 32]),
            3,
            5,
            &path
        ));
    }

    #[test]
    fn evidence_tells_judgements_and_measurements_apart() {
        let measured = Comparison {
            positions: 9,
            distances: 90,
            ..Comparison::default()
        };
        let more = Comparison {
            margin_sum: 1,
            ..measured
        };
        let verdicts = [
            Verdict::Pass,
            Verdict::False(Fault::Mismatch { position: 5 }),
            Verdict::False(Fault::Distance {
                mean: 5,
                allowed: 0,
            }),
            Verdict::False(Fault::Margin {
                mean: 5,
                allowed: 0,
            }),
            Verdict::False(Fault::Violations {
                positions: 5,
                allowed_millis: 0,
            }),
            Verdict::False(Fault::Outlier {
                margin: 5,
                allowed: 0,
            }),
            Verdict::False(Fault::Untrue(Statement::Length)),
            Verdict::False(Fault::Untrue(Statement::Text)),
            Verdict::CannotCheck(CannotCheck::MissingArtifact),
            Verdict::CannotCheck(CannotCheck::TooShort),
        ];
        let mut all = BTreeSet::new();
        for verdict in &verdicts {
            for measured in [None, Some(&measured), Some(&more)] {
                assert!(all.insert(evidence_digest("c", &[1; 32], &[2; 20], measured, verdict)));
            }
        }
        assert!(all.insert(evidence_digest(
            "c",
            &[1; 32],
            &[3; 20],
            None,
            &Verdict::Pass
        )));
    }

    #[test]
    fn outcomes_are_found_by_their_codes() {
        let found: Vec<_> = (0..=255).filter_map(Outcome::from_code).collect();
        assert_eq!(found, [Outcome::Pass, Outcome::False, Outcome::CannotCheck]);
        assert!(found
            .iter()
            .all(|outcome| Outcome::from_code(outcome.code()) == Some(*outcome)));
    }
}
