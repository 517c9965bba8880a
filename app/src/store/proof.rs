//! Proofs that a client checks against the app hash of a header.
//!
//! A proof has two operations, as the SDK's: the first proves (key, value) or the key's absence
//! under the store's root, the second (store name, store's root) under the app hash. Both data
//! are an ICS-23 `CommitmentProof`. CometBFT puts the app hash of height H into the header of
//! H + 1.

use ics23::{CommitmentProof, HostFunctionsManager, ProofSpec};
use prost::Message;
use tendermint_proto::v0_38::crypto::ProofOp;

use super::StoreError;

/// Type of both operations: `ics23:` and the kind of tree, as the SDK names its own.
pub const PROOF_OP_TYPE: &str = "ics23:jmt";

/// A value, or its absence, and the proof of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// The value; `None` if the key is absent.
    pub value: Option<Vec<u8>>,
    /// The operations, the store's first. One alone, with the store's name as its key, says that
    /// the whole store is absent.
    pub ops: Vec<ProofOp>,
}

/// The ICS-23 specifications of the operations, the store's first.
pub fn ics23_specs() -> Vec<ProofSpec> {
    vec![jmt::ics23_spec(), jmt::ics23_spec()]
}

pub(super) fn op(key: &[u8], proof: &CommitmentProof) -> ProofOp {
    ProofOp {
        r#type: PROOF_OP_TYPE.to_string(),
        key: key.to_vec(),
        data: proof.encode_to_vec(),
    }
}

impl Proof {
    /// Checks that the proof binds `key` of `store` and [`Self::value`] to `app_hash`.
    ///
    /// # Errors
    /// [`StoreError::Proof`] says which part does not hold.
    pub fn verify(&self, app_hash: &[u8], store: &str, key: &[u8]) -> Result<(), StoreError> {
        let spec = jmt::ics23_spec();
        let (key_op, store_op) = match (self.ops.as_slice(), &self.value) {
            ([key_op, store_op], _) => (key_op, store_op),
            ([store_op], None) => {
                let proof = decode(store_op, store.as_bytes())?;
                return absent(&proof, &spec, app_hash, store.as_bytes());
            }
            (ops, _) => {
                return Err(StoreError::Proof(format!(
                    "expected 2 operations, got {}",
                    ops.len()
                )))
            }
        };
        let proof = decode(key_op, key)?;
        let root = root_of(&proof)?;
        match &self.value {
            Some(value) => present(&proof, &spec, &root, key, value)?,
            None => absent(&proof, &spec, &root, key)?,
        }
        present(
            &decode(store_op, store.as_bytes())?,
            &spec,
            app_hash,
            store.as_bytes(),
            &root,
        )
    }
}

fn decode(op: &ProofOp, key: &[u8]) -> Result<CommitmentProof, StoreError> {
    if op.r#type != PROOF_OP_TYPE {
        return Err(StoreError::Proof(format!(
            "expected type {PROOF_OP_TYPE}, got {:?}",
            op.r#type
        )));
    }
    if op.key != key {
        return Err(StoreError::Proof(
            "an operation is about another key".into(),
        ));
    }
    CommitmentProof::decode(op.data.as_slice())
        .map_err(|error| StoreError::Proof(format!("an operation does not decode: {error}")))
}

/// The root that a proof leads to; whoever calls this must prove that root in turn.
fn root_of(proof: &CommitmentProof) -> Result<Vec<u8>, StoreError> {
    use ics23::commitment_proof::Proof as Kind;
    let existence = match &proof.proof {
        Some(Kind::Exist(existence)) => Some(existence),
        Some(Kind::Nonexist(absence)) => absence.left.as_ref().or(absence.right.as_ref()),
        _ => None,
    };
    let existence =
        existence.ok_or_else(|| StoreError::Proof("an operation proves nothing".into()))?;
    ics23::calculate_existence_root::<HostFunctionsManager>(existence)
        .map_err(|error| StoreError::Proof(error.to_string()))
}

fn present(
    proof: &CommitmentProof,
    spec: &ProofSpec,
    root: &[u8],
    key: &[u8],
    value: &[u8],
) -> Result<(), StoreError> {
    let holds =
        ics23::verify_membership::<HostFunctionsManager>(proof, spec, &root.to_vec(), key, value);
    holds
        .then_some(())
        .ok_or_else(|| StoreError::Proof("the value is not under the root".into()))
}

fn absent(
    proof: &CommitmentProof,
    spec: &ProofSpec,
    root: &[u8],
    key: &[u8],
) -> Result<(), StoreError> {
    let holds = is_about(proof, key)
        && ics23::verify_non_membership::<HostFunctionsManager>(proof, spec, &root.to_vec(), key);
    holds
        .then_some(())
        .ok_or_else(|| StoreError::Proof("the key's absence is not proved".into()))
}

/// Whether the proof names `key` as absent, and the paths of its neighbours part somewhere. The
/// library checks neither: it would panic on two equal paths that somebody made up.
fn is_about(proof: &CommitmentProof, key: &[u8]) -> bool {
    let Some(ics23::commitment_proof::Proof::Nonexist(absence)) = &proof.proof else {
        return false;
    };
    let part = match (&absence.left, &absence.right) {
        (Some(left), Some(right)) => {
            let mut steps = left.path.iter().rev().zip(right.path.iter().rev());
            steps.any(|(left, right)| left.prefix != right.prefix || left.suffix != right.suffix)
        }
        _ => true,
    };
    absence.key == key && part
}
