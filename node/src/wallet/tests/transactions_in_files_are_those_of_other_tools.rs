use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, Value};
use race_app::registry;
use race_proto::annotations::field_notes;
use race_proto::{descriptor_pool, Any};

use crate::proto_json::{any_from_json, any_tree};

/// A message with something in each field.
fn example(message: &MessageDescriptor) -> DynamicMessage {
    let mut made = DynamicMessage::new(message.clone());
    for field in message.fields() {
        let notes = field_notes(&field);
        let one = || match field.kind() {
            Kind::Bool => Value::Bool(true),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(7),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(8),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(9),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(u64::MAX),
            Kind::String if notes.is_integer() => Value::String("100000000000000000000".to_owned()),
            Kind::String => Value::String(format!("{} \"<&>\"", field.name())),
            Kind::Bytes => Value::Bytes(vec![0xfb, 0xff, 0x00].into()),
            Kind::Enum(_) => Value::EnumNumber(1),
            Kind::Float | Kind::Double => panic!("a float in a message"),
            Kind::Message(inner) if inner.full_name() == "google.protobuf.Any" => {
                let mut any = DynamicMessage::new(inner);
                let url = "/cosmos.bank.v1beta1.MsgSend".to_owned();
                any.set_field_by_name("type_url", Value::String(url));
                any.set_field_by_name("value", Value::Bytes(vec![0x0a, 1, b'x'].into()));
                Value::Message(any)
            }
            Kind::Message(inner) => Value::Message(example(&inner)),
        };
        assert!(
            !notes.is_decimal() && !field.is_map(),
            "{}",
            field.full_name()
        );
        let value = match field.is_list() {
            true => Value::List(vec![one(), one()]),
            false => one(),
        };
        made.set_field(&field, value);
    }
    made
}

/// Otherwise a file could not be signed: its bytes would not be those that were shown.
#[test]
fn every_message_survives_its_json() {
    for message in registry::messages() {
        let descriptor = descriptor_pool()
            .get_message_by_name(&message.type_url[1..])
            .unwrap();
        let any = Any {
            type_url: message.type_url.to_owned(),
            value: prost::Message::encode_to_vec(&example(&descriptor)),
        };
        let json = serde_json::to_value(any_tree(&any)).unwrap();
        let read = any_from_json(json.clone());
        let read = read.unwrap_or_else(|error| panic!("{error}: {json}"));
        assert_eq!(read, any, "{json}");
    }
}
