//! CometBFT's JSON as protobuf messages: the names are the same but for a few, hashes and addresses
//! are hex, contents base64.

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use prost_reflect::{DeserializeOptions, DynamicMessage, Kind, MessageDescriptor, Value};
use race_app::address::{Account, CONSENSUS_PREFIX};
use serde_json::Value as Json;

/// Names that CometBFT's JSON has otherwise: the field of the `.proto` file, and theirs.
const RENAMED: &[(&str, &str)] = &[("part_set_header", "parts"), ("default_node_id", "id")];

/// Bytes that are base64.
const CONTENTS: &[&str] = &["signature", "txs"];

/// Reads a message out of CometBFT's JSON. What the JSON does not have stays unset.
///
/// # Errors
/// Which field is not what CometBFT 0.38 sends.
pub fn message(descriptor: &MessageDescriptor, json: &Json) -> Result<DynamicMessage, String> {
    if descriptor.package_name() == "google.protobuf" {
        let options = DeserializeOptions::new();
        return DynamicMessage::deserialize_with_options(descriptor.clone(), json, &options)
            .map_err(|error| format!("{}: {error}", descriptor.full_name()));
    }
    let mut made = DynamicMessage::new(descriptor.clone());
    // Evidence is a choice with types of its own, which nobody asks for here.
    if descriptor.full_name() == "tendermint.types.Evidence" {
        return Ok(made);
    }
    for field in descriptor.fields() {
        let renamed = RENAMED.iter().find(|(ours, _)| *ours == field.name());
        let theirs = renamed.map_or(field.name(), |(_, theirs)| theirs);
        let value = match &json[theirs] {
            Json::Null => continue,
            Json::Array(items) if field.is_list() => {
                let items = items.iter().map(|item| read(&field.kind(), theirs, item));
                Value::List(items.collect::<Result<_, _>>()?)
            }
            item => read(&field.kind(), theirs, item)?,
        };
        made.set_field(&field, value);
    }
    Ok(made)
}

fn read(kind: &Kind, name: &str, json: &Json) -> Result<Value, String> {
    let wrong = || format!("{name}: {json} is not what was expected");
    let text = || json.as_str().ok_or_else(wrong);
    // 64-bit numbers are text in their JSON, smaller ones numbers.
    let number = || match json {
        Json::String(text) => text.parse::<i128>().map_err(|_| wrong()),
        json => json.as_i64().map(i128::from).ok_or_else(wrong),
    };
    Ok(match kind {
        Kind::Bool => Value::Bool(json.as_bool().ok_or_else(wrong)?),
        Kind::Int32 => Value::I32(number()?.try_into().map_err(|_| wrong())?),
        Kind::Uint32 => Value::U32(number()?.try_into().map_err(|_| wrong())?),
        Kind::Int64 => Value::I64(number()?.try_into().map_err(|_| wrong())?),
        Kind::Uint64 => Value::U64(number()?.try_into().map_err(|_| wrong())?),
        Kind::Enum(_) => Value::EnumNumber(number()?.try_into().map_err(|_| wrong())?),
        Kind::Bytes if CONTENTS.contains(&name) => {
            Value::Bytes(BASE64.decode(text()?).map_err(|_| wrong())?.into())
        }
        Kind::Bytes => Value::Bytes(hex::decode(text()?).map_err(|_| wrong())?.into()),
        // A text only where the SDK shows its own form of the block.
        Kind::String if name == "proposer_address" => Value::String(valcons(text()?)?),
        Kind::String => Value::String(text()?.to_owned()),
        Kind::Message(inner) => Value::Message(message(inner, json)?),
        _ => return Err(wrong()),
    })
}

/// A consensus address in hex as bech32.
///
/// # Errors
/// It is no address.
pub fn valcons(address: &str) -> Result<String, String> {
    let bytes = hex::decode(address).unwrap_or_default();
    let bytes = <[u8; 20]>::try_from(bytes.as_slice())
        .map_err(|_| format!("{address:?} is no consensus address"))?;
    Ok(Account(bytes).with_prefix(CONSENSUS_PREFIX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto_json::tree;
    use serde_json::json;

    fn read(name: &str, json: &Json) -> Json {
        let descriptor = race_proto::descriptor_pool()
            .get_message_by_name(name)
            .unwrap();
        let message = message(&descriptor, json).unwrap();
        serde_json::from_str(&tree(&message).to_json()).unwrap()
    }

    #[test]
    fn a_block_id_and_an_absent_signature_look_as_rest_shows_them() {
        let id = json!({ "hash": "AB", "parts": { "total": 1, "hash": "FF" } });
        assert_eq!(
            read("tendermint.types.BlockID", &id),
            json!({ "hash": "qw==", "part_set_header": { "total": 1, "hash": "/w==" } })
        );
        let absent = json!({
            "block_id_flag": 1, "validator_address": "", "timestamp": "0001-01-01T00:00:00Z", "signature": null,
        });
        assert_eq!(
            read("tendermint.types.CommitSig", &absent),
            json!({
                "block_id_flag": "BLOCK_ID_FLAG_ABSENT", "validator_address": null,
                "timestamp": "0001-01-01T00:00:00Z", "signature": null,
            })
        );
    }

    #[test]
    fn the_proposer_is_bytes_in_the_block_and_bech32_in_the_sdks_block() {
        let header = json!({ "height": "7", "proposer_address": "00".repeat(20) });
        let plain = read("tendermint.types.Header", &header);
        assert_eq!(
            (plain["height"].clone(), plain["proposer_address"].clone()),
            (json!("7"), json!(BASE64.encode([0; 20])))
        );
        let sdk = read("cosmos.base.tendermint.v1beta1.Header", &header);
        let address = sdk["proposer_address"].as_str().unwrap();
        assert!(address.starts_with("racevalcons1"), "{address}");
    }

    #[test]
    fn what_is_not_cometbfts_is_refused_by_name() {
        let descriptor = race_proto::descriptor_pool()
            .get_message_by_name("tendermint.types.Header")
            .unwrap();
        let error = message(&descriptor, &json!({ "height": "seven" })).unwrap_err();
        assert!(error.starts_with("height: "), "{error}");
    }
}
