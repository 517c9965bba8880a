//! Keys and signatures of transactions.

use ed25519_dalek::Signature as Ed25519Signature;
use k256::ecdsa::signature::hazmat::PrehashVerifier;
use k256::ecdsa::{Signature as Secp256k1Signature, VerifyingKey};
use prost::Message;
use race_proto::cosmos::crypto::{ed25519, secp256k1};
use race_proto::cosmos::tx::signing::v1beta1::SignMode;
use race_proto::cosmos::tx::v1beta1::{mode_info, ModeInfo, SignDoc};
use race_proto::Any;
use sha2::{Digest, Sha256};

use super::decode::CheckedTx;
use super::gas;
use crate::address::Account;
use crate::error::TxError;

/// Type URL of a secp256k1 key.
pub const SECP256K1: &str = "/cosmos.crypto.secp256k1.PubKey";
/// Type URL of an ed25519 key.
pub const ED25519: &str = "/cosmos.crypto.ed25519.PubKey";

/// A key that can sign transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// 33 bytes compressed.
    Secp256k1(Box<VerifyingKey>),
    /// 32 bytes.
    Ed25519(ed25519_dalek::VerifyingKey),
}

fn invalid(what: impl std::fmt::Display) -> TxError {
    TxError::sdk(8, format!("{what}: invalid pubkey"))
}

impl PublicKey {
    /// Unpacks a key.
    ///
    /// # Errors
    /// `sdk` 8 when it is of another type or no point of its curve.
    pub fn unpack(any: &Any) -> Result<Self, TxError> {
        match any.type_url.as_str() {
            SECP256K1 => {
                let key = secp256k1::PubKey::decode(any.value.as_slice())
                    .map_err(invalid)?
                    .key;
                if key.len() != 33 {
                    return Err(invalid(format!(
                        "a secp256k1 key has 33 bytes, got {}",
                        key.len()
                    )));
                }
                VerifyingKey::from_sec1_bytes(&key)
                    .map(Box::new)
                    .map(Self::Secp256k1)
                    .map_err(invalid)
            }
            ED25519 => {
                let key = ed25519::PubKey::decode(any.value.as_slice())
                    .map_err(invalid)?
                    .key;
                let key: [u8; 32] = key.as_slice().try_into().map_err(|_| {
                    invalid(format!("an ed25519 key has 32 bytes, got {}", key.len()))
                })?;
                ed25519_dalek::VerifyingKey::from_bytes(&key)
                    .map(Self::Ed25519)
                    .map_err(invalid)
            }
            "/cosmos.crypto.multisig.LegacyAminoPubKey" => Err(invalid(
                "multisignature keys are not supported; sign with a secp256k1 or ed25519 key",
            )),
            other => Err(invalid(format!("keys of type {other:?} are not supported"))),
        }
    }

    /// The account of the key.
    pub fn account(&self) -> Account {
        match self {
            Self::Secp256k1(key) => Account::of_secp256k1(key.to_encoded_point(true).as_bytes()),
            Self::Ed25519(key) => Account::of_ed25519(key.as_bytes()),
        }
    }

    /// What verifying costs, and its name in errors.
    pub fn gas(&self) -> (u64, &'static str) {
        match self {
            Self::Secp256k1(_) => (gas::SECP256K1, "ante verify: secp256k1"),
            Self::Ed25519(_) => (gas::ED25519, "ante verify: ed25519"),
        }
    }

    /// Whether `signature` is this key's over `message`. secp256k1: 64 bytes over SHA-256, low S
    /// only; ed25519: strict, so that every node agrees.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Secp256k1(key) => {
                Secp256k1Signature::from_slice(signature).is_ok_and(|signature| {
                    signature.normalize_s().is_none()
                        && key
                            .verify_prehash(&Sha256::digest(message), &signature)
                            .is_ok()
                })
            }
            Self::Ed25519(key) => Ed25519Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
        }
    }
}

/// The bytes that a signer signs: a `SignDoc` over what was received.
pub fn sign_bytes(tx: &CheckedTx, chain_id: &str, account_number: u64) -> Vec<u8> {
    SignDoc {
        body_bytes: tx.body_bytes.clone(),
        auth_info_bytes: tx.auth_info_bytes.clone(),
        chain_id: chain_id.to_owned(),
        account_number,
    }
    .encode_to_vec()
}

/// That the signer used `SIGN_MODE_DIRECT`.
///
/// # Errors
/// `sdk` 37, naming what came.
pub fn require_direct(mode: Option<&ModeInfo>) -> Result<(), TxError> {
    let found = match mode.and_then(|mode| mode.sum.as_ref()) {
        Some(mode_info::Sum::Single(single)) if single.mode == SignMode::Direct as i32 => {
            return Ok(())
        }
        Some(mode_info::Sum::Single(single)) => match SignMode::try_from(single.mode) {
            Ok(mode) => mode.as_str_name().to_owned(),
            Err(_) => format!("sign mode {}", single.mode),
        },
        Some(mode_info::Sum::Multi(_)) => "a multisignature".to_owned(),
        None => "no sign mode".to_owned(),
    };
    Err(TxError::sdk(
        37,
        format!("{found} is not supported; sign with SIGN_MODE_DIRECT: feature not supported"),
    ))
}
