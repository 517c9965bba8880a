//! Parameters of `gov`.

use crate::params::ParamSpec;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// Deposit with which voting starts.
pub const MIN_DEPOSIT: ParamSpec = ParamSpec {
    name: "gov/min_deposit",
    network: 1_000_000_000_000,
    local: 10_000_000_000,
    min: 1,
    max: 1_000_000_000_000_000_000,
    unit: "nicoin",
    doc: "Deposit with which a proposal goes to the vote",
};

/// How long a proposal may wait for its deposit.
pub const DEPOSIT_PERIOD: ParamSpec = ParamSpec {
    name: "gov/deposit_period",
    network: 14 * DAY_MS,
    local: 2 * 60_000,
    min: 1_000,
    max: 60 * DAY_MS,
    unit: "ms",
    doc: "How long a proposal may wait for its deposit, by header time",
};

/// How long the vote is open.
pub const VOTING_PERIOD: ParamSpec = ParamSpec {
    name: "gov/voting_period",
    network: 7 * DAY_MS,
    local: 30_000,
    min: 1_000,
    max: 60 * DAY_MS,
    unit: "ms",
    doc: "How long a vote is open, by header time",
};

/// Part of the power that must vote.
pub const QUORUM: ParamSpec = ParamSpec {
    name: "gov/quorum",
    network: 334,
    local: 334,
    min: 1,
    max: 1_000,
    unit: "permille",
    doc: "Part of the race weight that must vote",
};

/// Part of the votes that must be yes.
pub const THRESHOLD: ParamSpec = ParamSpec {
    name: "gov/threshold",
    network: 500,
    local: 500,
    min: 1,
    max: 1_000,
    unit: "permille",
    doc: "A proposal passes when more than this part of yes, no and veto is yes",
};

/// Part of the votes that, as vetoes, reject a proposal.
pub const VETO: ParamSpec = ParamSpec {
    name: "gov/veto",
    network: 334,
    local: 334,
    min: 1,
    max: 1_000,
    unit: "permille",
    doc: "A proposal is rejected when more than this part of all votes is a veto",
};

/// Part of the deposit that a proposal must bring.
pub const MIN_INITIAL: ParamSpec = ParamSpec {
    name: "gov/min_initial_deposit",
    network: 250,
    local: 250,
    min: 0,
    max: 1_000,
    unit: "permille",
    doc: "Part of the minimum deposit that the proposer pays at once",
};

/// Most proposals that wait for a deposit or are voted on.
pub const MAX_ACTIVE: ParamSpec = ParamSpec {
    name: "gov/max_active",
    network: 100,
    local: 100,
    min: 1,
    max: 1_000,
    unit: "proposals",
    doc: "Most proposals that wait for a deposit or are voted on at once",
};

/// All of them.
pub const ALL: &[ParamSpec] = &[
    MIN_DEPOSIT,
    MIN_INITIAL,
    DEPOSIT_PERIOD,
    VOTING_PERIOD,
    QUORUM,
    THRESHOLD,
    VETO,
    MAX_ACTIVE,
];
