//! Transactions in files: the JSON of `cosmos.tx.v1beta1.Tx`, as the SDK's `--generate-only`, `tx sign`,
//! `tx multisign` and `tx broadcast` write and read it, so that each step may be done by another tool.
//!
//! The signed bytes are made of what was read: whoever reads the same JSON makes the same bytes.

use prost::Message;
use race_app::address::Account;
use race_app::tx::decode as checked;
use race_app::tx::signature::{Documents, PublicKey, Signed};
use race_proto::cosmos::crypto::multisig::v1beta1::{CompactBitArray, MultiSignature};
use race_proto::cosmos::crypto::multisig::LegacyAminoPubKey;
use race_proto::cosmos::tx::signing::v1beta1::signature_descriptor::{data, Data};
use race_proto::cosmos::tx::signing::v1beta1::{
    SignMode, SignatureDescriptor, SignatureDescriptors,
};
use race_proto::cosmos::tx::v1beta1::mode_info::{Multi, Single, Sum};
use race_proto::cosmos::tx::v1beta1::{ModeInfo, SignDoc, SignerInfo, Tx, TxRaw};
use race_proto::Any;
use serde_json::Value as Json;

use super::key::Key;
use super::keyring::public_key;
use super::sign::Signer;
use crate::proto_json::{self as proto, ProtoError};
use crate::tree::Tree;

