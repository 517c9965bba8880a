//! Parameters of `treasury`.

use crate::params::ParamSpec;

/// The ceiling of issuance.
pub const CEILING_PER_YEAR: ParamSpec = ParamSpec {
    name: "treasury/ceiling_per_year",
    network: 50_000_000_000_000_000,
    local: 50_000_000_000_000_000,
    min: 0,
    max: 600_000_000_000_000_000,
    unit: "nicoin",
    doc: "Most that is minted in a year: one batch of 50 M icoin",
};

/// The training fund's share.
pub const TRAINING_PERCENT: ParamSpec = ParamSpec {
    name: "treasury/training_percent",
    network: 20,
    local: 20,
    min: 20,
    max: 20,
    unit: "percent",
    doc: "Training fund's share of fees and minted rewards; fixed for the first five years",
};

/// The cap of a bounty.
pub const BOUNTY_CAP: ParamSpec = ParamSpec {
    name: "treasury/bounty_cap",
    network: 1_000_000_000,
    local: 1_000_000_000,
    min: 0,
    max: 1_000_000_000_000_000,
    unit: "nicoin",
    doc: "Most that those who found an executor's forgeries in an epoch share of its forfeited fees: hunting must not pay more than honest work",
};

/// How long records are kept.
pub const KEEP_EPOCHS: ParamSpec = ParamSpec {
    name: "treasury/keep_epochs",
    network: 3,
    local: 100,
    min: 1,
    max: 100_000,
    unit: "epochs",
    doc: "Epochs for which tasks, duties and releases stay in state after their rewards were released",
};

/// All of them.
pub const ALL: &[ParamSpec] = &[CEILING_PER_YEAR, TRAINING_PERCENT, BOUNTY_CAP, KEEP_EPOCHS];
