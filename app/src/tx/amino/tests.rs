use prost_reflect::{Kind, MapKey};
use race_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, MsgSend, Output};
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::feegrant::v1beta1::{
    AllowedMsgAllowance, BasicAllowance, MsgGrantAllowance, PeriodicAllowance,
};
use race_proto::cosmos::tx::v1beta1::Fee;

use super::*;
use crate::message::response as packed;
use crate::registry;
use crate::time::{duration, timestamp};
use crate::tx::unknown;

fn coin(amount: &str) -> Coin {
    Coin {
        denom: "nicoin".to_owned(),
        amount: amount.to_owned(),
    }
}

fn send() -> Any {
    packed(&MsgSend {
        from_address: "race1a".to_owned(),
        to_address: "race1b".to_owned(),
        amount: vec![coin("5")],
    })
}

fn document(body: &TxBody, fee: Fee, account_number: u64) -> SignDoc {
    let auth = AuthInfo {
        fee: Some(fee),
        ..AuthInfo::default()
    };
    SignDoc {
        body_bytes: body.encode_to_vec(),
        auth_info_bytes: auth.encode_to_vec(),
        chain_id: "race-test-1".to_owned(),
        account_number,
    }
}

fn signed(body: &TxBody, fee: Fee, number: u64, sequence: u64) -> Result<String, AminoError> {
    sign_bytes(&document(body, fee, number), sequence)
        .map(|bytes| String::from_utf8(bytes).unwrap())
}

/// The expected text is what CosmJS 0.33 signs.
#[test]
fn a_document_is_the_one_that_wallets_sign() {
    let several = packed(&MsgMultiSend {
        inputs: vec![Input {
            address: "race1a".to_owned(),
            coins: vec![coin("5")],
        }],
        outputs: vec![Output {
            address: "race1b".to_owned(),
            coins: vec![coin("5")],
        }],
    });
    let body = TxBody {
        messages: vec![send(), several],
        memo: "a & b < c > \"d\" \\ \n\t é".to_owned(),
        ..TxBody::default()
    };
    let fee = Fee {
        amount: vec![coin("100")],
        gas_limit: 200_000,
        ..Fee::default()
    };
    assert_eq!(
        signed(&body, fee, 7, 8).unwrap(),
        r#"{"account_number":"7","chain_id":"race-test-1","fee":{"amount":[{"amount":"100","denom":"nicoin"}],"gas":"200000"},"memo":"a \u0026 b \u003c c \u003e \"d\" \\ \n\t é","msgs":[{"type":"cosmos-sdk/MsgSend","value":{"amount":[{"amount":"5","denom":"nicoin"}],"from_address":"race1a","to_address":"race1b"}},{"type":"cosmos-sdk/MsgMultiSend","value":{"inputs":[{"address":"race1a","coins":[{"amount":"5","denom":"nicoin"}]}],"outputs":[{"address":"race1b","coins":[{"amount":"5","denom":"nicoin"}]}]}}],"sequence":"8"}"#
    );
}

/// The expected text is what CosmJS 0.33 signs.
#[test]
fn payer_granter_and_timeout_are_in_it_when_they_are_set() {
    let body = TxBody {
        messages: vec![send()],
        timeout_height: 99,
        ..TxBody::default()
    };
    let fee = Fee {
        gas_limit: 1,
        payer: "race1p".to_owned(),
        granter: "race1g".to_owned(),
        ..Fee::default()
    };
    assert_eq!(
        signed(&body, fee, 0, 0).unwrap(),
        r#"{"account_number":"0","chain_id":"race-test-1","fee":{"amount":[],"gas":"1","granter":"race1g","payer":"race1p"},"memo":"","msgs":[{"type":"cosmos-sdk/MsgSend","value":{"amount":[{"amount":"5","denom":"nicoin"}],"from_address":"race1a","to_address":"race1b"}}],"sequence":"0","timeout_height":"99"}"#
    );
}

#[test]
fn what_the_document_does_not_show_cannot_be_signed() {
    let body = TxBody {
        messages: vec![send()],
        non_critical_extension_options: vec![send()],
        ..TxBody::default()
    };
    assert_eq!(
        signed(&body, Fee::default(), 0, 0),
        Err(AminoError::Extensions)
    );
    let mut document = document(&TxBody::default(), Fee::default(), 0);
    // Field 1124, which DIRECT accepts as not critical.
    document.body_bytes.extend([0xa0, 0x46, 0x01]);
    let accepts = unknown::NonCritical::Accept;
    let body = "cosmos.tx.v1beta1.TxBody";
    assert!(refuse_unknown_fields(body, &document.body_bytes, accepts).is_ok());
    assert_eq!(sign_bytes(&document, 0), Err(AminoError::UnknownFields));
}

#[test]
fn a_type_url_in_another_spelling_has_no_amino_json() {
    let packed = |url: &str| Any {
        type_url: url.to_owned(),
        value: Vec::new(),
    };
    let name = "race.duty.v1.MsgRevealDuties";
    assert!(json(&packed(&format!("/{name}"))).is_ok());
    for url in [
        name.to_owned(),
        format!(".{name}"),
        format!("/.{name}"),
        format!("//{name}"),
    ] {
        assert!(
            matches!(json(&packed(&url)), Err(AminoError::Packed(_))),
            "{url}"
        );
    }
}

