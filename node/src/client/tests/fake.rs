//! A chain of one account behind CometBFT's RPC, for tests of what talks to one.

use std::sync::{Arc, Mutex};

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use k256::ecdsa::signature::hazmat::PrehashVerifier;
use k256::ecdsa::{Signature, VerifyingKey};
use prost::Message;
use race_app::address::Account;
use race_proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse};
use race_proto::cosmos::bank::v1beta1::{
    QueryAllBalancesRequest, QueryAllBalancesResponse, QueryBalanceResponse,
};
use race_proto::cosmos::base::abci::v1beta1::{GasInfo, TxMsgData};
use race_proto::cosmos::crypto::secp256k1::PubKey;
use race_proto::cosmos::tx::v1beta1::{
    AuthInfo, SignDoc, SimulateRequest, SimulateResponse, TxBody, TxRaw,
};
use race_proto::Any;
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::wallet::amount;
use crate::wallet::sign::any;

/// The chain's id.
pub(crate) const CHAIN_ID: &str = "race-test-1";
/// Its last height.
pub(crate) const HEIGHT: u64 = 10;
/// What every simulation takes.
pub(crate) const GAS: u64 = 50_000;
/// The account's number.
pub(crate) const NUMBER: u64 = 3;

/// How the chain behaves, and what it was asked.
#[derive(Default)]
pub(crate) struct Behaviour {
    /// Its one account.
    pub(crate) account: Option<Account>,
    /// The account's sequence in the last block.
    pub(crate) committed: u64,
    /// The account's sequence with what waits in the mempool.
    pub(crate) pending: u64,
    /// How `CheckTx` refuses: codespace, code, log.
    pub(crate) check: Option<(&'static str, u32, &'static str)>,
    /// How the block refuses: codespace, code, log.
    pub(crate) deliver: Option<(&'static str, u32, &'static str)>,
    /// Never put a transaction into a block.
    pub(crate) stuck: bool,
    /// What the first message's response is.
    pub(crate) response: Option<Any>,
    /// Transactions that were accepted.
    pub(crate) accepted: Vec<TxRaw>,
    /// How often `tx` was asked.
    pub(crate) polls: u32,
    /// The heights that queries named.
    pub(crate) heights: Vec<String>,
}

impl Behaviour {
    /// The body of the last transaction that was accepted.
    pub(crate) fn last_body(&self) -> TxBody {
        let tx = self.accepted.last().expect("a transaction was accepted");
        TxBody::decode(tx.body_bytes.as_slice()).expect("a body")
    }

    fn answer(&mut self, method: &str, params: &Value) -> Result<Value, String> {
        Ok(match method {
            "status" => json!({
                "node_info": { "id": "00", "listen_addr": "", "network": CHAIN_ID, "version": "0.38.26", "moniker": "fake" },
                "sync_info": { "latest_block_hash": "", "latest_app_hash": "", "latest_block_height": HEIGHT.to_string(),
                    "latest_block_time": "", "earliest_block_height": "1", "catching_up": false },
                "validator_info": { "address": "", "pub_key": { "type": "tendermint/PubKeyEd25519", "value": BASE64.encode([0; 32]) }, "voting_power": "1" },
            }),
            "abci_query" => {
                let path = params["path"].as_str().expect("path");
                let data = hex::decode(params["data"].as_str().expect("data")).expect("hex");
                self.heights
                    .push(params["height"].as_str().expect("height").to_owned());
                let response = match self.query(path, &data) {
                    Ok(value) => {
                        json!({ "code": 0, "value": BASE64.encode(value), "height": HEIGHT.to_string() })
                    }
                    Err((code, log)) => {
                        json!({ "code": code, "codespace": "sdk", "log": log, "height": HEIGHT.to_string() })
                    }
                };
                json!({ "response": response })
            }
            "broadcast_tx_sync" => {
                let bytes = BASE64
                    .decode(params["tx"].as_str().expect("tx"))
                    .expect("base64");
                let hash = hex::encode_upper(Sha256::digest(&bytes));
                let (codespace, code, log) = match self.check_tx(&bytes) {
                    Ok(()) => (String::new(), 0, String::new()),
                    Err(refusal) => refusal,
                };
                json!({ "code": code, "codespace": codespace, "log": log, "hash": hash })
            }
            "tx" => {
                self.polls += 1;
                let hash = BASE64
                    .decode(params["hash"].as_str().expect("hash"))
                    .expect("base64");
                // Not at once: it is waited for.
                let found = self
                    .accepted
                    .iter()
                    .find(|tx| Sha256::digest(tx.encode_to_vec())[..] == hash[..]);
                let found = found.filter(|_| self.polls > 1 && !self.stuck);
                let Some(tx) = found else {
                    return Err(format!("tx ({}) not found", hex::encode_upper(&hash)));
                };
                let (codespace, code, log) = self.deliver.unwrap_or(("", 0, ""));
                let data = TxMsgData {
                    msg_responses: Vec::from_iter(self.response.clone()),
                    ..TxMsgData::default()
                };
                json!({
                    "hash": hex::encode_upper(&hash), "height": "11", "index": 0,
                    "tx": BASE64.encode(tx.encode_to_vec()),
                    "tx_result": { "code": code, "codespace": codespace, "log": log, "data": BASE64.encode(data.encode_to_vec()),
                        "gas_wanted": "65000", "gas_used": "51000",
                        "events": [{ "type": "tx", "attributes": [{ "key": "fee", "value": "650nicoin", "index": true }] }] },
                })
            }
            "block" => {
                json!({ "block": { "header": { "height": params.get("height").cloned().unwrap_or(json!("10")) } } })
            }
            other => return Err(format!("no method {other}")),
        })
    }

