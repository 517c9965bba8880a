//! Checking vector files: every quantity of a race, computed elsewhere, against a backend here.
//!
//! The shape is that of `tests/vectors/race-*.json`. Numbers that may pass 2^53 are strings there.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::AtomicBool;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::backend::{self, Backend, BackendError, Options};
use crate::preset::PresetError;
use crate::proof::{Leaf, Node, Opening, ProofError};
use crate::prover::Search;
use crate::race::z_bytes;
use crate::seed::{node_seed, nonce_key};
use crate::weights::{Tensor, TensorReader};
use crate::{Bytes32, Outcome, Preset, Race};

/// Why a vector file is not reproduced.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    /// Not a vector file.
    #[error("not a vector file: {0}")]
    Parse(#[from] serde_json::Error),
    /// The preset is not one of this build.
    #[error(transparent)]
    Preset(#[from] PresetError),
    /// The backend is missing or failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The first quantity that differs.
    #[error("{quantity} differs: the file says {expected}, computed {computed}")]
    Differs {
        /// Its path in the file, as in `nonces[3].distance`.
        quantity: String,
        /// The file's value.
        expected: String,
        /// The value computed here.
        computed: String,
    },
    /// A proof of the file, or of this search, does not hold.
    #[error("{quantity} does not hold: {error}")]
    Proof {
        /// Its path in the file.
        quantity: String,
        /// What does not hold.
        error: ProofError,
    },
    /// A tensor the preset does not have.
    #[error("tensors.{0} is no tensor of this preset")]
    Tensor(String),
}

/// A vector file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorFile {
    /// Name of the preset.
    pub preset: String,
    parameters: u64,
    race_seed: Hex,
    public_key: Hex,
    node_seed: Hex,
    threshold: u32,
    target_table: Vec<i8>,
    target: Vec<i8>,
    tensors: BTreeMap<String, Hex>,
    nonces: Vec<NonceVector>,
    proof: Option<ProofVector>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NonceVector {
    #[serde(deserialize_with = "decimal")]
    nonce: u64,
    nonce_key: Hex,
    tokens: Vec<u32>,
    signs_sha256: Hex,
    distance: u32,
    appropriate: bool,
    z_sha256: Hex,
    leaf: Hex,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofVector {
    nonces_tried: u64,
    count: u64,
    appropriate: Vec<u64>,
    root: Hex,
    openings: Vec<OpeningVector>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpeningVector {
    index: u64,
    nonce: u64,
    leaf: Hex,
    path: Vec<NodeVector>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeVector {
    hash: Hex,
    min: u64,
    max: u64,
}

/// 32 bytes written as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Hex(Bytes32);

impl Debug for Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(&text, &mut bytes).map_err(serde::de::Error::custom)?;
        Ok(Hex(bytes))
    }
}

fn decimal<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

impl VectorFile {
    /// Reads a vector file.
    ///
    /// # Errors
    /// [`VectorError::Parse`] with the place in the text.
    pub fn parse(json: &str) -> Result<Self, VectorError> {
        Ok(serde_json::from_str(json)?)
    }

    /// Computes everything in the file with the backend called `name` and compares. `progress(done,
    /// total)` counts weights while the backend is loaded. Returns how many quantities were
    /// compared.
    ///
    /// # Errors
    /// [`VectorError::Differs`] names the first quantity that differs.
    pub fn check(
        &self,
        name: &str,
        options: Options,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<usize, VectorError> {
        let preset = Preset::by_name(&self.preset)?;
        let race = Race::new(preset, self.race_seed.0);
        let mut compare = Compare(0);
        compare.same("parameters", &self.parameters, &preset.parameters())?;
        compare.same("node_seed", &self.node_seed, &self.node_seed_here())?;
        compare.same("threshold", &self.threshold, &preset.threshold)?;
        let table = preset.target_table.to_vec();
        compare.same("target_table", &self.target_table, &table)?;
        compare.same("target", &self.target, &race.target().to_vec())?;
        for (tensor_name, expected) in &self.tensors {
            let tensor = Tensor::by_name(preset, tensor_name)
                .ok_or_else(|| VectorError::Tensor(tensor_name.clone()))?;
            let computed = tensor_hash(&race, tensor);
            compare.same(&format!("tensors.{tensor_name}"), expected, &computed)?;
        }
        let mut backend = backend::load(name, race, options, progress)?;
        self.check_nonces(backend.as_mut(), &mut compare)?;
        if let Some(proof) = &self.proof {
            proof.check(&self.public_key.0, backend.as_mut(), &mut compare)?;
        }
        Ok(compare.0)
    }

    fn node_seed_here(&self) -> Hex {
        Hex(node_seed(&self.public_key.0))
    }

    fn check_nonces(
        &self,
        backend: &mut dyn Backend,
        compare: &mut Compare,
    ) -> Result<(), VectorError> {
        let never = AtomicBool::new(false);
        let node_seed = self.node_seed.0;
        let inputs: Vec<_> = self
            .nonces
            .iter()
            .map(|vector| backend.race().input(&node_seed, vector.nonce))
            .collect();
        let mut outcomes: Vec<Outcome> = Vec::new();
        for batch in inputs.chunks(backend.batch().max(1)) {
            outcomes.extend(backend.outcomes(batch, &never)?);
        }
        let computed = inputs.iter().zip(&outcomes);
        for (index, (vector, (input, outcome))) in self.nonces.iter().zip(computed).enumerate() {
            let at = |field: &str| format!("nonces[{index}].{field}");
            let key = Hex(nonce_key(&self.race_seed.0, &node_seed, vector.nonce));
            compare.same(&at("nonce_key"), &vector.nonce_key, &key)?;
            compare.same(&at("tokens"), &vector.tokens, &input.tokens)?;
            let signs = sha256(&input.signs);
            compare.same(&at("signs_sha256"), &vector.signs_sha256, &signs)?;
            let z = sha256(&z_bytes(&outcome.z));
            compare.same(&at("z_sha256"), &vector.z_sha256, &z)?;
            compare.same(&at("distance"), &vector.distance, &outcome.distance)?;
            compare.same(
                &at("appropriate"),
                &vector.appropriate,
                &outcome.appropriate,
            )?;
            compare.same(&at("leaf"), &vector.leaf, &Hex(outcome.leaf().hash))?;
        }
        Ok(())
    }
}

impl ProofVector {
    /// Searches the nonces `0..nonces_tried` and compares the tree and its openings.
    fn check(
        &self,
        public_key: &Bytes32,
        backend: &mut dyn Backend,
        compare: &mut Compare,
    ) -> Result<(), VectorError> {
        let never = AtomicBool::new(false);
        let mut search = Search::new(public_key, 0..self.nonces_tried);
        search.run(backend, &never, &mut |_| ())?;
        let found: Vec<u64> = search.found().iter().map(|leaf| leaf.nonce).collect();
        compare.same("proof.appropriate", &self.appropriate, &found)?;
        let holds = |quantity: &str| {
            let quantity = quantity.to_string();
            move |error| VectorError::Proof { quantity, error }
        };
        let tree = search.tree().map_err(holds("proof"))?;
        compare.same("proof.count", &self.count, &tree.count())?;
        compare.same("proof.root", &self.root, &Hex(tree.root()))?;
        for (index, vector) in self.openings.iter().enumerate() {
            let at = format!("proof.openings[{index}]");
            let expected = vector.opening();
            let computed = tree.open(vector.index).map_err(holds(&at))?;
            compare.same(&at, &expected, &computed)?;
            expected
                .verify(&self.root.0, self.count)
                .map_err(holds(&at))?;
        }
        let positions: Vec<u64> = self.openings.iter().map(|opening| opening.index).collect();
        let together = tree
            .open_many(&positions)
            .and_then(|proof| proof.verify(&self.root.0, self.count, &positions));
        together.map_err(holds("proof.openings"))?;
        Ok(())
    }
}

impl OpeningVector {
    fn opening(&self) -> Opening {
        Opening {
            position: self.index,
            leaf: Leaf {
                nonce: self.nonce,
                hash: self.leaf.0,
            },
            path: self
                .path
                .iter()
                .map(|node| Node {
                    hash: node.hash.0,
                    min: node.min,
                    max: node.max,
                })
                .collect(),
        }
    }
}

/// SHA-256 of a tensor's weights as i8, row-major.
fn tensor_hash(race: &Race, tensor: Tensor) -> Hex {
    let mut reader = TensorReader::new(race.preset(), race.seed(), tensor, 0);
    let mut hash = Sha256::new();
    let mut weights: Vec<i8> = Vec::new();
    while reader.next_rows(16, &mut weights) > 0 {
        hash.update(z_bytes(&weights));
    }
    Hex(hash.finalize().into())
}

fn sha256(bytes: &[u8]) -> Hex {
    Hex(Sha256::digest(bytes).into())
}

/// Counts what was compared.
struct Compare(usize);

impl Compare {
    fn same<T: PartialEq + Debug>(
        &mut self,
        quantity: &str,
        expected: &T,
        computed: &T,
    ) -> Result<(), VectorError> {
        if expected != computed {
            return Err(VectorError::Differs {
                quantity: quantity.into(),
                expected: format!("{expected:?}"),
                computed: format!("{computed:?}"),
            });
        }
        self.0 = self.0.saturating_add(1);
        Ok(())
    }
}
