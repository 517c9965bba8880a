//! A small client of CometBFT's JSON-RPC over HTTP, for the node's own use on loopback.
//!
//! TLS is not supported: operators put a proxy before a public RPC.

pub mod string_int;
mod types;

use std::path::Path;
use std::time::Duration;

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use serde::de::DeserializeOwned;
use serde::Deserialize;
use serde_json::{json, Value};

pub use types::*;

/// Most validators in one answer of CometBFT.
const VALIDATORS_PER_PAGE: usize = 100;
/// How long one call may take.
const CALL_LIMIT: Duration = Duration::from_secs(15);
/// JSON-RPC's "internal error", which CometBFT also uses for "not found".
const INTERNAL_ERROR: i64 = -32603;

/// A call failed.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// The URL cannot be used.
    #[error("{url:?} is not a CometBFT RPC address: {reason}")]
    Address {
        /// As given.
        url: String,
        /// What is wrong, and what to write.
        reason: &'static str,
    },
    /// No answer.
    #[error("{method} at {url}: no answer from CometBFT: {source}")]
    Unreachable {
        /// The method.
        method: &'static str,
        /// The server.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// CometBFT refused or failed.
    #[error("{method}: CometBFT answered {message} (code {code}): {data}")]
    Refused {
        /// The method.
        method: &'static str,
        /// JSON-RPC's code.
        code: i64,
        /// JSON-RPC's message.
        message: String,
        /// What it was about.
        data: String,
    },
    /// The answer is not what CometBFT 0.38 answers.
    #[error("{method}: cannot read the answer: {reason}")]
    Malformed {
        /// The method.
        method: &'static str,
        /// Where and what.
        reason: String,
    },
    /// The height was not reached in time.
    #[error("height {wanted} was not reached within {limit:?}; the last height seen is {seen}")]
    TooSlow {
        /// The height that was waited for.
        wanted: u64,
        /// The last that was seen, 0 if none.
        seen: u64,
        /// How long was waited.
        limit: Duration,
    },
}

/// A client of one server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RpcClient {
    http: reqwest::Client,
    url: String,
}

#[derive(Deserialize)]
struct Envelope {
    result: Option<Value>,
    error: Option<EnvelopeError>,
}

#[derive(Deserialize)]
struct EnvelopeError {
    code: i64,
    message: String,
    #[serde(default)]
    data: String,
}

/// Order of search results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Lowest height first.
    Ascending,
    /// Highest height first.
    Descending,
}

impl RpcClient {
    /// A client of the server at `url`: `http://host:port`, or CometBFT's `tcp://host:port`.
    ///
    /// # Errors
    /// [`RpcError::Address`] for any other scheme.
    pub fn new(url: &str) -> Result<Self, RpcError> {
        let address = |reason| RpcError::Address {
            url: url.to_owned(),
            reason,
        };
        let host = url
            .strip_prefix("http://")
            .or_else(|| url.strip_prefix("tcp://"))
            .ok_or_else(|| {
                address(if url.starts_with("https://") {
                    "https is not supported by this client; use http, such as http://127.0.0.1:26657"
                } else {
                    "write http://HOST:PORT, such as http://127.0.0.1:26657"
                })
            })?;
        let url = format!("http://{}", host.trim_end_matches('/'));
        Self::built(url, reqwest::Client::builder())
    }

    /// A client of the server on a Unix socket of this machine, whose URL names no host.
    ///
    /// # Errors
    /// [`RpcError::Address`] when the HTTP client cannot be set up.
    pub fn on_socket(path: &Path) -> Result<Self, RpcError> {
        let http = reqwest::Client::builder().unix_socket(path);
        Self::built("http://rpc.sock".to_owned(), http)
    }

    fn built(url: String, http: reqwest::ClientBuilder) -> Result<Self, RpcError> {
        let http = http
            .timeout(CALL_LIMIT)
            // A proxy from the environment is never meant for the node's own loopback.
            .no_proxy()
            .build();
        match http {
            Ok(http) => Ok(Self { http, url }),
            Err(_) => Err(RpcError::Address {
                url,
                reason: "the HTTP client could not be set up",
            }),
        }
    }

    /// The server's base URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Calls any method.
    ///
    /// # Errors
    /// See [`RpcError`].
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, RpcError> {
        let unreachable = |source| RpcError::Unreachable {
            method,
            url: self.url.clone(),
            source,
        };
        let malformed = |error: serde_json::Error| RpcError::Malformed {
            method,
            reason: error.to_string(),
        };
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = self.http.post(&self.url).json(&body);
        let response = request.send().await.map_err(unreachable)?;
        // Errors come with HTTP status 500 and a JSON body: the body says more than the status.
        let bytes = response.bytes().await.map_err(unreachable)?;
        let envelope: Envelope = serde_json::from_slice(&bytes).map_err(malformed)?;
        if let Some(error) = envelope.error {
            return Err(RpcError::Refused {
                method,
                code: error.code,
                message: error.message,
                data: error.data,
            });
        }
        serde_json::from_value(envelope.result.unwrap_or(Value::Null)).map_err(malformed)
    }

    /// The node: its id, its last block, its validator.
    ///
    /// # Errors
    /// See [`RpcError`].
    pub async fn status(&self) -> Result<Status, RpcError> {
        self.call("status", json!({})).await
    }

