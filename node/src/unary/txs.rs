//! `cosmos.tx.v1beta1.Service`: what CometBFT answers, in Cosmos's types. Simulation is the state
//! machine's.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;
use prost_reflect::{ReflectMessage, Value};
use race_proto::cosmos::base::abci::v1beta1::TxResponse;
use race_proto::cosmos::base::query::v1beta1::PageResponse;
use race_proto::cosmos::tx::v1beta1::{
    AuthInfo, BroadcastMode, BroadcastTxRequest, BroadcastTxResponse, GetBlockWithTxsRequest,
    GetBlockWithTxsResponse, GetTxRequest, GetTxResponse, GetTxsEventRequest, GetTxsEventResponse,
    OrderBy, Tx, TxBody, TxDecodeRequest, TxDecodeResponse, TxEncodeRequest, TxEncodeResponse,
    TxRaw,
};
use race_proto::Any;
use serde_json::{json, Value as Json};
use sha2::{Digest, Sha256};
use tendermint_proto::v0_38::abci::{Event, EventAttribute};
use tonic::Status;

use super::from_comet::message;
use super::{decoded, dynamic, encoded, refused, there, unavailable};
use crate::comet::config::MAX_TX_BYTES;
use crate::comet::rpc::{self, Order, RpcClient, RpcError};

/// The service.
pub const SERVICE: &str = "/cosmos.tx.v1beta1.Service";

/// Its methods that are answered here.
pub const METHODS: &[&str] = &[
    "BroadcastTx",
    "GetTx",
    "GetTxsEvent",
    "GetBlockWithTxs",
    "TxDecode",
    "TxEncode",
];

/// Transactions of a page when the request names no limit, and at most.
const PAGE: u64 = 100;

/// Answers a method; `None` for one that is not there.
pub async fn call(rpc: &RpcClient, method: &str, request: &Bytes) -> Option<Result<Bytes, Status>> {
    match method {
        "BroadcastTx" => there(broadcast(rpc, request)).await,
        "GetTx" => there(get(rpc, request)).await,
        "GetTxsEvent" => there(search(rpc, request)).await,
        "GetBlockWithTxs" => there(in_block(rpc, request)).await,
        "TxDecode" => there(decode(request)).await,
        "TxEncode" => there(encode(request)).await,
        _ => None,
    }
}

async fn broadcast(rpc: &RpcClient, request: &Bytes) -> Result<Bytes, Status> {
    let request: BroadcastTxRequest = decoded(request)?;
    if request.tx_bytes.is_empty() {
        return Err(Status::invalid_argument("invalid empty tx"));
    }
    if !matches!(request.mode(), BroadcastMode::Sync | BroadcastMode::Async) {
        return Err(Status::unknown(
            "unsupported return type unspecified; supported types: sync, async",
        ));
    }
    let of_mempool = |code| (code, "sdk".to_owned(), String::new());
    let (code, codespace, raw_log) = match request.tx_bytes.len() > MAX_TX_BYTES {
        true => of_mempool(21),
        false => match rpc.broadcast_tx_sync(&request.tx_bytes).await {
            Ok(checked) => (checked.code, checked.codespace, checked.log),
            Err(error) => of_mempool(refusal_of_mempool(&error).ok_or_else(|| unavailable(error))?),
        },
    };
    encoded(&BroadcastTxResponse {
        tx_response: Some(TxResponse {
            txhash: hex::encode_upper(Sha256::digest(&request.tx_bytes)),
            code,
            codespace,
            raw_log,
            ..TxResponse::default()
        }),
    })
}

/// The SDK's code for what CometBFT's mempool itself refuses: bytes that it has, and any while it is full.
fn refusal_of_mempool(error: &RpcError) -> Option<u32> {
    let RpcError::Refused { data, .. } = error else {
        return None;
    };
    let said = [("tx already exists in cache", 19), ("mempool is full", 20)];
    let said = said.into_iter().find(|(text, _)| data.contains(text));
    said.map(|(_, code)| code)
}

