//! Amino JSON, which `SIGN_MODE_LEGACY_AMINO_JSON` signs: one layer for every message, made from the
//! descriptors and their `amino` options, as the SDK makes it.
//!
//! Keys are sorted, there are no spaces, empty fields are left out unless an option keeps them,
//! 64-bit numbers are text, bytes base64, enums numbers, and a packed message is
//! `{"type": its amino name, "value": ...}`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::OnceLock;

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage, Value};
use race_proto::annotations::{FieldNotes, MessageNotes};
use race_proto::cosmos::tx::v1beta1::{AuthInfo, SignDoc, TxBody};
use race_proto::Any;
use tendermint_proto::google::protobuf::Duration;

use super::unknown::{refuse_unknown_fields, NonCritical, MAX_DEPTH};
use crate::decimal;
use crate::time;

/// Why a transaction or a message has no amino JSON.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AminoError {
    /// It carries what this mode cannot sign.
    #[error("SIGN_MODE_LEGACY_AMINO_JSON does not support protobuf extension options")]
    Extensions,
    /// It carries what this mode cannot sign.
    #[error("SIGN_MODE_LEGACY_AMINO_JSON does not support unknown fields")]
    UnknownFields,
    /// A type of field that amino does not have.
    #[error("{0} has no amino JSON")]
    Unsupported(String),
    /// A packed message that does not decode.
    #[error("{0} does not decode")]
    Packed(String),
    /// Messages packed in each other.
    #[error("messages are packed more than {MAX_DEPTH} deep in each other")]
    Deep,
}

/// What a signer of this mode signs, the SDK's `StdSignDoc`, of what a signer of DIRECT signs and the
/// sequence.
///
/// # Errors
/// When the transaction carries extension options, or fields that have no amino JSON.
pub fn sign_bytes(document: &SignDoc, sequence: u64) -> Result<Vec<u8>, AminoError> {
    const BODY: &str = "cosmos.tx.v1beta1.TxBody";
    // What the document does not show must not be in what is signed.
    refuse_unknown_fields(BODY, &document.body_bytes, NonCritical::Refuse)
        .map_err(|_| AminoError::UnknownFields)?;
    let undecodable = |_| AminoError::Packed(BODY.to_owned());
    let body = TxBody::decode(document.body_bytes.as_slice()).map_err(undecodable)?;
    if !body.non_critical_extension_options.is_empty() || !body.extension_options.is_empty() {
        return Err(AminoError::Extensions);
    }
    let auth = AuthInfo::decode(document.auth_info_bytes.as_slice()).map_err(undecodable)?;
    let fee = auth.fee.unwrap_or_default();

    let mut writer = Writer::default();
    writer.raw(&format!(
        "{{\"account_number\":\"{}\",\"chain_id\":",
        document.account_number
    ));
    writer.text(&document.chain_id);
    writer.raw(",\"fee\":{\"amount\":[");
    for (index, coin) in fee.amount.iter().enumerate() {
        writer.comma(index);
        writer.message(&dynamic("cosmos.base.v1beta1.Coin", &coin.encode_to_vec())?)?;
    }
    writer.raw(&format!("],\"gas\":\"{}\"", fee.gas_limit));
    for (name, value) in [("granter", &fee.granter), ("payer", &fee.payer)] {
        if !value.is_empty() {
            writer.raw(&format!(",\"{name}\":"));
            writer.text(value);
        }
    }
    writer.raw("},\"memo\":");
    writer.text(&body.memo);
    writer.raw(",\"msgs\":[");
    for (index, any) in body.messages.iter().enumerate() {
        writer.comma(index);
        writer.packed(any)?;
    }
    writer.raw(&format!("],\"sequence\":\"{sequence}\""));
    if body.timeout_height > 0 {
        writer.raw(&format!(",\"timeout_height\":\"{}\"", body.timeout_height));
    }
    writer.raw("}");
    Ok(writer.out.into_bytes())
}

/// The amino JSON of a packed message.
///
/// # Errors
/// When it has none.
pub fn json(any: &Any) -> Result<String, AminoError> {
    let mut writer = Writer::default();
    writer.packed(any)?;
    Ok(writer.out)
}

/// What amino calls the messages of this type, if it has a name for them.
pub fn name(type_url: &str) -> Option<String> {
    let pool = race_proto::descriptor_pool();
    let message = pool.get_message_by_name(type_url.trim_start_matches('/'))?;
    MessageNotes::of(&message).amino_name
}

