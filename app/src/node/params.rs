//! Parameters of `node`.

use crate::params::ParamSpec;

/// Registrations that a block takes.
pub const PER_BLOCK: ParamSpec = ParamSpec {
    name: "node/registrations_per_block",
    network: 16,
    local: 16,
    min: 1,
    max: 1_000,
    unit: "nodes",
    doc: "free registrations that a block takes (state machine: State)",
};

/// Epochs after which a node that does not race is forgotten.
pub const FORGET: ParamSpec = ParamSpec {
    name: "node/forget_epochs",
    network: 2,
    local: 2,
    min: 1,
    max: 1_000,
    unit: "epochs",
    doc: "epochs without a submitted race after which a node outside the committees is forgotten (state machine: State)",
};

/// Nodes outside the committees.
pub const MAX_OUTSIDE: ParamSpec = ParamSpec {
    name: "node/max_outside",
    network: 1_000,
    local: 400,
    min: 1,
    max: 10_000,
    unit: "nodes",
    doc: "most registered nodes that are in no kept committee; a further one takes the place of one that has gone an epoch without a race (state machine: State)",
};

/// All of them.
pub const ALL: &[ParamSpec] = &[PER_BLOCK, FORGET, MAX_OUTSIDE];
