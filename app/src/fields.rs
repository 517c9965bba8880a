//! Fields of messages, queries and stored values that are bytes or text of a fixed meaning.

use crate::address::{Account, ConsensusAddress};
use crate::error::{QueryError, TxError};

/// Reads the account that signs a message.
///
/// # Errors
/// `sdk` 7 when the text is no address.
pub fn signer(field: &str, text: &str) -> Result<Account, TxError> {
    Account::parse(text).map_err(|e| TxError::sdk(7, format!("{field}: {e}: invalid address")))
}

/// Reads bytes of a fixed length from a message.
///
/// # Errors
/// `sdk` 18 when there are more or fewer.
pub fn bytes<const N: usize>(field: &str, bytes: &[u8]) -> Result<[u8; N], TxError> {
    bytes.try_into().map_err(|_| {
        let log = format!(
            "{field}: expected {N} bytes, got {}: invalid request",
            bytes.len()
        );
        TxError::sdk(18, log)
    })
}

/// Reads bytes of a fixed length from a query.
///
/// # Errors
/// `InvalidArgument` when there are more or fewer.
pub fn asked<const N: usize>(field: &str, bytes: &[u8]) -> Result<[u8; N], QueryError> {
    bytes.try_into().map_err(|_| {
        QueryError::InvalidArgument(format!("{field}: expected {N} bytes, got {}", bytes.len()))
    })
}

/// Reads bytes of a fixed length from state.
///
/// # Panics
/// When state is damaged: only checked values are stored.
pub fn stored<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes
        .try_into()
        .unwrap_or_else(|_| panic!("state is damaged: {} bytes where {N} belong", bytes.len()))
}

/// A node's address as people read it: upper-case hex, as CometBFT shows it.
pub fn shown(address: &ConsensusAddress) -> String {
    hex::encode_upper(address)
}
