//! The bytes of a multiproof.
//!
//! `version (1) || leaves u32 LE || siblings u32 LE || leaves || siblings`; a leaf is
//! `nonce u64 LE || hash`, a sibling `hash || min u64 LE || max u64 LE`. One encoding per proof: the
//! lengths must match exactly.

use super::{Leaf, Multiproof, Node, ProofError};
use crate::Bytes32;

/// No proof opens more positions.
pub const MAX_OPENED: usize = 1024;
/// No proof is longer: 512 KiB. 64 of 29,000 leaves take about 30 KB, 1,024 of them 310 KB.
pub const MAX_PROOF_BYTES: usize = 512 * 1024;

const VERSION: u8 = 1;
const HEADER: usize = 9;
const LEAF: usize = 40;
const SIBLING: usize = 48;

impl Multiproof {
    /// The proof as bytes.
    ///
    /// # Errors
    /// [`ProofError::Encoding`] above [`MAX_OPENED`] leaves or [`MAX_PROOF_BYTES`].
    pub fn encode(&self) -> Result<Vec<u8>, ProofError> {
        let length = encoded_len(self.leaves.len(), self.siblings.len())?;
        let mut bytes = Vec::with_capacity(length);
        bytes.push(VERSION);
        for count in [self.leaves.len(), self.siblings.len()] {
            let count = u32::try_from(count).map_err(|_| ProofError::Encoding("too long"))?;
            bytes.extend(count.to_le_bytes());
        }
        for leaf in &self.leaves {
            bytes.extend(leaf.nonce.to_le_bytes());
            bytes.extend(leaf.hash);
        }
        for sibling in &self.siblings {
            bytes.extend(sibling.hash);
            bytes.extend(sibling.min.to_le_bytes());
            bytes.extend(sibling.max.to_le_bytes());
        }
        Ok(bytes)
    }

    /// Reads a proof; takes memory only for what the bytes hold.
    ///
    /// # Errors
    /// [`ProofError::Encoding`] for bytes that [`Multiproof::encode`] does not produce.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProofError> {
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(ProofError::Encoding("longer than 524288 bytes"));
        }
        let mut reader = Reader(bytes);
        if reader.take::<1>()? != [VERSION] {
            return Err(ProofError::Encoding("the version byte is not 1"));
        }
        let leaves = u32::from_le_bytes(reader.take()?) as usize;
        let siblings = u32::from_le_bytes(reader.take()?) as usize;
        if encoded_len(leaves, siblings)? != bytes.len() {
            return Err(ProofError::Encoding(
                "the length does not match the counts of leaves and siblings",
            ));
        }
        let leaves = (0..leaves)
            .map(|_| {
                Ok(Leaf {
                    nonce: u64::from_le_bytes(reader.take()?),
                    hash: reader.take::<32>()?,
                })
            })
            .collect::<Result<_, ProofError>>()?;
        let siblings = (0..siblings)
            .map(|_| {
                let hash: Bytes32 = reader.take()?;
                Ok(Node {
                    hash,
                    min: u64::from_le_bytes(reader.take()?),
                    max: u64::from_le_bytes(reader.take()?),
                })
            })
            .collect::<Result<_, ProofError>>()?;
        Ok(Multiproof { leaves, siblings })
    }
}

fn encoded_len(leaves: usize, siblings: usize) -> Result<usize, ProofError> {
    if leaves > MAX_OPENED {
        return Err(ProofError::Encoding("more than 1024 leaves"));
    }
    let leaves = leaves.saturating_mul(LEAF);
    let length = siblings
        .saturating_mul(SIBLING)
        .saturating_add(leaves)
        .saturating_add(HEADER);
    if length > MAX_PROOF_BYTES {
        return Err(ProofError::Encoding("longer than 524288 bytes"));
    }
    Ok(length)
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], ProofError> {
        let (head, rest) = self
            .0
            .split_first_chunk::<N>()
            .ok_or(ProofError::Encoding("it ends early"))?;
        self.0 = rest;
        Ok(*head)
    }
}
