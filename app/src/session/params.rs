//! Parameters of `session`.

use crate::params::ParamSpec;

/// Open sessions.
pub const MAX_OPEN: ParamSpec = ParamSpec {
    name: "session/max_open",
    network: 5_000,
    local: 1_000,
    min: 1,
    max: 1_000_000,
    unit: "sessions",
    doc: "Most sessions that may be open at once; each is pinned again at every switch, and makes room when it was not used for an epoch",
};

/// The longest session.
pub const MAX_BLOCKS: ParamSpec = ParamSpec {
    name: "session/max_blocks",
    network: 500_000,
    local: 100_000,
    min: 20,
    max: 100_000_000,
    unit: "blocks",
    doc: "Longest time from opening a session to its expiry",
};

/// The shortest session.
pub const MIN_BLOCKS: ParamSpec = ParamSpec {
    name: "session/min_blocks",
    network: 10,
    local: 10,
    min: 1,
    max: 10_000,
    unit: "blocks",
    doc: "Shortest time from opening a session to its expiry",
};

/// The lowest ceiling.
pub const MIN_CEILING: ParamSpec = ParamSpec {
    name: "session/min_ceiling",
    network: 100_000,
    local: 100_000,
    min: 1,
    max: 1_000_000_000_000,
    unit: "nicoin",
    doc: "Lowest ceiling of a request's fee: no ceiling makes settled work worth nothing",
};

/// Open sessions of one owner.
pub const MAX_OPEN_PER_OWNER: ParamSpec = ParamSpec {
    name: "session/max_open_per_owner",
    network: 100,
    local: 100,
    min: 1,
    max: 1_000_000,
    unit: "sessions",
    doc: "Most sessions that one account may have open at once",
};

/// All of them.
pub const ALL: &[ParamSpec] = &[
    MAX_OPEN,
    MAX_OPEN_PER_OWNER,
    MAX_BLOCKS,
    MIN_BLOCKS,
    MIN_CEILING,
];
