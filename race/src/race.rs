//! One race: a preset under a race seed, its target, and the judging of outputs.
// The bounds proof of `preset`: a squared difference is at most 126^2 and their sum below 2^24;
// outputs are within [-63, 63].
#![allow(clippy::arithmetic_side_effects)]

use sha2::{Digest, Sha256};

use crate::preset::Preset;
use crate::proof::{leaf_hash, Leaf};
use crate::seed::{nonce_key, NonceInput};
use crate::stream::{shuffle, Stream};
use crate::Bytes32;

/// Stream number of the target's shuffle under the race seed.
const TARGET_STREAM: u64 = 2;

/// What every participant of a race shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Race {
    preset: &'static Preset,
    seed: Bytes32,
    target: Vec<i8>,
}

/// What the function gave for one nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The nonce.
    pub nonce: u64,
    /// The permuted output, `d_model` entries in [-63, 63].
    pub z: Vec<i8>,
    /// The squared distance of `z` to the target.
    pub distance: u32,
    /// Whether the distance is at most the preset's threshold.
    pub appropriate: bool,
}

impl Race {
    /// The race of `preset` under `seed`.
    pub fn new(preset: &'static Preset, seed: Bytes32) -> Self {
        let target = shuffle(Stream::new(&seed, TARGET_STREAM), preset.d_model)
            .into_iter()
            .map(|item| preset.target_table[item as usize])
            .collect();
        Race {
            preset,
            seed,
            target,
        }
    }

    /// The preset.
    pub fn preset(&self) -> &'static Preset {
        self.preset
    }

    /// The race seed.
    pub fn seed(&self) -> &Bytes32 {
        &self.seed
    }

    /// The target, `d_model` entries: the preset's table, shuffled.
    pub fn target(&self) -> &[i8] {
        &self.target
    }

    /// What `nonce` of the participant with `node_seed` feeds into the function.
    pub fn input(&self, node_seed: &Bytes32, nonce: u64) -> NonceInput {
        NonceInput::derive(self.preset, nonce, &nonce_key(&self.seed, node_seed, nonce))
    }

    /// Permutes the output `y` (`d_model` entries) of `input`'s forward pass and measures it.
    pub fn judge(&self, input: &NonceInput, y: &[i8]) -> Outcome {
        let z: Vec<i8> = input
            .permutation
            .iter()
            .map(|&item| y[item as usize])
            .collect();
        let distance = z
            .iter()
            .zip(&self.target)
            .map(|(&z, &target)| i32::from(z).abs_diff(i32::from(target)).pow(2))
            .sum();
        Outcome {
            nonce: input.nonce,
            z,
            distance,
            appropriate: distance <= self.preset.threshold,
        }
    }
}

impl Outcome {
    /// The leaf of the proof: `SHA-256(0x00 || nonce || distance || z)`.
    pub fn leaf(&self) -> Leaf {
        Leaf {
            nonce: self.nonce,
            hash: leaf_hash(self.nonce, self.distance, &self.z),
        }
    }

    /// What a checker commits to, salted:
    /// `SHA-256("race/check/v1" || nonce u64 LE || distance u32 LE || z)`.
    pub fn check_digest(&self) -> Bytes32 {
        let mut hash = Sha256::new();
        hash.update(b"race/check/v1");
        hash.update(self.nonce.to_le_bytes());
        hash.update(self.distance.to_le_bytes());
        hash.update(z_bytes(&self.z));
        hash.finalize().into()
    }
}

/// An output as the bytes that are hashed: one two's complement byte per entry.
pub(crate) fn z_bytes(z: &[i8]) -> Vec<u8> {
    z.iter().map(|v| v.to_le_bytes()[0]).collect()
}
