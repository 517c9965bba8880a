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
use crate::seed::{node_seed, nonce_key, NonceInput};
use crate::weights::{Tensor, TensorReader};
use crate::{Bytes32, Outcome, Preset, Race};

/// Why a vector file is not reproduced.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    /// Not a vector file.
    #[error("not a vector file: {0}")]
    Parse(#[from] serde_json::Error),
    /// The preset is not one of this build.
    #[error("preset {name:?}: {error}")]
    Preset {
        /// The file's preset.
        name: String,
        /// Why it is refused.
        error: PresetError,
    },
    /// A list whose length is not the preset's.
    #[error("{quantity} has {got} entries; the preset has {expected}")]
    Length {
        /// Its path in the file.
        quantity: String,
        /// How many entries the preset gives it.
        expected: usize,
        /// How many it has.
        got: usize,
    },
    /// The backend is missing or failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The first quantity that differs.
    #[error("{quantity} differs: the file says {expected}, computed {computed}")]
    Differs {
        /// Its path in the file, as in `nonces[3].tokens[1]`.
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

impl VectorError {
    /// Whether the fault is in the file's form, so that there is nothing to compare.
    pub fn is_malformed(&self) -> bool {
        match self {
            VectorError::Parse(_)
            | VectorError::Preset { .. }
            | VectorError::Length { .. }
            | VectorError::Tensor(_) => true,
            VectorError::Backend(_) | VectorError::Differs { .. } | VectorError::Proof { .. } => {
                false
            }
        }
    }
}

impl VectorFile {
    /// Reads a vector file; what it returns can be checked.
    ///
    /// # Errors
    /// [`VectorError::Parse`] with the place in the text; [`VectorError::Preset`],
    /// [`VectorError::Length`] or [`VectorError::Tensor`] for what no backend could compute.
    pub fn parse(json: &str) -> Result<Self, VectorError> {
        let file: VectorFile = serde_json::from_str(json)?;
        let preset = file.known_preset()?;
        has_length("target_table", &file.target_table, preset.d_model)?;
        has_length("target", &file.target, preset.d_model)?;
        for name in file.tensors.keys() {
            tensor(preset, name)?;
        }
        for (index, vector) in file.nonces.iter().enumerate() {
            let quantity = format!("nonces[{index}].tokens");
            has_length(&quantity, &vector.tokens, preset.seq)?;
        }
        Ok(file)
    }

    fn known_preset(&self) -> Result<&'static Preset, VectorError> {
        Preset::by_name(&self.preset).map_err(|error| VectorError::Preset {
            name: self.preset.clone(),
            error,
        })
    }

    /// The race of the file and what its nonces feed into the function.
    ///
    /// # Errors
    /// None after [`VectorFile::parse`].
    pub fn race_and_inputs(&self) -> Result<(Race, Vec<NonceInput>), VectorError> {
        let race = Race::new(self.known_preset()?, self.race_seed.0);
        let node_seed = self.node_seed_here().0;
        let nonces = self.nonces.iter().map(|vector| vector.nonce);
        let inputs = nonces.map(|nonce| race.input(&node_seed, nonce)).collect();
        Ok((race, inputs))
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
        let (race, inputs) = self.race_and_inputs()?;
        let preset = race.preset();
        let mut compare = Compare(0);
        compare.same("parameters", &self.parameters, &preset.parameters())?;
        compare.same("node_seed", &self.node_seed, &self.node_seed_here())?;
        compare.same("threshold", &self.threshold, &preset.threshold)?;
        compare.same_list("target_table", &self.target_table, preset.target_table)?;
        compare.same_list("target", &self.target, race.target())?;
        for (name, expected) in &self.tensors {
            let computed = tensor_hash(&race, tensor(preset, name)?);
            compare.same(&format!("tensors.{name}"), expected, &computed)?;
        }
        let never = AtomicBool::new(false);
        let mut backend = backend::load(name, race, options, &never, progress)?;
        self.check_nonces(&inputs, backend.as_mut(), &mut compare)?;
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
        inputs: &[NonceInput],
        backend: &mut dyn Backend,
        compare: &mut Compare,
    ) -> Result<(), VectorError> {
        let never = AtomicBool::new(false);
        let mut outcomes: Vec<Outcome> = Vec::new();
        for batch in inputs.chunks(backend.batch().max(1)) {
            outcomes.extend(backend.outcomes(batch, &never)?);
        }
        let computed = inputs.iter().zip(&outcomes);
        for (index, (vector, (input, outcome))) in self.nonces.iter().zip(computed).enumerate() {
            let at = |field: &str| format!("nonces[{index}].{field}");
            let key = nonce_key(&self.race_seed.0, &self.node_seed.0, vector.nonce);
            compare.same(&at("nonce_key"), &vector.nonce_key, &Hex(key))?;
            compare.same_list(&at("tokens"), &vector.tokens, &input.tokens)?;
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
        compare.same_list("proof.appropriate", &self.appropriate, &found)?;
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
            compare.same_opening(&at, &expected, &computed)?;
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

fn has_length<T>(quantity: &str, list: &[T], expected: usize) -> Result<(), VectorError> {
    if list.len() == expected {
        return Ok(());
    }
    Err(VectorError::Length {
        quantity: quantity.into(),
        expected,
        got: list.len(),
    })
}

fn tensor(preset: &Preset, name: &str) -> Result<Tensor, VectorError> {
    Tensor::by_name(preset, name).ok_or_else(|| VectorError::Tensor(name.into()))
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
    /// As [`Compare::same`], naming the first entry that differs. Counts once.
    fn same_list<T: PartialEq + Debug>(
        &mut self,
        quantity: &str,
        expected: &[T],
        computed: &[T],
    ) -> Result<(), VectorError> {
        let both = expected.iter().zip(computed).enumerate();
        for (index, (expected, computed)) in both {
            let mut entry = Compare(0);
            entry.same(&format!("{quantity}[{index}]"), expected, computed)?;
        }
        let length = format!("the number of {quantity}");
        self.same(&length, &expected.len(), &computed.len())
    }

    /// As [`Compare::same`], naming the first part that differs. Counts once.
    fn same_opening(
        &mut self,
        quantity: &str,
        expected: &Opening,
        computed: &Opening,
    ) -> Result<(), VectorError> {
        let mut parts = Compare(0);
        let at = |part: &str| format!("{quantity}.{part}");
        parts.same(&at("nonce"), &expected.leaf.nonce, &computed.leaf.nonce)?;
        let leaves = [expected, computed].map(|opening| Hex(opening.leaf.hash));
        parts.same(&at("leaf"), &leaves[0], &leaves[1])?;
        let paths = [expected, computed].map(|opening| {
            let nodes = opening.path.iter();
            nodes
                .map(|node| (Hex(node.hash), node.min, node.max))
                .collect::<Vec<_>>()
        });
        parts.same_list(&at("path"), &paths[0], &paths[1])?;
        self.same(quantity, expected, computed)
    }
}
