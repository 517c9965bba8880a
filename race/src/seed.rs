//! What the seeds decide for one participant and one nonce.
// Index arithmetic within vectors sized from the preset, whose sizes are at most 2^20.
#![allow(clippy::arithmetic_side_effects)]

use sha2::{Digest, Sha256};

use crate::preset::Preset;
use crate::stream::{first_bytes, shuffle, Stream};
use crate::Bytes32;

/// `SHA-256("race/node/v1" || public_key)`: the participant, named by its registered ed25519
/// consensus key.
pub fn node_seed(public_key: &Bytes32) -> Bytes32 {
    let mut hash = Sha256::new();
    hash.update(b"race/node/v1");
    hash.update(public_key);
    hash.finalize().into()
}

/// `SHA-256("race/nonce/v1" || race_seed || node_seed || nonce as u64 LE)`.
pub fn nonce_key(race_seed: &Bytes32, node_seed: &Bytes32, nonce: u64) -> Bytes32 {
    let mut hash = Sha256::new();
    hash.update(b"race/nonce/v1");
    hash.update(race_seed);
    hash.update(node_seed);
    hash.update(nonce.to_le_bytes());
    hash.finalize().into()
}

/// All that one nonce feeds into the function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NonceInput {
    /// The nonce.
    pub nonce: u64,
    /// Its tokens, `seq` of them, each below `vocab`.
    pub tokens: Vec<u32>,
    /// Its signs as bits, `seq * d_model` of them, lowest bit of each byte first; 1 means -1.
    pub signs: Vec<u8>,
    /// The permutation of the output, `d_model` entries: `z_i = y[permutation_i]`.
    pub permutation: Vec<u32>,
}

impl NonceInput {
    /// Derives tokens (stream 0), permutation (stream 1) and signs (stream 2) of `nonce_key`.
    pub fn derive(preset: &Preset, nonce: u64, nonce_key: &Bytes32) -> Self {
        let vocab = u32::try_from(preset.vocab).unwrap_or(u32::MAX);
        let tokens = first_bytes(Stream::new(nonce_key, 0), 2 * preset.seq)
            .chunks_exact(2)
            .map(|pair| u32::from(u16::from_le_bytes([pair[0], pair[1]])) % vocab)
            .collect();
        let permutation = shuffle(Stream::new(nonce_key, 1), preset.d_model);
        let signs = first_bytes(
            Stream::new(nonce_key, 2),
            (preset.seq * preset.d_model).div_ceil(8),
        );
        NonceInput {
            nonce,
            tokens,
            signs,
            permutation,
        }
    }

    /// Whether bit `t * d_model + j` says that the input is negated there.
    pub fn negative(&self, bit: usize) -> bool {
        (self.signs[bit / 8] >> (bit % 8)) & 1 == 1
    }
}