fn dynamic(name: &str, bytes: &[u8]) -> Result<DynamicMessage, AminoError> {
    let undecodable = || AminoError::Packed(name.to_owned());
    // The pool also finds `.package.Name`; two URLs of one type would be one document to sign.
    let descriptor = race_proto::descriptor_pool()
        .get_message_by_name(name)
        .filter(|descriptor| descriptor.full_name() == name)
        .ok_or_else(undecodable)?;
    DynamicMessage::decode(descriptor, bytes).map_err(|_| undecodable())
}

/// How a type looks in amino JSON.
struct Layout {
    name: Option<String>,
    form: MessageForm,
    /// In the order in which they are written.
    fields: Vec<FieldLayout>,
}

enum MessageForm {
    Object,
    /// The field `key` stands for the whole.
    Key,
    /// A threshold key: its number is text.
    Threshold,
}

struct FieldLayout {
    field: FieldDescriptor,
    name: String,
    form: FieldForm,
    keeps_empty: bool,
}

enum FieldForm {
    Plain,
    Coins,
    Integer,
    Decimal,
    /// Amino has no form for it here.
    Unsupported,
}

impl Layout {
    fn of(message: &MessageDescriptor) -> Self {
        let notes = MessageNotes::of(message);
        let form = match notes.amino_encoding.as_deref() {
            Some("key_field") => MessageForm::Key,
            Some("threshold_string") => MessageForm::Threshold,
            _ => MessageForm::Object,
        };
        let mut fields: Vec<_> = message.fields().map(FieldLayout::of).collect();
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            name: notes.amino_name,
            form,
            fields,
        }
    }

    /// The layouts of all types, made once: reading options is slow.
    fn find(message: &MessageDescriptor) -> Option<&'static Self> {
        static LAYOUTS: OnceLock<BTreeMap<String, Layout>> = OnceLock::new();
        let layouts = LAYOUTS.get_or_init(|| {
            let pool = race_proto::descriptor_pool();
            let of = |m: MessageDescriptor| (m.full_name().to_owned(), Self::of(&m));
            pool.all_messages().map(of).collect()
        });
        layouts.get(message.full_name())
    }
}

impl FieldLayout {
    fn of(field: FieldDescriptor) -> Self {
        let notes = FieldNotes::of(&field);
        let scalar = notes.scalar.as_deref();
        let form = match notes.amino_encoding.as_deref() {
            _ if field.containing_oneof().is_some() || field.is_map() => FieldForm::Unsupported,
            Some("legacy_coins") => FieldForm::Coins,
            Some(_) => FieldForm::Unsupported,
            None if scalar == Some("cosmos.Int") => FieldForm::Integer,
            None if scalar == Some("cosmos.Dec") && notes.is_decimal() => FieldForm::Decimal,
            None => FieldForm::Plain,
        };
        Self {
            name: notes.amino_name.unwrap_or_else(|| field.name().to_owned()),
            form,
            keeps_empty: notes.amino_keeps_empty,
            field,
        }
    }
}

#[derive(Default)]
struct Writer {
    out: String,
    /// How deep in each other the packed messages lie that are being written.
    depth: usize,
}

