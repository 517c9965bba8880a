//! Parameters of `settlement`.

use crate::params::ParamSpec;

/// How long after a switch the tasks of the epoch that ended are settled.
pub const SETTLE_GRACE: ParamSpec = ParamSpec {
    name: "settlement/settle_grace",
    network: 100,
    local: 5,
    min: 1,
    max: 10_000,
    unit: "blocks",
    doc: "Blocks past a switch (and past a session's expiry) in which settlements are still taken (state machine: Switch)",
};

/// From how many served requests on a session's fees count towards minting.
pub const MIN_INDICES: ParamSpec = ParamSpec {
    name: "settlement/min_indices",
    network: 64,
    local: 64,
    min: 1,
    max: 1_000_000,
    unit: "requests",
    doc: "Served requests from which on a session's fees count towards minting",
};

/// Most settled requests of a node in an epoch.
pub const MAX_PER_EPOCH: ParamSpec = ParamSpec {
    name: "settlement/max_per_epoch",
    network: 200_000,
    local: 20_000,
    min: 1,
    max: 100_000_000,
    unit: "requests",
    doc: "Most requests of an epoch that a node may settle, free of charge",
};

/// Most settled requests of an epoch.
pub const MAX_TASKS: ParamSpec = ParamSpec {
    name: "settlement/max_tasks",
    network: 20_000,
    local: 80_000,
    min: 1,
    max: 10_000_000,
    unit: "requests",
    doc: "Most requests of an epoch that are settled, which one block pays at a switch; each node may settle its share of them by weight",
};

/// All of them.
pub const ALL: &[ParamSpec] = &[SETTLE_GRACE, MIN_INDICES, MAX_PER_EPOCH, MAX_TASKS];
