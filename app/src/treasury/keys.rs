//! Keys of `treasury`.

use race_proto::race::treasury::v1::{Held, Issuance, Release};

use crate::address::ConsensusAddress;
use crate::state::{Item, Map};

/// The store of this module.
pub const STORE: &str = "treasury";

/// What a node forfeits of an epoch.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Forfeit {
    /// Everything; otherwise what it earned by checking.
    #[prost(bool, tag = "1")]
    pub all: bool,
    /// Why, for people.
    #[prost(string, tag = "2")]
    pub reason: String,
}

/// What was minted so far.
pub(super) const ISSUANCE: Item<Issuance> = Item::new(STORE, "issuance");

/// Coins in `rewards_held`, by (epoch, node).
pub(super) const HELD: Map<(u64, ConsensusAddress), Held> = Map::new(STORE, "held");

/// What became of rewards, by (epoch, node).
pub(super) const RELEASES: Map<(u64, ConsensusAddress), Release> = Map::new(STORE, "release");

/// Forfeits, by (epoch, node).
pub(super) const FORFEITS: Map<(u64, ConsensusAddress), Forfeit> = Map::new(STORE, "forfeit");

/// Members that hosted a model during a whole epoch: (epoch, node).
pub(super) const READY: Map<(u64, ConsensusAddress), ()> = Map::new(STORE, "ready");

/// Finalised epochs with tasks that are still contested.
pub(super) const UNFINISHED: Map<u64, ()> = Map::new(STORE, "unfinished");

/// Header time at which epoch 1 began, milliseconds since 1970: issuance is measured from it.
pub(super) const GENESIS_MS: Item<u64> = Item::new(STORE, "genesis_ms");

/// The last epoch whose records were forgotten.
pub(super) const PRUNED: Item<u64> = Item::new(STORE, "pruned");
