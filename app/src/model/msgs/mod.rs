//! Messages of `model`.

mod announce_model;
mod register_model;
mod retire_model;

use race_proto::race::model::v1::{Model, Thresholds};
use race_verification::artifact::{MAX_FORMAT_BYTES, MAX_TOP_K};
use race_verification::compare;

use super::errors::Error;
use crate::address::Account;
use crate::error::TxError;
use crate::message::MessageType;

/// What transactions and proposals may carry.
pub const MESSAGES: &[MessageType] = &[
    MessageType {
        type_url: "/race.model.v1.MsgRegisterModel",
        parse: register_model::parse,
    },
    MessageType {
        type_url: "/race.model.v1.MsgRetireModel",
        parse: retire_model::parse,
    },
    MessageType {
        type_url: "/race.model.v1.MsgAnnounceModel",
        parse: announce_model::parse,
    },
];

/// Reads the authority of a message that only governance may send.
fn authority(text: &str) -> Result<Account, TxError> {
    let account = crate::fields::signer("authority", text)?;
    let expected = Account::of_module("gov");
    match account == expected {
        true => Ok(account),
        false => {
            let (expected, got) = (expected.to_string(), account.to_string());
            Err(Error::Authority { expected, got }.into())
        }
    }
}

/// The longest id.
const MAX_ID: usize = 64;

/// Most units of compute for a token: with it a price never overflows.
const MAX_UNITS: u64 = 1_000_000_000_000;

fn refuse(field: &'static str, why: impl Into<String>) -> Result<(), Error> {
    Err(Error::Invalid {
        field,
        why: why.into(),
    })
}

/// Checks a model id: lower-case letters, digits, `-`, `.`, `/`.
pub(super) fn check_id(id: &str) -> Result<(), Error> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-./".contains(&b);
    match !id.is_empty() && id.len() <= MAX_ID && id.bytes().all(allowed) {
        true => Ok(()),
        false => refuse(
            "id",
            format!(
                "expected 1 to {MAX_ID} lower-case letters, digits, '-', '.', '/', got {:?}",
                id.chars().take(80).collect::<String>()
            ),
        ),
    }
}

/// Checks the fields of a model that come from outside.
pub(super) fn check_model(model: &Model) -> Result<(), Error> {
    check_id(&model.id)?;
    for (field, digest) in [
        ("weights_digest", &model.weights_digest),
        ("tokenizer_digest", &model.tokenizer_digest),
    ] {
        if digest.len() != 32 {
            refuse(
                field,
                format!("expected a SHA-256 of 32 bytes, got {} bytes", digest.len()),
            )?;
        }
    }
    if !(1..=MAX_UNITS).contains(&model.units_per_token) {
        refuse(
            "units_per_token",
            format!("expected 1 to {MAX_UNITS}, got {}", model.units_per_token),
        )?;
    }
    if model.numeric_format.is_empty() || model.numeric_format.len() > MAX_FORMAT_BYTES {
        refuse(
            "numeric_format",
            format!("expected 1 to {MAX_FORMAT_BYTES} characters, such as Q4_1"),
        )?;
    }
    if model.context_length == 0 {
        refuse(
            "context_length",
            "expected the number of tokens that fit, got 0",
        )?;
    }
    if model.retired || model.registered_height != 0 {
        refuse(
            "retired, registered_height",
            "are set by the chain; leave them out",
        )?;
    }
    match &model.thresholds {
        Some(thresholds) => check_thresholds(thresholds),
        None => refuse(
            "thresholds",
            "are missing; calibrate the model first (`model calibrate`)",
        ),
    }
}

/// Checks by the rule of who compares with them, `race_verification::compare::Thresholds::new`.
fn check_thresholds(thresholds: &Thresholds) -> Result<(), Error> {
    let Ok(top_k) = u8::try_from(thresholds.top_k) else {
        let why = format!("expected 1 to {MAX_TOP_K}, got {}", thresholds.top_k);
        return refuse("thresholds.top_k", why);
    };
    let classes = thresholds
        .classes
        .iter()
        .map(|class| compare::LengthClass {
            min_length: class.min_length,
            max_mean_distance: class.max_mean_distance,
            max_mean_margin: class.max_mean_margin,
            max_violations_millis: class.max_violations_millis,
            max_margin: class.max_margin,
        })
        .collect();
    match compare::Thresholds::new(top_k, thresholds.margin_limit, classes) {
        Ok(_) => Ok(()),
        Err(error) => refuse("thresholds", error.to_string()),
    }
}
