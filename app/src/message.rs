//! Messages: bytes become a checked type, and only a checked type can be executed.

use prost::{Message, Name};
use race_proto::Any;

use crate::address::Account;
use crate::context::Context;
use crate::error::TxError;
use crate::node;
use crate::state::State;

/// Who pays for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Sent by nodes for the protocol: free, bounded by its handler, first in a block.
    Protocol,
    /// Everything else: pays gas.
    User,
}

/// A message whose fields were checked without state. Invariant: [`CheckedMsg::execute`] checks
/// against state before it changes any.
pub trait CheckedMsg: Send + Sync {
    /// The account that must have signed.
    fn signer(&self) -> Account;
    /// Who pays.
    fn lane(&self) -> Lane {
        Lane::User
    }
    /// Gas of executing it, by the stated table.
    fn gas(&self) -> u64;
    /// What the mempool asks first, before it verifies a signature: whether a free message may come from this
    /// sender at all. By default it must be a node's.
    fn may_come(&self, state: &State) -> Result<(), TxError> {
        match self.lane() {
            Lane::Protocol => node::by_sender(state, &self.signer()).map(drop),
            Lane::User => Ok(()),
        }
    }
    /// What the mempool does instead of executing it, on its own state: by default the same. A
    /// message that is costly to execute is checked here as far as that is cheap.
    fn admit(&self, state: &mut State, context: &Context<'_>) -> Result<(), TxError> {
        self.execute(state, context).map(drop)
    }
    /// Checks against state, then changes it; returns the response.
    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError>;
}

/// Turns the bytes of one message type into its checked type.
pub type Parse = fn(&[u8]) -> Result<Box<dyn CheckedMsg>, TxError>;

/// A message type that transactions and proposals may carry.
pub struct MessageType {
    /// `/package.Name`.
    pub type_url: &'static str,
    /// Decodes and checks without state.
    pub parse: Parse,
}

/// Decodes a message's protobuf; the error is the SDK's for malformed bytes.
pub fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, TxError> {
    M::decode(bytes).map_err(|e| TxError::sdk(2, format!("{e}: tx parse error")))
}

/// Packs a response.
pub fn response<M: Message + Name>(message: &M) -> Any {
    Any {
        type_url: M::type_url(),
        value: message.encode_to_vec(),
    }
}

/// Reads the signer's address, as every message's `parse` does first; the error is the SDK's for a
/// transaction whose signers cannot be told.
pub fn signer(text: &str) -> Result<Account, TxError> {
    Account::parse(text).map_err(|e| TxError::sdk(2, format!("{e}: tx parse error")))
}
