//! Parameters of `feegrant`.

use crate::params::ParamSpec;

/// Most allowances of one account.
pub const MAX_ALLOWANCES: ParamSpec = ParamSpec {
    name: "feegrant/max_allowances",
    network: 1_000,
    local: 1_000,
    min: 1,
    max: 10_000,
    unit: "allowances",
    doc: "Most accounts whose fees an account may have promised to pay",
};

/// All of them.
pub const ALL: &[ParamSpec] = &[MAX_ALLOWANCES];
