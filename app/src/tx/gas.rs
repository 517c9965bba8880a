//! The gas table: what a transaction pays for, as data.
//!
//! Gas of a transaction = [`BASE`] + [`PER_BYTE`] for each byte + a signature's cost for each
//! signer + the sum of its messages' ([`crate::message::CheckedMsg::gas`]). It is known before
//! execution, so running out of gas is decided before a message changes anything. Messages that
//! nodes send for the protocol count the same gas and pay nothing.

use super::ante::Mode;
use crate::error::TxError;

/// What every transaction costs: reading and writing the payer's account and balance.
pub const BASE: u64 = 20_000;

/// Each byte of the transaction.
pub const PER_BYTE: u64 = 10;

/// Verifying a secp256k1 signature.
pub const SECP256K1: u64 = 1_000;

/// Verifying an ed25519 signature.
pub const ED25519: u64 = 590;

/// Moving coins from one account to another.
pub const TRANSFER: u64 = 20_000;

/// A small change of one record.
pub const SMALL: u64 = 20_000;

/// A message that changes several records or stores a large one.
pub const LARGE: u64 = 100_000;

/// Each record of a settlement: verifying and storing it.
pub const RECORD: u64 = 10_000;

/// Each verdict of revealed duties: hashing and storing it.
pub const VERDICT: u64 = 5_000;

/// The table, as `docs/gas.md` shows it: what is paid for, how much gas, in which transactions.
pub const TABLE: &[(&str, u64, &str)] = &[
    ("transaction", BASE, "each"),
    ("byte", PER_BYTE, "each byte of the transaction"),
    (
        "secp256k1 signature",
        SECP256K1,
        "each; of a key of several keys, each that signs",
    ),
    (
        "ed25519 signature",
        ED25519,
        "each; of a key of several keys, each that signs",
    ),
    (
        "transfer",
        TRANSFER,
        "`MsgSend`, each output of `MsgMultiSend`, `MsgDeposit`",
    ),
    (
        "small message",
        SMALL,
        "messages that change one record, such as `MsgVote`, `MsgVotePrice`, `MsgUpdateNode`; `MsgExec`, beside \
         the messages in it",
    ),
    (
        "large message",
        LARGE,
        "messages that change several records or store a large one, such as `MsgOpenSession`, \
         `MsgSubmitProposal`, `MsgGrant`, `MsgGrantAllowance`, `MsgPruneAllowances`",
    ),
    ("record", RECORD, "each record of `MsgSettle`"),
    ("verdict", VERDICT, "each verdict of `MsgRevealDuties`"),
];

/// Bytes that a simulated transaction will still grow by: its signature, key, fee and gas limit.
const SIMULATED_BYTES: u64 = 256;

/// What the transaction's bytes cost.
pub fn of_size(size: usize, mode: Mode) -> u64 {
    let size = u64::try_from(size).unwrap_or(u64::MAX);
    let missing = if mode == Mode::Simulate {
        SIMULATED_BYTES
    } else {
        0
    };
    size.saturating_add(missing).saturating_mul(PER_BYTE)
}

/// Counts gas up to a limit.
#[derive(Debug, Clone, Copy)]
pub struct Meter {
    limit: Option<u64>,
    used: u64,
}

impl Meter {
    /// A meter with a limit; without one it only counts.
    pub fn new(limit: Option<u64>) -> Self {
        Self { limit, used: 0 }
    }

    /// What was used, at most just above the limit.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Counts gas for `location`.
    ///
    /// # Errors
    /// `sdk` 11 above the limit, in the words that clients parse.
    pub fn consume(&mut self, gas: u64, location: &str) -> Result<(), TxError> {
        self.used = self.used.saturating_add(gas);
        match self.limit {
            Some(limit) if self.used > limit => {
                let used = self.used;
                let log = format!("out of gas in location: {location}; gasWanted: {limit}, gasUsed: {used}: out of gas");
                Err(TxError::sdk(11, log))
            }
            _ => Ok(()),
        }
    }
}
