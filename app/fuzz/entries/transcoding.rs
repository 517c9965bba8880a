//! What any bytes may do as JSON that becomes a message, and as a message that is shown as JSON: be
//! refused with a reason, or be read and shown as the same from then on.

use prost::Message as _;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _,
};
use race_app::registry;
use race_proto::{descriptor_pool, Any};
use serde_json::{Map, Value};

use super::input::Input;
use super::proto_json::{any_from_json, any_tree, from_json, tree};

/// How deep the JSON lies in itself that is made of the bytes.
const DEPTH: u8 = 6;

/// Tries the bytes as JSON of any message, as an encoded one, and as what JSON is made of.
pub fn survives(bytes: &[u8]) {
    if let Ok(json) = serde_json::from_slice::<Value>(bytes) {
        drop(any_from_json(json.clone()));
        for kind in registry::messages() {
            read(&descriptor(kind.type_url), json.clone());
        }
    }
    let mut input = Input(bytes);
    let kind = kind(&mut input);
    match input.byte() % 2 {
        0 => shown(&kind, input.0),
        _ => {
            let json = object(&kind, &mut input, DEPTH);
            let mut with_type = json.clone();
            with_type.insert("@type".to_owned(), format!("/{}", kind.full_name()).into());
            drop(any_from_json(with_type.into()));
            read(&kind, json.into());
        }
    }
}

fn descriptor(type_url: &str) -> MessageDescriptor {
    let found = descriptor_pool().get_message_by_name(type_url.trim_start_matches('/'));
    found.expect("a message of this chain")
}

/// What is read from users: a message of a transaction, or what a service takes.
fn kind(input: &mut Input) -> MessageDescriptor {
    match input.byte() % 4 {
        0 => {
            let services = descriptor_pool().services();
            let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
            input.one_of(&methods.collect::<Vec<_>>()).input()
        }
        _ => {
            let known: Vec<_> = registry::messages().map(|kind| kind.type_url).collect();
            descriptor(input.one_of::<&str>(&known))
        }
    }
}

fn read(kind: &MessageDescriptor, json: Value) {
    match from_json(kind.clone(), json) {
        Err(reason) => assert!(!reason.is_empty()),
        Ok(message) => {
            let decoded = DynamicMessage::decode(kind.clone(), &*message.encode_to_vec());
            let decoded = decoded.expect("it was encoded here");
            assert_eq!(json_of(&decoded), json_of(&message));
            is_shown_as_itself(&message);
        }
    }
}

fn shown(kind: &MessageDescriptor, bytes: &[u8]) {
    let any = Any {
        type_url: format!("/{}", kind.full_name()),
        value: bytes.to_vec(),
    };
    let text = any_tree(&any).to_json();
    let json: Value = serde_json::from_str(&text).expect("what is shown is JSON");
    assert_eq!(json["@type"], any.type_url);
    if let Ok(message) = DynamicMessage::decode(kind.clone(), bytes) {
        is_shown_as_itself(&message);
    }
}

/// Amounts and times have more than one spelling: what is shown of what was read is read as the same.
fn is_shown_as_itself(message: &DynamicMessage) {
    let kind = message.descriptor();
    if let Ok(read) = from_json(kind.clone(), json_of(message)) {
        let again = from_json(kind, json_of(&read)).expect("it was read from what is shown");
        assert_eq!(json_of(&again), json_of(&read));
    }
}

fn json_of(message: &DynamicMessage) -> Value {
    serde_json::to_value(tree(message)).expect("a tree is JSON")
}

/// JSON with the names of a message's fields and often values of their types.
fn object(kind: &MessageDescriptor, input: &mut Input, depth: u8) -> Map<String, Value> {
    let fields: Vec<_> = kind.fields().collect();
    let mut made = Map::new();
    if fields.is_empty() {
        return made;
    }
    for _ in 0..input.byte() % 8 {
        let field = input.one_of(&fields).clone();
        let name = match input.byte() % 16 {
            0 => field.json_name().to_owned(),
            1 => input.text(),
            _ => field.name().to_owned(),
        };
        let json = match field.is_list() {
            true => {
                let count = input.byte() % 4;
                (0..count).map(|_| value(&field, input, depth)).collect()
            }
            false => value(&field, input, depth),
        };
        made.insert(name, json);
    }
    made
}

fn value(field: &FieldDescriptor, input: &mut Input, depth: u8) -> Value {
    match (input.byte() % 16, field.kind()) {
        (0, _) => Value::Null,
        (1, _) => input.number().into(),
        (2, _) => input.text().into(),
        (_, Kind::Bool) => input.byte().is_multiple_of(2).into(),
        (_, Kind::Enum(kind)) => {
            let values: Vec<_> = kind.values().collect();
            input.one_of(&values).name().into()
        }
        (_, Kind::Message(_)) if depth == 0 => Value::Null,
        (_, Kind::Message(inner)) => inside(&inner, input, depth - 1),
        (3..=7, Kind::Uint64 | Kind::Int64) => input.number().to_string().into(),
        (8, Kind::Uint64 | Kind::Int64 | Kind::Uint32 | Kind::Int32) => {
            f64::from_bits(input.number()).into()
        }
        (_, Kind::Uint64 | Kind::Int64 | Kind::Uint32 | Kind::Int32) => input.number().into(),
        (3..=7, Kind::String) => input.number().to_string().into(),
        _ => input.text().into(),
    }
}

fn inside(inner: &MessageDescriptor, input: &mut Input, depth: u8) -> Value {
    match inner.full_name() {
        "google.protobuf.Any" => {
            let packed = kind(input);
            let mut json = object(&packed, input, depth);
            json.insert(
                "@type".to_owned(),
                format!("/{}", packed.full_name()).into(),
            );
            json.into()
        }
        "google.protobuf.Timestamp" | "google.protobuf.Duration" => input.text().into(),
        _ => object(inner, input, depth).into(),
    }
}
