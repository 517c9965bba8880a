//! Several positions at once, each shared sibling once.
//!
//! Count and positions decide which siblings are needed and in which order, so a proof holds no
//! positions and no structure: only leaves and siblings, from left to right.

use super::{check_root, split, Leaf, Node, ProofError};
use crate::Bytes32;

/// The opened leaves and the siblings that lead them to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multiproof {
    /// The opened leaves, by position.
    pub leaves: Vec<Leaf>,
    /// The largest subtrees without an opened position, from left to right.
    pub siblings: Vec<Node>,
}

/// One position that a proof opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The position, counted from 0 in nonce order.
    pub position: u64,
    /// The nonce committed there.
    pub nonce: u64,
    /// The leaf hash committed there.
    pub leaf: Bytes32,
}

impl Multiproof {
    /// Checks the proof against a commitment and the strictly increasing `positions` that were
    /// asked for; returns what it opens, in their order.
    ///
    /// # Errors
    /// [`ProofError`] saying what does not hold. A commitment of count 0 has no positions, so
    /// there is no proof of it.
    pub fn verify(
        &self,
        root: &Bytes32,
        count: u64,
        positions: &[u64],
    ) -> Result<Vec<Opened>, ProofError> {
        check_positions(count, positions)?;
        if self.leaves.len() != positions.len() {
            return Err(ProofError::Leaves {
                expected: positions.len(),
                got: self.leaves.len(),
            });
        }
        let steps = Cover::of(count, positions);
        let needed = sibling_steps(&steps);
        let wrong_siblings = ProofError::Siblings {
            expected: needed,
            got: self.siblings.len(),
        };
        if self.siblings.len() != needed {
            return Err(wrong_siblings);
        }
        let mut leaves = self.leaves.iter();
        let mut siblings = self.siblings.iter();
        let mut stack: Vec<Node> = Vec::new();
        for step in steps {
            let node = match step {
                Step::Open(_) => leaves.next().map(Leaf::node),
                Step::Sibling { leaves, .. } => match siblings.next() {
                    Some(sibling) => {
                        sibling.check_range(leaves)?;
                        Some(*sibling)
                    }
                    None => None,
                },
                Step::Join => match (stack.pop(), stack.pop()) {
                    (Some(right), Some(left)) => Some(Node::join(&left, &right)?),
                    _ => None,
                },
            };
            // The counts were checked, so there always is a node.
            stack.push(node.ok_or_else(|| wrong_siblings.clone())?);
        }
        let top = stack.pop().ok_or(wrong_siblings)?;
        check_root(root, &top.hash)?;
        Ok(positions
            .iter()
            .zip(&self.leaves)
            .map(|(&position, leaf)| Opened {
                position,
                nonce: leaf.nonce,
                leaf: leaf.hash,
            })
            .collect())
    }

    /// How many siblings a proof of strictly increasing `positions` under `count` leaves holds.
    ///
    /// # Errors
    /// As [`Multiproof::verify`] for count and positions.
    pub fn siblings_needed(count: u64, positions: &[u64]) -> Result<usize, ProofError> {
        check_positions(count, positions)?;
        Ok(sibling_steps(&Cover::of(count, positions)))
    }
}

fn sibling_steps(steps: &[Step]) -> usize {
    steps
        .iter()
        .filter(|step| matches!(step, Step::Sibling { .. }))
        .count()
}

/// One step of walking the tree from left to right, children before their parent.
pub(super) enum Step {
    /// An opened leaf.
    Open(u64),
    /// A subtree without an opened position.
    Sibling {
        /// Its first leaf.
        first: u64,
        /// How many leaves it covers.
        leaves: u64,
    },
    /// The parent of the last two nodes.
    Join,
}

/// The walk that opens a set of positions.
pub(super) struct Cover;

impl Cover {
    /// The steps for strictly increasing `positions`, all below `count`; at most
    /// `2 * 64 * positions` of them.
    pub(super) fn of(count: u64, positions: &[u64]) -> Vec<Step> {
        let mut steps = Vec::new();
        walk(0, count, positions, &mut steps);
        steps
    }
}

/// The recursion is at most 64 deep: each level halves the leaves.
fn walk(first: u64, leaves: u64, positions: &[u64], steps: &mut Vec<Step>) {
    match (positions, leaves) {
        ([], _) => steps.push(Step::Sibling { first, leaves }),
        ([position, ..], 0 | 1) => steps.push(Step::Open(*position)),
        _ => {
            let left = split(leaves);
            let middle = first.saturating_add(left);
            let (before, after) =
                positions.split_at(positions.partition_point(|&position| position < middle));
            walk(first, left, before, steps);
            walk(middle, leaves.saturating_sub(left), after, steps);
            steps.push(Step::Join);
        }
    }
}

pub(super) fn check_positions(count: u64, positions: &[u64]) -> Result<(), ProofError> {
    for pair in positions.windows(2) {
        if let [previous, position] = *pair {
            if previous >= position {
                return Err(ProofError::PositionOrder { previous, position });
            }
        }
    }
    match positions.last() {
        None => Err(ProofError::NoPositions),
        Some(&position) if position >= count => Err(ProofError::OutOfRange { position, count }),
        Some(_) => Ok(()),
    }
}
