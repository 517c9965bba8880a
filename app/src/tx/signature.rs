//! Keys and signatures of transactions.

use ed25519_dalek::Signature as Ed25519Signature;
use k256::ecdsa::signature::hazmat::PrehashVerifier;
use k256::ecdsa::{Signature as Secp256k1Signature, VerifyingKey};
use prost::Message;
use race_proto::cosmos::crypto::multisig::v1beta1::{CompactBitArray, MultiSignature};
use race_proto::cosmos::crypto::multisig::LegacyAminoPubKey;
use race_proto::cosmos::crypto::{ed25519, secp256k1};
use race_proto::cosmos::tx::signing::v1beta1::SignMode;
use race_proto::cosmos::tx::v1beta1::{mode_info, ModeInfo, SignDoc};
use race_proto::Any;
use sha2::{Digest, Sha256};

use super::amino;
use super::{gas, params};
use crate::address::Account;
use crate::error::TxError;

/// Type URL of a secp256k1 key.
pub const SECP256K1: &str = "/cosmos.crypto.secp256k1.PubKey";
/// Type URL of an ed25519 key.
pub const ED25519: &str = "/cosmos.crypto.ed25519.PubKey";
/// Type URL of a key of several keys, some of which must sign.
pub const MULTISIG: &str = "/cosmos.crypto.multisig.LegacyAminoPubKey";

/// A key that can sign transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// 33 bytes compressed.
    Secp256k1(Box<VerifyingKey>),
    /// 32 bytes.
    Ed25519(ed25519_dalek::VerifyingKey),
    /// Several of the others.
    Multi(MultiKey),
}

/// Several keys of which at least `threshold` must sign. None of them is itself such a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultiKey {
    threshold: usize,
    keys: Vec<PublicKey>,
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
            MULTISIG => MultiKey::unpack(&any.value).map(Self::Multi),
            other => Err(invalid(format!("keys of type {other:?} are not supported"))),
        }
    }

    /// The account of the key.
    pub fn account(&self) -> Account {
        match self {
            Self::Secp256k1(key) => Account::of_secp256k1(key.to_encoded_point(true).as_bytes()),
            Self::Ed25519(key) => Account::of_ed25519(key.as_bytes()),
            Self::Multi(key) => Account::of_bytes(&key.amino()),
        }
    }

    /// How many keys it is made of.
    pub fn count(&self) -> usize {
        match self {
            Self::Secp256k1(_) | Self::Ed25519(_) => 1,
            Self::Multi(key) => key.keys.len(),
        }
    }

    /// What verifying costs, and its name in errors: of a key of several keys, those that signed, or
    /// as many as must sign when that is not known yet.
    pub fn gas(&self, signed: Option<&Signed>) -> Vec<(u64, &'static str)> {
        match (self, signed) {
            (Self::Secp256k1(_), _) => vec![(gas::SECP256K1, "ante verify: secp256k1")],
            (Self::Ed25519(_), _) => vec![(gas::ED25519, "ante verify: ed25519")],
            (Self::Multi(key), Some(Signed::Several { bits, .. })) => {
                let signers = key.keys.iter().zip(bits).filter(|(_, signs)| **signs);
                signers.flat_map(|(key, _)| key.gas(None)).collect()
            }
            (Self::Multi(key), _) => {
                let most = key.keys.iter().take(key.threshold);
                most.flat_map(|key| key.gas(None)).collect()
            }
        }
    }

    /// Whether `signature` is this one key's over `message`. secp256k1: 64 bytes over SHA-256, low S
    /// only; ed25519: strict, so that every node agrees.
    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
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
            Self::Multi(_) => false,
        }
    }

    /// The key in amino's binary encoding, of which the address of several keys is made.
    fn amino(&self) -> Vec<u8> {
        match self {
            Self::Secp256k1(key) => {
                let key = key.to_encoded_point(true);
                [&[0xeb, 0x5a, 0xe9, 0x87, 33], key.as_bytes()].concat()
            }
            Self::Ed25519(key) => {
                [&[0x16, 0x24, 0xde, 0x64, 32], key.as_bytes().as_slice()].concat()
            }
            Self::Multi(key) => key.amino(),
        }
    }

    /// Checks what was signed against the bytes that the signer had to sign.
    ///
    /// # Errors
    /// Why not, in the SDK's words.
    pub fn verify(&self, signed: &Signed, documents: &Documents) -> Result<(), String> {
        match (self, signed) {
            (Self::Multi(key), Signed::Several { bits, parts }) => {
                key.verify(bits, parts, documents)
            }
            (Self::Multi(_), Signed::One { .. }) => {
                Err("expected a signature of several keys, got one of a single key".to_owned())
            }
            (_, Signed::Several { .. }) => {
                Err("expected a signature of a single key, got one of several keys".to_owned())
            }
            (_, Signed::One { mode, signature }) => {
                match self.verifies(&documents.bytes(*mode)?, signature) {
                    true => Ok(()),
                    false => Err("unable to verify single signer signature".to_owned()),
                }
            }
        }
    }
}

