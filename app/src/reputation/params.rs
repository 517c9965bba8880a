//! Parameters of `reputation`.

use crate::params::ParamSpec;

/// Where reputation saturates.
pub const FULL: ParamSpec = ParamSpec {
    name: "reputation/full",
    network: 1_000_000,
    local: 10_000,
    min: 1,
    max: 1 << 50,
    unit: "tokens",
    doc: "Checked and passed tokens at which reputation saturates",
};

/// The rate at zero.
pub const START: ParamSpec = ParamSpec {
    name: "reputation/start_millis",
    network: 4_000,
    local: 4_000,
    min: 100,
    max: 100_000,
    unit: "permille",
    doc: "Expected checks of a task at reputation zero: 4000 leaves 2% of tasks unchecked",
};

/// The rate at full reputation.
pub const FLOOR: ParamSpec = ParamSpec {
    name: "reputation/floor_millis",
    network: 100,
    local: 100,
    min: 10,
    max: 4_000,
    unit: "permille",
    doc: "Expected checks of a task at full reputation",
};

/// The least number of checks.
pub const MIN_CHECKS: ParamSpec = ParamSpec {
    name: "reputation/min_checks",
    network: 5,
    local: 5,
    min: 0,
    max: 1_000,
    unit: "checks",
    doc: "Expected checks of an executor in an epoch below which its rate does not fall, as far as it has tasks",
};

/// All of them.
pub const ALL: &[ParamSpec] = &[FULL, START, FLOOR, MIN_CHECKS];
