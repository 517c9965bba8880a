//! Protobuf messages to and from JSON, by their descriptors and annotations, as the SDK's REST shows
//! them: names as in the `.proto` file, zeros kept, 64-bit integers as text, bytes in base64 and
//! `null` when empty, decimals with 18 places, `Any` flattened to `@type`.

use prost_reflect::{
    DeserializeOptions, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor,
    ReflectMessage, Value,
};
use race_app::address::Account;
use race_app::decimal;
use race_app::tx::MAX_DEPTH;
use race_proto::annotations::field_notes;
use race_proto::{descriptor_pool, Any};
use serde_json::Value as Json;

use crate::tree::Tree;

/// The account that executes proposals.
const GOVERNANCE: &str = "gov";

/// Why JSON is no message.
#[derive(Debug, thiserror::Error)]
pub enum ProtoError {
    /// No `@type`.
    #[error(
        "a message must be an object with an \"@type\", such as \"/cosmos.bank.v1beta1.MsgSend\""
    )]
    NoType,
    /// A type that this build does not have.
    #[error("{0} is no message of this chain")]
    UnknownType(String),
    /// Not of that type.
    #[error("{type_url}: {reason}")]
    Malformed {
        /// The type.
        type_url: String,
        /// Where and what.
        reason: String,
    },
}

/// A message as a tree.
#[must_use]
pub fn tree(message: &DynamicMessage) -> Tree {
    tree_at(message, 0)
}

fn tree_at(message: &DynamicMessage, depth: usize) -> Tree {
    match message.descriptor().full_name() {
        "google.protobuf.Any" => any_in(message, depth),
        "google.protobuf.Timestamp" => timestamp(message, depth),
        "google.protobuf.Duration" => duration(message, depth),
        _ => Tree::Map(fields(message, depth)),
    }
}

/// An `Any` as a tree: `@type`, then the fields of its message; `value` alone when this build
/// does not know the type, or messages are packed in each other without end.
#[must_use]
pub fn any_tree(any: &Any) -> Tree {
    any_tree_at(any, 0)
}

fn any_tree_at(any: &Any, depth: usize) -> Tree {
    let mut tree = vec![("@type".to_owned(), Tree::text(&any.type_url))];
    // Each is decoded for itself, so the decoder's own limit does not end those in each other.
    let decoded = descriptor(&any.type_url)
        .filter(|_| depth < MAX_DEPTH)
        .and_then(|descriptor| DynamicMessage::decode(descriptor, any.value.as_slice()).ok());
    match decoded {
        Some(message) => tree.extend(fields(&message, depth)),
        None => tree.push(("value".to_owned(), Tree::Bytes(any.value.clone()))),
    }
    Tree::Map(tree)
}

/// A message of a known type as a tree.
#[must_use]
pub fn message_tree<M: prost::Message + prost::Name>(message: &M) -> Tree {
    let decoded = descriptor(&M::type_url()).and_then(|descriptor| {
        DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice()).ok()
    });
    decoded.as_ref().map_or(Tree::null(), tree)
}

/// Reads a message of a known type from JSON text.
///
/// # Errors
/// When it is no JSON, or a field is unknown or of another type.
pub fn from_text<M: prost::Message + prost::Name + Default>(text: &str) -> Result<M, ProtoError> {
    let json = serde_json::from_str(text).map_err(|error| ProtoError::Malformed {
        type_url: M::type_url(),
        reason: error.to_string(),
    })?;
    from_value(json)
}

/// Reads a message of a known type from JSON.
///
/// # Errors
/// When a field is unknown or of another type.
pub fn from_value<M: prost::Message + prost::Name + Default>(json: Json) -> Result<M, ProtoError> {
    let malformed = |reason: String| ProtoError::Malformed {
        type_url: M::type_url(),
        reason,
    };
    let descriptor = descriptor(&M::type_url());
    let descriptor = descriptor.ok_or_else(|| ProtoError::UnknownType(M::type_url()))?;
    let message = from_json(descriptor, json).map_err(malformed)?;
    message
        .transcode_to()
        .map_err(|error| malformed(error.to_string()))
}

/// Reads a message from JSON with an `@type`. An `authority` that is left out is governance's.
///
/// # Errors
/// When the type is unknown, or a field is unknown or of another type.
pub fn any_from_json(json: Json) -> Result<Any, ProtoError> {
    let Json::Object(mut object) = json else {
        return Err(ProtoError::NoType);
    };
    let Some(Json::String(type_url)) = object.remove("@type") else {
        return Err(ProtoError::NoType);
    };
    let descriptor =
        descriptor(&type_url).ok_or_else(|| ProtoError::UnknownType(type_url.clone()))?;
    if descriptor.get_field_by_name("authority").is_some() {
        let account = Account::of_module(GOVERNANCE).to_string();
        object
            .entry("authority")
            .or_insert_with(|| Json::String(account));
    }
    let message =
        from_json(descriptor, Json::Object(object)).map_err(|reason| ProtoError::Malformed {
            type_url: type_url.clone(),
            reason,
        })?;
    Ok(Any {
        type_url,
        value: prost::Message::encode_to_vec(&message),
    })
}