/// The SDK gives it no name: its type URL stands for it.
const NAMELESS: &str = "/cosmos.feegrant.v1beta1.MsgPruneAllowances";

#[test]
fn every_message_has_a_name_of_its_own_that_a_ledger_can_show() {
    let mut seen = std::collections::BTreeSet::new();
    for message in registry::messages() {
        let url = message.type_url;
        if url == NAMELESS {
            assert_eq!(name(url), None);
            continue;
        }
        let name = name(url).unwrap_or_else(|| panic!("{url}: set (amino.name) in its .proto"));
        assert!(name.len() < 40, "{url}: {name} has 40 characters or more");
        assert!(seen.insert(name.clone()), "{url}: {name} is taken");
    }
}

/// A message with something in each field.
fn example(message: &MessageDescriptor, depth: usize) -> DynamicMessage {
    let mut made = DynamicMessage::new(message.clone());
    for field in message.fields() {
        let one = || match field.kind() {
            Kind::Bool => Value::Bool(true),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(-7),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(-8),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(9),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(u64::MAX),
            Kind::String => Value::String(match field.name() {
                "amount" => "100000000000000000000".to_owned(),
                name => format!("{name} <&>"),
            }),
            Kind::Bytes => Value::Bytes(vec![0xfb, 0xff, 0x00].into()),
            Kind::Enum(_) => Value::EnumNumber(1),
            Kind::Float | Kind::Double => panic!("a float in a message"),
            Kind::Message(inner) if inner.full_name() == "google.protobuf.Any" => {
                let mut any = DynamicMessage::new(inner);
                any.set_field_by_name("type_url", Value::String(send().type_url));
                any.set_field_by_name("value", Value::Bytes(send().value.into()));
                Value::Message(any)
            }
            Kind::Message(inner) if inner.full_name() == "google.protobuf.Timestamp" => {
                let mut time = DynamicMessage::new(inner);
                time.set_field_by_name("seconds", Value::I64(1_800_000_000));
                time.set_field_by_name("nanos", Value::I32(120_000_000));
                Value::Message(time)
            }
            Kind::Message(inner) => Value::Message(example(&inner, depth + 1)),
        };
        assert!(depth < 8 && !field.is_map(), "{}", field.full_name());
        let value = match field.is_list() {
            true => Value::List(vec![one(), one()]),
            false => one(),
        };
        made.set_field(&field, value);
    }
    made
}

/// All messages, once full and once empty. `clients/check.sh` compares the snapshot with what
/// `cosmossdk.io/x/tx` (Go) writes for the same bytes and descriptors. A message without a part that may
/// not be left out has none, as there.
#[test]
fn every_message_looks_as_the_sdk_writes_it() {
    let pool = race_proto::descriptor_pool();
    let mut shown = String::new();
    for message in registry::messages() {
        let descriptor = pool.get_message_by_name(&message.type_url[1..]).unwrap();
        let empty = DynamicMessage::new(descriptor.clone());
        for (full, made) in [(true, example(&descriptor, 0)), (false, empty)] {
            let any = Any {
                type_url: message.type_url.to_owned(),
                value: made.encode_to_vec(),
            };
            let text = match json(&any) {
                Err(AminoError::Unsupported(_)) if !full => continue,
                text => text.unwrap_or_else(|error| panic!("{}: {error}", message.type_url)),
            };
            let _ = writeln!(shown, "{} {}", any.type_url, hex::encode(&any.value));
            let _ = writeln!(shown, "{text}");
        }
    }
    insta::assert_snapshot!(shown);
}

/// As `cosmossdk.io/x/tx` writes it: a period in nanoseconds.
#[test]
fn allowances_in_each_other_are_written_with_their_names() {
    let periodic = packed(&PeriodicAllowance {
        basic: Some(BasicAllowance::default()),
        period: Some(duration(3_600_500)),
        period_spend_limit: vec![coin("5")],
        period_can_spend: Vec::new(),
        period_reset: Some(timestamp(1_800_000_000_000)),
    });
    let allowed = packed(&AllowedMsgAllowance {
        allowance: Some(periodic),
        allowed_messages: vec![send().type_url],
    });
    let grant = packed(&MsgGrantAllowance {
        granter: "race1a".to_owned(),
        grantee: "race1b".to_owned(),
        allowance: Some(allowed),
    });
    assert_eq!(
        json(&grant).unwrap(),
        r#"{"type":"cosmos-sdk/MsgGrantAllowance","value":{"allowance":{"type":"cosmos-sdk/AllowedMsgAllowance","value":{"allowance":{"type":"cosmos-sdk/PeriodicAllowance","value":{"basic":{"spend_limit":[]},"period":"3600500000000","period_can_spend":[],"period_reset":"2027-01-15T08:00:00Z","period_spend_limit":[{"amount":"5","denom":"nicoin"}]}},"allowed_messages":["/cosmos.bank.v1beta1.MsgSend"]}},"grantee":"race1b","granter":"race1a"}}"#
    );
}

#[test]
fn a_map_has_no_amino_json() {
    let map = Value::Map([(MapKey::Bool(true), Value::Bool(true))].into());
    assert!(Writer::default().value(&map).is_err());
}