async fn get(rpc: &RpcClient, request: &Bytes) -> Result<Bytes, Status> {
    let request: GetTxRequest = decoded(request)?;
    if request.hash.is_empty() {
        return Err(Status::invalid_argument("tx hash cannot be empty"));
    }
    let hash = hex::decode(&request.hash).map_err(|_| {
        Status::unknown(format!(
            "{:?} is no hash: expected 64 hex digits",
            request.hash
        ))
    })?;
    let missing = || Status::not_found(format!("tx not found: {}", request.hash));
    let hash: [u8; 32] = hash.try_into().map_err(|_| missing())?;
    let found = rpc.tx(&hash, false).await.map_err(unavailable)?;
    let found = found.ok_or_else(missing)?;
    let time = rpc.block(Some(found.height)).await.map_err(unavailable)?;
    let (tx, response) = shown(found, time.block.header.time)?;
    encoded(&GetTxResponse {
        tx: Some(tx),
        tx_response: Some(response),
    })
}

async fn search(rpc: &RpcClient, request: &Bytes) -> Result<Bytes, Status> {
    let request: GetTxsEventRequest = decoded(request)?;
    if request.query.is_empty() {
        return Err(Status::internal("query cannot be empty"));
    }
    let order = match request.order_by() {
        OrderBy::Desc => Order::Descending,
        OrderBy::Asc | OrderBy::Unspecified => Order::Ascending,
    };
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let limit = match request.limit {
        0 => PAGE,
        limit => limit.min(PAGE),
    };
    let (page, limit) = (number(request.page.max(1)), number(limit));
    let found = rpc.tx_search(&request.query, page, limit, order).await;
    let found = found.map_err(|error| match error {
        // A query that does not parse, a page past the end.
        RpcError::Refused { data, .. } => Status::internal(data),
        error => unavailable(error),
    })?;
    let mut times: BTreeMap<u64, String> = BTreeMap::new();
    let mut response = GetTxsEventResponse {
        total: found.total_count,
        ..GetTxsEventResponse::default()
    };
    for tx in found.txs {
        let time = match times.get(&tx.height) {
            Some(time) => time.clone(),
            None => {
                let block = rpc.block(Some(tx.height)).await.map_err(unavailable)?;
                times.insert(tx.height, block.block.header.time.clone());
                block.block.header.time
            }
        };
        let (tx, result) = shown(tx, time)?;
        response.txs.push(tx);
        response.tx_responses.push(result);
    }
    encoded(&response)
}

async fn in_block(rpc: &RpcClient, request: &Bytes) -> Result<Bytes, Status> {
    let request: GetBlockWithTxsRequest = decoded(request)?;
    let latest = rpc.status().await.map_err(unavailable)?;
    let latest = latest.sync_info.latest_block_height;
    let height = u64::try_from(request.height).unwrap_or_default();
    if !(1..=latest).contains(&height) {
        return Err(Status::invalid_argument(format!(
            "requested height {} but height must not be less than 1 or greater than the current height {latest}",
            request.height
        )));
    }
    let found: Json = rpc
        .call("block", json!({ "height": height.to_string() }))
        .await
        .map_err(refused)?;
    let mut response = dynamic("cosmos.tx.v1beta1.GetBlockWithTxsResponse")?;
    let malformed = |e: String| Status::internal(format!("CometBFT's block cannot be read: {e}"));
    for name in ["block_id", "block"] {
        let field = response.descriptor().get_field_by_name(name);
        let kind = field.map(|field| field.kind());
        let inner = kind.as_ref().and_then(|kind| kind.as_message());
        let inner = inner.ok_or_else(|| malformed(format!("there is no field {name}")))?;
        let value = message(inner, &found[name]).map_err(malformed)?;
        response.set_field_by_name(name, Value::Message(value));
    }
    let block = rpc.block(Some(height)).await.map_err(refused)?;
    let keyed = block.block.data.txs.into_iter().enumerate();
    let keyed = keyed.map(|(index, tx)| ((index as u64).to_be_bytes().to_vec(), tx));
    let (page, pagination): (Vec<Vec<u8>>, PageResponse) =
        race_app::page::paginate(keyed.collect(), request.pagination)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
    let rest = GetBlockWithTxsResponse {
        txs: page
            .iter()
            .map(|bytes| parts(bytes))
            .collect::<Result<_, _>>()?,
        pagination: Some(pagination),
        ..GetBlockWithTxsResponse::default()
    };
    // Encodings that follow each other are merged.
    Ok([response.encode_to_vec(), rest.encode_to_vec()]
        .concat()
        .into())
}

async fn decode(request: &Bytes) -> Result<Bytes, Status> {
    let request: TxDecodeRequest = decoded(request)?;
    if request.tx_bytes.is_empty() {
        return Err(Status::invalid_argument("invalid empty tx bytes"));
    }
    let tx = parts(&request.tx_bytes).map_err(|e| Status::invalid_argument(e.message()))?;
    encoded(&TxDecodeResponse { tx: Some(tx) })
}

