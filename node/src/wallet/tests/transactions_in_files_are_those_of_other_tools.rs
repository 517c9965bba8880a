use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, Value};
use race_app::registry;
use race_proto::annotations::field_notes;
use race_proto::cosmos::tx::signing::v1beta1::SignMode;
use race_proto::{descriptor_pool, Any};
use serde_json::Value as Json;

use super::keys_are_those_of_other_cosmos_wallets::faucet;
use crate::proto_json::{any_from_json, any_tree};
use crate::wallet::document;
use crate::wallet::sign::Signer;

/// Written by the Cosmos SDK 0.50.15, as what follows: a transfer of the test account.
const UNSIGNED: &str = r#"{"body":{"messages":[{"@type":"/cosmos.bank.v1beta1.MsgSend","from_address":"race1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmkqcp30","to_address":"race10dyr9899g6t0pelew4nvf4j5c3jcgv0rn8l2up","amount":[{"denom":"nicoin","amount":"7"}]}],"memo":"a \u0026 b \u003c c","timeout_height":"0","extension_options":[],"non_critical_extension_options":[]},"auth_info":{"signer_infos":[],"fee":{"amount":[{"denom":"nicoin","amount":"2000"}],"gas_limit":"200000","payer":"","granter":""},"tip":null},"signatures":[]}"#;

/// Signed by it in SIGN_MODE_DIRECT for race-test-1, account 7, sequence 3: the file and the bytes.
const DIRECT: [&str; 2] = [
    r#"{"body":{"messages":[{"@type":"/cosmos.bank.v1beta1.MsgSend","from_address":"race1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmkqcp30","to_address":"race10dyr9899g6t0pelew4nvf4j5c3jcgv0rn8l2up","amount":[{"denom":"nicoin","amount":"7"}]}],"memo":"a \u0026 b \u003c c","timeout_height":"0","extension_options":[],"non_critical_extension_options":[]},"auth_info":{"signer_infos":[{"public_key":{"@type":"/cosmos.crypto.secp256k1.PubKey","key":"A08EGB7ro1ORuFhjOnZcSgwYlpe0DSFjVNUIkNNQxwKQ"},"mode_info":{"single":{"mode":"SIGN_MODE_DIRECT"}},"sequence":"3"}],"fee":{"amount":[{"denom":"nicoin","amount":"2000"}],"gas_limit":"200000","payer":"","granter":""},"tip":null},"signatures":["uaY0vqKQxEoYiowncR7gWGGLlsDQz6o2VX5vnX6L+R1iCZukcAD4lkyt8ErIoqwYpPH66G4KooJx4QC9hz4WtQ=="]}"#,
    "CpUBCocBChwvY29zbW9zLmJhbmsudjFiZXRhMS5Nc2dTZW5kEmcKK3JhY2UxcGtwdHJlN2Zka2w2Z2Zyemxlc2pqdmh4aGxjM3I0Z21rcWNwMzASK3JhY2UxMGR5cjk4OTlnNnQwcGVsZXc0bnZmNGo1YzNqY2d2MHJuOGwydXAaCwoGbmljb2luEgE3EglhICYgYiA8IGMSaApQCkYKHy9jb3Ntb3MuY3J5cHRvLnNlY3AyNTZrMS5QdWJLZXkSIwohA08EGB7ro1ORuFhjOnZcSgwYlpe0DSFjVNUIkNNQxwKQEgQKAggBGAMSFAoOCgZuaWNvaW4SBDIwMDAQwJoMGkC5pjS+opDEShiKjCdxHuBYYYuWwNDPqjZVfm+dfov5HWIJm6RwAPiWTK3wSsiirBik8frobgqignHhAL2HPha1",
];