impl Writer {
    fn raw(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn comma(&mut self, index: usize) {
        if index > 0 {
            self.out.push(',');
        }
    }

    /// A quoted text. Besides what JSON asks for, `&`, `<`, `>` and the two line separators of
    /// Unicode are escaped, as Go does.
    fn text(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\0'..='\u{1f}' | '&' | '<' | '>' | '\u{2028}' | '\u{2029}' => {
                    // Writing to a string does not fail.
                    // Text takes whatever is written to it.
                    let _ = write!(self.out, "\\u{:04x}", u32::from(c));
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    fn base64(&mut self, bytes: &[u8]) {
        self.out.push('"');
        STANDARD.encode_string(bytes, &mut self.out);
        self.out.push('"');
    }

    fn packed(&mut self, any: &Any) -> Result<(), AminoError> {
        let name = any.type_url.strip_prefix('/');
        let name = name.ok_or_else(|| AminoError::Packed(any.type_url.clone()))?;
        let message = dynamic(name, &any.value)?;
        let amino = Layout::find(&message.descriptor()).and_then(|layout| layout.name.clone());
        self.raw("{\"type\":");
        self.text(&amino.unwrap_or_else(|| format!("/{name}")));
        self.raw(",\"value\":");
        // Each decodes for itself, so the decoder's limit does not end them.
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return Err(AminoError::Deep);
        }
        self.message(&message)?;
        self.depth = self.depth.saturating_sub(1);
        self.raw("}");
        Ok(())
    }

    fn message(&mut self, message: &DynamicMessage) -> Result<(), AminoError> {
        let descriptor = message.descriptor();
        let unsupported = || AminoError::Unsupported(descriptor.full_name().to_owned());
        match descriptor.full_name() {
            "google.protobuf.Any" => {
                let any = message
                    .transcode_to::<prost_types::Any>()
                    .map_err(|_| unsupported())?;
                return self.packed(&Any {
                    type_url: any.type_url,
                    value: any.value,
                });
            }
            "google.protobuf.Timestamp" => {
                let time = message
                    .transcode_to::<prost_types::Timestamp>()
                    .map_err(|_| unsupported())?
                    .to_string();
                // Go leaves out the zeros that a fraction ends with.
                let shown = time.trim_end_matches('Z');
                let shown = match shown.contains('.') {
                    true => shown.trim_end_matches('0'),
                    false => shown,
                };
                self.text(&format!("{shown}Z"));
                return Ok(());
            }
            // In nanoseconds, as Go holds it.
            "google.protobuf.Duration" => {
                let duration = message
                    .transcode_to::<Duration>()
                    .map_err(|_| unsupported())?;
                let nanoseconds = time::nanoseconds(&duration).map_err(|_| unsupported())?;
                self.text(&nanoseconds.to_string());
                return Ok(());
            }
            _ => {}
        }
        let layout = Layout::find(&descriptor).ok_or_else(unsupported)?;
        match layout.form {
            MessageForm::Object => self.object(message, layout),
            MessageForm::Key => {
                let key = message.get_field_by_name("key").ok_or_else(unsupported)?;
                match key.as_bytes() {
                    Some(bytes) if !bytes.is_empty() => self.base64(bytes),
                    _ => self.raw("null"),
                }
                Ok(())
            }
            MessageForm::Threshold => {
                let field = |name| message.get_field_by_name(name).ok_or_else(unsupported);
                let (keys, threshold) = (field("public_keys")?, field("threshold")?);
                self.raw("{\"pubkeys\":");
                self.value(&keys)?;
                let threshold = threshold.as_u32().ok_or_else(unsupported)?;
                self.raw(&format!(",\"threshold\":\"{threshold}\"}}"));
                Ok(())
            }
        }
    }

    fn object(&mut self, message: &DynamicMessage, layout: &Layout) -> Result<(), AminoError> {
        self.raw("{");
        let mut written = 0usize;
        for FieldLayout {
            field,
            name,
            form,
            keeps_empty,
        } in &layout.fields
        {
            let set = message.has_field(field);
            let unsupported = || AminoError::Unsupported(field.full_name().to_owned());
            if matches!(form, FieldForm::Unsupported) && (set || field.containing_oneof().is_some())
            {
                return Err(unsupported());
            }
            if !set && !keeps_empty {
                continue;
            }
            self.comma(written);
            written = written.saturating_add(1);
            self.text(name);
            self.raw(":");
            let value = message.get_field(field);
            match form {
                FieldForm::Integer if !set => self.text("0"),
                FieldForm::Decimal if !set => self.text("0"),
                FieldForm::Decimal => {
                    let raw = value.as_str().ok_or_else(unsupported)?;
                    let shown = decimal::shown(raw).ok_or_else(unsupported)?;
                    self.text(&shown);
                }
                FieldForm::Coins => self.value(&value)?,
                _ if !set && field.is_list() => self.raw("null"),
                // The SDK refuses these, too: there is nothing to write.
                _ if !set && field.supports_presence() => return Err(unsupported()),
                _ => self.value(&value)?,
            }
        }
        self.raw("}");
        Ok(())
    }

    fn value(&mut self, value: &Value) -> Result<(), AminoError> {
        match value {
            Value::Bool(value) => self.raw(&value.to_string()),
            Value::I32(value) | Value::EnumNumber(value) => self.raw(&value.to_string()),
            Value::U32(value) => self.raw(&value.to_string()),
            Value::I64(value) => self.raw(&format!("\"{value}\"")),
            Value::U64(value) => self.raw(&format!("\"{value}\"")),
            Value::String(value) => self.text(value),
            Value::Bytes(value) => self.base64(value),
            Value::Message(message) => self.message(message)?,
            Value::List(list) => {
                self.raw("[");
                for (index, value) in list.iter().enumerate() {
                    self.comma(index);
                    self.value(value)?;
                }
                self.raw("]");
            }
            Value::F32(_) | Value::F64(_) | Value::Map(_) => {
                return Err(AminoError::Unsupported("a float or a map".to_owned()))
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