impl MultiKey {
    fn unpack(bytes: &[u8]) -> Result<Self, TxError> {
        let key = LegacyAminoPubKey::decode(bytes).map_err(invalid)?;
        let count = key.public_keys.len();
        // Before any point is decompressed; the chain's own limit comes with the other checks.
        let limit = params::MAX_SIGNATURES.max;
        if u64::try_from(count).map_or(true, |count| count > limit) {
            let log = format!(
                "signatures: {count}, limit: {limit}: maximum number of signatures exceeded"
            );
            return Err(TxError::sdk(14, log));
        }
        let threshold = usize::try_from(key.threshold).map_err(invalid)?;
        if !(1..=count).contains(&threshold) {
            return Err(invalid(format!(
                "a key of {count} keys has a threshold from 1 to {count}, got {threshold}"
            )));
        }
        let single = |any: &Any| match any.type_url == MULTISIG {
            true => Err(invalid("a key of several keys inside another")),
            false => PublicKey::unpack(any),
        };
        let keys = key.public_keys.iter().map(single).collect::<Result<_, _>>();
        Ok(Self {
            threshold,
            keys: keys?,
        })
    }

    fn amino(&self) -> Vec<u8> {
        let mut out = vec![0x22, 0xc1, 0xf7, 0xe2, 0x08];
        let length = |n: usize, out: &mut Vec<u8>| {
            prost::encoding::encode_varint(u64::try_from(n).unwrap_or(u64::MAX), out);
        };
        length(self.threshold, &mut out);
        for key in &self.keys {
            let key = key.amino();
            out.push(0x12);
            length(key.len(), &mut out);
            out.extend(key);
        }
        out
    }

    fn verify(
        &self,
        bits: &[bool],
        parts: &[(SignMode, Vec<u8>)],
        documents: &Documents,
    ) -> Result<(), String> {
        let count = self.keys.len();
        if bits.len() != count {
            return Err(format!("bit array size is incorrect, expecting: {count}"));
        }
        if parts.len() < self.threshold || parts.len() > count {
            return Err(format!("signature size is incorrect {}", parts.len()));
        }
        let set = bits.iter().filter(|bit| **bit).count();
        if set < self.threshold {
            let expected = self.threshold;
            return Err(format!(
                "not enough signatures set, have {set}, expected {expected}"
            ));
        }
        if set != parts.len() {
            let got = parts.len();
            return Err(format!("{set} keys are said to sign, got {got} signatures"));
        }
        let signers = self.keys.iter().enumerate().zip(bits);
        let signers = signers.filter(|(_, signs)| **signs).map(|(key, _)| key);
        for ((index, key), (mode, signature)) in signers.zip(parts) {
            // Each signer of DIRECT would have to know who else signs.
            if *mode != SignMode::LegacyAminoJson {
                let mode = mode.as_str_name();
                return Err(format!("{mode} is not supported among several keys; sign with SIGN_MODE_LEGACY_AMINO_JSON"));
            }
            if !key.verifies(&documents.bytes(*mode)?, signature) {
                return Err(format!("unable to verify signature at index {index}"));
            }
        }
        Ok(())
    }
}

