//! Bytes become a transaction whose messages are checked types.

use prost::Message;
use race_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, SignerInfo, TxBody, TxRaw};

use super::params;
use super::unknown::{refuse_unknown_fields, NonCritical};
use crate::address::Account;
use crate::bank::coins::Coins;
use crate::error::TxError;
use crate::message::{CheckedMsg, Lane};
use crate::params::get;
use crate::registry;
use crate::state::State;

/// Messages with their type URLs.
pub type CheckedMessages = Vec<(String, Box<dyn CheckedMsg>)>;

/// A transaction after all checks that need no state but the size limits.
pub struct CheckedTx {
    /// The bytes that were signed, as received.
    pub body_bytes: Vec<u8>,
    /// The bytes that were signed, as received.
    pub auth_info_bytes: Vec<u8>,
    /// One for each signer.
    pub signatures: Vec<Vec<u8>>,
    /// Length of the whole transaction in bytes.
    pub size: usize,
    /// The messages with their type URLs; at least one.
    pub messages: CheckedMessages,
    /// Whose lane all messages are in.
    pub lane: Lane,
    /// Who must sign, in order, each once.
    pub signers: Vec<Account>,
    /// Who pays, unless another does.
    pub fee_payer: Account,
    /// Who pays in the payer's place, by a fee grant.
    pub fee_granter: Option<Account>,
    /// What is paid.
    pub fee: Coins,
    /// The gas limit.
    pub gas_limit: u64,
    /// Key, mode and sequence of each signer.
    pub signer_infos: Vec<SignerInfo>,
    /// The note.
    pub memo: String,
    /// Last height at which it may be in a block; 0 for any.
    pub timeout_height: u64,
}

impl CheckedTx {
    /// Whose coins pay the fee.
    pub fn payer(&self) -> Account {
        self.fee_granter.unwrap_or(self.fee_payer)
    }
}

fn parse_error(what: impl std::fmt::Display) -> TxError {
    TxError::sdk(2, format!("{what}: tx parse error"))
}

fn invalid(what: impl std::fmt::Display) -> TxError {
    TxError::sdk(18, format!("{what}: invalid request"))
}

/// Whether a transaction is short enough to be looked at, for either lane.
pub fn check_size(state: &State, lane: Lane, size: usize) -> Result<(), TxError> {
    let (spec, whose) = match lane {
        Lane::Protocol => (&params::MAX_PROTOCOL_BYTES, "of protocol messages"),
        Lane::User => (&params::MAX_USER_BYTES, "that pays gas"),
    };
    let limit = get(state, spec);
    match u64::try_from(size).is_ok_and(|size| size <= limit) {
        true => Ok(()),
        false => Err(TxError::sdk(
            21,
            format!("a transaction {whose} has at most {limit} bytes, got {size}: tx too large"),
        )),
    }
}

/// Decodes and checks a transaction.
///
/// # Errors
/// `sdk` 2 for what does not decode, 18 for what is decoded and not allowed, 21 for what is too
/// large; a message's own for its fields.
pub fn decode(state: &State, bytes: &[u8]) -> Result<CheckedTx, TxError> {
    check_size(state, Lane::Protocol, bytes.len())?;
    in_canonical_order(bytes)?;
    refuse_unknown_fields("cosmos.tx.v1beta1.TxRaw", bytes, NonCritical::Refuse)?;
    let raw = TxRaw::decode(bytes).map_err(parse_error)?;
    refuse_unknown_fields(
        "cosmos.tx.v1beta1.TxBody",
        &raw.body_bytes,
        NonCritical::Accept,
    )?;
    let body = TxBody::decode(raw.body_bytes.as_slice()).map_err(parse_error)?;
    refuse_unknown_fields(
        "cosmos.tx.v1beta1.AuthInfo",
        &raw.auth_info_bytes,
        NonCritical::Refuse,
    )?;
    let auth = AuthInfo::decode(raw.auth_info_bytes.as_slice()).map_err(parse_error)?;
    check(state, raw, body, auth, bytes.len())
}

