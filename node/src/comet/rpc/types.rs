//! The answers of CometBFT 0.38, as far as they are used. Unknown fields are ignored.
//!
//! Hashes and addresses are upper-case hex, byte strings base64, times RFC 3339: as sent.

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use serde::{Deserialize, Deserializer};

use super::string_int;
use crate::comet::keys::JsonPublicKey;

/// `null` where a list is empty is how Go encodes it.
fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Base64, or `null` for nothing.
fn base64_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text: String = or_default(deserializer)?;
    BASE64.decode(&text).map_err(serde::de::Error::custom)
}

fn base64_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
    let list: Vec<String> = or_default(deserializer)?;
    list.iter()
        .map(|text| BASE64.decode(text).map_err(serde::de::Error::custom))
        .collect()
}

/// Answer of `status`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Status {
    /// The node as peers see it.
    pub node_info: NodeInfo,
    /// Its blocks.
    pub sync_info: SyncInfo,
    /// Its validator.
    pub validator_info: ValidatorInfo,
}

/// The node as peers see it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NodeInfo {
    /// Node id, lower-case hex.
    pub id: String,
    /// Where it listens for peers.
    pub listen_addr: String,
    /// Chain id.
    pub network: String,
    /// CometBFT's version.
    pub version: String,
    /// Its name.
    pub moniker: String,
}

/// How far the node is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SyncInfo {
    /// Hash of the last block.
    pub latest_block_hash: String,
    /// Application hash in its header: the state after the block before it.
    pub latest_app_hash: String,
    /// Its height; 0 before the first.
    #[serde(with = "string_int")]
    pub latest_block_height: u64,
    /// Its time.
    pub latest_block_time: String,
    /// The oldest height that is stored.
    #[serde(with = "string_int")]
    pub earliest_block_height: u64,
    /// Whether it still fetches past blocks.
    pub catching_up: bool,
}

/// The node's own validator, of the last height.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ValidatorInfo {
    /// Its address.
    pub address: String,
    /// Its key.
    pub pub_key: JsonPublicKey,
    /// Its power; 0 if it is not in the set.
    #[serde(with = "string_int")]
    pub voting_power: i64,
}

/// Answer of `net_info`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NetInfo {
    /// Whether it listens for peers.
    pub listening: bool,
    /// How many are connected.
    #[serde(with = "string_int")]
    pub n_peers: u64,
    /// They.
    #[serde(default, deserialize_with = "or_default")]
    pub peers: Vec<Peer>,
}

/// A connected peer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Peer {
    /// What it says of itself.
    pub node_info: NodeInfo,
    /// Whether we dialled it.
    pub is_outbound: bool,
    /// Its address.
    pub remote_ip: String,
}

/// Answer of `broadcast_tx_sync`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BroadcastTx {
    /// 0 if `CheckTx` accepted it.
    pub code: u32,
    /// Why not.
    pub log: String,
    /// Whose code it is.
    #[serde(default)]
    pub codespace: String,
    /// SHA-256 of the transaction.
    pub hash: String,
}

/// A transaction in a block.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Tx {
    /// SHA-256 of the bytes.
    pub hash: String,
    /// Its block.
    #[serde(with = "string_int")]
    pub height: u64,
    /// Its place in the block.
    pub index: u32,
    /// What it did.
    pub tx_result: TxResult,
    /// Its bytes.
    #[serde(deserialize_with = "base64_bytes")]
    pub tx: Vec<u8>,
    /// Merkle proof into the block's data hash, when asked for, as sent.
    #[serde(default)]
    pub proof: Option<serde_json::Value>,
}

/// What a transaction did (`ExecTxResult`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TxResult {
    /// 0 if it was executed.
    pub code: u32,
    /// `TxMsgData` on this chain.
    #[serde(default, deserialize_with = "base64_bytes")]
    pub data: Vec<u8>,
    /// Why not.
    #[serde(default)]
    pub log: String,
    /// More, for people.
    #[serde(default)]
    pub info: String,
    /// Its limit.
    #[serde(with = "string_int")]
    pub gas_wanted: i64,
    /// What it took.
    #[serde(with = "string_int")]
    pub gas_used: i64,
    /// What happened.
    #[serde(default, deserialize_with = "or_default")]
    pub events: Vec<Event>,
    /// Whose code it is.
    #[serde(default)]
    pub codespace: String,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Event {
    /// Its name, such as `transfer`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its details.
    #[serde(default, deserialize_with = "or_default")]
    pub attributes: Vec<EventAttribute>,
}

impl Event {
    /// The value of the first attribute of this name.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|a| a.key == key)?;
        Some(&found.value)
    }
}

/// A detail of an event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EventAttribute {
    /// Name.
    pub key: String,
    /// Value.
    #[serde(default, deserialize_with = "or_default")]
    pub value: String,
    /// Whether it can be searched for.
    #[serde(default)]
    pub index: bool,
}

