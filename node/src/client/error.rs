//! Why a call to a chain failed.

use std::fmt;
use std::time::Duration;

use race_app::address::Account;

use crate::comet::rpc::RpcError;

/// Codespace of the SDK's own errors.
const SDK: &str = "sdk";
/// SDK code of a wrong sequence.
const WRONG_SEQUENCE: u32 = 32;
/// SDK code of what is not there.
const NOT_FOUND: u32 = 22;

/// A transaction that the chain refused, before or in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// SHA-256 of the transaction, upper-case hex.
    pub hash: String,
    /// The block that holds it; `None` when it was refused before it got into one.
    pub height: Option<u64>,
    /// Whose table the code is in: `sdk`, or a module's.
    pub codespace: String,
    /// The code, never 0.
    pub code: u32,
    /// The chain's sentence.
    pub log: String,
    /// Gas that it had, 0 when refused before a block.
    pub gas_wanted: i64,
    /// Gas that it took, 0 when refused before a block.
    pub gas_used: i64,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the chain refused the transaction")?;
        if let Some(height) = self.height {
            write!(f, " in block {height}")?;
        }
        let (codespace, code, log) = (&self.codespace, self.code, &self.log);
        write!(f, ": {log} ({codespace} code {code})")
    }
}

/// A call to a chain failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The RPC server did not answer, or refused by itself.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The application refused a query.
    #[error("query {path} was refused: {log} ({codespace} code {code})")]
    Query {
        /// The path that was asked.
        path: String,
        /// Whose table the code is in.
        codespace: String,
        /// The code, never 0.
        code: u32,
        /// The application's sentence.
        log: String,
    },
    /// The chain refused a transaction.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The account has never been written to.
    #[error("account {0} does not exist on this chain yet: it must receive coins before it can send a transaction")]
    NoAccount(Account),
    /// An answer that is not what the path promises.
    #[error("cannot read the answer to {what}: {reason}")]
    Malformed {
        /// What was asked.
        what: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// Accepted by the mempool, but in no block in time.
    #[error("transaction {hash} was accepted but is in no block after {limit:?}; it may still get into one: `raced query tx {hash}` tells")]
    NotIncluded {
        /// SHA-256 of the transaction, upper-case hex.
        hash: String,
        /// How long was waited.
        limit: Duration,
    },
    /// A fee beyond any amount.
    #[error("the fee for {gas} gas at {price} is larger than any amount can be")]
    Fee {
        /// The gas limit.
        gas: u64,
        /// The price.
        price: crate::wallet::amount::GasPrice,
    },
}

impl ClientError {
    /// Whether the application said that what was asked for is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Query { codespace, code: NOT_FOUND, log, .. }
            if codespace == SDK && log.contains("NotFound"))
    }

    /// The sequence that the chain expects, when this is a refusal of another one.
    #[must_use]
    pub fn expected_sequence(&self) -> Option<u64> {
        let log = match self {
            Self::Refused(refusal)
                if refusal.codespace == SDK && refusal.code == WRONG_SEQUENCE =>
            {
                &refusal.log
            }
            // A simulation has the sentence, but the code of a query.
            Self::Query { log, .. } => log,
            _ => return None,
        };
        let (_, rest) = log.split_once("account sequence mismatch, expected ")?;
        rest.split(|c: char| !c.is_ascii_digit())
            .next()?
            .parse()
            .ok()
    }
}
