//! Keys of `node`.

use race_proto::race::node::v1::Node;

use crate::address::{Account, ConsensusAddress};
use crate::state::{Item, Map};

/// The store of this module.
pub const STORE: &str = "node";

/// Nodes, by consensus address.
pub(super) const NODES: Map<ConsensusAddress, Node> = Map::new(STORE, "node");

/// The consensus address of the node that an account is operator of.
pub(super) const OPERATORS: Map<Account, Vec<u8>> = Map::new(STORE, "operator");

/// The consensus address of the node that an account is hot account of.
pub(super) const HOT: Map<Account, Vec<u8>> = Map::new(STORE, "hot");

/// The consensus address of the node that registered a key, by SHA-256 of the key.
pub(super) const KEYS: Map<[u8; 32], Vec<u8>> = Map::new(STORE, "key");

/// Registrations in this block.
pub(super) const REGISTERED: Item<u64> = Item::new(STORE, "registered");
