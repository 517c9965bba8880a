//! Names of accounts and nodes.

use std::fmt;

use bech32::{Bech32, Hrp};
use ripemd::Ripemd160;
use sha2::{Digest, Sha256};

use crate::state::Key;

/// The bech32 prefix of accounts.
pub const PREFIX: &str = "race";

/// The bech32 prefix of consensus addresses.
pub const CONSENSUS_PREFIX: &str = "racevalcons";

/// The bech32 prefix of operators, as the SDK shows them.
pub const OPERATOR_PREFIX: &str = "racevaloper";

/// A node: the 20-byte address of its consensus key (first 20 bytes of its SHA-256).
pub type ConsensusAddress = [u8; 20];

/// The consensus address of an ed25519 key.
pub fn consensus_address(public_key: &[u8; 32]) -> ConsensusAddress {
    let digest = Sha256::digest(public_key);
    let mut address = [0; 20];
    address.copy_from_slice(&digest[..20]);
    address
}

/// An account: 20 bytes, shown in bech32 with the prefix `race`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account(pub [u8; 20]);

/// Why a text is no account address. The wording is the Cosmos SDK's, which clients look for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AddressError {
    /// Nothing given.
    #[error("Address cannot be empty")]
    Empty,
    /// Not bech32.
    #[error("decoding bech32 failed: invalid bech32 string length {0}")]
    Length(usize),
    /// Not bech32.
    #[error("decoding bech32 failed: {0}")]
    Bech32(String),
    /// Another network's address.
    #[error("invalid Bech32 prefix; expected {expected}, got {got}")]
    Prefix {
        /// Of what was asked for.
        expected: &'static str,
        /// What came.
        got: String,
    },
    /// Not 20 bytes.
    #[error("address must be 20 bytes, got {0}")]
    Bytes(usize),
}

impl Account {
    /// The account of a secp256k1 key (33 bytes compressed): RIPEMD-160 of SHA-256.
    pub fn of_secp256k1(public_key: &[u8]) -> Self {
        Self(Ripemd160::digest(Sha256::digest(public_key)).into())
    }

    /// The account of an ed25519 key: the first 20 bytes of SHA-256.
    pub fn of_ed25519(public_key: &[u8; 32]) -> Self {
        Self(consensus_address(public_key))
    }

    /// The first 20 bytes of SHA-256 of anything.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let mut address = [0; 20];
        address.copy_from_slice(&digest[..20]);
        Self(address)
    }

    /// The account of a module, as the SDK derives it from its name.
    pub fn of_module(name: &str) -> Self {
        Self::of_bytes(name.as_bytes())
    }

    /// Reads a bech32 address.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        Self::parse_with(PREFIX, text)
    }

    /// Reads an address under another prefix, e.g. [`OPERATOR_PREFIX`].
    pub fn parse_with(prefix: &'static str, text: &str) -> Result<Self, AddressError> {
        if text.trim().is_empty() {
            return Err(AddressError::Empty);
        }
        if text.len() < 8 || text.len() > 90 {
            return Err(AddressError::Length(text.len()));
        }
        // Checked against the plain bech32 checksum alone: bech32m is another format.
        let parsed = bech32::primitives::decode::CheckedHrpstring::new::<Bech32>(text)
            .map_err(|e| AddressError::Bech32(e.to_string()))?;
        let got = parsed.hrp().to_lowercase();
        if got != prefix {
            return Err(AddressError::Prefix {
                expected: prefix,
                got,
            });
        }
        let bytes: Vec<u8> = parsed.byte_iter().collect();
        <[u8; 20]>::try_from(bytes.as_slice())
            .map(Self)
            .map_err(|_| AddressError::Bytes(bytes.len()))
    }

    /// The address under another prefix, e.g. `racevaloper`.
    pub fn with_prefix(&self, prefix: &str) -> String {
        let hrp = Hrp::parse(prefix).expect("prefixes are constants of this crate");
        bech32::encode::<Bech32>(hrp, &self.0).expect("20 bytes always fit")
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_prefix(PREFIX))
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Key for Account {
    fn write(&self, to: &mut Vec<u8>) {
        self.0.write(to);
    }
    fn read(from: &mut &[u8]) -> Option<Self> {
        <[u8; 20]>::read(from).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_and_other_prefixes_are_refused() {
        let account = Account([7; 20]);
        assert_eq!(Account::parse(&account.to_string()), Ok(account));
        let foreign = account.with_prefix("cosmos");
        assert!(matches!(
            Account::parse(&foreign),
            Err(AddressError::Prefix { .. })
        ));
        assert_eq!(
            Account::parse("garbage").unwrap_err().to_string(),
            "decoding bech32 failed: invalid bech32 string length 7"
        );
    }
}
