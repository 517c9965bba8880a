//! Any JSON and any bytes, of every message that a transaction may carry and every request.

use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::{MessageDescriptor, MethodDescriptor};
use race_app::registry;
use race_proto::cosmos::gov::v1::MsgSubmitProposal;

use super::*;
use crate::proto_json;

#[path = "../../../app/fuzz/entries/input.rs"]
mod input;
#[path = "../../../app/fuzz/entries/transcoding.rs"]
mod transcoding;

fn methods() -> impl Iterator<Item = MethodDescriptor> {
    let services = descriptor_pool().services();
    services.flat_map(|service| service.methods().collect::<Vec<_>>())
}

/// What is read from users: the messages of transactions and what the services take.
fn read_types() -> Vec<MessageDescriptor> {
    let messages = registry::messages().filter_map(|kind| descriptor(kind.type_url));
    messages
        .chain(methods().map(|method| method.input()))
        .collect()
}

/// What the services answer. It is shown only: a decimal in bytes, as the SDK has some, does not read back.
fn shown_types() -> Vec<MessageDescriptor> {
    methods().map(|method| method.output()).collect()
}

/// A field's encoding: its tag and a value of its wire type out of `bytes`.
fn field_of(descriptor: &MessageDescriptor, choice: u8, bytes: &[u8], out: &mut Vec<u8>) {
    use prost::encoding::{encode_key, encode_varint, WireType};
    let fields: Vec<_> = descriptor.fields().collect();
    if fields.is_empty() {
        return;
    }
    let field = &fields[usize::from(choice) % fields.len()];
    let number = bytes.iter().fold(0u64, |n, byte| n << 7 | u64::from(*byte));
    match field.kind() {
        Kind::String | Kind::Bytes | Kind::Message(_) => {
            let value = match field.kind() {
                Kind::Message(inner) => {
                    let mut value = Vec::new();
                    if let Some((first, rest)) = bytes.split_first() {
                        field_of(&inner, *first, rest, &mut value);
                    }
                    value
                }
                Kind::String => hex::encode(bytes).into_bytes(),
                _ => bytes.to_vec(),
            };
            encode_key(field.number(), WireType::LengthDelimited, out);
            encode_varint(value.len() as u64, out);
            out.extend(value);
        }
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => {
            encode_key(field.number(), WireType::SixtyFourBit, out);
            out.extend(number.to_le_bytes());
        }
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => {
            encode_key(field.number(), WireType::ThirtyTwoBit, out);
            out.extend(&number.to_le_bytes()[..4]);
        }
        _ => {
            encode_key(field.number(), WireType::Varint, out);
            encode_varint(number, out);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_decodes_is_shown_and_what_is_shown_is_json(
        fields in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..24)), 0..6),
    ) {
        let encoded = |descriptor: &MessageDescriptor| {
            let mut bytes = Vec::new();
            for (choice, value) in &fields {
                field_of(descriptor, *choice, value, &mut bytes);
            }
            DynamicMessage::decode(descriptor.clone(), &*bytes).ok()
        };
        let json = |message: &DynamicMessage| serde_json::to_value(tree(message)).unwrap();
        for message in shown_types().iter().filter_map(encoded) {
            json(&message);
        }
        for message in read_types().iter().filter_map(encoded) {
            // What is read of it is shown as the same: amounts and times have more than one spelling.
            if let Ok(read) = from_json(message.descriptor(), json(&message)) {
                let again = from_json(read.descriptor(), json(&read));
                prop_assert!(again.is_ok(), "{}", json(&read));
                prop_assert_eq!(json(&again.unwrap()), json(&read));
            }
        }
    }

    #[test]
    fn any_text_is_a_message_or_refused_with_a_reason(text in "[\\[\\]{}\",:0-9a-z@/. -]{0,60}") {
        if let Ok(json) = serde_json::from_str::<Json>(&text) {
            for descriptor in read_types() {
                if let Err(reason) = from_json(descriptor, json.clone()) {
                    prop_assert!(!reason.is_empty());
                }
            }
            drop(any_from_json(json));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_fuzzer_makes_of_any_bytes_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..240)) {
        transcoding::survives(&bytes);
    }
}

#[test]
fn what_fuzzing_kept_is_survived() {
    let seeds =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../app/fuzz/seeds/transcoding");
    let files: Vec<_> = std::fs::read_dir(seeds).unwrap().collect();
    assert!(!files.is_empty());
    for file in files {
        transcoding::survives(&std::fs::read(file.unwrap().path()).unwrap());
    }
}

/// A proposal in a proposal, so many deep.
fn packed(depth: usize) -> Any {
    let pack = |any: Any, _| {
        let proposal = MsgSubmitProposal {
            messages: vec![any],
            ..MsgSubmitProposal::default()
        };
        Any {
            type_url: "/cosmos.gov.v1.MsgSubmitProposal".to_owned(),
            value: proposal.encode_to_vec(),
        }
    };
    (0..depth).fold(Any::default(), pack)
}

#[test]
fn messages_packed_in_each_other_are_unpacked_to_a_depth() {
    let unpacked = |depth| any_tree(&packed(depth)).to_json().matches("@type").count();
    // The innermost names no type.
    assert_eq!(unpacked(5), 6);
    // That of the one which is shown as bytes is the last.
    assert_eq!(unpacked(3 * MAX_DEPTH), MAX_DEPTH + 1);
}

#[test]
fn messages_packed_in_each_other_without_end_are_not_unpacked() {
    let text = any_tree(&packed(5_000)).to_json();
    // The innermost that is shown is bytes.
    assert!(text.contains("\"value\": \""));
    assert!(text.lines().count() < 1_000);
}

#[test]
fn json_in_json_without_end_is_refused_before_it_is_a_message() {
    let deep = |depth: usize| {
        let open = r#"{"@type":"/cosmos.gov.v1.MsgSubmitProposal","messages":["#;
        format!("{}{}", open.repeat(depth), "]}".repeat(depth))
    };
    let read = |depth| serde_json::from_str::<Json>(&deep(depth)).map(any_from_json);
    assert!(read(5).unwrap().is_ok());
    // Two levels each.
    assert!(read(60).unwrap().is_ok());
    assert!(read(100_000).is_err());
}
