//! Parameters of `pricing`.

use crate::params::ParamSpec;

/// The price until the first switch.
pub const GENESIS_PRICE: ParamSpec = ParamSpec {
    name: "pricing/genesis_price",
    network: 1_000,
    local: 1_000,
    min: 1,
    max: 1_000_000_000_000,
    unit: "nicoin",
    doc: "Price of a unit of compute in the first epoch; who never voted counts for the current price",
};

/// All of them.
pub const ALL: &[ParamSpec] = &[GENESIS_PRICE];
