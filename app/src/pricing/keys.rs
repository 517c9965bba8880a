//! Keys of `pricing`.

use race_proto::race::pricing::v1::{Price, PriceVote};

use crate::address::ConsensusAddress;
use crate::state::{Item, Map};

/// The store of this module.
pub const STORE: &str = "pricing";

/// The price in force; absent until the first switch.
pub(super) const PRICE: Item<Price> = Item::new(STORE, "price");

/// Votes by node; kept until the node votes again.
pub(super) const VOTES: Map<ConsensusAddress, PriceVote> = Map::new(STORE, "vote");
