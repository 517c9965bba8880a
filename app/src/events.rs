//! Block and transaction events.
//!
//! Where the Cosmos SDK has a name for what happened, its event is used; everything else is a typed
//! event: its type is the full protobuf name, its attributes are the message's fields as JSON.

use prost::{Message, Name};
use prost_reflect::{DynamicMessage, SerializeOptions};
use serde_json::Value;
use tendermint_proto::v0_38::abci::{Event, EventAttribute};

/// An attribute that nodes index.
pub fn attribute(key: &str, value: impl Into<String>) -> EventAttribute {
    EventAttribute {
        key: key.to_owned(),
        value: value.into(),
        index: true,
    }
}

/// An event of the SDK's own kinds, attributes in the given order.
pub fn event(kind: &str, attributes: &[(&str, &str)]) -> Event {
    Event {
        r#type: kind.to_owned(),
        attributes: attributes
            .iter()
            .map(|(key, value)| attribute(key, *value))
            .collect(),
    }
}

/// A typed event: type `race.<module>.v1.Event...`, one attribute for each field in the order of
/// field numbers, values as protobuf JSON (text quoted, bytes base64, 64-bit numbers quoted).
///
/// # Panics
/// When the message is not in the descriptor pool, which is a mistake in this crate.
pub fn typed<M: Message + Name>(message: &M) -> Event {
    let name = M::full_name();
    let descriptor = race_proto::descriptor_pool()
        .get_message_by_name(&name)
        .unwrap_or_else(|| panic!("{name} is in no .proto file"));
    let dynamic = DynamicMessage::decode(descriptor.clone(), message.encode_to_vec().as_slice())
        .unwrap_or_else(|e| panic!("{name} does not read back: {e}"));
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .skip_default_fields(false);
    let json = dynamic
        .serialize_with_options(serde_json::value::Serializer, &options)
        .unwrap_or_else(|e| panic!("{name} has no JSON: {e}"));
    let mut fields: Vec<_> = descriptor.fields().collect();
    fields.sort_by_key(prost_reflect::FieldDescriptor::number);
    let attributes = fields
        .iter()
        .map(|field| {
            let value = json.get(field.name()).unwrap_or(&Value::Null);
            attribute(field.name(), value.to_string())
        })
        .collect();
    Event {
        r#type: name,
        attributes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use race_proto::race::params::v1::EventParamChanged;

    #[test]
    fn a_typed_event_has_its_fields_in_order_zeros_included() {
        let event = typed(&EventParamChanged {
            name: "tx/a".into(),
            from: 0,
            to: 7,
        });
        assert_eq!(event.r#type, "race.params.v1.EventParamChanged");
        let attributes: Vec<_> = event
            .attributes
            .iter()
            .map(|a| (a.key.as_str(), a.value.as_str()))
            .collect();
        assert_eq!(
            attributes,
            [("name", "\"tx/a\""), ("from", "\"0\""), ("to", "\"7\"")]
        );
    }
}
