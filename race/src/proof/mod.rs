//! What a participant commits to and opens.
//!
//! Leaves in strictly increasing nonce order under a tree of RFC 6962's shape, whose inner nodes
//! hash the range of nonces under each child. `max(left) < min(right)` is demanded on every opened
//! path, so no nonce can be opened at two places and an inflated count has positions that
//! cannot be opened at all.
//!
//! | type | use |
//! |---|---|
//! | [`Tree`] | built by the prover; gives root, openings, multiproofs |
//! | [`Opening`] | one position with its own path |
//! | [`Multiproof`] | several positions, shared siblings once; the one that goes on chain |
//!
//! With no leaves the count is 0 and the root is [`empty_root`]; such a commitment has nothing to
//! open.

mod codec;
mod multiproof;
mod opening;
mod tree;

pub use codec::{MAX_OPENED, MAX_PROOF_BYTES};
pub use multiproof::{Multiproof, Opened};
pub use opening::Opening;
pub use tree::Tree;

use sha2::{Digest, Sha256};

use crate::race::z_bytes;
use crate::Bytes32;

/// One appropriate nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The nonce.
    pub nonce: u64,
    /// [`leaf_hash`] of it.
    pub hash: Bytes32,
}

/// A node of the tree: its hash and the range of nonces under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// A leaf's hash or an inner node's.
    pub hash: Bytes32,
    /// The smallest nonce under the node.
    pub min: u64,
    /// The largest nonce under the node.
    pub max: u64,
}

/// Why leaves make no tree, or a proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Leaves out of order, or one twice.
    #[error("nonces must strictly increase: {nonce} follows {previous}")]
    Order {
        /// The nonce before.
        previous: u64,
        /// The nonce that is not larger.
        nonce: u64,
    },
    /// Nothing was asked for.
    #[error("no positions to open; with a count of 0 there is nothing to prove")]
    NoPositions,
    /// The positions asked for do not strictly increase.
    #[error("positions must strictly increase: {position} follows {previous}")]
    PositionOrder {
        /// The position before.
        previous: u64,
        /// The position that is not larger.
        position: u64,
    },
    /// A position past the count.
    #[error("position {position} is out of range: the count is {count}")]
    OutOfRange {
        /// The position.
        position: u64,
        /// How many leaves there are.
        count: u64,
    },
    /// More or fewer leaves than positions.
    #[error("expected {expected} opened leaves, one per position, got {got}")]
    Leaves {
        /// Positions asked for.
        expected: usize,
        /// Leaves in the proof.
        got: usize,
    },
    /// More or fewer siblings than the positions need.
    #[error("expected {expected} siblings for these positions, got {got}")]
    Siblings {
        /// How many there must be.
        expected: usize,
        /// How many came.
        got: usize,
    },
    /// Two children whose ranges overlap or are swapped.
    #[error("ranges overlap: the left side ends at nonce {left_max}, the right side starts at {right_min}")]
    Overlap {
        /// The largest nonce on the left.
        left_max: u64,
        /// The smallest nonce on the right.
        right_min: u64,
    },
    /// A sibling whose range cannot hold its leaves' different nonces.
    #[error(
        "a sibling over {leaves} leaves claims the nonces {min}..={max}, which cannot hold them"
    )]
    Range {
        /// How many leaves lie under the sibling.
        leaves: u64,
        /// Its claimed smallest nonce.
        min: u64,
        /// Its claimed largest nonce.
        max: u64,
    },
    /// The proof leads to another root.
    #[error("the proof leads to root {got}, committed was {expected}")]
    Root {
        /// The committed root, hex.
        expected: String,
        /// The root of the proof, hex.
        got: String,
    },
    /// Bytes that are no proof.
    #[error("not a proof: {0}")]
    Encoding(&'static str),
}

/// `SHA-256(0x00 || nonce u64 LE || distance u32 LE || z as d_model i8)`.
pub fn leaf_hash(nonce: u64, distance: u32, z: &[i8]) -> Bytes32 {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(nonce.to_le_bytes());
    hash.update(distance.to_le_bytes());
    hash.update(z_bytes(z));
    hash.finalize().into()
}

/// The root of no leaves, RFC 6962's: SHA-256 of nothing.
pub fn empty_root() -> Bytes32 {
    Sha256::digest([]).into()
}

impl Leaf {
    /// The leaf as a node: its range is its nonce.
    pub fn node(&self) -> Node {
        Node {
            hash: self.hash,
            min: self.nonce,
            max: self.nonce,
        }
    }
}

impl Node {
    /// The parent of two nodes:
    /// `SHA-256(0x01 || L || R || minL || maxL || minR || maxR)`, each nonce as u64 LE.
    ///
    /// # Errors
    /// [`ProofError::Overlap`] unless `max(left) < min(right)`.
    pub fn join(left: &Node, right: &Node) -> Result<Node, ProofError> {
        if left.max >= right.min {
            return Err(ProofError::Overlap {
                left_max: left.max,
                right_min: right.min,
            });
        }
        let mut hash = Sha256::new();
        hash.update([1]);
        hash.update(left.hash);
        hash.update(right.hash);
        for nonce in [left.min, left.max, right.min, right.max] {
            hash.update(nonce.to_le_bytes());
        }
        Ok(Node {
            hash: hash.finalize().into(),
            min: left.min,
            max: right.max,
        })
    }

    /// Refuses a claimed range that cannot hold `leaves` different nonces.
    fn check_range(&self, leaves: u64) -> Result<(), ProofError> {
        let room = self.max.checked_sub(self.min);
        let held = match leaves {
            1 => room == Some(0),
            _ => room.is_some_and(|room| room >= leaves.saturating_sub(1)),
        };
        if held {
            return Ok(());
        }
        Err(ProofError::Range {
            leaves,
            min: self.min,
            max: self.max,
        })
    }
}

/// RFC 6962: the left side of `count >= 2` leaves takes the largest power of two below `count`.
fn split(count: u64) -> u64 {
    count
        .saturating_sub(1)
        .checked_ilog2()
        .map_or(0, |log| 1 << log)
}

fn check_root(expected: &Bytes32, got: &Bytes32) -> Result<(), ProofError> {
    if expected == got {
        return Ok(());
    }
    Err(ProofError::Root {
        expected: hex::encode(expected),
        got: hex::encode(got),
    })
}

#[cfg(test)]
mod tests;
