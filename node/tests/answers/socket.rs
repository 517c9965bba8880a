//! CometBFT's websocket, as the SDK's clients use it.

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{json, Value};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::WebSocketStream;

use super::world::{has, keys, World, LIMIT};

pub type Socket = WebSocketStream<TcpStream>;

/// Opens a websocket at `http://host:port` and a path.
pub async fn open(url: &str, path: &str) -> Result<Socket, Error> {
    let host = url.strip_prefix("http://").unwrap();
    let stream = TcpStream::connect(host).await?;
    let request = format!("ws://{host}{path}");
    let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
    Ok(socket)
}

async fn hear(socket: &mut Socket) -> Value {
    let next = async {
        loop {
            if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
                return serde_json::from_str(text.as_str()).unwrap();
            }
        }
    };
    timeout(LIMIT, next).await.expect("something is told")
}

async fn subscribe(world: &World, id: u64, query: &str) -> Socket {
    let mut socket = open(&world.node.rpc, "/websocket").await.unwrap();
    let params = json!({ "query": query });
    let asked = json!({ "jsonrpc": "2.0", "id": id, "method": "subscribe", "params": params });
    let asked = Message::text(asked.to_string());
    socket.send(asked).await.unwrap();
    let expected = json!({ "jsonrpc": "2.0", "id": id, "result": {} });
    assert_eq!(hear(&mut socket).await, expected);
    socket
}

pub async fn transactions_and_blocks_are_told_to_who_subscribes(world: &mut World) {
    let sender = world.payer.address();
    let query = format!("tm.event='Tx' AND message.sender='{sender}'");
    let mut txs = subscribe(world, 7, &query).await;
    let mut blocks = subscribe(world, 8, "tm.event='NewBlock'").await;
    let hash = world.send(vec![world.payer.pays(&world.payer, 1)]).await;

    let told = hear(&mut txs).await;
    assert_eq!(
        (&told["id"], &told["result"]["query"]),
        (&json!(7), &json!(query))
    );
    has(&told["result"], &["query", "data", "events"]);
    assert_eq!(told["result"]["data"]["type"], "tendermint/event/Tx");
    let result = &told["result"]["data"]["value"]["TxResult"];
    // What is zero is left out: code and log always here, the index of a block's first transaction.
    let mut named = result.clone();
    named.as_object_mut().unwrap().remove("index");
    has(&named, &["height", "tx", "result"]);
    has(
        &result["result"],
        &["data", "gas_wanted", "gas_used", "events"],
    );
    let events = &told["result"]["events"];
    let expected = [
        ("tm.event", json!(["Tx"])),
        ("tx.hash", json!([hash])),
        ("tx.height", json!([result["height"]])),
        ("message.action", json!(["/cosmos.bank.v1beta1.MsgSend"])),
    ];
    for (name, values) in expected {
        assert_eq!(events[name], values, "{name}");
    }

    let told = hear(&mut blocks).await;
    assert_eq!(told["id"], 8);
    assert_eq!(told["result"]["data"]["type"], "tendermint/event/NewBlock");
    let block = &told["result"]["data"]["value"];
    has(block, &["block", "block_id", "result_finalize_block"]);
    let finalized = &block["result_finalize_block"];
    const NAMES: &[&str] = &[
        "events",
        "tx_results",
        "validator_updates",
        "consensus_param_updates",
        "app_hash",
    ];
    // What is empty may be left out.
    let known = |name: &&str| NAMES.contains(name);
    assert!(keys(finalized).iter().all(known), "{finalized}");
    assert!(finalized["app_hash"].is_string());
}
