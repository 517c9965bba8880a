//! Transactions: bytes become a checked transaction ([`decode`]), the checks before execution
//! ([`ante`]), execution ([`execute`]).
//!
//! A transaction is all or nothing, except for what the ante handler did (fee, sequence, key),
//! which stays when a message fails.

pub mod amino;
pub mod ante;
pub mod decode;
pub mod execute;
pub mod gas;
pub mod params;
pub mod signature;
mod unknown;

pub use ante::Mode;
pub use decode::{decode, CheckedTx};
pub use execute::Outcome;
pub use unknown::MAX_DEPTH;