/// Why a file cannot be used or signed.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON of the type.
    #[error(transparent)]
    Form(#[from] ProtoError),
    /// Bytes that are no transaction.
    #[error("not an encoded transaction: {0}")]
    Bytes(#[from] prost::DecodeError),
    /// A message that the chain would refuse.
    #[error("the chain would refuse this transaction: {0}")]
    Content(String),
    /// The key is not among those who must sign.
    #[error("{account} does not sign this transaction; {} must", shown(signers))]
    NotASigner {
        /// The key's account.
        account: Account,
        /// Who signs.
        signers: Vec<Account>,
    },
    /// A signature is there.
    #[error("{0} has signed this already: add --overwrite to replace the signature")]
    SignedAlready(Account),
    /// What was signed before does not fit.
    #[error("the file has signatures that do not belong to its signers: make it anew with --generate-only")]
    ForeignSignatures,
    /// DIRECT binds to all signers at once.
    #[error("several accounts sign this transaction: each signs with --sign-mode amino-json")]
    SeveralSigners,
    /// It cannot be signed in this mode.
    #[error("{0}")]
    Mode(String),
    /// Not the key of several keys.
    #[error("{0} is not a key of several keys")]
    NotMulti(String),
    /// A key that is none of several.
    #[error("{part} is by {account}, which is none of the keys of {whole}")]
    NotAPart {
        /// Where the signature came from.
        part: String,
        /// Whose it is.
        account: Account,
        /// The key of several keys.
        whole: Account,
    },
    /// A signature that is none.
    #[error("{part}: {reason}")]
    BadPart {
        /// Where it came from.
        part: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Not enough of several have signed.
    #[error("{needed} of the keys must sign, {got} did")]
    TooFew {
        /// The threshold.
        needed: u32,
        /// How many signatures there are.
        got: usize,
    },
}

fn shown(signers: &[Account]) -> String {
    let signers: Vec<_> = signers.iter().map(ToString::to_string).collect();
    signers.join(", ")
}

/// Reads a transaction from JSON.
///
/// # Errors
/// When it is no JSON of one, or has a message that this chain does not know.
pub fn read(text: &str) -> Result<Tx, DocumentError> {
    from_json(serde_json::from_str(text).map_err(malformed)?)
}

/// No transaction, and why.
pub(super) fn malformed(reason: impl ToString) -> ProtoError {
    ProtoError::Malformed {
        type_url: "/cosmos.tx.v1beta1.Tx".to_owned(),
        reason: reason.to_string(),
    }
}

/// [`read`] of JSON.
pub(super) fn from_json(mut json: Json) -> Result<Tx, DocumentError> {
    // Fields of SDK 0.53, which say nothing when they are empty.
    if let Some(Json::Object(body)) = json.get_mut("body") {
        let empty = |value: &Json| matches!(value, Json::Null | Json::Bool(false));
        for name in ["unordered", "timeout_timestamp"] {
            if body.get(name).is_some_and(empty) {
                body.remove(name);
            }
        }
    }
    let tx: Tx = proto::from_value(json)?;
    if tx.body.is_none() || tx.auth_info.is_none() {
        let what =
            "a transaction has a \"body\" and an \"auth_info\"; was it made by --generate-only?";
        return Err(malformed(what).into());
    }
    Ok(tx)
}

/// The JSON of a transaction.
#[must_use]
pub fn json(tx: &Tx) -> String {
    proto::message_tree(tx).to_json()
}

/// Reads the signatures of `tx sign --signature-only`.
///
/// # Errors
/// When it is no JSON of them.
pub fn read_signatures(text: &str) -> Result<Vec<SignatureDescriptor>, DocumentError> {
    let all: SignatureDescriptors = proto::from_text(text)?;
    Ok(all.signatures)
}

/// What is shown of signatures without their transaction.
#[must_use]
pub fn signatures_tree(signatures: Vec<SignatureDescriptor>) -> Tree {
    proto::message_tree(&SignatureDescriptors { signatures })
}

/// The bytes of a transaction, as a chain takes them.
#[must_use]
pub fn encode(tx: &Tx) -> Vec<u8> {
    TxRaw {
        body_bytes: bytes(&tx.body),
        auth_info_bytes: bytes(&tx.auth_info),
        signatures: tx.signatures.clone(),
    }
    .encode_to_vec()
}

/// A part of a transaction; nothing where it is left out.
fn bytes(part: &Option<impl Message>) -> Vec<u8> {
    part.as_ref()
        .map(Message::encode_to_vec)
        .unwrap_or_default()
}

/// Reads the bytes of a transaction.
///
/// # Errors
/// When they are none.
pub fn decode(bytes: &[u8]) -> Result<Tx, DocumentError> {
    Ok(Tx::decode(bytes)?)
}

/// Who must sign a transaction, in order.
///
/// # Errors
/// When the chain would refuse a message of it.
pub fn signers(tx: &Tx) -> Result<Vec<Account>, DocumentError> {
    let refused = |error: race_app::error::TxError| DocumentError::Content(error.log);
    let messages = checked::parse(&tx.body.clone().unwrap_or_default()).map_err(refused)?;
    let fee = tx.auth_info.clone().and_then(|auth| auth.fee);
    let (signers, _) = checked::signers(&messages, &fee.unwrap_or_default()).map_err(refused)?;
    Ok(signers)
}

/// What is signed of a transaction as it is now.
pub(super) fn documents(tx: &Tx, signer: Signer<'_>) -> Documents {
    Documents {
        direct: SignDoc {
            body_bytes: bytes(&tx.body),
            auth_info_bytes: bytes(&tx.auth_info),
            chain_id: signer.chain_id.to_owned(),
            account_number: signer.account_number,
        },
        sequence: signer.sequence,
    }
}

fn single(mode: SignMode) -> ModeInfo {
    ModeInfo {
        sum: Some(Sum::Single(Single { mode: mode.into() })),
    }
}

/// Signs a transaction as one of its signers and puts the signature into it; returns the signature.
///
/// # Errors
/// When the key is none of its signers, has signed already and `again` is false, or the mode does not fit.
pub fn sign(
    tx: &mut Tx,
    key: &Key,
    mode: SignMode,
    signer: Signer<'_>,
    again: bool,
) -> Result<SignatureDescriptor, DocumentError> {
    let signers = signers(tx)?;
    if mode == SignMode::Direct && signers.len() > 1 {
        return Err(DocumentError::SeveralSigners);
    }
    let info = SignerInfo {
        public_key: Some(public_key(key)),
        mode_info: Some(single(mode)),
        sequence: signer.sequence,
    };
    let place = put(tx, &signers, key.account(), info, again)?;
    let signed = descriptor(tx, key, mode, signer)?;
    if let Some(Data {
        sum: Some(data::Sum::Single(single)),
    }) = &signed.data
    {
        tx.signatures[place].clone_from(&single.signature);
    }
    Ok(signed)
}

/// One owner's signature for the account `whole` of several keys.
///
/// # Errors
/// When `whole` is none of the signers, or the transaction has no amino JSON.
pub fn sign_part(
    tx: &Tx,
    key: &Key,
    whole: Account,
    signer: Signer<'_>,
) -> Result<SignatureDescriptor, DocumentError> {
    let signers = signers(tx)?;
    if !signers.contains(&whole) {
        let account = whole;
        return Err(DocumentError::NotASigner { account, signers });
    }
    descriptor(tx, key, SignMode::LegacyAminoJson, signer)
}

fn descriptor(
    tx: &Tx,
    key: &Key,
    mode: SignMode,
    signer: Signer<'_>,
) -> Result<SignatureDescriptor, DocumentError> {
    let bytes = documents(tx, signer)
        .bytes(mode)
        .map_err(DocumentError::Mode)?;
    let signed = data::Single {
        mode: mode.into(),
        signature: key.sign(&bytes).to_vec(),
    };
    Ok(SignatureDescriptor {
        public_key: Some(public_key(key)),
        data: Some(Data {
            sum: Some(data::Sum::Single(signed)),
        }),
        sequence: signer.sequence,
    })
}

/// Puts a signer into a transaction, at its place among the others; the signature is still empty.
fn put(
    tx: &mut Tx,
    signers: &[Account],
    account: Account,
    info: SignerInfo,
    again: bool,
) -> Result<usize, DocumentError> {
    let rank_of = |account| signers.iter().position(|signer| *signer == account);
    let rank = rank_of(account).ok_or_else(|| DocumentError::NotASigner {
        account,
        signers: signers.to_vec(),
    })?;
    let auth = tx.auth_info.get_or_insert_default();
    if auth.signer_infos.len() != tx.signatures.len() {
        return Err(DocumentError::ForeignSignatures);
    }
    let mut before = 0;
    for (place, other) in auth.signer_infos.iter().enumerate() {
        let key = other
            .public_key
            .as_ref()
            .and_then(|key| PublicKey::unpack(key).ok());
        let other = key.and_then(|key| rank_of(key.account()));
        let other = other.ok_or(DocumentError::ForeignSignatures)?;
        if other == rank {
            if !again {
                return Err(DocumentError::SignedAlready(account));
            }
            auth.signer_infos[place] = info;
            tx.signatures[place] = Vec::new();
            return Ok(place);
        }
        before += usize::from(other < rank);
    }
    auth.signer_infos.insert(before, info);
    tx.signatures.insert(before, Vec::new());
    Ok(before)
}

/// Joins the signatures of several owners (each with where it came from) into that of the account of
/// their key, and puts it into the transaction.
///
/// # Errors
/// When `key` is no key of several keys, a signature is not by one of them or wrong, or too few are
/// there.
pub fn combine(
    tx: &mut Tx,
    key: &Any,
    parts: &[(String, SignatureDescriptor)],
    signer: Signer<'_>,
) -> Result<SignatureDescriptor, DocumentError> {
    let content = |error: race_app::error::TxError| DocumentError::Content(error.log);
    let whole = PublicKey::unpack(key).map_err(content)?;
    let PublicKey::Multi(_) = &whole else {
        return Err(DocumentError::NotMulti(whole.account().to_string()));
    };
    let keys = LegacyAminoPubKey::decode(key.value.as_slice())?;
    let signers = signers(tx)?;
    let documents = documents(tx, signer);
    let mut found: Vec<Option<(SignMode, Vec<u8>)>> = vec![None; keys.public_keys.len()];
    for (part, signature) in parts {
        let bad = |reason: String| DocumentError::BadPart {
            part: part.clone(),
            reason,
        };
        let owner = signature.public_key.as_ref();
        let owner = owner.ok_or_else(|| bad("it has no public key".to_owned()))?;
        let unpacked = PublicKey::unpack(owner).map_err(|error| bad(error.log))?;
        let place = keys.public_keys.iter().position(|key| key == owner);
        let place = place.ok_or_else(|| DocumentError::NotAPart {
            part: part.clone(),
            account: unpacked.account(),
            whole: whole.account(),
        })?;
        let Some(Data {
            sum: Some(data::Sum::Single(single)),
        }) = &signature.data
        else {
            return Err(bad("it is not the signature of a single key".to_owned()));
        };
        let mode = single.mode();
        if mode != SignMode::LegacyAminoJson {
            let mode = mode.as_str_name();
            return Err(bad(format!(
                "it was made in {mode}; owners of several keys sign with --sign-mode amino-json"
            )));
        }
        let signed = Signed::One {
            mode,
            signature: single.signature.clone(),
        };
        unpacked.verify(&signed, &documents).map_err(|_| {
            bad(format!(
                "the signature of {} does not fit: it is for another transaction, chain id, account number ({}) or sequence ({})",
                unpacked.account(), signer.account_number, signer.sequence
            ))
        })?;
        found[place] = Some((mode, single.signature.clone()));
    }
    let count = found.len();
    let mut elems = vec![0u8; count.div_ceil(8)];
    for (place, _) in found.iter().enumerate().filter(|(_, part)| part.is_some()) {
        elems[place / 8] |= 0x80 >> (place % 8);
    }
    let found: Vec<_> = found.into_iter().flatten().collect();
    if found.len() < keys.threshold as usize {
        return Err(DocumentError::TooFew {
            needed: keys.threshold,
            got: found.len(),
        });
    }
    let bitarray = CompactBitArray {
        extra_bits_stored: u32::try_from(count % 8).unwrap_or_default(),
        elems,
    };
    let info = SignerInfo {
        public_key: Some(key.clone()),
        mode_info: Some(ModeInfo {
            sum: Some(Sum::Multi(Multi {
                bitarray: Some(bitarray.clone()),
                mode_infos: found.iter().map(|(mode, _)| single(*mode)).collect(),
            })),
        }),
        sequence: signer.sequence,
    };
    // The parts are the owners' own: joining them anew loses nothing.
    let place = put(tx, &signers, whole.account(), info, true)?;
    let signatures = found.iter().map(|(_, signature)| signature.clone());
    tx.signatures[place] = MultiSignature {
        signatures: signatures.collect(),
    }
    .encode_to_vec();
    let part = |(mode, signature): (SignMode, Vec<u8>)| Data {
        sum: Some(data::Sum::Single(data::Single {
            mode: mode.into(),
            signature,
        })),
    };
    Ok(SignatureDescriptor {
        public_key: Some(key.clone()),
        data: Some(Data {
            sum: Some(data::Sum::Multi(data::Multi {
                bitarray: Some(bitarray),
                signatures: found.into_iter().map(part).collect(),
            })),
        }),
        sequence: signer.sequence,
    })
}