/// A signer's signature with the mode in which it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// Of one key.
    One {
        /// What was signed.
        mode: SignMode,
        /// The signature.
        signature: Vec<u8>,
    },
    /// Of some of several keys.
    Several {
        /// For each key whether it signs.
        bits: Vec<bool>,
        /// Mode and signature of each that signs.
        parts: Vec<(SignMode, Vec<u8>)>,
    },
}

impl Signed {
    /// Reads a signer's mode and signature.
    ///
    /// # Errors
    /// `sdk` 37 for a mode that is not supported, 4 for a signature that does not fit its mode.
    pub fn read(mode: Option<&ModeInfo>, signature: &[u8]) -> Result<Self, TxError> {
        let malformed = |what: &str| TxError::sdk(4, format!("{what}: unauthorized"));
        match mode.and_then(|mode| mode.sum.as_ref()) {
            Some(mode_info::Sum::Single(single)) => Ok(Self::One {
                mode: supported(single.mode)?,
                signature: signature.to_vec(),
            }),
            Some(mode_info::Sum::Multi(multi)) => {
                let signatures = MultiSignature::decode(signature)
                    .map_err(|_| malformed("a signature of several keys is a MultiSignature"))?
                    .signatures;
                if signatures.len() != multi.mode_infos.len() {
                    return Err(malformed("a signature of several keys has a mode for each"));
                }
                let modes = multi.mode_infos.iter().map(|mode| match &mode.sum {
                    Some(mode_info::Sum::Single(single)) => supported(single.mode),
                    _ => Err(unsupported("a signature of several keys inside another")),
                });
                let modes = modes.collect::<Result<Vec<_>, _>>()?;
                Ok(Self::Several {
                    bits: multi.bitarray.as_ref().map(bits).unwrap_or_default(),
                    parts: modes.into_iter().zip(signatures).collect(),
                })
            }
            None => Err(unsupported("no sign mode")),
        }
    }

    /// Whether all of it was signed as amino JSON, whose bytes hold the sequence.
    pub fn is_amino(&self) -> bool {
        let amino = |mode: &SignMode| *mode == SignMode::LegacyAminoJson;
        match self {
            Self::One { mode, .. } => amino(mode),
            Self::Several { parts, .. } => parts.iter().all(|(mode, _)| amino(mode)),
        }
    }
}

fn unsupported(what: &str) -> TxError {
    TxError::sdk(37, format!("{what} is not supported; sign with SIGN_MODE_DIRECT or SIGN_MODE_LEGACY_AMINO_JSON: feature not supported"))
}

fn supported(mode: i32) -> Result<SignMode, TxError> {
    match SignMode::try_from(mode) {
        Ok(mode @ (SignMode::Direct | SignMode::LegacyAminoJson)) => Ok(mode),
        Ok(mode) => Err(unsupported(mode.as_str_name())),
        Err(_) => Err(unsupported(&format!("sign mode {mode}"))),
    }
}

fn bits(array: &CompactBitArray) -> Vec<bool> {
    let bits = array.elems.iter();
    let bits = bits.flat_map(|byte| (0..8u32).map(move |i| byte.rotate_left(i) & 0x80 != 0));
    let unused = match array.extra_bits_stored {
        extra @ 1..=7 => 8usize.saturating_sub(usize::try_from(extra).unwrap_or(8)),
        _ => 0,
    };
    let count = array.elems.len().saturating_mul(8).saturating_sub(unused);
    bits.take(count).collect()
}

/// What one signer signs of a transaction, in each mode.
pub struct Documents {
    /// What DIRECT signs: a document over the bytes as they were received.
    pub direct: SignDoc,
    /// The signer's sequence.
    pub sequence: u64,
}

impl Documents {
    /// The bytes that are signed in a mode.
    ///
    /// # Errors
    /// Why the transaction cannot be signed in it.
    pub fn bytes(&self, mode: SignMode) -> Result<Vec<u8>, String> {
        match mode {
            SignMode::LegacyAminoJson => {
                amino::sign_bytes(&self.direct, self.sequence).map_err(|error| error.to_string())
            }
            _ => Ok(self.direct.encode_to_vec()),
        }
    }
}

#[cfg(test)]
mod tests;
