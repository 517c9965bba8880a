//! What the protocol wants from this node now: pure functions of committed state, of the node's
//! keys and of its finished work. Nothing is remembered between blocks, so a node that was killed
//! goes on where the chain is; the [`crate::sender`] sees to it that what is wanted gets on chain once.

pub mod beacon;
pub mod checks;
pub mod duties;
pub mod hosting;
pub mod keygen;
pub mod race;

use prost::Name;
use race_app::address::{Account, ConsensusAddress};
use race_app::state::State;
use race_proto::Any;

use crate::secrets::Secrets;

/// Committed state, as the next block will find it.
pub struct View {
    /// State after the last block.
    pub state: State,
    /// The last block's height.
    pub height: u64,
    /// Its time, ms.
    pub time_ms: u64,
}

impl View {
    /// The block that a message sent now can land in at the earliest.
    pub fn next(&self) -> u64 {
        self.height.saturating_add(1)
    }
}

/// Who this node is.
pub struct Identity {
    /// The chain.
    pub chain_id: String,
    /// The node's name on chain.
    pub address: ConsensusAddress,
    /// Its consensus key.
    pub public_key: [u8; 32],
    /// The account that signs for it.
    pub hot: Account,
    /// Its secrets.
    pub secrets: Secrets,
}

impl Identity {
    /// A one-time secret for a purpose, the same after every restart.
    pub fn salt(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut all: Vec<&[u8]> = vec![self.secrets.node.as_slice(), self.chain_id.as_bytes()];
        all.extend_from_slice(parts);
        race_randomness::hash::h(&format!("race/node/salt/{purpose}/v1"), &all)
    }
}

/// A message that should be on chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Names the step; the sender has at most one message in flight for each.
    pub step: String,
    /// The message.
    pub message: Any,
}

impl Wanted {
    /// A wanted message.
    pub fn new<M: prost::Message + Name>(step: impl Into<String>, message: &M) -> Self {
        Self {
            step: step.into(),
            message: Any {
                type_url: M::type_url(),
                value: message.encode_to_vec(),
            },
        }
    }
}
