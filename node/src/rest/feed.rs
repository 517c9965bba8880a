//! What the explorer's page follows: the last blocks in short, and where the epoch is. Answered as JSON
//! to who asks, and told at each block to who listens ([`socket`](super::socket)).
//!
//! Blocks are read from CometBFT once for all listeners, and only while there are any. A transaction is
//! shown by its hash, what its messages are and how it ended: a reveal of checks alone has more bytes than
//! a page should load for a line.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use axum::extract::ws::Utf8Bytes;
use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use bytes::Bytes;
use prost::Message as _;
use prost_reflect::DynamicMessage;
use race_proto::cosmos::tx::v1beta1::{TxBody, TxRaw};
use serde::Serialize;
use serde_json::{json, Value as Json};
use sha2::{Digest as _, Sha256};
use tendermint_abci::Application;
use tokio::sync::{broadcast, Mutex};
use tonic::Status;

use crate::comet::rpc::TxResult;
use crate::latest::Latest;
use crate::proto_json::tree;
use crate::unary::{refused, Backend};

/// Blocks that are kept, and sent to who begins to listen.
const KEPT: u64 = 20;
/// Transactions of a block that are listed.
const LISTED: usize = 100;
/// Message types of a transaction that are named.
const NAMED: usize = 4;
/// Blocks that a listener may be behind before it is given up.
const BEHIND: usize = 16;
/// The query that says where the epoch is.
const CURRENT: &str = "/race.epoch.v1.Query/Current";

/// A block in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Line {
    height: u64,
    hash: String,
    time: String,
    /// Consensus address, hex.
    proposer: String,
    /// How many transactions it has.
    count: usize,
    /// The first of them.
    txs: Vec<TxLine>,
}

/// A transaction in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct TxLine {
    hash: String,
    /// Types of its first messages.
    messages: Vec<String>,
    /// How many messages it has.
    count: usize,
    /// Who sent it, as its events say; empty for what no account sends.
    sender: String,
    /// 0 if it was executed.
    code: u32,
}

/// The feed of one node.
pub struct Feed<A> {
    backend: Backend<A>,
    chain_id: OnceLock<String>,
    /// Oldest first, without gaps.
    kept: Mutex<VecDeque<Line>>,
    news: broadcast::Sender<Utf8Bytes>,
}

impl<A: Application + Sync> Feed<A> {
    /// A feed that follows the commits that `latest` tells of.
    pub fn start(backend: Backend<A>, latest: Latest) -> Arc<Self> {
        let feed = Arc::new(Self {
            backend,
            chain_id: OnceLock::new(),
            kept: Mutex::default(),
            news: broadcast::channel(BEHIND).0,
        });
        tokio::spawn(Arc::clone(&feed).follow(latest));
        feed
    }

    /// Tells each block to those who listen, until the node stops.
    async fn follow(self: Arc<Self>, mut latest: Latest) {
        let mut told = 0;
        while let Some(view) = latest.changed().await {
            if self.news.receiver_count() == 0 {
                told = view.height;
                continue;
            }
            match self.since(told).await {
                Ok(news) => {
                    told = view.height;
                    // Nobody listening any more is no failure.
                    drop(self.news.send(news));
                }
                Err(error) => {
                    tracing::debug!(%error, height = view.height, "the explorer's page missed a block")
                }
            }
        }
    }

    /// News from now on. Who begins to listen reads [`since`](Self::since) 0 after this call.
    pub fn listen(&self) -> broadcast::Receiver<Utf8Bytes> {
        self.news.subscribe()
    }

    /// Where the epoch is, and the blocks above a height, the last [`KEPT`] at most.
    ///
    /// # Errors
    /// CometBFT or the state machine does not answer.
    pub async fn since(&self, height: u64) -> Result<Utf8Bytes, Status> {
        let epoch = self.epoch().await?;
        let mut kept = self.kept.lock().await;
        self.catch_up(&mut kept).await?;
        let blocks: Vec<&Line> = kept.iter().filter(|line| line.height > height).collect();
        let news = json!({ "chain_id": self.chain_id.get(), "epoch": epoch, "blocks": blocks });
        Ok(news.to_string().into())
    }

