//! What any bytes may do as a document that is signed: have no amino JSON, or one that no document of
//! another meaning has.

use prost::Message as _;
use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};
use race_app::registry;
use race_app::testing::Wallet;
use race_app::tx::amino;
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, SignDoc, TxBody};
use race_proto::{descriptor_pool, Any};

use crate::canonical::canonical;
use crate::input::Input;

/// Tries the bytes as a body, and two documents of which one is an edit of the other.
pub fn survives(bytes: &[u8]) {
    signed(&document(bytes.to_vec(), Fee::default()), 0);
    let mut input = Input(bytes);
    let (mut first, sequence) = made(&mut input);
    let text = signed(&first, sequence);
    let before = meaning(&first);
    input.edit(&mut first.body_bytes);
    let edited = signed(&first, sequence);
    if text.is_some() && text == edited {
        assert_eq!(before, meaning(&first), "two meanings of what is signed");
    }
}

/// What a document's amino JSON is, if it has one.
fn signed(document: &SignDoc, sequence: u64) -> Option<Vec<u8>> {
    let text = amino::sign_bytes(document, sequence).ok()?;
    assert_eq!(canonical(&text).as_bytes(), text);
    assert_eq!(amino::sign_bytes(document, sequence), Ok(text.clone()));
    let shown: serde_json::Value = serde_json::from_slice(&text).expect("it is JSON");
    assert_eq!(shown["sequence"], sequence.to_string());
    assert_eq!(shown["account_number"], document.account_number.to_string());
    assert_eq!(shown["chain_id"], document.chain_id);
    let body = TxBody::decode(&*document.body_bytes).expect("what is signed decodes");
    assert_eq!(shown["memo"], body.memo);
    let messages = shown["msgs"].as_array().expect("a list");
    assert_eq!(messages.len(), body.messages.len());
    for (message, any) in messages.iter().zip(&body.messages) {
        let text = amino::json(any).expect("it is part of the document");
        assert_eq!(message.to_string(), canonical_value(&text));
    }
    Some(text)
}

/// A message's amino JSON as `serde_json` writes it.
fn canonical_value(text: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).expect("it is JSON");
    value.to_string()
}

/// A body without what an encoding leaves open: zeros that are written, the order of fields, and the slash
/// before a type, without which a transaction is refused.
fn meaning(document: &SignDoc) -> Option<TxBody> {
    let mut body = TxBody::decode(&*document.body_bytes).ok()?;
    for any in &mut body.messages {
        *any = plain(any);
    }
    Some(body)
}

fn plain(any: &Any) -> Any {
    let name = any.type_url.trim_start_matches('/');
    let kind = descriptor_pool().get_message_by_name(name);
    let decoded = kind.and_then(|kind| DynamicMessage::decode(kind, &*any.value).ok());
    let value = decoded.map(|mut message| {
        make_plain(&mut message);
        message.encode_to_vec()
    });
    Any {
        type_url: name.to_owned(),
        value: value.unwrap_or_else(|| any.value.clone()),
    }
}

fn make_plain(message: &mut DynamicMessage) {
    for (_, value) in message.fields_mut() {
        let inner = match value {
            Value::List(items) => items.iter_mut().collect(),
            single => vec![single],
        };
        for value in inner {
            if let Value::Message(inner) = value {
                make_plain(inner);
            }
        }
    }
    if message.descriptor().full_name() == "google.protobuf.Any" {
        let any: Any = message.transcode_to().expect("it is one");
        message.transcode_from(&plain(&any)).expect("it is one");
    }
}

fn document(body_bytes: Vec<u8>, fee: Fee) -> SignDoc {
    let auth = AuthInfo {
        fee: Some(fee),
        ..AuthInfo::default()
    };
    SignDoc {
        body_bytes,
        auth_info_bytes: auth.encode_to_vec(),
        chain_id: "race-test-1".to_owned(),
        account_number: 7,
    }
}

/// A document of messages that are valid, or of known types with bytes of the input; and a sequence.
fn made(input: &mut Input) -> (SignDoc, u64) {
    let (alice, bob) = (Wallet::named("alice"), Wallet::named("bob"));
    let kinds: Vec<_> = registry::messages().map(|kind| kind.type_url).collect();
    let messages = (0..input.byte() % 4).map(|_| match input.byte() % 3 {
        0 => alice.pays(&bob, input.number().into()),
        _ => Any {
            type_url: (*input.one_of(&kinds)).to_owned(),
            value: input.run().to_vec(),
        },
    });
    let body = TxBody {
        messages: messages.collect(),
        memo: input.text(),
        timeout_height: input.number(),
        ..TxBody::default()
    };
    let coins = (0..input.byte() % 3).map(|_| Coin {
        denom: input.text(),
        amount: input.text(),
    });
    let fee = Fee {
        amount: coins.collect(),
        gas_limit: input.number(),
        payer: input.text(),
        granter: input.text(),
    };
    let mut made = document(body.encode_to_vec(), fee);
    made.chain_id = input.text();
    made.account_number = input.number();
    (made, input.number())
}
