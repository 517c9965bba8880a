//! `cosmos.tx.v1beta1.Service`: what CometBFT answers, in Cosmos's types. Simulation is the state
//! machine's and goes over the bridge.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;

use axum::body::Body as RequestBody;
use prost::Message;
use race_proto::cosmos::base::abci::v1beta1::TxResponse;
use race_proto::cosmos::tx::v1beta1::{
    AuthInfo, BroadcastMode, BroadcastTxRequest, BroadcastTxResponse, GetTxRequest, GetTxResponse,
    Tx, TxBody, TxRaw,
};
use race_proto::Any;
use sha2::{Digest, Sha256};
use tonic::body::Body;
use tonic::server::UnaryService;
use tonic::{Request, Response, Status};
use tower::util::BoxCloneSyncService;

use super::bridge::RawCodec;
use crate::comet::rpc::{RpcClient, RpcError};

type Answer = Pin<Box<dyn Future<Output = Result<Response<bytes::Bytes>, Status>> + Send>>;
type Service = BoxCloneSyncService<http::Request<RequestBody>, http::Response<Body>, Infallible>;

type Handler = fn(RpcClient, bytes::Bytes) -> Answer;

#[derive(Clone)]
struct Method(RpcClient, Handler);

impl UnaryService<bytes::Bytes> for Method {
    type Response = bytes::Bytes;
    type Future = Answer;

    fn call(&mut self, request: Request<bytes::Bytes>) -> Answer {
        (self.1)(self.0.clone(), request.into_inner())
    }
}

fn method(rpc: RpcClient, f: Handler) -> Service {
    BoxCloneSyncService::new(tower::service_fn(
        move |request: http::Request<RequestBody>| {
            let method = Method(rpc.clone(), f);
            async move {
                Ok(tonic::server::Grpc::new(RawCodec)
                    .unary(method, request)
                    .await)
            }
        },
    ))
}

fn decoded<M: Message + Default>(bytes: bytes::Bytes) -> Result<M, Status> {
    M::decode(bytes)
        .map_err(|e| Status::invalid_argument(format!("the request does not decode: {e}")))
}

fn unavailable(error: RpcError) -> Status {
    Status::unavailable(format!("CometBFT does not answer: {error}"))
}

/// `BroadcastTx`.
pub fn broadcast(rpc: RpcClient) -> Service {
    method(rpc, |rpc, bytes| {
        Box::pin(async move {
            let request: BroadcastTxRequest = decoded(bytes)?;
            if request.tx_bytes.is_empty() {
                return Err(Status::invalid_argument("invalid empty tx"));
            }
            let mode = request.mode();
            if !matches!(mode, BroadcastMode::Sync | BroadcastMode::Async) {
                let name = match mode {
                    BroadcastMode::Block => "block",
                    _ => "unspecified",
                };
                return Err(Status::unknown(format!(
                    "unsupported return type {name}; supported types: sync, async"
                )));
            }
            let hash = hex::encode_upper(Sha256::digest(&request.tx_bytes));
            let response = match rpc.broadcast_tx_sync(&request.tx_bytes).await {
                Ok(checked) => TxResponse {
                    txhash: hash,
                    code: checked.code,
                    codespace: checked.codespace,
                    raw_log: checked.log,
                    ..TxResponse::default()
                },
                // Bytes that the mempool has already: the SDK's code 19.
                Err(error) if error.to_string().contains("already exists in cache") => TxResponse {
                    txhash: hash,
                    code: 19,
                    codespace: "sdk".into(),
                    ..TxResponse::default()
                },
                Err(error) => return Err(unavailable(error)),
            };
            let response = BroadcastTxResponse {
                tx_response: Some(response),
            };
            Ok(Response::new(response.encode_to_vec().into()))
        })
    })
}

/// `GetTx`.
pub fn get(rpc: RpcClient) -> Service {
    method(rpc, |rpc, bytes| {
        Box::pin(async move {
            let request: GetTxRequest = decoded(bytes)?;
            if request.hash.is_empty() {
                return Err(Status::invalid_argument("tx hash cannot be empty"));
            }
            let hash: [u8; 32] = hex::decode(&request.hash)
                .ok()
                .and_then(|h| h.try_into().ok())
                .ok_or_else(|| {
                    Status::unknown(format!(
                        "{:?} is no hash: expected 64 hex digits",
                        request.hash
                    ))
                })?;
            let Some(found) = rpc.tx(&hash, false).await.map_err(unavailable)? else {
                return Err(Status::not_found(format!("tx not found: {}", request.hash)));
            };
            let raw =
                TxRaw::decode(found.tx.as_slice()).map_err(|e| Status::internal(e.to_string()))?;
            let tx = Tx {
                body: TxBody::decode(raw.body_bytes.as_slice()).ok(),
                auth_info: AuthInfo::decode(raw.auth_info_bytes.as_slice()).ok(),
                signatures: raw.signatures,
            };
            let block = rpc.block(Some(found.height)).await.map_err(unavailable)?;
            let result = found.tx_result;
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
                timestamp: block.block.header.time,
                ..TxResponse::default()
            };
            let response = GetTxResponse {
                tx: Some(tx),
                tx_response: Some(response),
            };
            Ok(Response::new(response.encode_to_vec().into()))
        })
    })
}
