//! The prover's tree.

use super::multiproof::{check_positions, Cover, Step};
use super::{empty_root, Leaf, Multiproof, Node, Opening, ProofError};
use crate::Bytes32;

/// All leaves and inner nodes. Levels from the leaves up; the last node of an odd level moves up
/// unchanged, which gives RFC 6962's shape.
#[derive(Clone, Debug)]
pub struct Tree {
    leaves: Vec<Leaf>,
    /// `levels[h][i]` covers the leaves `i << h .. min((i + 1) << h, count)`.
    levels: Vec<Vec<Node>>,
}

impl Tree {
    /// The tree over `leaves`.
    ///
    /// # Errors
    /// [`ProofError::Order`] unless the nonces strictly increase.
    pub fn new(leaves: Vec<Leaf>) -> Result<Self, ProofError> {
        for pair in leaves.windows(2) {
            if let [previous, next] = pair {
                if previous.nonce >= next.nonce {
                    return Err(ProofError::Order {
                        previous: previous.nonce,
                        nonce: next.nonce,
                    });
                }
            }
        }
        let mut levels = vec![leaves.iter().map(Leaf::node).collect::<Vec<_>>()];
        while let Some(level) = levels.last().filter(|level| level.len() > 1) {
            let above = level
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => Node::join(left, right),
                    rest => Ok(rest[0]),
                })
                .collect::<Result<_, _>>()?;
            levels.push(above);
        }
        Ok(Tree { leaves, levels })
    }

    /// The root; [`empty_root`] without leaves.
    pub fn root(&self) -> Bytes32 {
        let top = self.levels.last().and_then(|level| level.first());
        top.map_or_else(empty_root, |node| node.hash)
    }

    /// How many leaves there are.
    pub fn count(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// The leaves in their order.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Opens one position.
    ///
    /// # Errors
    /// [`ProofError::OutOfRange`] past the last leaf.
    pub fn open(&self, position: u64) -> Result<Opening, ProofError> {
        check_positions(self.count(), &[position])?;
        let out_of_range = ProofError::OutOfRange {
            position,
            count: self.count(),
        };
        let index = usize::try_from(position).map_err(|_| out_of_range.clone())?;
        let leaf = *self.leaves.get(index).ok_or(out_of_range)?;
        // The sibling at each level, where there is one, leaf's first.
        let path = self
            .levels
            .iter()
            .enumerate()
            .filter_map(|(height, level)| level.get((index >> height) ^ 1).copied())
            .collect();
        Ok(Opening {
            position,
            leaf,
            path,
        })
    }

    /// Opens strictly increasing `positions` together.
    ///
    /// # Errors
    /// [`ProofError::NoPositions`], [`ProofError::PositionOrder`], [`ProofError::OutOfRange`].
    pub fn open_many(&self, positions: &[u64]) -> Result<Multiproof, ProofError> {
        check_positions(self.count(), positions)?;
        let mut proof = Multiproof {
            leaves: Vec::with_capacity(positions.len()),
            siblings: Vec::new(),
        };
        for step in Cover::of(self.count(), positions) {
            match step {
                Step::Open(position) => {
                    let leaf = usize::try_from(position)
                        .ok()
                        .and_then(|p| self.leaves.get(p));
                    proof.leaves.extend(leaf);
                }
                Step::Sibling { first, leaves } => {
                    proof.siblings.extend(self.node(first, leaves));
                }
                Step::Join => {}
            }
        }
        Ok(proof)
    }

    /// The node over `leaves` leaves from `first`, a range that RFC 6962's splitting produces.
    fn node(&self, first: u64, leaves: u64) -> Option<&Node> {
        // ceil(log2(leaves)): such a range starts at a multiple of that power of two.
        let height = leaves
            .saturating_sub(1)
            .checked_ilog2()
            .map_or(0, |log| log.saturating_add(1));
        let index = usize::try_from(first >> height).ok()?;
        self.levels.get(height as usize)?.get(index)
    }
}
