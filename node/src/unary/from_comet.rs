//! CometBFT's JSON as protobuf messages: the names are the same but for a few, hashes and addresses
//! are hex, contents base64.

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use prost_reflect::{DeserializeOptions, DynamicMessage, Kind, MessageDescriptor, Value};
use race_app::address::{Account, CONSENSUS_PREFIX};
use serde_json::Value as Json;

/// Names that CometBFT's JSON has otherwise: the field of the `.proto` file, and theirs. Evidence alone has
/// the last ones.
const RENAMED: &[(&str, &str)] = &[
    ("part_set_header", "parts"),
    ("default_node_id", "id"),
    ("total_voting_power", "TotalVotingPower"),
    ("validator_power", "ValidatorPower"),
    ("timestamp", "Timestamp"),
    ("conflicting_block", "ConflictingBlock"),
    ("common_height", "CommonHeight"),
    ("byzantine_validators", "ByzantineValidators"),
];

/// Bytes that are base64.
const CONTENTS: &[&str] = &["signature", "txs", "extension", "extension_signature"];

/// Choices, which name their type: the message, the type in CometBFT's JSON, and the field.
const CHOICES: &[(&str, &str, &str)] = &[
    (
        "tendermint.types.Evidence",
        "tendermint/DuplicateVoteEvidence",
        "duplicate_vote_evidence",
    ),
    (
        "tendermint.types.Evidence",
        "tendermint/LightClientAttackEvidence",
        "light_client_attack_evidence",
    ),
    (
        "tendermint.crypto.PublicKey",
        "tendermint/PubKeyEd25519",
        "ed25519",
    ),
    (
        "tendermint.crypto.PublicKey",
        "tendermint/PubKeySecp256k1",
        "secp256k1",
    ),
];

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
    let mut choices = CHOICES
        .iter()
        .filter(|(of, _, _)| *of == descriptor.full_name())
        .peekable();
    if choices.peek().is_some() {
        let chosen = choices.find(|(_, theirs, _)| json["type"] == **theirs);
        let field = chosen.and_then(|(_, _, field)| descriptor.get_field_by_name(field));
        let unknown = || format!("{}: {} is not known", descriptor.full_name(), json["type"]);
        let field = field.ok_or_else(unknown)?;
        let value = match field.kind() {
            // A key.
            Kind::Bytes => json["value"]
                .as_str()
                .and_then(base64)
                .ok_or_else(unknown)?,
            kind => read(&kind, field.name(), &json["value"])?,
        };
        made.set_field(&field, value);
        return Ok(made);
    }
    for field in descriptor.fields() {
        let renamed = RENAMED.iter().map(|(ours, theirs)| (*ours, *theirs));
        let mut renamed =
            renamed.filter(|(ours, theirs)| *ours == field.name() && !json[*theirs].is_null());
        let theirs = renamed.next().map(|(_, theirs)| theirs);
        let theirs = theirs.unwrap_or(field.name());
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
        Kind::Bytes if CONTENTS.contains(&name) => base64(text()?).ok_or_else(wrong)?,
        Kind::Bytes => Value::Bytes(hex::decode(text()?).map_err(|_| wrong())?.into()),
        // A text only where the SDK shows its own form of the block.
        Kind::String if name == "proposer_address" => Value::String(valcons(text()?)?),
        Kind::String => Value::String(text()?.to_owned()),
        Kind::Message(inner) => Value::Message(message(inner, json)?),
        _ => return Err(wrong()),
    })
}

fn base64(text: &str) -> Option<Value> {
    Some(Value::Bytes(BASE64.decode(text).ok()?.into()))
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
    fn evidence_of_a_double_vote_and_of_an_attack_is_shown() {
        let hash = "AB".repeat(32);
        let vote = json!({
            "type": 2, "height": "7", "round": 0,
            "block_id": { "hash": hash, "parts": { "total": 1, "hash": hash } },
            "timestamp": "2026-11-21T11:01:29Z", "validator_address": "01".repeat(20),
            "validator_index": 3, "signature": BASE64.encode([7; 64]),
            "extension": BASE64.encode(b"x"), "extension_signature": null,
        });
        let list = json!({ "evidence": [
            { "type": "tendermint/DuplicateVoteEvidence", "value": {
                "vote_a": vote, "vote_b": vote, "TotalVotingPower": "30", "ValidatorPower": "10",
                "Timestamp": "2026-11-21T11:01:28Z",
            } },
            { "type": "tendermint/LightClientAttackEvidence", "value": {
                "ConflictingBlock": {
                    "signed_header": { "header": { "height": "7" }, "commit": { "height": "7" } },
                    "validator_set": { "validators": [], "proposer": null },
                },
                "CommonHeight": "6",
                "ByzantineValidators": [{
                    "address": "01".repeat(20), "voting_power": "10", "proposer_priority": "0",
                    "pub_key": { "type": "tendermint/PubKeyEd25519", "value": BASE64.encode([1; 32]) },
                }],
                "TotalVotingPower": "30", "Timestamp": "2026-11-21T11:01:28Z",
            } },
        ] });
        let shown = read("tendermint.types.EvidenceList", &list);
        let double = &shown["evidence"][0]["duplicate_vote_evidence"];
        assert_eq!(double["total_voting_power"], "30");
        assert_eq!(double["timestamp"], "2026-11-21T11:01:28Z");
        assert_eq!(double["vote_b"]["type"], "SIGNED_MSG_TYPE_PRECOMMIT");
        assert_eq!(double["vote_b"]["timestamp"], "2026-11-21T11:01:29Z");
        assert_eq!(double["vote_a"]["extension"], BASE64.encode(b"x"));
        let attack = &shown["evidence"][1]["light_client_attack_evidence"];
        assert_eq!(attack["common_height"], "6");
        let header = &attack["conflicting_block"]["signed_header"]["header"];
        assert_eq!(header["height"], "7");
        let key = &attack["byzantine_validators"][0]["pub_key"]["ed25519"];
        assert_eq!(*key, BASE64.encode([1; 32]));
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