async fn encode(request: &Bytes) -> Result<Bytes, Status> {
    let request: TxEncodeRequest = decoded(request)?;
    let Some(tx) = request.tx else {
        return Err(Status::invalid_argument("invalid empty tx"));
    };
    let part = |part: Option<Vec<u8>>| part.unwrap_or_default();
    let raw = TxRaw {
        body_bytes: part(tx.body.map(|body| body.encode_to_vec())),
        auth_info_bytes: part(tx.auth_info.map(|auth| auth.encode_to_vec())),
        signatures: tx.signatures,
    };
    encoded(&TxEncodeResponse {
        tx_bytes: raw.encode_to_vec(),
    })
}

/// A transaction's bytes in its parts.
fn parts(bytes: &[u8]) -> Result<Tx, Status> {
    let undecodable = |e: prost::DecodeError| Status::internal(e.to_string());
    let raw = TxRaw::decode(bytes).map_err(undecodable)?;
    Ok(Tx {
        body: Some(TxBody::decode(raw.body_bytes.as_slice()).map_err(undecodable)?),
        auth_info: Some(AuthInfo::decode(raw.auth_info_bytes.as_slice()).map_err(undecodable)?),
        signatures: raw.signatures,
    })
}

/// A transaction in a block as clients know it.
fn shown(found: rpc::Tx, timestamp: String) -> Result<(Tx, TxResponse), Status> {
    let tx = parts(&found.tx)?;
    let result = found.tx_result;
    let attribute = |a: rpc::EventAttribute| EventAttribute {
        key: a.key,
        value: a.value,
        index: a.index,
    };
    let event = |event: rpc::Event| Event {
        r#type: event.kind,
        attributes: event.attributes.into_iter().map(attribute).collect(),
    };
    let response = TxResponse {
        height: i64::try_from(found.height).unwrap_or(i64::MAX),
        txhash: found.hash,
        codespace: result.codespace,
        code: result.code,
        data: hex::encode_upper(&result.data),
        raw_log: result.log,
        info: result.info,
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        tx: Some(Any {
            type_url: "/cosmos.tx.v1beta1.Tx".into(),
            value: tx.encode_to_vec(),
        }),
        timestamp: whole_seconds(&timestamp),
        events: result.events.into_iter().map(event).collect(),
        ..TxResponse::default()
    };
    Ok((tx, response))
}

/// A header's time without its fraction, as the SDK shows it.
fn whole_seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_in_whole_seconds() {
        assert_eq!(
            whole_seconds("2026-11-21T11:01:29.123456Z"),
            "2026-11-21T11:01:29Z"
        );
        assert_eq!(
            whole_seconds("2026-11-21T11:01:29Z"),
            "2026-11-21T11:01:29Z"
        );
    }

    #[test]
    fn what_the_mempool_itself_refuses_has_the_codes_of_the_sdk() {
        let said = |data: &str| {
            refusal_of_mempool(&RpcError::Refused {
                method: "broadcast_tx_sync",
                code: -32603,
                message: "Internal error".into(),
                data: data.into(),
            })
        };
        assert_eq!(said("tx already exists in cache"), Some(19));
        let full = "mempool is full: number of txs 5000 (max: 5000), total txs bytes 1 (max: 2)";
        assert_eq!(said(full), Some(20));
        assert_eq!(said("something else"), None);
    }

    #[tokio::test]
    async fn a_transaction_is_decoded_and_encoded_again() {
        let raw = TxRaw {
            body_bytes: TxBody {
                memo: "m".into(),
                ..TxBody::default()
            }
            .encode_to_vec(),
            auth_info_bytes: AuthInfo::default().encode_to_vec(),
            signatures: vec![vec![7; 64]],
        }
        .encode_to_vec();
        let request = TxDecodeRequest {
            tx_bytes: raw.clone(),
        };
        let answer = decode(&request.encode_to_vec().into()).await.unwrap();
        let tx = TxDecodeResponse::decode(answer).unwrap().tx;
        let request = TxEncodeRequest { tx };
        let answer = encode(&request.encode_to_vec().into()).await.unwrap();
        assert_eq!(TxEncodeResponse::decode(answer).unwrap().tx_bytes, raw);
        let empty = decode(&Bytes::new()).await.unwrap_err();
        assert_eq!(empty.message(), "invalid empty tx bytes");
    }
}
