//! Parameters of `race`.

use crate::params::ParamSpec;

/// Positions opened under a challenge of the threshold beacon.
pub const CHALLENGE_K: ParamSpec = ParamSpec {
    name: "race/challenge_k",
    network: 64,
    local: 64,
    min: 1,
    max: 1024,
    unit: "positions",
    doc: "sampled positions of a proof",
};

/// Positions opened under a challenge made by commit and reveal alone.
pub const CHALLENGE_K_DEGRADED: ParamSpec = ParamSpec {
    name: "race/challenge_k_degraded",
    network: 256,
    local: 256,
    min: 1,
    max: 1024,
    unit: "positions",
    doc: "sampled positions of a proof when the challenge was made without the threshold signature",
};

/// Checkers of an opened leaf.
pub const CHECKERS: ParamSpec = ParamSpec {
    name: "race/checkers",
    network: 5,
    local: 5,
    min: 1,
    max: 100,
    unit: "checkers",
    doc: "most validators that recompute one opened leaf",
};

/// Disputes that are open at once.
pub const MAX_DISPUTES: ParamSpec = ParamSpec {
    name: "race/max_disputes",
    network: 16,
    local: 16,
    min: 1,
    max: 1024,
    unit: "disputes",
    doc: "most leaves that the chain itself recomputes at once; further ones wait for the next dispute phase",
};

/// All of them.
pub const ALL: &[ParamSpec] = &[CHALLENGE_K, CHALLENGE_K_DEGRADED, CHECKERS, MAX_DISPUTES];
