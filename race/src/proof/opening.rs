//! One position with its path.

use super::{check_root, split, Leaf, Node, ProofError};
use crate::Bytes32;

/// One opened position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Which leaf, counted from 0 in nonce order.
    pub position: u64,
    /// The leaf.
    pub leaf: Leaf,
    /// The siblings from the leaf up to the root (RFC 6962's audit path).
    pub path: Vec<Node>,
}

impl Opening {
    /// Checks the opening against a commitment.
    ///
    /// # Errors
    /// [`ProofError`] saying what does not hold.
    pub fn verify(&self, root: &Bytes32, count: u64) -> Result<(), ProofError> {
        let (mut first, mut leaves) = (0u64, count);
        if self.position >= count {
            return Err(ProofError::OutOfRange {
                position: self.position,
                count,
            });
        }
        // Downwards: on which side the position lies, and how many leaves its sibling covers.
        let mut sides = Vec::new();
        while leaves > 1 {
            let left = split(leaves);
            let right = leaves.saturating_sub(left);
            let middle = first.saturating_add(left);
            if self.position < middle {
                sides.push((true, right));
                leaves = left;
            } else {
                sides.push((false, left));
                (first, leaves) = (middle, right);
            }
        }
        if sides.len() != self.path.len() {
            return Err(ProofError::Siblings {
                expected: sides.len(),
                got: self.path.len(),
            });
        }
        let mut node = self.leaf.node();
        for ((on_left, covered), sibling) in sides.into_iter().rev().zip(&self.path) {
            sibling.check_range(covered)?;
            node = if on_left {
                Node::join(&node, sibling)?
            } else {
                Node::join(sibling, &node)?
            };
        }
        check_root(root, &node.hash)
    }
}
