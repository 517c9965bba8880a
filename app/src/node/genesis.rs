//! The first nodes, with all their keys.

use race_proto::race::node::v1::{Endpoints, KeyProofs, MsgRegisterNode, NodeKeys};
use serde::{Deserialize, Serialize};

use super::errors::Error;
use super::msgs::{insert, Register};
use crate::address::ConsensusAddress;
use crate::context::Context;
use crate::state::State;

/// A node of genesis. Keys and proofs in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisNode {
    /// The account that owns the node.
    pub operator: String,
    /// The account that sends what a node sends.
    pub hot_account: String,
    /// Its name for people.
    pub moniker: String,
    /// ed25519 consensus key and the proof that it is held.
    pub consensus: ProvenKey,
    /// BLS key of the duty lottery.
    pub duty: ProvenKey,
    /// BLS key of share decryption.
    pub share: ProvenKey,
    /// ed25519 key of the transport.
    pub transport: ProvenKey,
    /// `host:port`.
    pub grpc: String,
    /// URL of the OpenAI-compatible API, or nothing.
    #[serde(default)]
    pub api: String,
    /// Voting power in epoch 1.
    pub power: u64,
}

/// A key with its proof of possession.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenKey {
    /// The public key.
    #[serde(with = "hex::serde")]
    pub key: Vec<u8>,
    /// The proof.
    #[serde(with = "hex::serde")]
    pub proof: Vec<u8>,
}

impl GenesisNode {
    /// A node of genesis out of what [`super::prove`] made.
    pub fn new(
        operator: String,
        hot_account: String,
        moniker: String,
        (keys, proofs): (NodeKeys, KeyProofs),
        endpoints: Endpoints,
        power: u64,
    ) -> Self {
        let proven = |key, proof| ProvenKey { key, proof };
        Self {
            operator,
            hot_account,
            moniker,
            consensus: proven(keys.consensus, proofs.consensus),
            duty: proven(keys.duty, proofs.duty),
            share: proven(keys.share, proofs.share),
            transport: proven(keys.transport, proofs.transport),
            grpc: endpoints.grpc,
            api: endpoints.api,
            power,
        }
    }
}

/// Why genesis is refused.
#[derive(Debug, thiserror::Error)]
#[error("genesis node {moniker:?}: {error}")]
pub struct GenesisError {
    moniker: String,
    error: Error,
}

/// Registers the nodes of genesis after verifying their proofs of possession; returns the powers
/// of epoch 1, which [`crate::epoch::genesis::init`] takes.
///
/// # Errors
/// The first node that a transaction would be refused for, too.
pub fn init(
    state: &mut State,
    context: &Context<'_>,
    nodes: &[GenesisNode],
) -> Result<Vec<(ConsensusAddress, u64)>, GenesisError> {
    let mut powers = Vec::new();
    for node in nodes {
        let refuse = |error| GenesisError {
            moniker: node.moniker.clone(),
            error,
        };
        let registration = Register::check(node.clone().into()).map_err(refuse)?;
        let node_state = insert(state, context, &registration, 1).map_err(refuse)?;
        powers.push((super::address(&node_state), node.power));
    }
    Ok(powers)
}

impl From<GenesisNode> for MsgRegisterNode {
    fn from(node: GenesisNode) -> Self {
        Self {
            operator: node.operator,
            hot_account: node.hot_account,
            moniker: node.moniker,
            keys: Some(NodeKeys {
                consensus: node.consensus.key,
                duty: node.duty.key,
                share: node.share.key,
                transport: node.transport.key,
            }),
            proofs: Some(KeyProofs {
                consensus: node.consensus.proof,
                duty: node.duty.proof,
                share: node.share.proof,
                transport: node.transport.proof,
            }),
            endpoints: Some(Endpoints {
                grpc: node.grpc,
                api: node.api,
            }),
        }
    }
}
