//! Parameters of `epoch`: the calendar's lengths, and who may hold power. Changed ones take effect at
//! a switch.

use crate::params::ParamSpec;

/// Length: blocks of serving at the start of an epoch.
pub const SERVE: ParamSpec = ParamSpec {
    name: "epoch/serve_blocks",
    network: 15_000,
    local: 20,
    min: 1,
    max: 10_000_000,
    unit: "blocks",
    doc: "blocks of serving at the start of an epoch",
};

/// Length: blocks of serving in epoch 1.
pub const FIRST_SERVE: ParamSpec = ParamSpec {
    name: "epoch/first_serve_blocks",
    network: 20,
    local: 2,
    min: 1,
    max: 10_000_000,
    unit: "blocks",
    doc: "blocks of serving in epoch 1",
};

/// Length: commits to the race seed, and to duties that were not signed.
pub const COMMIT: ParamSpec = ParamSpec {
    name: "epoch/commit_blocks",
    network: 20,
    local: 4,
    min: 1,
    max: 100_000,
    unit: "blocks",
    doc: "commits to the race seed, and to duties that were not signed",
};

/// Length: reveals of the race seed, and those of its fallback.
pub const REVEAL: ParamSpec = ParamSpec {
    name: "epoch/reveal_blocks",
    network: 20,
    local: 4,
    min: 1,
    max: 100_000,
    unit: "blocks",
    doc: "reveals of the race seed, and those of its fallback",
};

/// Length: signing of a round by the committee; a race seed has three such windows.
pub const SIGN: ParamSpec = ParamSpec {
    name: "epoch/sign_blocks",
    network: 10,
    local: 4,
    // A member that did not sign in time posts its shares within a late attempt.
    min: 4,
    max: 100_000,
    unit: "blocks",
    doc: "signing of a round by the committee; a race seed has three such windows",
};

/// Length: the race; commits to the challenge are taken meanwhile.
pub const RACE: ParamSpec = ParamSpec {
    name: "epoch/race_blocks",
    network: 120,
    local: 10,
    min: 2,
    max: 1_000_000,
    unit: "blocks",
    doc: "the race; commits to the challenge are taken meanwhile",
};

/// Length: reveals of the challenge when it was not signed.
pub const CHALLENGE: ParamSpec = ParamSpec {
    name: "epoch/challenge_blocks",
    network: 20,
    local: 4,
    min: 1,
    max: 100_000,
    unit: "blocks",
    doc: "reveals of the challenge when it was not signed",
};

/// Length: opening of the sampled leaves.
pub const OPEN: ParamSpec = ParamSpec {
    name: "epoch/open_blocks",
    network: 40,
    local: 4,
    min: 1,
    max: 100_000,
    unit: "blocks",
    doc: "opening of the sampled leaves",
};

/// Length: recomputation by the checkers and their commitments.
pub const CHECK_COMMIT: ParamSpec = ParamSpec {
    name: "epoch/check_commit_blocks",
    network: 40,
    local: 4,
    min: 1,
    max: 100_000,
    unit: "blocks",
    doc: "recomputation by the checkers and their commitments",
};

/// Length: reveals of the checks.
pub const CHECK_REVEAL: ParamSpec = ParamSpec {
    name: "epoch/check_reveal_blocks",
    network: 20,
    local: 3,
    min: 1,
    max: 100_000,
    unit: "blocks",
    doc: "reveals of the checks",
};

/// Length: blocks in which every node recomputes disputed leaves; skipped without disputes.
pub const DISPUTE: ParamSpec = ParamSpec {
    name: "epoch/dispute_blocks",
    network: 20,
    local: 6,
    min: 1,
    max: 100_000,
    unit: "blocks",
    doc: "blocks in which every node recomputes disputed leaves; skipped without disputes",
};

/// Length: deals for the next committee's key; ends when all dealt.
pub const DEAL: ParamSpec = ParamSpec {
    name: "epoch/deal_blocks",
    network: 40,
    local: 5,
    min: 1,
    max: 100_000,
    unit: "blocks",
    doc: "deals for the next committee's key; ends when all dealt",
};

/// Length: confirmations of the deals, and complaints; ends when all confirmed.
pub const CONFIRM: ParamSpec = ParamSpec {
    name: "epoch/confirm_blocks",
    network: 40,
    local: 5,
    min: 1,
    max: 100_000,
    unit: "blocks",
    doc: "confirmations of the deals, and complaints; ends when all confirmed",
};

/// Length: a session round opens every so many blocks; when it was not signed, it takes commits and
/// then reveals for so many.
pub const SESSION_ROUND: ParamSpec = ParamSpec {
    name: "epoch/session_round_blocks",
    network: 10,
    local: 5,
    min: 1,
    max: 100_000,
    unit: "blocks",
    doc: "a session round opens every so many blocks; when it was not signed, it takes commits and then reveals for so many",
};

/// Races that are run again before the epoch's race has failed.
pub const MAX_RERUNS: ParamSpec = ParamSpec {
    name: "epoch/max_reruns",
    network: 2,
    local: 2,
    min: 0,
    max: 10,
    unit: "attempts",
    doc: "races that are run again before the epoch's race has failed",
};

/// Most members of a committee, by weight.
pub const MAX_VALIDATORS: ParamSpec = ParamSpec {
    name: "epoch/max_validators",
    network: 100,
    // As many as deal within the local window.
    local: 40,
    min: 1,
    // As many as an encoded committee key names.
    max: 512,
    unit: "validators",
    doc: "most members of a committee, by weight",
};

/// A member holds at least one part in so many of the weight.
pub const MIN_SHARE: ParamSpec = ParamSpec {
    name: "epoch/min_share_parts",
    network: 2_000,
    local: 2_000,
    min: 1_000,
    max: 1_000_000,
    unit: "parts",
    doc: "a member holds at least one part in so many of the weight",
};

/// Most that one member holds, where there are enough members for it.
pub const MAX_SHARE: ParamSpec = ParamSpec {
    name: "epoch/max_share",
    network: 300,
    local: 300,
    min: 50,
    max: 1_000,
    unit: "permille",
    doc:
        "most that one member holds, where there are enough members for it (state machine: Switch)",
};

/// Newcomers together weigh at most the live members' weight over this.
pub const NEWCOMERS: ParamSpec = ParamSpec {
    name: "epoch/old_per_newcomer",
    network: 3,
    local: 3,
    min: 1,
    max: 1_000,
    unit: "ratio",
    doc: "newcomers together weigh at most the live members' weight over this (state machine: Switch)",
};

/// All of them.
pub const ALL: &[ParamSpec] = &[
    SERVE,
    FIRST_SERVE,
    COMMIT,
    REVEAL,
    SIGN,
    RACE,
    CHALLENGE,
    OPEN,
    CHECK_COMMIT,
    CHECK_REVEAL,
    DISPUTE,
    DEAL,
    CONFIRM,
    SESSION_ROUND,
    MAX_RERUNS,
    MAX_VALIDATORS,
    MIN_SHARE,
    MAX_SHARE,
    NEWCOMERS,
];
