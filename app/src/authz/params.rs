//! Parameters of `authz`.

use crate::params::ParamSpec;

/// Most grants of one account.
pub const MAX_GRANTS: ParamSpec = ParamSpec {
    name: "authz/max_grants",
    network: 100,
    local: 100,
    min: 1,
    max: 1_000,
    unit: "grants",
    doc: "Most grants that an account may have given to others",
};

/// All of them.
pub const ALL: &[ParamSpec] = &[MAX_GRANTS];
