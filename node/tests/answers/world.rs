//! The node that is asked, and who asks.

use std::time::Duration;

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use prost::Message;
use race_app::testing::{Signing, Wallet};
use race_proto::cosmos::tx::signing::v1beta1::SignMode;
use race_proto::Any;
use raced::client::{ChainClient, TxOptions};
use raced::localnet::run::Localnet;
use raced::network::Node;
use raced::wallet::keyring::Keyring;
use reqwest::header::HeaderMap;
use serde_json::{json, Value};
use tonic::codec::ProstCodec;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

/// How long anything may take that the next block or two bring.
pub const LIMIT: Duration = Duration::from_secs(20);

pub struct World {
    pub node: Node,
    pub chain_id: String,
    /// An account with coins, and its next sequence.
    pub payer: Wallet,
    pub sequence: u64,
    number: u64,
    http: reqwest::Client,
    grpc: Channel,
}

/// An answer of REST.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub json: Value,
}

impl World {
    pub async fn new(localnet: &Localnet) -> Self {
        let node = localnet.network.nodes[0].clone();
        let chain = ChainClient::connect(&node.rpc).await.unwrap();
        // The state of the first block is there when the second is.
        chain.wait_for_height(2, LIMIT).await.unwrap();
        let keyring = Keyring::open(&localnet.plan.client_home(), "test").unwrap();
        let alice = keyring.get("alice").unwrap().1;
        let payer = Wallet::named("payer");
        let funds = Wallet::message(&race_proto::cosmos::bank::v1beta1::MsgSend {
            from_address: alice.account().to_string(),
            to_address: payer.address(),
            amount: vec![raced::wallet::amount::coin(1_000_000_000)],
        });
        let sent = chain.send(&alice, vec![funds], &TxOptions::default()).await;
        sent.unwrap();
        let account = chain.account(&payer.account).await.unwrap();
        // A connection is not used again: the server ends some of those on which it refused.
        let http = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .timeout(LIMIT)
            .build();
        let grpc = Channel::from_shared(format!("http://{}", node.grpc)).unwrap();
        Self {
            chain_id: chain.chain_id().to_owned(),
            node,
            payer,
            sequence: account.sequence,
            number: account.number,
            http: http.unwrap(),
            grpc: grpc.connect().await.unwrap(),
        }
    }

    /// How the payer signs its next transaction.
    pub fn signing(&self, mode: SignMode) -> Signing {
        Signing {
            chain_id: self.chain_id.clone(),
            number: self.number,
            sequence: self.sequence,
            fee: 4_000,
            gas: 200_000,
            memo: String::new(),
            timeout_height: 0,
            mode,
        }
    }

    /// Signs what the payer sends next, and counts it.
    pub fn sign(&mut self, messages: Vec<Any>) -> Vec<u8> {
        let signed = self.payer.sign(messages, &self.signing(SignMode::Direct));
        self.sequence += 1;
        signed
    }

    pub fn rest(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.get(format!("{}{path}", self.node.rest))
    }

    pub fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.post(format!("{}{path}", self.node.rest))
    }

    /// What REST answers to a GET.
    pub async fn get(&self, path: &str) -> Answer {
        answer(self.rest(path)).await
    }

    /// The JSON of a GET that is answered.
    pub async fn found(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.json);
        answer.json
    }

    /// Hands a transaction to REST; `tx_response`.
    pub async fn broadcast(&self, tx: &[u8]) -> Value {
        let body = json!({ "tx_bytes": BASE64.encode(tx), "mode": "BROADCAST_MODE_SYNC" });
        let answer = answer(self.post("/cosmos/tx/v1beta1/txs").json(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        answer.json["tx_response"].clone()
    }

    /// Sends it and waits until its block has it; its hash.
    pub async fn send(&mut self, messages: Vec<Any>) -> String {
        let tx = self.sign(messages);
        let response = self.broadcast(&tx).await;
        assert_eq!(response["code"], 0, "{response}");
        let hash = response["txhash"].as_str().unwrap().to_owned();
        let path = format!("/cosmos/tx/v1beta1/txs/{hash}");
        self.until("a transaction is in a block", || async {
            self.get(&path).await.status == 200
        })
        .await;
        hash
    }

    /// The last height, over REST.
    pub async fn height(&self) -> u64 {
        let status = self.found("/cosmos/base/node/v1beta1/status").await;
        status["height"].as_str().unwrap().parse().unwrap()
    }

    /// Waits until something holds.
    pub async fn until<F: std::future::Future<Output = bool>>(
        &self,
        what: &str,
        holds: impl Fn() -> F,
    ) {
        let poll = async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(LIMIT, poll).await.expect(what);
    }

    /// Calls a unary method over gRPC.
    pub async fn call<Q, A>(&self, path: &str, request: Request<Q>) -> Result<Response<A>, Status>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        let mut client = tonic::client::Grpc::new(self.grpc.clone());
        client.ready().await.unwrap();
        let path = path.parse().unwrap();
        client
            .unary(request, path, ProstCodec::<Q, A>::default())
            .await
    }
}

/// Sends a request to REST.
pub async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        json: response.json().await.unwrap_or(Value::Null),
    }
}

/// The names in an object.
pub fn keys(json: &Value) -> Vec<&str> {
    json.as_object()
        .map(|object| object.keys().map(String::as_str).collect())
        .unwrap_or_default()
}

/// That an object has these names, no more and no fewer.
pub fn has(json: &Value, names: &[&str]) {
    let mut expected = names.to_vec();
    expected.sort_unstable();
    let mut found = keys(json);
    found.sort_unstable();
    assert_eq!(found, expected, "{json}");
}

/// That a refusal is of the documented shape.
pub fn is_refusal(answer: &Answer, status: u16, code: u32) -> String {
    assert_eq!(answer.status, status, "{}", answer.json);
    has(&answer.json, &["code", "message", "details"]);
    assert_eq!(answer.json["code"], code);
    assert_eq!(answer.json["details"], json!([]));
    answer.json["message"].as_str().unwrap().to_owned()
}