    /// Its peers.
    ///
    /// # Errors
    /// See [`RpcError`].
    pub async fn net_info(&self) -> Result<NetInfo, RpcError> {
        self.call("net_info", json!({})).await
    }

    /// Hands a transaction to the mempool and returns what `CheckTx` said. A refusal by the
    /// application is an answer with `code != 0`; one by the mempool (full, known already) is an error.
    ///
    /// # Errors
    /// See [`RpcError`].
    pub async fn broadcast_tx_sync(&self, tx: &[u8]) -> Result<BroadcastTx, RpcError> {
        let params = json!({ "tx": BASE64.encode(tx) });
        self.call("broadcast_tx_sync", params).await
    }

    /// A transaction in a block, by the SHA-256 of its bytes; `None` if it is in none yet.
    ///
    /// # Errors
    /// See [`RpcError`].
    pub async fn tx(&self, hash: &[u8; 32], prove: bool) -> Result<Option<Tx>, RpcError> {
        let params = json!({ "hash": BASE64.encode(hash), "prove": prove });
        match self.call("tx", params).await {
            Ok(tx) => Ok(Some(tx)),
            Err(RpcError::Refused { code, data, .. })
                if code == INTERNAL_ERROR && data.ends_with("not found") =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Transactions whose events match, such as `tx.height = 5` or `message.action = '...'`.
    /// Pages count from 1 and hold at most 100.
    ///
    /// # Errors
    /// See [`RpcError`]; a page beyond the last is [`RpcError::Refused`].
    pub async fn tx_search(
        &self,
        query: &str,
        page: u32,
        per_page: u32,
        order: Order,
    ) -> Result<TxSearch, RpcError> {
        let order = match order {
            Order::Ascending => "asc",
            Order::Descending => "desc",
        };
        let params = json!({
            "query": query, "prove": false, "order_by": order,
            "page": page.to_string(), "per_page": per_page.to_string(),
        });
        self.call("tx_search", params).await
    }

    /// A block; the last one for `None`.
    ///
    /// # Errors
    /// See [`RpcError`]; a height that is not stored is [`RpcError::Refused`].
    pub async fn block(&self, height: Option<u64>) -> Result<Block, RpcError> {
        self.call("block", at(height)).await
    }

    /// What the application answered to a block; the last one for `None`.
    ///
    /// # Errors
    /// See [`RpcError`]; a height that is not stored is [`RpcError::Refused`].
    pub async fn block_results(&self, height: Option<u64>) -> Result<BlockResults, RpcError> {
        self.call("block_results", at(height)).await
    }

    /// The whole validator set of a height (all pages); the last one for `None`.
    ///
    /// # Errors
    /// See [`RpcError`]; a height that is not stored is [`RpcError::Refused`].
    pub async fn validators(&self, height: Option<u64>) -> Result<ValidatorSet, RpcError> {
        let mut set = self.validators_page(height, 1).await?;
        let mut page = 1;
        while set.validators.len() < usize::try_from(set.total).unwrap_or(usize::MAX) {
            page += 1;
            let more = self.validators_page(Some(set.block_height), page).await?;
            if more.validators.is_empty() {
                return Err(RpcError::Malformed {
                    method: "validators",
                    reason: format!(
                        "{} validators announced, {} sent",
                        set.total,
                        set.validators.len()
                    ),
                });
            }
            set.validators.extend(more.validators);
        }
        Ok(set)
    }

    async fn validators_page(
        &self,
        height: Option<u64>,
        page: u32,
    ) -> Result<ValidatorSet, RpcError> {
        let mut params = at(height);
        params["page"] = json!(page.to_string());
        params["per_page"] = json!(VALIDATORS_PER_PAGE.to_string());
        self.call("validators", params).await
    }

    /// Asks the application. A refusal is an answer with `code != 0`.
    ///
    /// # Errors
    /// See [`RpcError`].
    pub async fn abci_query(
        &self,
        path: &str,
        data: &[u8],
        height: Option<u64>,
        prove: bool,
    ) -> Result<AbciQuery, RpcError> {
        #[derive(Deserialize)]
        struct Answer {
            response: AbciQuery,
        }
        let params = json!({
            "path": path, "data": hex::encode(data), "prove": prove,
            "height": height.unwrap_or(0).to_string(),
        });
        let answer: Answer = self.call("abci_query", params).await?;
        Ok(answer.response)
    }

    /// Waits until the node has a block of this height; returns the height that it then has.
    /// A server that does not answer yet is waited for, too.
    ///
    /// # Errors
    /// [`RpcError::TooSlow`] after `limit`.
    pub async fn wait_for_height(&self, wanted: u64, limit: Duration) -> Result<u64, RpcError> {
        let mut seen = 0;
        let poll = async {
            loop {
                if let Ok(status) = self.status().await {
                    seen = status.sync_info.latest_block_height;
                    if seen >= wanted {
                        return;
                    }
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let reached = tokio::time::timeout(limit, poll).await.is_ok();
        if reached {
            Ok(seen)
        } else {
            Err(RpcError::TooSlow {
                wanted,
                seen,
                limit,
            })
        }
    }
}

fn at(height: Option<u64>) -> Value {
    match height {
        Some(height) => json!({ "height": height.to_string() }),
        None => json!({}),
    }
}
