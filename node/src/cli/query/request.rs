//! A request from the texts of its fields.

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::catalog::{short, Field};
use crate::proto_json as proto;

/// Why a text is no value of its field.
#[derive(Debug, thiserror::Error)]
#[error("--{flag}: {text:?} is not {expected}")]
pub struct ValueError {
    flag: String,
    text: String,
    expected: String,
}

/// A request with these fields; the others keep their zeros.
pub(super) fn build<'a>(
    descriptor: MessageDescriptor,
    texts: impl IntoIterator<Item = (&'a Field, &'a str)>,
) -> Result<DynamicMessage, ValueError> {
    let mut request = DynamicMessage::new(descriptor);
    for (field, text) in texts {
        let value = read(field, text).map_err(|expected| ValueError {
            flag: field.flag.clone(),
            text: text.to_owned(),
            expected,
        })?;
        set(&mut request, &field.path, value);
    }
    Ok(request)
}

fn set(message: &mut DynamicMessage, path: &[FieldDescriptor], value: Value) {
    match path {
        [] => {}
        [field] => message.set_field(field, value),
        [outer, inner @ ..] => {
            if let Some(message) = message.get_field_mut(outer).as_message_mut() {
                set(message, inner, value);
            }
        }
    }
}

/// `Err` says what was expected.
fn read(field: &Field, text: &str) -> Result<Value, String> {
    let Some(last) = field.path.last() else {
        return Err("a field".to_owned());
    };
    let kind = last.kind();
    if !last.is_list() {
        return single(&kind, text, &field.flag);
    }
    let items = text.split(',').filter(|item| !item.is_empty());
    let items: Result<_, _> = items.map(|item| single(&kind, item, &field.flag)).collect();
    items.map(Value::List)
}

fn single(kind: &Kind, text: &str, flag: &str) -> Result<Value, String> {
    let whole = |_| "a whole number in the field's range".to_owned();
    Ok(match kind {
        Kind::String => Value::String(text.to_owned()),
        Kind::Bool => Value::Bool(text.parse().map_err(|_| "true or false".to_owned())?),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(text.parse().map_err(whole)?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(text.parse().map_err(whole)?),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(text.parse().map_err(whole)?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(text.parse().map_err(whole)?),
        Kind::Float => Value::F32(text.parse().map_err(|_| "a number".to_owned())?),
        Kind::Double => Value::F64(text.parse().map_err(|_| "a number".to_owned())?),
        // What an answer calls next_key is base64 in JSON.
        Kind::Bytes if flag == "page-key" => {
            let bytes = BASE64.decode(text).or_else(|_| hex::decode(text));
            Value::Bytes(bytes.map_err(|_| "base64".to_owned())?.into())
        }
        Kind::Bytes => {
            let digits = text.strip_prefix("0x").unwrap_or(text);
            let bytes = hex::decode(digits).map_err(|error| format!("hex ({error})"))?;
            Value::Bytes(bytes.into())
        }
        Kind::Enum(kind) => {
            let wanted = text.to_ascii_lowercase().replace('_', "-");
            let named = kind.values().find(|value| {
                value.name() == text || short(kind.full_name(), value.name()) == wanted
            });
            let number = named.map(|value| value.number());
            let number = number.or_else(|| text.parse().ok()).ok_or_else(|| {
                let known: Vec<_> = kind
                    .values()
                    .map(|value| short(kind.full_name(), value.name()))
                    .collect();
                format!("one of {}", known.join(", "))
            })?;
            Value::EnumNumber(number)
        }
        Kind::Message(descriptor) => {
            let json = serde_json::from_str(text).map_err(|error| format!("JSON ({error})"))?;
            let message = proto::from_json(descriptor.clone(), json)
                .map_err(|error| format!("a {} ({error})", descriptor.name()))?;
            Value::Message(message)
        }
    })
}
