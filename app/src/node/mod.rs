//! Nodes: who takes part, under which keys, and where they are reached.
//!
//! A node is named everywhere by the 20-byte address of its consensus key. `MsgRegisterNode` binds
//! all its keys, each with a proof of possession over (chain id, operator); a key serves one use of
//! one node. The operator's account may stay offline: the hot account sends what a node sends.
//!
//! Invariants: an account is operator of at most one node, and hot account of at most one; a key is
//! registered once; a member of a kept committee is a registered node, and every other stands in the line of
//! those that may be forgotten ([`invariants`]).

pub mod errors;
mod events;
pub mod genesis;
pub mod invariants;
mod keys;
mod msgs;
mod outside;
pub mod params;
pub mod phase;
pub mod possession;
pub mod queries;

use race_proto::race::node::v1::{Node, NodeKeys};

use crate::address::{Account, ConsensusAddress};
use crate::error::TxError;
use crate::state::State;

pub use errors::Error;
pub use keys::STORE;
pub use msgs::{MESSAGES, REGISTER};
pub use possession::{possession_message, prove, verify, KeyUse};
pub use queries::QUERIES;

/// The node of an address.
pub fn get(state: &State, address: &ConsensusAddress) -> Option<Node> {
    keys::NODES.get(state, address)
}

/// Every registered node, in the order of addresses.
pub fn all(state: &State) -> Vec<Node> {
    keys::NODES
        .all(state)
        .into_iter()
        .map(|(_, node)| node)
        .collect()
}

/// The node that an account speaks for: as its operator, else as its hot account. Operators come
/// first because they signed for it, and anybody can be named as a hot account.
pub fn by_account(state: &State, account: &Account) -> Option<Node> {
    by_operator(state, account).or_else(|| get(state, &member(&keys::HOT.get(state, account)?)))
}

/// The node whose operator this account is.
pub fn by_operator(state: &State, account: &Account) -> Option<Node> {
    get(state, &member(&keys::OPERATORS.get(state, account)?))
}

/// The node for which `sender`, its hot account or operator, signed a message.
///
/// # Errors
/// `race_node` when it is neither of any node.
pub fn by_sender(state: &State, sender: &Account) -> Result<Node, TxError> {
    by_account(state, sender).ok_or_else(|| Error::NotANode { sender: *sender }.into())
}

/// A node's consensus address.
///
/// # Panics
/// When state is damaged.
pub fn address(node: &Node) -> ConsensusAddress {
    member(&node.address)
}

/// A node's operator: the account that owns it and is paid.
///
/// # Panics
/// When state is damaged.
pub fn operator(node: &Node) -> Account {
    Account::parse(&node.operator).expect("state is damaged: a node's operator is no account")
}

/// A node's ed25519 consensus key.
///
/// # Panics
/// When state is damaged.
pub fn public_key(node: &Node) -> [u8; 32] {
    let key = node.keys.as_ref().map_or(&[][..], |keys| &keys.consensus);
    key.try_into()
        .expect("state is damaged: a node's consensus key is not 32 bytes")
}

/// Reads a consensus address out of a message; `None` unless it is 20 bytes.
pub fn consensus(bytes: &[u8]) -> Option<ConsensusAddress> {
    bytes.try_into().ok()
}

/// Reads a consensus address that state holds.
///
/// # Panics
/// When state is damaged.
pub fn member(bytes: &[u8]) -> ConsensusAddress {
    consensus(bytes).expect("state is damaged: a consensus address is not 20 bytes")
}

/// The keys of a node that no other may use, each with its name.
fn uses(keys: &NodeKeys) -> [(&'static str, &[u8]); 4] {
    [
        ("consensus", &keys.consensus),
        ("duty", &keys.duty),
        ("share", &keys.share),
        ("transport", &keys.transport),
    ]
}

/// Notes that a node submitted a race in an epoch, which keeps it registered.
pub fn raced(state: &mut State, address: &ConsensusAddress, epoch: u64) {
    if let Some(before) = get(state, address) {
        let stands = outside::leave(state, address, &before);
        let node = Node {
            last_race_epoch: epoch,
            ..before
        };
        keys::NODES.put(state, address, &node);
        if stands {
            outside::enter(state, address, &node);
        }
    }
}

/// Whether the last proof that was asked of a node was not opened, or false.
pub fn is_struck(state: &State, address: &ConsensusAddress) -> bool {
    keys::STRUCK.has(state, address)
}

/// Notes that a node did not open its proof in an epoch, or that the proof was false: what it submitted
/// keeps it registered no longer.
pub fn struck(state: &mut State, address: &ConsensusAddress, epoch: u64) {
    set_struck(state, address, Some(epoch));
}

/// The epoch since which a node waits for a proof of it to be looked at: it was registered in it, or the
/// race before it accepted one.
pub fn waits_since(state: &State, node: &Node) -> u64 {
    let proved = keys::PROVED.get(state, &address(node));
    let after = proved.map_or(0, |epoch| epoch.saturating_add(1));
    after.max(node.registered_epoch)
}

/// Notes that a proof of a node was accepted in an epoch.
pub fn proved(state: &mut State, address: &ConsensusAddress, epoch: u64) {
    keys::PROVED.put(state, address, &epoch);
    set_struck(state, address, None);
}

fn set_struck(state: &mut State, address: &ConsensusAddress, epoch: Option<u64>) {
    let Some(node) = get(state, address) else {
        return;
    };
    if keys::STRUCK.get(state, address) == epoch {
        return;
    }
    let stands = outside::leave(state, address, &node);
    match epoch {
        Some(epoch) => keys::STRUCK.put(state, address, &epoch),
        None => keys::STRUCK.remove(state, address),
    }
    if stands {
        outside::enter(state, address, &node);
    }
}