// Tips are deprecated and refused.
#[allow(deprecated)]
fn check(
    state: &State,
    raw: TxRaw,
    body: TxBody,
    auth: AuthInfo,
    size: usize,
) -> Result<CheckedTx, TxError> {
    let messages = messages(state, &body)?;
    let lane = lane(&messages)?;
    check_size(state, lane, size)?;
    if !body.extension_options.is_empty() {
        return Err(TxError::sdk(
            31,
            "extension options are not supported: unknown extension options",
        ));
    }
    if auth.tip.is_some() {
        return Err(invalid("tips are not supported"));
    }
    let fee = auth.fee.unwrap_or_default();
    let (signers, fee_payer) = signers(&messages, &fee)?;
    let fee_granter = fee_granter(&fee, lane)?;
    Ok(CheckedTx {
        body_bytes: raw.body_bytes,
        auth_info_bytes: raw.auth_info_bytes,
        signatures: raw.signatures,
        size,
        messages,
        lane,
        signers,
        fee_payer,
        fee_granter,
        fee: Coins::parse(&fee.amount)?,
        gas_limit: fee.gas_limit,
        signer_infos: auth.signer_infos,
        memo: body.memo,
        timeout_height: body.timeout_height,
    })
}

fn messages(state: &State, body: &TxBody) -> Result<CheckedMessages, TxError> {
    if body.messages.is_empty() {
        return Err(invalid("must contain at least one message"));
    }
    let limit = get(state, &params::MAX_MESSAGES);
    if !u64::try_from(body.messages.len()).is_ok_and(|count| count <= limit) {
        let count = body.messages.len();
        return Err(invalid(format!(
            "a transaction has at most {limit} messages, got {count}"
        )));
    }
    parse(body)
}

/// Checks the messages of a transaction, as far as that needs no state.
///
/// # Errors
/// `sdk` 2 for a type that is not known; a message's own for its fields.
pub fn parse(body: &TxBody) -> Result<CheckedMessages, TxError> {
    let mut messages = Vec::with_capacity(body.messages.len());
    for any in &body.messages {
        let kind = registry::message(&any.type_url)
            .ok_or_else(|| parse_error(format!("unable to resolve type URL {}", any.type_url)))?;
        messages.push((any.type_url.clone(), (kind.parse)(&any.value)?));
    }
    Ok(messages)
}

fn lane(messages: &[(String, Box<dyn CheckedMsg>)]) -> Result<Lane, TxError> {
    let protocol = messages
        .iter()
        .filter(|(_, message)| message.lane() == Lane::Protocol)
        .count();
    match protocol {
        0 => Ok(Lane::User),
        all if all == messages.len() => Ok(Lane::Protocol),
        _ => Err(invalid(
            "protocol messages, which are free, and others cannot share a transaction",
        )),
    }
}

/// Who must sign, in order, each once; and who of them pays.
///
/// # Errors
/// `sdk` 18 without a message, 7 for a fee payer that is no address.
pub fn signers(messages: &CheckedMessages, fee: &Fee) -> Result<(Vec<Account>, Account), TxError> {
    let mut signers: Vec<Account> = Vec::new();
    for (_, message) in messages {
        let signer = message.signer();
        if !signers.contains(&signer) {
            signers.push(signer);
        }
    }
    let payer = fee_payer(fee, &mut signers)?;
    Ok((signers, payer))
}

/// The first signer pays unless the fee names another, who then signs too.
fn fee_payer(fee: &Fee, signers: &mut Vec<Account>) -> Result<Account, TxError> {
    if fee.payer.is_empty() {
        return signers
            .first()
            .copied()
            .ok_or_else(|| invalid("must contain at least one message"));
    }
    let payer = Account::parse(&fee.payer).map_err(|e| {
        TxError::sdk(
            7,
            format!("invalid fee payer address ({e}): invalid address"),
        )
    })?;
    if !signers.contains(&payer) {
        signers.push(payer);
    }
    Ok(payer)
}

fn fee_granter(fee: &Fee, lane: Lane) -> Result<Option<Account>, TxError> {
    if fee.granter.is_empty() {
        return Ok(None);
    }
    if lane == Lane::Protocol {
        return Err(invalid(
            "protocol messages pay no fee; leave the fee's granter empty",
        ));
    }
    let granter = Account::parse(&fee.granter);
    let granter = granter.map_err(|e| {
        TxError::sdk(
            7,
            format!("invalid fee granter address ({e}): invalid address"),
        )
    })?;
    Ok(Some(granter))
}

/// `TxRaw` has one canonical encoding (the SDK's ADR-027): fields in order, none twice but the
/// signatures. Otherwise one signed transaction could have several hashes.
fn in_canonical_order(bytes: &[u8]) -> Result<(), TxError> {
    let raw = TxRaw::decode(bytes).map_err(parse_error)?;
    match raw.encoded_len() == bytes.len() && raw.encode_to_vec() == bytes {
        true => Ok(()),
        false => {
            // Unknown fields have an error of their own.
            refuse_unknown_fields("cosmos.tx.v1beta1.TxRaw", bytes, NonCritical::Refuse)?;
            Err(parse_error(
                "the transaction is not in its canonical encoding",
            ))
        }
    }
}