    fn query(&self, path: &str, data: &[u8]) -> Result<Vec<u8>, (u32, String)> {
        Ok(match path {
            "/cosmos.auth.v1beta1.Query/Account" => {
                let request = QueryAccountRequest::decode(data).expect("request");
                let ours = self.account.map(|account| account.to_string());
                if ours.as_ref() != Some(&request.address) {
                    return Err((
                        22,
                        format!(
                            "rpc error: code = NotFound desc = account {} not found: key not found",
                            request.address
                        ),
                    ));
                }
                let account = BaseAccount {
                    address: request.address,
                    account_number: NUMBER,
                    sequence: self.committed,
                    ..BaseAccount::default()
                };
                QueryAccountResponse {
                    account: Some(any(&account)),
                }
                .encode_to_vec()
            }
            "/cosmos.bank.v1beta1.Query/Balance" => QueryBalanceResponse {
                balance: Some(amount::coin(10u128.pow(20))),
            }
            .encode_to_vec(),
            "/cosmos.bank.v1beta1.Query/AllBalances" => {
                let request = QueryAllBalancesRequest::decode(data).expect("request");
                let balances = (!request.address.is_empty()).then(|| amount::coin(5));
                QueryAllBalancesResponse {
                    balances: Vec::from_iter(balances),
                    pagination: None,
                }
                .encode_to_vec()
            }
            "/cosmos.tx.v1beta1.Service/Simulate" => {
                let request = SimulateRequest::decode(data).expect("request");
                let tx = TxRaw::decode(request.tx_bytes.as_slice()).expect("tx");
                let sequence = signer(&tx).1;
                if sequence != self.pending {
                    return Err((18, format!("account sequence mismatch, expected {}, got {sequence}: incorrect account sequence: invalid request", self.pending)));
                }
                SimulateResponse {
                    gas_info: Some(GasInfo {
                        gas_wanted: u64::MAX,
                        gas_used: GAS,
                    }),
                    result: None,
                }
                .encode_to_vec()
            }
            _ => return Err((6, "unknown query path: unknown request".to_owned())),
        })
    }

    fn check_tx(&mut self, bytes: &[u8]) -> Result<(), (String, u32, String)> {
        let tx = TxRaw::decode(bytes).expect("tx");
        let (key, sequence) = signer(&tx);
        let refuse = |code: u32, log: String| Err(("sdk".to_owned(), code, log));
        if let Some((codespace, code, log)) = self.check {
            return Err((codespace.to_owned(), code, log.to_owned()));
        }
        if sequence != self.pending {
            return refuse(32, format!("account sequence mismatch, expected {}, got {sequence}: incorrect account sequence", self.pending));
        }
        let signed = SignDoc {
            body_bytes: tx.body_bytes.clone(),
            auth_info_bytes: tx.auth_info_bytes.clone(),
            chain_id: CHAIN_ID.to_owned(),
            account_number: NUMBER,
        };
        let key = VerifyingKey::from_sec1_bytes(&key.expect("a public key")).expect("a point");
        let signature = Signature::from_slice(&tx.signatures[0]).expect("a signature");
        let digest = Sha256::digest(signed.encode_to_vec());
        if key.verify_prehash(&digest, &signature).is_err() {
            return refuse(4, "signature verification failed: unauthorized".to_owned());
        }
        self.pending += 1;
        self.accepted.push(tx);
        Ok(())
    }
}

/// The public key and the sequence of a transaction's signer.
fn signer(tx: &TxRaw) -> (Option<Vec<u8>>, u64) {
    let auth = AuthInfo::decode(tx.auth_info_bytes.as_slice()).expect("auth info");
    let signer = &auth.signer_infos[0];
    let key = signer.public_key.as_ref();
    let key = key.map(|any| PubKey::decode(any.value.as_slice()).expect("key").key);
    (key, signer.sequence)
}

/// The chain, for as long as the test's runtime lives.
#[derive(Clone)]
pub(crate) struct Fake {
    /// `http://...`.
    pub(crate) url: String,
    /// Shared with the server.
    pub(crate) behaviour: Arc<Mutex<Behaviour>>,
}

impl Fake {
    /// Starts it on a free port.
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let behaviour = Arc::new(Mutex::new(behaviour));
        let shared = behaviour.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream, &shared).await;
            }
        });
        Self { url, behaviour }
    }

    /// Looks at, or changes, how it behaves.
    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut Behaviour) -> T) -> T {
        f(&mut self.behaviour.lock().expect("not poisoned"))
    }
}

async fn serve(mut stream: TcpStream, behaviour: &Mutex<Behaviour>) {
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
    let request: Value = serde_json::from_slice(&body).expect("json");
    let method = request["method"].as_str().expect("method");
    let answer = behaviour
        .lock()
        .expect("not poisoned")
        .answer(method, &request["params"]);
    let reply = match answer {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": 1, "result": result }),
        Err(data) => json!({ "jsonrpc": "2.0", "id": 1,
            "error": { "code": -32603, "message": "Internal error", "data": data } }),
    };
    let reply = reply.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        reply.len()
    );
    stream.write_all(head.as_bytes()).await.expect("write");
    stream.write_all(reply.as_bytes()).await.expect("write");
}
