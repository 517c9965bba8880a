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

/// Nodes in no kept committee, who went longest without a race first: by the epoch in which they stand in
/// the line, and address.
pub(super) const OUTSIDE: Map<(u64, ConsensusAddress), ()> = Map::new(STORE, "outside");

/// How many those are.
pub(super) const OUTSIDE_COUNT: Item<u64> = Item::new(STORE, "outside_count");

/// Nodes whose last proof that was asked for was not opened, or false, by the epoch in which that was.
pub(super) const STRUCK: Map<ConsensusAddress, u64> = Map::new(STORE, "struck");

/// The last epoch in which a proof of a node was accepted.
pub(super) const PROVED: Map<ConsensusAddress, u64> = Map::new(STORE, "proved");

/// Registrations in this block.
pub(super) const REGISTERED: Item<u64> = Item::new(STORE, "registered");