/// Reads a message of a known type from JSON.
///
/// # Errors
/// What is wrong with it.
pub fn from_json(descriptor: MessageDescriptor, json: Json) -> Result<DynamicMessage, String> {
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    DynamicMessage::deserialize_with_options(descriptor, json, &options)
        .map_err(|error| error.to_string())
}

fn descriptor(type_url: &str) -> Option<MessageDescriptor> {
    let name = type_url.rsplit('/').next()?;
    descriptor_pool().get_message_by_name(name)
}

fn fields(message: &DynamicMessage, depth: usize) -> Vec<(String, Tree)> {
    let deeper = depth.saturating_add(1);
    let shown =
        |field: &FieldDescriptor| field.containing_oneof().is_none() || message.has_field(field);
    let all = message.descriptor();
    let shown = all.fields().filter(shown);
    shown
        .map(|field| (field.name().to_owned(), field_tree(message, &field, deeper)))
        .collect()
}

fn field_tree(message: &DynamicMessage, field: &FieldDescriptor, depth: usize) -> Tree {
    let kind = field.kind();
    let notes = field_notes(field);
    if !message.has_field(field) && !field.is_list() && !field.is_map() {
        match &kind {
            Kind::Message(inner) if !notes.nullable => return unset(inner, depth),
            Kind::String if notes.is_integer() => return Tree::text("0"),
            Kind::String if notes.is_decimal() => {
                return Tree::text(decimal::shown("0").unwrap_or_default())
            }
            // As the SDK shows bytes that are not there.
            Kind::Bytes => return Tree::null(),
            _ if field.supports_presence() => return Tree::null(),
            _ => {}
        }
    }
    match message.get_field(field).as_ref() {
        Value::List(items) => {
            Tree::List(items.iter().map(|item| value(item, &kind, depth)).collect())
        }
        Value::Map(entries) => {
            let inner = kind
                .as_message()
                .map(MessageDescriptor::map_entry_value_field);
            let kind = inner.map_or(kind, |field| field.kind());
            let mut entries: Vec<_> = entries
                .iter()
                .map(|(key, item)| (key_text(key), value(item, &kind, depth)))
                .collect();
            // The map itself has no order.
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Tree::Map(entries)
        }
        Value::String(raw) if notes.is_decimal() => {
            Tree::text(decimal::shown(raw).unwrap_or_else(|| raw.clone()))
        }
        Value::Bytes(raw) if notes.is_decimal() => {
            let digits = String::from_utf8_lossy(raw);
            Tree::text(decimal::shown(&digits).unwrap_or_else(|| digits.into_owned()))
        }
        single => value(single, &kind, depth),
    }
}

/// What a message that cannot be nothing shows when it is not there.
fn unset(descriptor: &MessageDescriptor, depth: usize) -> Tree {
    match descriptor.full_name() {
        "google.protobuf.Timestamp" => Tree::text("0001-01-01T00:00:00Z"),
        _ => tree_at(&DynamicMessage::new(descriptor.clone()), depth),
    }
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

fn value(value: &Value, kind: &Kind, depth: usize) -> Tree {
    match value {
        Value::Bool(value) => Tree::from(*value),
        Value::I32(value) => Tree::from(*value),
        Value::U32(value) => Tree::from(*value),
        Value::I64(value) => Tree::text(value),
        Value::U64(value) => Tree::text(value),
        Value::F32(value) => Tree::from(f64::from(*value)),
        Value::F64(value) => Tree::from(*value),
        Value::String(value) => Tree::text(value),
        Value::Bytes(value) => Tree::Bytes(value.to_vec()),
        Value::EnumNumber(number) => kind
            .as_enum()
            .and_then(|kind| kind.get_value(*number))
            .map_or_else(|| Tree::from(*number), |value| Tree::text(value.name())),
        Value::Message(message) => tree_at(message, depth),
        // Handled by the field, which knows the kinds within.
        Value::List(_) | Value::Map(_) => Tree::null(),
    }
}

fn any_in(message: &DynamicMessage, depth: usize) -> Tree {
    match message.transcode_to::<Any>() {
        Ok(any) => any_tree_at(&any, depth),
        Err(_) => Tree::Map(fields(message, depth)),
    }
}

fn timestamp(message: &DynamicMessage, depth: usize) -> Tree {
    match message.transcode_to::<prost_types::Timestamp>() {
        Ok(time) => Tree::text(time),
        Err(_) => Tree::Map(fields(message, depth)),
    }
}

fn duration(message: &DynamicMessage, depth: usize) -> Tree {
    match message.transcode_to::<prost_types::Duration>() {
        Ok(duration) => Tree::text(duration),
        Err(_) => Tree::Map(fields(message, depth)),
    }
}

#[cfg(test)]
mod tests;
