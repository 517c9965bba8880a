//! The routes over a chain in memory and a CometBFT that answers from a list.

use axum::body::to_bytes;
use axum::routing::post;
use axum::Json;
use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use futures::StreamExt as _;
use race_app::app::App;
use race_app::testing::{Chain, Wallet};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use super::*;
use crate::comet::rpc::RpcClient;
use crate::protocol::View;

/// Starts what answers CometBFT's methods; returns its address.
async fn comet(chain_height: u64) -> String {
    let hash = "AB".repeat(32);
    let proposer = "01".repeat(20);
    let block = json!({
        "block_id": { "hash": hash, "parts": { "total": 1, "hash": hash } },
        "block": {
            "header": {
                "version": { "block": "11" }, "chain_id": "race-test-1", "height": "2",
                "time": "2026-11-21T11:01:29.5Z",
                "last_block_id": { "hash": hash, "parts": { "total": 1, "hash": hash } },
                "last_commit_hash": hash, "data_hash": hash, "validators_hash": hash,
                "next_validators_hash": hash, "consensus_hash": hash, "app_hash": hash,
                "last_results_hash": hash, "evidence_hash": hash, "proposer_address": proposer,
            },
            "data": { "txs": ["ChIKEA=="] },
            "evidence": { "evidence": [] },
            "last_commit": {
                "height": "1", "round": 0,
                "block_id": { "hash": hash, "parts": { "total": 1, "hash": hash } },
                "signatures": [{
                    "block_id_flag": 2, "validator_address": proposer,
                    "timestamp": "2026-11-21T11:01:29.123456789Z", "signature": BASE64.encode([7; 64]),
                }],
            },
        },
    });
    let status = json!({
        "node_info": {
            "protocol_version": { "p2p": "8", "block": "11", "app": "1" },
            "id": "aa", "listen_addr": "tcp://127.0.0.1:1", "network": "race-test-1",
            "version": "0.38.26", "channels": "40", "moniker": "node0",
            "other": { "tx_index": "on", "rpc_address": "tcp://127.0.0.1:2" },
        },
        "sync_info": {
            "latest_block_hash": hash, "latest_app_hash": hash,
            "latest_block_height": chain_height.to_string(),
            "latest_block_time": "2026-11-21T11:01:29.5Z", "earliest_block_height": "1",
            "catching_up": false,
        },
        "validator_info": {
            "address": proposer,
            "pub_key": { "type": "tendermint/PubKeyEd25519", "value": BASE64.encode([1; 32]) },
            "voting_power": "1000",
        },
    });
    let validators = json!({
        "block_height": "2", "count": "1", "total": "1",
        "validators": [{
            "address": proposer,
            "pub_key": { "type": "tendermint/PubKeyEd25519", "value": BASE64.encode([1; 32]) },
            "voting_power": "1000", "proposer_priority": "-100",
        }],
    });
    let params = json!({ "block_height": "2", "consensus_params": {
        "block": { "max_bytes": "-1", "max_gas": "-1" },
        "evidence": { "max_age_num_blocks": "100000", "max_age_duration": "172800000000000", "max_bytes": "1048576" },
        "validator": { "pub_key_types": ["ed25519"] }, "version": {},
        "abci": { "vote_extensions_enable_height": "1" },
    }});
    let results = json!({ "height": "2", "txs_results": [{
        "code": 5, "gas_wanted": "1", "gas_used": "1",
        "events": [{ "type": "message", "attributes": [{ "key": "sender", "value": "race1a" }] }],
    }]});
    let answer = move |Json(request): Json<Value>| {
        let result = match request["method"].as_str().unwrap_or_default() {
            "status" => Ok(status.clone()),
            "block" | "block_by_hash" => Ok(block.clone()),
            "block_results" => Ok(results.clone()),
            "validators" => Ok(validators.clone()),
            // As CometBFT says between storing a block and its state.
            "consensus_params" if request["params"]["height"].is_null() => Err(
                "could not find consensus params for height #3: value retrieved from db is empty",
            ),
            "consensus_params" => Ok(params.clone()),
            "broadcast_tx_sync" => {
                Ok(json!({ "code": 4, "codespace": "sdk", "log": "refused", "hash": "" }))
            }
            "tx_search" => Err("page should be within [1, 1] range, given 9"),
            _ => Err("tx not found"),
        };
        let body = match result {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": 1, "result": result }),
            Err(data) => json!({ "jsonrpc": "2.0", "id": 1, "error": {
                "code": -32603, "message": "Internal error", "data": data,
            }}),
        };
        async move { Json(body) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn rest(app: &App) -> Router {
    let url = comet(app.latest().height()).await;
    let rpc = RpcClient::new(&url).unwrap();
    let backend = Backend::new(Arc::new(app.clone()), rpc);
    router(backend, &any_rate(), latest(app))
}

fn any_rate() -> Rest {
    Rest {
        per_second: 0,
        ..Rest::default()
    }
}

/// The newest state, and no other after it.
fn latest(app: &App) -> Latest {
    let snapshot = app.latest();
    let view = View {
        height: snapshot.height(),
        time_ms: 0,
        state: race_app::state::State::new(Arc::new(snapshot)),
    };
    Latest::new(view).1
}

fn chain() -> Chain {
    let mut chain = Chain::new(1);
    let (alice, carol) = (Wallet::named("alice"), Wallet::named("carol"));
    let tx = chain.sign(&alice, vec![alice.pays(&carol, 5)]);
    assert_eq!(chain.block(vec![tx]).results[0].code, 0);
    chain.block(Vec::new());
    chain
}

async fn send(rest: &Router, request: http::request::Builder, body: &str) -> (Response, Value) {
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let (parts, body) = rest.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    (Response::from_parts(parts, Body::empty()), json)
}

async fn get(rest: &Router, path: &str) -> (u16, Value) {
    let (response, json) = send(rest, Request::builder().uri(path), "").await;
    (response.status().as_u16(), json)
}

async fn post_json(rest: &Router, path: &str, body: Value) -> (u16, Value) {
    let request = Request::builder().method("POST").uri(path);
    let (response, json) = send(rest, request, &body.to_string()).await;
    (response.status().as_u16(), json)
}

#[tokio::test]
async fn accounts_and_balances_look_as_the_lcd_shows_them() {
    let chain = chain();
    let rest = rest(&chain.app).await;
    let (alice, carol) = (Wallet::named("alice"), Wallet::named("carol"));
    let key = alice.key.verifying_key().to_encoded_point(true);
    let number = chain.signing(&alice).number.to_string();
    let path = format!("/cosmos/auth/v1beta1/accounts/{}", alice.address());
    let expected = json!({ "account": {
        "@type": "/cosmos.auth.v1beta1.BaseAccount", "address": alice.address(),
        "pub_key": { "@type": "/cosmos.crypto.secp256k1.PubKey", "key": BASE64.encode(key.as_bytes()) },
        "account_number": number, "sequence": "1",
    }});
    assert_eq!(get(&rest, &path).await, (200, expected));
    let path = format!("/cosmos/auth/v1beta1/account_info/{}", carol.address());
    let (_, info) = get(&rest, &path).await;
    assert_eq!(
        (
            info["info"]["pub_key"].clone(),
            info["info"]["sequence"].clone()
        ),
        (Value::Null, json!("0"))
    );
    for path in ["balances", "spendable_balances"] {
        let path = format!("/cosmos/bank/v1beta1/{path}/{}", carol.address());
        let expected = json!({
            "balances": [{ "denom": "nicoin", "amount": "5" }],
            "pagination": { "next_key": null, "total": "1" },
        });
        assert_eq!(get(&rest, &path).await, (200, expected));
    }
    let nobody = Wallet::named("nobody").address();
    let (_, none) = get(&rest, &format!("/cosmos/bank/v1beta1/balances/{nobody}")).await;
    let empty = json!({ "balances": [], "pagination": { "next_key": null, "total": "0" } });
    assert_eq!(none, empty);
    let path = format!(
        "/cosmos/bank/v1beta1/balances/{}/by_denom?denom=nicoin",
        carol.address()
    );
    let expected = json!({ "balance": { "denom": "nicoin", "amount": "5" } });
    assert_eq!(get(&rest, &path).await.1, expected);
    let (_, params) = get(&rest, "/cosmos/bank/v1beta1/params").await;
    let expected = json!({ "params": { "send_enabled": [], "default_send_enabled": true } });
    assert_eq!(params, expected);
}

#[tokio::test]
async fn refusals_have_the_status_and_the_body_of_the_gateway() {
    let chain = chain();
    let rest = rest(&chain.app).await;
    let nobody = Wallet::named("nobody").address();
    let refused =
        |code: u32, message: String| json!({ "code": code, "message": message, "details": [] });
    for (path, status, code, message) in [
        (
            format!("/cosmos/auth/v1beta1/accounts/{nobody}"),
            404,
            5,
            format!("account {nobody} not found"),
        ),
        (
            "/cosmos/bank/v1beta1/balances/garbage".to_owned(),
            400,
            3,
            "invalid address: decoding bech32 failed: invalid bech32 string length 7".to_owned(),
        ),
        (
            "/no/such/path".to_owned(),
            501,
            12,
            "Not Implemented".to_owned(),
        ),
        (
            "/cosmos/mint/v1beta1/inflation".to_owned(),
            501,
            12,
            "Not Implemented".to_owned(),
        ),
        (
            "/cosmos/tx/v1beta1/txs".to_owned(),
            500,
            13,
            "query cannot be empty".to_owned(),
        ),
        (
            "/cosmos/tx/v1beta1/txs?query=tx.height%3D1&page=9".to_owned(),
            500,
            13,
            "page should be within [1, 1] range, given 9".to_owned(),
        ),
        (
            format!("/cosmos/tx/v1beta1/txs/{}", "ab".repeat(32)),
            404,
            5,
            format!("tx not found: {}", "ab".repeat(32)),
        ),
        (
            "/cosmos/base/tendermint/v1beta1/blocks/999".to_owned(),
            400,
            3,
            "requested block height is bigger then the chain length".to_owned(),
        ),
    ] {
        assert_eq!(
            get(&rest, &path).await,
            (status, refused(code, message)),
            "{path}"
        );
    }
    let simulate = "/cosmos/tx/v1beta1/simulate";
    let expected = refused(3, "empty txBytes is not allowed".to_owned());
    assert_eq!(post_json(&rest, simulate, json!({})).await, (400, expected));
    let (status, _) = post_json(&rest, "/cosmos/tx/v1beta1/txs", json!({})).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_past_committee_is_shown_beside_its_header() {
    let chain = chain();
    let rest = rest(&chain.app).await;
    let path = |height: i64| format!("/cosmos/staking/v1beta1/historical_info/{height}");
    let (status, json) = get(&rest, &path(2)).await;
    assert_eq!(
        (status, &json["hist"]["header"]["height"]),
        (200, &json!("2"))
    );
    let valset = json["hist"]["valset"].as_array().unwrap();
    assert_eq!((valset.len(), &valset[0]["tokens"]), (1, &json!("1000")));
    assert_eq!(get(&rest, &path(-1)).await.0, 400);
    let (status, json) = get(&rest, &path(99)).await;
    let message = "historical info for height 99 not found";
    assert_eq!((status, &json["message"]), (404, &json!(message)));
}

#[tokio::test]
async fn what_older_explorers_ask_of_governance_is_answered() {
    let chain = chain();
    let rest = rest(&chain.app).await;
    let (status, json) = get(&rest, "/cosmos/gov/v1beta1/proposals").await;
    assert_eq!((status, &json["proposals"]), (200, &json!([])));
    let (_, params) = get(&rest, "/cosmos/gov/v1beta1/params/tallying").await;
    assert_eq!(params["tally_params"]["threshold"], "0.500000000000000000");
    assert_eq!(params["voting_params"]["voting_period"], "0s");
    let (status, _) = get(&rest, "/cosmos/gov/v1beta1/params/x").await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn the_height_is_taken_from_a_header_and_told_in_another() {
    let chain = chain();
    let rest = rest(&chain.app).await;
    let path = format!(
        "/cosmos/bank/v1beta1/balances/{}",
        Wallet::named("carol").address()
    );
    let at = |height: &str| {
        Request::builder()
            .uri(&path)
            .header(HEIGHT_HEADER, height.to_owned())
    };
    let (response, _) = send(&rest, Request::builder().uri(&path), "").await;
    assert_eq!(response.headers()[HEIGHT_ANSWER], "2");
    let (response, json) = send(&rest, at("1"), "").await;
    assert_eq!(response.headers()[HEIGHT_ANSWER], "1");
    assert_eq!(json["balances"][0]["amount"], "5");
    for (height, code) in [("99", 26), ("-1", 18), ("x", 18)] {
        let (response, json) = send(&rest, at(height), "").await;
        assert_eq!(response.status(), 500);
        let message = json["message"].as_str().unwrap();
        let expected = format!("codespace sdk code {code}: ");
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[tokio::test]
async fn pages_of_other_origins_may_ask() {
    let chain = chain();
    let rest = rest(&chain.app).await;
    let from_page = |method: &str| {
        Request::builder()
            .method(method)
            .uri("/cosmos/bank/v1beta1/supply")
            .header(ORIGIN, "https://wallet.example")
    };
    let (response, _) = send(&rest, from_page("GET"), "").await;
    assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    let (response, _) = send(&rest, from_page("OPTIONS"), "").await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()[ACCESS_CONTROL_ALLOW_HEADERS],
        "Content-Type"
    );
    let (response, _) = send(
        &rest,
        Request::builder().uri("/cosmos/bank/v1beta1/supply"),
        "",
    )
    .await;
    assert!(!response.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
}

#[tokio::test]
async fn a_simulation_takes_bytes_or_json_and_answers_gas_and_events() {
    let chain = chain();
    let rest = rest(&chain.app).await;
    let (alice, carol) = (Wallet::named("alice"), Wallet::named("carol"));
    let tx = chain.sign(&alice, vec![alice.pays(&carol, 7)]);
    let body = json!({ "tx_bytes": BASE64.encode(&tx) });
    let (status, answer) = post_json(&rest, "/cosmos/tx/v1beta1/simulate", body).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["gas_info"]["gas_wanted"], u64::MAX.to_string());
    assert_eq!(answer["result"]["log"], "");
    assert_eq!(
        answer["result"]["msg_responses"],
        json!([{ "@type": "/cosmos.bank.v1beta1.MsgSendResponse" }])
    );
    assert_eq!(answer["result"]["events"][0]["type"], "coin_spent");
    let body = json!({ "tx_bytes": BASE64.encode(&tx) });
    let (status, decoded) = post_json(&rest, "/cosmos/tx/v1beta1/decode", body).await;
    assert_eq!(status, 200, "{decoded}");
    let message = &decoded["tx"]["body"]["messages"][0];
    assert_eq!(message["@type"], "/cosmos.bank.v1beta1.MsgSend");
    assert_eq!(message["amount"][0]["amount"], "7");
    let auth = &decoded["tx"]["auth_info"];
    assert_eq!(
        auth["signer_infos"][0]["mode_info"],
        json!({ "single": { "mode": "SIGN_MODE_DIRECT" } })
    );
    assert_eq!(
        (&auth["tip"], &auth["fee"]["payer"]),
        (&Value::Null, &json!(""))
    );
    // The same transaction as JSON, as cosmpy sends it.
    let body = json!({ "tx": decoded["tx"] });
    let (status, again) = post_json(&rest, "/cosmos/tx/v1beta1/simulate", body).await;
    assert_eq!((status, &again["gas_info"]), (200, &answer["gas_info"]));
}

#[tokio::test]
async fn a_broadcast_that_is_refused_is_answered_with_200() {
    let chain = chain();
    let rest = rest(&chain.app).await;
    let body = json!({ "tx_bytes": "AQID", "mode": "BROADCAST_MODE_SYNC" });
    let (status, answer) = post_json(&rest, "/cosmos/tx/v1beta1/txs", body).await;
    let hash = hex::encode_upper(<sha2::Sha256 as sha2::Digest>::digest([1, 2, 3]));
    let expected = json!({ "tx_response": {
        "height": "0", "txhash": hash, "codespace": "sdk", "code": 4, "data": "", "raw_log": "refused",
        "logs": [], "info": "", "gas_wanted": "0", "gas_used": "0", "tx": null, "timestamp": "", "events": [],
    }});
    assert_eq!((status, answer), (200, expected));
}

#[tokio::test]
async fn node_blocks_validators_and_parameters_come_from_cometbft() {
    let chain = chain();
    let rest = rest(&chain.app).await;
    let base = "/cosmos/base/tendermint/v1beta1";
    let (_, info) = get(&rest, &format!("{base}/node_info")).await;
    let node = &info["default_node_info"];
    assert_eq!(
        node["protocol_version"],
        json!({ "p2p": "8", "block": "11", "app": "1" })
    );
    assert_eq!(
        (&node["default_node_id"], &node["channels"]),
        (&json!("aa"), &json!("QA=="))
    );
    assert_eq!(
        info["application_version"]["cosmos_sdk_version"],
        "v0.50.15"
    );
    let (status, block) = get(&rest, &format!("{base}/blocks/latest")).await;
    assert_eq!(status, 200, "{block}");
    let hash = BASE64.encode([0xab; 32]);
    assert_eq!(
        block["block_id"],
        json!({ "hash": hash, "part_set_header": { "total": 1, "hash": hash } })
    );
    let header = &block["block"]["header"];
    assert_eq!(
        (&header["height"], &header["version"]),
        (&json!("2"), &json!({ "block": "11", "app": "0" }))
    );
    assert_eq!(header["proposer_address"], BASE64.encode([1; 20]));
    let sdk = block["sdk_block"]["header"]["proposer_address"]
        .as_str()
        .unwrap();
    assert!(sdk.starts_with("racevalcons1"), "{sdk}");
    let vote = &block["block"]["last_commit"]["signatures"][0];
    assert_eq!(vote["block_id_flag"], "BLOCK_ID_FLAG_COMMIT");
    assert_eq!(block["block"]["evidence"], json!({ "evidence": [] }));
    let (_, set) = get(&rest, &format!("{base}/validatorsets/latest")).await;
    assert_eq!(
        set,
        json!({
            "block_height": "2",
            "validators": [{
                "address": sdk,
                "pub_key": { "@type": "/cosmos.crypto.ed25519.PubKey", "key": BASE64.encode([1; 32]) },
                "voting_power": "1000", "proposer_priority": "-100",
            }],
            "pagination": { "next_key": null, "total": "1" },
        })
    );
    let (_, config) = get(&rest, "/cosmos/base/node/v1beta1/config").await;
    let expected = json!({
        "minimum_gas_price": "0.010000000000000000nicoin", "pruning_keep_recent": "0",
        "pruning_interval": "0", "halt_height": "0",
    });
    assert_eq!(config, expected);
    let (_, status) = get(&rest, "/cosmos/base/node/v1beta1/status").await;
    assert_eq!(
        (&status["height"], &status["app_hash"]),
        (&json!("2"), &json!(hash))
    );
    let (_, params) = get(&rest, "/cosmos/consensus/v1/params").await;
    let expected = json!({ "params": {
        "block": { "max_bytes": "-1", "max_gas": "-1" },
        "evidence": { "max_age_num_blocks": "100000", "max_age_duration": "172800s", "max_bytes": "1048576" },
        "validator": { "pub_key_types": ["ed25519"] }, "version": { "app": "0" },
        "abci": { "vote_extensions_enable_height": "1" },
    }});
    assert_eq!(params, expected);
}

#[tokio::test]
async fn what_this_chain_answers_is_there_too_with_a_document_of_all() {
    let chain = chain();
    let rest = rest(&chain.app).await;
    let (status, current) = get(&rest, "/race/epoch/v1/current").await;
    assert_eq!(
        (status, &current["height"]),
        (200, &json!("2")),
        "{current}"
    );
    assert_eq!(current["epoch"]["number"], "1");
    let (status, document) = get(&rest, "/openapi.json").await;
    assert_eq!((status, &document["openapi"]), (200, &json!("3.0.3")));
    assert!(document["paths"]["/race/epoch/v1/current"]["get"].is_object());
}

#[tokio::test]
async fn too_many_requests_of_one_address_are_refused() {
    let chain = chain();
    let rpc = RpcClient::new("http://127.0.0.1:1").unwrap();
    let backend = Backend::new(Arc::new(chain.app.clone()), rpc);
    let config = Rest {
        per_second: 1,
        ..Rest::default()
    };
    let rest = router(backend, &config, latest(&chain.app));
    let address = ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 5)));
    let ask = || {
        let request = Request::builder().uri("/race/epoch/v1/current");
        send(&rest, request.extension(address), "")
    };
    let mut refused = 0;
    for _ in 0..50 {
        refused += u32::from(ask().await.0.status() == 429);
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn the_page_is_served_under_a_policy_and_only_by_its_names() {
    let rest = rest(&chain().app).await;
    let get = |path: &str| send(&rest, Request::builder().uri(path), "");
    let (page, _) = get("/").await;
    assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';"),
        "{policy}"
    );
    let (script, _) = get("/explorer/main.js").await;
    assert_eq!(script.headers()["x-content-type-options"], "nosniff");
    for path in [
        "/explorer",
        "/explorer/",
        "/explorer/../mod.rs",
        "/index.html",
    ] {
        assert_eq!(
            get(path).await.0.status(),
            StatusCode::NOT_IMPLEMENTED,
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_feed_has_the_last_blocks_in_short_and_where_the_epoch_is() {
    let rest = rest(&chain().app).await;
    let (status, feed) = get(&rest, "/explorer/live").await;
    assert_eq!((status, &feed["chain_id"]), (200, &json!("race-test-1")));
    assert_eq!(feed["epoch"]["height"], "2");
    let heights: Vec<_> = feed["blocks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| &b["height"])
        .collect();
    assert_eq!(heights, [&json!(1), &json!(2)]);
    let tx = &feed["blocks"][1]["txs"][0];
    assert_eq!((&tx["sender"], &tx["code"]), (&json!("race1a"), &json!(5)));
    let hash = "AB".repeat(32);
    for which in ["2", &hash] {
        let (status, block) = get(&rest, &format!("/explorer/blocks/{which}")).await;
        assert_eq!((status, &block), (200, &feed["blocks"][1]));
    }
    assert_eq!(get(&rest, "/explorer/blocks/two").await.0, 400);
}

#[tokio::test]
async fn a_socket_that_reads_nothing_is_hung_up_on_and_one_that_answers_is_kept() {
    const ASK: &[u8] = b"GET /explorer/live HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\n\
        upgrade: websocket\r\nsec-websocket-version: 13\r\n\
        sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let chain = chain();
    let url = comet(chain.app.latest().height()).await;
    let backend = Backend::new(Arc::new(chain.app.clone()), RpcClient::new(&url).unwrap());
    let pace = Pace {
        ping_every: Duration::from_millis(50),
        silence: Duration::from_secs(2),
        ..Pace::default()
    };
    let router = paced(backend, &any_rate(), latest(&chain.app), pace);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });

    let connect = || TcpStream::connect(address);
    let request = format!("ws://{address}{LIVE}");
    let (mut answering, _) = tokio_tungstenite::client_async(request, connect().await.unwrap())
        .await
        .unwrap();
    let mut silent = connect().await.unwrap();
    silent.write_all(ASK).await.unwrap();
    // Longer than silence may last; reading is what answers pings.
    let mut pings = 0;
    while pings < 60 {
        pings += u32::from(answering.next().await.unwrap().unwrap().is_ping());
    }
    let mut told = Vec::new();
    drop(silent.read_to_end(&mut told).await);
    assert!(told.starts_with(b"HTTP/1.1 101 "));
    assert!(answering.next().await.unwrap().is_ok());
}

/// What the documents promise of every refusal.
fn is_refusal(json: &Value, code: Code) {
    assert_eq!(json["code"], code as i32, "{json}");
    assert!(json["message"].as_str().is_some_and(|m| !m.is_empty()));
    assert_eq!(json["details"], json!([]));
}

#[tokio::test]
async fn a_body_that_is_too_large_too_deep_or_no_json_is_refused_in_the_documented_shape() {
    let chain = chain();
    let rest = rest(&chain.app).await;
    let post = |body: String, kind: &'static str| {
        let request = Request::builder()
            .method("POST")
            .uri("/cosmos/tx/v1beta1/decode")
            .header(CONTENT_TYPE, kind);
        let rest = rest.clone();
        async move { send(&rest, request, &body).await }
    };
    let (response, json) = post(
        " ".repeat(body::Limits::default().bytes + 1),
        "application/json",
    )
    .await;
    assert_eq!(response.status(), 413);
    is_refusal(&json, Code::InvalidArgument);
    let deep = [
        "[".repeat(1_000_000),
        format!("{{\"tx_bytes\":{}", "{\"a\":".repeat(200_000)),
    ];
    for body in deep {
        let (response, json) = post(body, "application/json").await;
        assert_eq!(response.status(), 400);
        is_refusal(&json, Code::InvalidArgument);
    }
    // The type that it is sent under does not matter, as with other Cosmos chains: it is read as JSON.
    for kind in ["text/html", "application/x-www-form-urlencoded", ""] {
        let (response, json) = post("tx_bytes=AQI%3D".to_owned(), kind).await;
        assert_eq!(response.status(), 400);
        is_refusal(&json, Code::InvalidArgument);
    }
}

#[tokio::test]
async fn a_transaction_of_messages_packed_in_each_other_without_end_is_decoded_to_bytes() {
    use race_proto::cosmos::gov::v1::MsgSubmitProposal;
    use race_proto::cosmos::tx::v1beta1::{TxBody, TxRaw};
    use race_proto::Any;
    let chain = chain();
    let rest = rest(&chain.app).await;
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
    let body = TxBody {
        messages: vec![(0..5_000).fold(Any::default(), pack)],
        ..TxBody::default()
    };
    let raw = TxRaw {
        body_bytes: body.encode_to_vec(),
        ..TxRaw::default()
    };
    let body = json!({ "tx_bytes": BASE64.encode(raw.encode_to_vec()) });
    let (status, answer) = post_json(&rest, "/cosmos/tx/v1beta1/decode", body).await;
    assert_eq!(status, 200);
    let message = &answer["tx"]["body"]["messages"][0];
    assert_eq!(message["@type"], "/cosmos.gov.v1.MsgSubmitProposal");
}
