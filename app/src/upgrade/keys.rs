//! Keys of `upgrade`.

use race_proto::cosmos::upgrade::v1beta1::Plan;

use crate::state::{Item, Map};

/// The store of this module.
pub const STORE: &str = "upgrade";

/// The version that the state was last changed by.
pub(super) const VERSION: Item<u64> = Item::new(STORE, "app_version");

/// The upgrade that is planned.
pub(super) const PLAN: Item<Plan> = Item::new(STORE, "plan");

/// The first block under each upgrade, by the plan's name.
pub(super) const APPLIED: Map<String, u64> = Map::new(STORE, "applied");