    async fn epoch(&self) -> Result<Json, Status> {
        let failed = |error: String| Status::internal(error);
        let answer = self.backend.call(CURRENT, 0, Bytes::new()).await?;
        let name = "race.epoch.v1.QueryCurrentResponse";
        let descriptor = race_proto::descriptor_pool().get_message_by_name(name);
        let descriptor =
            descriptor.ok_or_else(|| failed(format!("{name} is in no .proto file")))?;
        let answer = DynamicMessage::decode(descriptor, answer.value)
            .map_err(|error| failed(error.to_string()))?;
        serde_json::to_value(tree(&answer)).map_err(|error| failed(error.to_string()))
    }

    /// Reads the blocks that are not kept yet, newest first: a node that joined by state sync has no
    /// block before its snapshot.
    async fn catch_up(&self, kept: &mut VecDeque<Line>) -> Result<(), Status> {
        let height = self.backend.latest().await;
        let known = kept.back().map_or(0, |line| line.height);
        let oldest = known.max(height.saturating_sub(KEPT));
        let mut new = VecDeque::new();
        for height in (oldest.saturating_add(1)..=height).rev() {
            match self.line(height).await {
                Ok(line) => new.push_front(line),
                Err(_) if !new.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        let gap = new
            .front()
            .is_some_and(|line| line.height > known.saturating_add(1));
        if gap {
            kept.clear();
        }
        kept.append(&mut new);
        while kept.len() > usize::try_from(KEPT).unwrap_or(usize::MAX) {
            kept.pop_front();
        }
        Ok(())
    }

    /// A block in short, by its height or its hash in hex; `None` for what is neither.
    ///
    /// # Errors
    /// CometBFT has no such block, or does not answer.
    pub async fn block(&self, which: &str) -> Option<Result<String, Status>> {
        let height = match (which.parse(), hex::decode(which)) {
            (Ok(height), _) => Ok(height),
            (_, Ok(hash)) if hash.len() == 32 => self.height_of(&hash).await,
            _ => return None,
        };
        let line = match height {
            Ok(height) => self.line(height).await,
            Err(error) => Err(error),
        };
        Some(line.map(|line| json!(line).to_string()))
    }

    async fn height_of(&self, hash: &[u8]) -> Result<u64, Status> {
        let params = json!({ "hash": BASE64.encode(hash) });
        let found: Json = self
            .backend
            .rpc()
            .call("block_by_hash", params)
            .await
            .map_err(refused)?;
        let height = found["block"]["header"]["height"].as_str();
        let height = height.and_then(|height| height.parse().ok());
        height.ok_or_else(|| Status::not_found("no block of this node has this hash"))
    }

    async fn line(&self, height: u64) -> Result<Line, Status> {
        let rpc = self.backend.rpc();
        let (block, results) =
            tokio::try_join!(rpc.block(Some(height)), rpc.block_results(Some(height)))
                .map_err(refused)?;
        let header = block.block.header;
        self.chain_id.get_or_init(|| header.chain_id);
        let txs = &block.block.data.txs;
        let listed = txs.iter().zip(&results.txs_results).take(LISTED);
        Ok(Line {
            height,
            hash: block.block_id.hash,
            time: header.time,
            proposer: header.proposer_address,
            count: txs.len(),
            txs: listed
                .map(|(bytes, result)| tx_line(bytes, result))
                .collect(),
        })
    }
}

fn tx_line(bytes: &[u8], result: &TxResult) -> TxLine {
    let body = TxRaw::decode(bytes).and_then(|raw| TxBody::decode(raw.body_bytes.as_slice()));
    let messages = body.unwrap_or_default().messages;
    let sender = result.events.iter().filter(|event| event.kind == "message");
    let sender = sender.filter_map(|event| event.attribute("sender")).next();
    TxLine {
        hash: hex::encode_upper(Sha256::digest(bytes)),
        count: messages.len(),
        messages: messages
            .into_iter()
            .take(NAMED)
            .map(|message| message.type_url)
            .collect(),
        sender: sender.unwrap_or_default().to_owned(),
        code: result.code,
    }
}
