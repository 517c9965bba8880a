//! The RPC client against a stand-in server.

use std::time::Duration;

use serde_json::{json, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::free_port;
use crate::comet::rpc::{RpcClient, RpcError};

/// Answers every request with what `answer` makes of its JSON body.
async fn serve(answer: impl Fn(Value) -> String + Send + 'static) -> RpcClient {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.expect("head"));
            }
            let text = String::from_utf8_lossy(&head).to_lowercase();
            let length = text.split("content-length: ").nth(1).expect("length");
            let length = length
                .lines()
                .next()
                .expect("line")
                .parse()
                .expect("number");
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.expect("body");
            let reply = answer(serde_json::from_slice(&body).expect("json"));
            let head = format!(
                "HTTP/1.1 500 Internal Server Error\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                reply.len()
            );
            stream.write_all(head.as_bytes()).await.expect("write");
            stream.write_all(reply.as_bytes()).await.expect("write");
        }
    });
    RpcClient::new(&format!("http://{address}")).expect("client")
}

fn refusal(data: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": 1,
            "error": { "code": -32603, "message": "Internal error", "data": data } })
    .to_string()
}

#[tokio::test]
async fn all_pages_of_a_large_validator_set_are_read() {
    let client = serve(|request| {
        let page: usize = request["params"]["page"].as_str().expect("page").parse().expect("number");
        let validators: Vec<_> = (0..230)
            .skip((page - 1) * 100)
            .take(100)
            .map(|i| {
                json!({ "address": format!("{i:040X}"), "voting_power": "5", "proposer_priority": "-1",
                        "pub_key": { "type": "tendermint/PubKeyEd25519", "value": "" } })
            })
            .collect();
        json!({ "jsonrpc": "2.0", "id": 1,
                "result": { "block_height": "8", "validators": validators, "count": "1", "total": "230" } })
        .to_string()
    })
    .await;
    let set = client.validators(None).await.expect("set");
    assert_eq!(set.validators.len(), 230);
    assert_eq!(set.validators[229].address, format!("{:040X}", 229));
}

#[tokio::test]
async fn a_transaction_that_is_in_no_block_is_none_and_other_refusals_are_errors() {
    let client = serve(|_| refusal("tx (AA) not found")).await;
    assert_eq!(client.tx(&[0; 32], false).await.expect("none"), None);
    let client = serve(|_| refusal("transaction indexing is disabled")).await;
    let error = client.tx(&[0; 32], false).await.expect_err("refused");
    assert!(matches!(error, RpcError::Refused { .. }), "{error}");
    assert!(
        error.to_string().contains("indexing is disabled"),
        "{error}"
    );
}

#[tokio::test]
async fn lists_that_are_null_are_empty() {
    let client = serve(|_| {
        json!({ "jsonrpc": "2.0", "id": 1, "result": { "height": "2", "txs_results": null,
                "finalize_block_events": null, "validator_updates": null, "app_hash": "AAA=" } })
        .to_string()
    })
    .await;
    let results = client.block_results(Some(2)).await.expect("results");
    assert!(results.txs_results.is_empty() && results.finalize_block_events.is_empty());
    assert_eq!(results.app_hash, [0, 0]);
}

#[tokio::test]
async fn what_is_not_cometbft_is_reported_as_such() {
    let client = serve(|_| "<html>".to_owned()).await;
    let error = client.status().await.expect_err("html");
    assert!(matches!(error, RpcError::Malformed { .. }), "{error}");
    let client = serve(|_| "{}".to_owned()).await;
    let error = client.status().await.expect_err("empty");
    assert!(matches!(error, RpcError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let url = format!("tcp://127.0.0.1:{}", free_port());
    let client = RpcClient::new(&url).expect("client");
    let error = client.status().await.expect_err("nobody");
    assert!(matches!(error, RpcError::Unreachable { .. }), "{error}");
    let limit = Duration::from_millis(300);
    let error = client.wait_for_height(5, limit).await.expect_err("nobody");
    assert!(
        matches!(
            error,
            RpcError::TooSlow {
                wanted: 5,
                seen: 0,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn addresses_of_other_schemes_are_refused() {
    for url in ["https://x", "127.0.0.1:26657", "unix:///x"] {
        assert!(
            matches!(RpcClient::new(url), Err(RpcError::Address { .. })),
            "{url}"
        );
    }
}
