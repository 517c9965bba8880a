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
    doc: "Most sessions that may be open at once; each is pinned again at every switch",
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

/// All of them.
pub const ALL: &[ParamSpec] = &[MAX_OPEN, MAX_BLOCKS, MIN_BLOCKS];
