//! Parameters of transactions.

use crate::params::ParamSpec;

const fn spec(
    name: &'static str,
    value: u64,
    bounds: (u64, u64),
    unit: &'static str,
    doc: &'static str,
) -> ParamSpec {
    ParamSpec {
        name,
        network: value,
        local: value,
        min: bounds.0,
        max: bounds.1,
        unit,
        doc,
    }
}

/// Largest transaction of users.
pub const MAX_USER_BYTES: ParamSpec = spec(
    "tx/max_user_bytes",
    64 << 10,
    (1 << 10, 1 << 20),
    "bytes",
    "Largest transaction that pays gas",
);

/// Largest transaction of nodes.
pub const MAX_PROTOCOL_BYTES: ParamSpec = spec(
    "tx/max_protocol_bytes",
    512 << 10,
    // A reveal of checks and an opening of the largest sample must fit.
    (512 << 10, 1 << 20),
    "bytes",
    "Largest transaction of protocol messages, which pay nothing",
);

/// The gas price below which a transaction is refused.
pub const MIN_GAS_PRICE: ParamSpec = spec(
    "tx/min_gas_price",
    10,
    (0, 1_000_000_000),
    "nicoin/1000 per gas",
    "Least fee for a unit of gas, in thousandths of a nicoin",
);

/// Longest memo.
pub const MAX_MEMO: ParamSpec = spec(
    "tx/max_memo_characters",
    256,
    (0, 4096),
    "bytes",
    "Longest memo",
);

/// Most signatures of a transaction.
pub const MAX_SIGNATURES: ParamSpec = spec(
    "tx/sig_limit",
    7,
    (1, 16),
    "signatures",
    "Most signatures of a transaction",
);

/// Most messages of a transaction.
pub const MAX_MESSAGES: ParamSpec = spec(
    "tx/max_messages",
    64,
    (1, 1024),
    "messages",
    "Most messages of a transaction",
);

/// Most bytes of transactions in a block.
pub const MAX_BLOCK_BYTES: ParamSpec = spec(
    "tx/max_block_bytes",
    4 << 20,
    (1 << 20, 64 << 20),
    "bytes",
    "Most bytes of transactions that a proposer puts into a block",
);

/// Most pending transactions of an account.
pub const PENDING_PER_ACCOUNT: ParamSpec = spec(
    "tx/pending_per_account",
    64,
    (1, 10_000),
    "transactions",
    "Most transactions of one account that pay gas in a node's mempool",
);

/// Most pending transactions of users.
pub const PENDING_OF_USERS: ParamSpec = spec(
    "tx/pending_of_users",
    3_000,
    (1, 100_000),
    "transactions",
    "Most transactions that pay gas in a node's mempool; the rest of its room is the protocol's",
);

/// All of them.
pub const ALL: &[ParamSpec] = &[
    MAX_USER_BYTES,
    MAX_PROTOCOL_BYTES,
    MIN_GAS_PRICE,
    MAX_MEMO,
    MAX_SIGNATURES,
    MAX_MESSAGES,
    MAX_BLOCK_BYTES,
    PENDING_PER_ACCOUNT,
    PENDING_OF_USERS,
];
