//! Keys, amounts and signatures of a user: everything that happens before bytes go to a node.
//!
//! | file | what is in it |
//! |---|---|
//! | [`amount`] | `5icoin`, `2.5micoin`: exact or refused |
//! | [`mnemonic`] | BIP-39 phrases |
//! | [`key`] | secp256k1 keys at the Cosmos path, their addresses and signatures |
//! | [`keyring`], [`seal`] | named keys in files, encrypted or not |
//! | [`armor`] | keys as other Cosmos wallets export them |
//! | [`sign`] | transactions in SIGN_MODE_DIRECT |
//! | [`document`] | transactions in files: read, signed by one or several, written |
//! | [`batch`] | several of them in a file |
//! | [`signatures`] | whose signatures one has, and whether they are right |
//! | [`session_key`] | the ed25519 keys that sign the requests of a session |
//! | [`session_index`] | which request of a session comes next |

pub mod amount;
pub mod armor;
pub mod batch;
pub mod document;
pub mod key;
mod key_file;
pub mod keyring;
pub mod mnemonic;
pub mod seal;
pub mod session_index;
pub mod session_key;
pub mod sign;
pub mod signatures;

/// For `#[serde(with = "secret_text")]`: text that is overwritten when dropped.
mod secret_text {
    use serde::{Deserialize, Deserializer, Serializer};
    use zeroize::Zeroizing;

    pub(super) fn serialize<S: Serializer>(
        text: &Zeroizing<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Zeroizing<String>, D::Error> {
        String::deserialize(deserializer).map(Zeroizing::new)
    }
}

#[cfg(test)]
mod tests;
