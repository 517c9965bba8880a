//! Parameters of `duty`.

use crate::params::ParamSpec;

/// Reveals of duties.
pub const REVEAL_BLOCKS: ParamSpec = ParamSpec {
    name: "duty/reveal_blocks",
    network: 200,
    local: 6,
    min: 1,
    max: 100_000,
    unit: "blocks",
    doc: "Blocks after an epoch's last settlements in which its duties are revealed (state machine: Switch)",
};

/// Commits to ballots.
pub const REVERIFY_COMMIT_BLOCKS: ParamSpec = ParamSpec {
    name: "duty/reverify_commit_blocks",
    network: 100,
    local: 5,
    min: 1,
    max: 100_000,
    unit: "blocks",
    doc:
        "Blocks after the reveal of duties in which ballots on contested tasks are still committed",
};

/// Reveals of ballots.
pub const REVERIFY_REVEAL_BLOCKS: ParamSpec = ParamSpec {
    name: "duty/reverify_reveal_blocks",
    network: 40,
    local: 4,
    min: 1,
    max: 100_000,
    unit: "blocks",
    doc: "Blocks in which ballots on contested tasks are revealed",
};

/// All of them.
pub const ALL: &[ParamSpec] = &[
    REVEAL_BLOCKS,
    REVERIFY_COMMIT_BLOCKS,
    REVERIFY_REVEAL_BLOCKS,
];