/// The same in SIGN_MODE_LEGACY_AMINO_JSON.
const AMINO: [&str; 2] = [
    r#"{"body":{"messages":[{"@type":"/cosmos.bank.v1beta1.MsgSend","from_address":"race1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmkqcp30","to_address":"race10dyr9899g6t0pelew4nvf4j5c3jcgv0rn8l2up","amount":[{"denom":"nicoin","amount":"7"}]}],"memo":"a \u0026 b \u003c c","timeout_height":"0","extension_options":[],"non_critical_extension_options":[]},"auth_info":{"signer_infos":[{"public_key":{"@type":"/cosmos.crypto.secp256k1.PubKey","key":"A08EGB7ro1ORuFhjOnZcSgwYlpe0DSFjVNUIkNNQxwKQ"},"mode_info":{"single":{"mode":"SIGN_MODE_LEGACY_AMINO_JSON"}},"sequence":"3"}],"fee":{"amount":[{"denom":"nicoin","amount":"2000"}],"gas_limit":"200000","payer":"","granter":""},"tip":null},"signatures":["zvV+6aPSYGJJIGtignL2MOHoTzTfF088z8TZLP0SxAE+no/hF276RQ5VPET39gbwTHgsflLD9FH8fE2XWhK62Q=="]}"#,
    "CpUBCocBChwvY29zbW9zLmJhbmsudjFiZXRhMS5Nc2dTZW5kEmcKK3JhY2UxcGtwdHJlN2Zka2w2Z2Zyemxlc2pqdmh4aGxjM3I0Z21rcWNwMzASK3JhY2UxMGR5cjk4OTlnNnQwcGVsZXc0bnZmNGo1YzNqY2d2MHJuOGwydXAaCwoGbmljb2luEgE3EglhICYgYiA8IGMSaApQCkYKHy9jb3Ntb3MuY3J5cHRvLnNlY3AyNTZrMS5QdWJLZXkSIwohA08EGB7ro1ORuFhjOnZcSgwYlpe0DSFjVNUIkNNQxwKQEgQKAgh/GAMSFAoOCgZuaWNvaW4SBDIwMDAQwJoMGkDO9X7po9JgYkkga2KCcvYw4ehPNN8XTzzPxNks/RLEAT6ej+EXbvpFDlU8RPf2BvBMeCx+UsP0Ufx8TZdaErrZ",
];

/// The signature of that alone.
const AMINO_ALONE: &str = r#"{"signatures":[{"public_key":{"@type":"/cosmos.crypto.secp256k1.PubKey","key":"A08EGB7ro1ORuFhjOnZcSgwYlpe0DSFjVNUIkNNQxwKQ"},"data":{"single":{"mode":"SIGN_MODE_LEGACY_AMINO_JSON","signature":"zvV+6aPSYGJJIGtignL2MOHoTzTfF088z8TZLP0SxAE+no/hF276RQ5VPET39gbwTHgsflLD9FH8fE2XWhK62Q=="}},"sequence":"3"}]}"#;

fn parsed(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_sdk_and_this_sign_alike_and_write_the_same_files() {
    let signer = Signer {
        chain_id: "race-test-1",
        account_number: 7,
        sequence: 3,
    };
    assert_eq!(
        parsed(&document::json(&document::read(UNSIGNED).unwrap())),
        parsed(UNSIGNED)
    );
    for (mode, [file, bytes]) in [
        (SignMode::Direct, DIRECT),
        (SignMode::LegacyAminoJson, AMINO),
    ] {
        let mut tx = document::read(UNSIGNED).unwrap();
        let signed = document::sign(&mut tx, &faucet(), mode, signer, false).unwrap();
        assert_eq!(parsed(&document::json(&tx)), parsed(file));
        assert_eq!(BASE64.encode(document::encode(&tx)), bytes);
        let read = document::read(file).unwrap();
        assert_eq!(BASE64.encode(document::encode(&read)), bytes);
        assert_eq!(
            document::decode(&BASE64.decode(bytes).unwrap()).unwrap(),
            read
        );
        if mode == SignMode::LegacyAminoJson {
            assert_eq!(
                document::read_signatures(AMINO_ALONE).unwrap(),
                std::slice::from_ref(&signed)
            );
            let alone = document::signatures_tree(vec![signed]).to_json();
            assert_eq!(parsed(&alone), parsed(AMINO_ALONE));
        }
    }
}

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