/// Answer of `tx_search`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TxSearch {
    /// This page.
    #[serde(default, deserialize_with = "or_default")]
    pub txs: Vec<Tx>,
    /// On all pages.
    #[serde(with = "string_int")]
    pub total_count: u64,
}

/// Answer of `block`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Block {
    /// Its hash.
    pub block_id: BlockId,
    /// Its content.
    pub block: BlockBody,
}

/// Hash of a block.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BlockId {
    /// Of its header; empty for none.
    pub hash: String,
}

/// Content of a block.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BlockBody {
    /// Its header.
    pub header: Header,
    /// Its transactions.
    pub data: BlockData,
    /// The votes for the block before it.
    pub last_commit: Commit,
}

/// Header of a block.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Header {
    /// Chain id.
    pub chain_id: String,
    /// Height.
    #[serde(with = "string_int")]
    pub height: u64,
    /// Time.
    pub time: String,
    /// Of this height.
    pub validators_hash: String,
    /// Of the next height.
    pub next_validators_hash: String,
    /// The application's state after the block before it.
    pub app_hash: String,
    /// Results of the block before it.
    pub last_results_hash: String,
    /// Who proposed it.
    pub proposer_address: String,
}

/// Transactions of a block.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BlockData {
    /// Their bytes, in order.
    #[serde(default, deserialize_with = "base64_list")]
    pub txs: Vec<Vec<u8>>,
}

/// The votes for a block.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Commit {
    /// Its height.
    #[serde(with = "string_int")]
    pub height: u64,
    /// The round in which it was decided.
    pub round: u32,
    /// One for each validator, in the set's order.
    #[serde(default, deserialize_with = "or_default")]
    pub signatures: Vec<CommitSignature>,
}

/// One validator's vote.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CommitSignature {
    /// 1 absent, 2 for the block, 3 for nil.
    pub block_id_flag: u8,
    /// Who; empty if absent.
    pub validator_address: String,
    /// When.
    pub timestamp: String,
}

/// Answer of `block_results`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BlockResults {
    /// The block.
    #[serde(with = "string_int")]
    pub height: u64,
    /// One for each transaction.
    #[serde(default, deserialize_with = "or_default")]
    pub txs_results: Vec<TxResult>,
    /// What happened outside transactions.
    #[serde(default, deserialize_with = "or_default")]
    pub finalize_block_events: Vec<Event>,
    /// Changes of the validator set, two heights later.
    #[serde(default, deserialize_with = "or_default")]
    pub validator_updates: Vec<ValidatorUpdate>,
    /// The application's state after this block.
    #[serde(default, deserialize_with = "base64_bytes")]
    pub app_hash: Vec<u8>,
}

/// A change of the validator set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ValidatorUpdate {
    /// The key, in protobuf's JSON, as sent.
    pub pub_key: serde_json::Value,
    /// The new power; 0 (which Go leaves out) removes it.
    #[serde(default, with = "string_int")]
    pub power: i64,
}

/// Answer of `validators`, all pages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ValidatorSet {
    /// The height.
    #[serde(with = "string_int")]
    pub block_height: u64,
    /// By power, highest first, then by address.
    #[serde(default, deserialize_with = "or_default")]
    pub validators: Vec<Validator>,
    /// How many there are.
    #[serde(with = "string_int")]
    pub total: u64,
}

/// A validator.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Validator {
    /// Its address.
    pub address: String,
    /// Its key.
    pub pub_key: JsonPublicKey,
    /// Its power.
    #[serde(with = "string_int")]
    pub voting_power: i64,
    /// Its place in the rotation of proposers.
    #[serde(with = "string_int")]
    pub proposer_priority: i64,
}

/// The application's answer to a query.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AbciQuery {
    /// 0 if it was answered.
    pub code: u32,
    /// Why not.
    #[serde(default)]
    pub log: String,
    /// More, for people.
    #[serde(default)]
    pub info: String,
    /// The key that was looked up.
    #[serde(default, deserialize_with = "base64_bytes")]
    pub key: Vec<u8>,
    /// The answer.
    #[serde(default, deserialize_with = "base64_bytes")]
    pub value: Vec<u8>,
    /// Proofs from the value to the application hash, inner first.
    #[serde(default, rename = "proofOps")]
    pub proof_ops: Option<ProofOps>,
    /// The height whose state answered.
    #[serde(with = "string_int")]
    pub height: u64,
    /// Whose code it is.
    #[serde(default)]
    pub codespace: String,
}

/// A chain of proofs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProofOps {
    /// Inner first.
    #[serde(default, deserialize_with = "or_default")]
    pub ops: Vec<ProofOp>,
}

/// One proof.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProofOp {
    /// Kind, such as `ics23:jmt`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it proves.
    #[serde(default, deserialize_with = "base64_bytes")]
    pub key: Vec<u8>,
    /// The proof.
    #[serde(default, deserialize_with = "base64_bytes")]
    pub data: Vec<u8>,
}
