//! A transaction as REST shows it, and the ways to find it.

use serde_json::{json, Value};

use super::world::{answer, has, is_refusal, World};
use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use prost::Message as _;
use race_app::testing::Wallet;
use race_proto::cosmos::base::abci::v1beta1::TxMsgData;

const TXS: &str = "/cosmos/tx/v1beta1/txs";

/// The names of a `TxResponse`.
pub const RESPONSE: &[&str] = &[
    "height",
    "txhash",
    "codespace",
    "code",
    "data",
    "raw_log",
    "logs",
    "info",
    "gas_wanted",
    "gas_used",
    "tx",
    "timestamp",
    "events",
];

fn is_tx(tx: &Value, sender: &str) {
    has(tx, &["body", "auth_info", "signatures"]);
    let body = &tx["body"];
    has(
        body,
        &[
            "messages",
            "memo",
            "timeout_height",
            "extension_options",
            "non_critical_extension_options",
        ],
    );
    assert_eq!(body["timeout_height"], "0");
    let message = &body["messages"][0];
    assert_eq!(message["@type"], "/cosmos.bank.v1beta1.MsgSend");
    assert_eq!(message["from_address"], sender);
    let auth = &tx["auth_info"];
    has(auth, &["signer_infos", "fee", "tip"]);
    let signer = &auth["signer_infos"][0];
    has(signer, &["public_key", "mode_info", "sequence"]);
    let key = &signer["public_key"];
    assert_eq!(key["@type"], "/cosmos.crypto.secp256k1.PubKey");
    let mode = json!({ "single": { "mode": "SIGN_MODE_DIRECT" } });
    assert_eq!(signer["mode_info"], mode);
    let fee = json!({
        "amount": [{ "denom": "nicoin", "amount": "4000" }], "gas_limit": "200000", "payer": "", "granter": "",
    });
    assert_eq!((&auth["fee"], &auth["tip"]), (&fee, &Value::Null));
    let signature = tx["signatures"][0].as_str().unwrap();
    assert_eq!(BASE64.decode(signature).unwrap().len(), 64);
}

fn is_response(response: &Value, hash: &str, sender: &str) {
    has(response, RESPONSE);
    assert_eq!(
        (&response["code"], &response["codespace"]),
        (&json!(0), &json!(""))
    );
    for empty in ["raw_log", "info"] {
        assert_eq!(response[empty], "");
    }
    assert_eq!(
        (&response["logs"], &response["txhash"]),
        (&json!([]), &json!(hash))
    );
    let data = response["data"].as_str().unwrap();
    assert_eq!(data, data.to_uppercase());
    let data = TxMsgData::decode(hex::decode(data).unwrap().as_slice()).unwrap();
    let kind = "/cosmos.bank.v1beta1.MsgSendResponse";
    assert_eq!(data.msg_responses[0].type_url, kind);
    assert_eq!(response["gas_wanted"], "200000");
    let used: u64 = response["gas_used"].as_str().unwrap().parse().unwrap();
    assert!(used > 0 && used <= 200_000);
    let time = response["timestamp"].as_str().unwrap();
    assert_eq!((time.len(), time.ends_with('Z')), (20, true), "{time}");
    assert_eq!(response["events"].as_array().unwrap().len(), 12);
    let attribute = &response["events"][0]["attributes"][0];
    assert_eq!(
        attribute,
        &json!({ "key": "spender", "value": sender, "index": true })
    );
    let mut tx = response["tx"].clone();
    let kind = tx.as_object_mut().unwrap().remove("@type").unwrap();
    assert_eq!(kind, "/cosmos.tx.v1beta1.Tx");
    is_tx(&tx, sender);
}

pub async fn a_transfer_is_found_by_hash_by_events_and_in_its_block(world: &mut World) {
    let (payer, carol) = (world.payer.clone(), Wallet::named("carol"));
    let hash = world.send(vec![payer.pays(&carol, 1_234)]).await;
    let sender = payer.address();
    let mut height = Value::Null;
    for hash_in_any_case in [hash.clone(), hash.to_lowercase()] {
        let found = world.found(&format!("{TXS}/{hash_in_any_case}")).await;
        has(&found, &["tx", "tx_response"]);
        is_tx(&found["tx"], &sender);
        is_response(&found["tx_response"], &hash, &sender);
        height = found["tx_response"]["height"].clone();
    }
    world.send(vec![payer.pays(&carol, 1)]).await;

    // The index follows the block a moment later. `events` and `pagination.limit` are ignored.
    let query =
        format!("message.action='/cosmos.bank.v1beta1.MsgSend' AND message.sender='{sender}'");
    let search = |more: &str| format!("{TXS}?query={query}{more}");
    let page =
        search("&order_by=ORDER_BY_DESC&page=2&limit=1&pagination.limit=7&events=tx.height=1");
    world
        .until("both are indexed", || async {
            world.get(&page).await.json["total"] == "2"
        })
        .await;
    let found = world.found(&page).await;
    has(&found, &["txs", "tx_responses", "pagination", "total"]);
    assert_eq!(found["pagination"], Value::Null);
    assert_eq!(found["txs"].as_array().unwrap().len(), 1);
    is_tx(&found["txs"][0], &sender);
    is_response(&found["tx_responses"][0], &hash, &sender);
    let both = world.found(&search("&order_by=1")).await;
    assert_eq!(both["tx_responses"][0]["txhash"], hash);
    // Conditions are joined within one event.
    let apart = format!(
        "{TXS}?query=message.action='/cosmos.bank.v1beta1.MsgSend' AND transfer.sender='{sender}'"
    );
    assert_eq!(world.found(&apart).await["total"], "0");

    let in_block = format!("{TXS}/block/{}", height.as_str().unwrap());
    let found = world.found(&in_block).await;
    has(&found, &["txs", "block_id", "block", "pagination"]);
    assert_eq!(found["block"]["header"]["height"], height);
    let listed = found["txs"].as_array().unwrap();
    let total = json!({ "next_key": null, "total": listed.len().to_string() });
    assert_eq!(found["pagination"], total);
    let own = listed
        .iter()
        .find(|tx| tx["body"]["messages"][0]["from_address"] == sender.as_str());
    is_tx(own.unwrap(), &sender);
}

pub async fn a_page_past_the_end_and_a_search_for_nothing_are_refused(world: &World) {
    let past = format!("{TXS}?query=tx.height=1&page=9");
    let message = is_refusal(&world.get(&past).await, 500, 13);
    assert!(message.contains("page should be within"), "{message}");
    for without in [TXS.to_owned(), format!("{TXS}?events=tx.height=1")] {
        let message = is_refusal(&world.get(&without).await, 500, 13);
        assert_eq!(message, "query cannot be empty");
    }
    let missing = "AB".repeat(32);
    let message = is_refusal(&world.get(&format!("{TXS}/{missing}")).await, 404, 5);
    assert_eq!(message, format!("tx not found: {missing}"));
    is_refusal(&world.get(&format!("{TXS}/AB")).await, 404, 5);
    is_refusal(&world.get(&format!("{TXS}/soon")).await, 500, 2);
    let body = json!({ "txBytes": "", "mode": 2 });
    let refused = answer(world.post(TXS).json(&body)).await;
    assert_eq!(is_refusal(&refused, 400, 3), "invalid empty tx");
}
