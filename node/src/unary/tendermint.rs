//! `cosmos.base.tendermint.v1beta1.Service`: the node, blocks and validator sets, out of CometBFT.

use bytes::Bytes;
use prost::Message as _;
use prost_reflect::{DynamicMessage, Value};
use race_proto::cosmos::base::query::v1beta1::PageRequest;
use race_proto::cosmos::base::tendermint::v1beta1 as service;
use race_proto::cosmos::crypto::ed25519;
use race_proto::Any;
use serde_json::{json, Value as Json};
use tonic::Status;

use super::from_comet::{message, valcons};
use super::{decoded, dynamic, encoded, refused, there, unavailable};
use crate::comet::rpc::RpcClient;

/// The service.
pub const SERVICE: &str = "/cosmos.base.tendermint.v1beta1.Service";

/// Its methods.
pub const METHODS: &[&str] = &[
    "GetNodeInfo",
    "GetSyncing",
    "GetLatestBlock",
    "GetBlockByHeight",
    "GetLatestValidatorSet",
    "GetValidatorSetByHeight",
    "ABCIQuery",
];

/// The release of the SDK whose protocols these are: clients read it as a version.
const SDK_VERSION: &str = "v0.50.15";

/// Answers a method; `None` for one that is not there.
pub async fn call(rpc: &RpcClient, method: &str, request: &Bytes) -> Option<Result<Bytes, Status>> {
    match method {
        "GetNodeInfo" => there(node_info(rpc)).await,
        "GetSyncing" => there(syncing(rpc)).await,
        "GetLatestBlock" => there(block(rpc, "GetLatestBlockResponse", None)).await,
        "GetBlockByHeight" => there(block_by_height(rpc, request)).await,
        "GetLatestValidatorSet" => there(latest_validators(rpc, request)).await,
        "GetValidatorSetByHeight" => there(validators_by_height(rpc, request)).await,
        _ => None,
    }
}

fn malformed(error: String) -> Status {
    Status::internal(format!("CometBFT's answer cannot be read: {error}"))
}

/// Sets a field of a response to what CometBFT's JSON says.
fn fill(response: &mut DynamicMessage, field: &str, json: &Json) -> Result<(), Status> {
    let descriptor = prost_reflect::ReflectMessage::descriptor(response);
    let kind = descriptor.get_field_by_name(field).map(|f| f.kind());
    let inner = kind.as_ref().and_then(|kind| kind.as_message());
    let inner = inner.ok_or_else(|| malformed(format!("there is no field {field}")))?;
    let value = message(inner, json).map_err(malformed)?;
    response.set_field_by_name(field, Value::Message(value));
    Ok(())
}

async fn node_info(rpc: &RpcClient) -> Result<Bytes, Status> {
    let status: Json = rpc.call("status", json!({})).await.map_err(unavailable)?;
    let mut response = dynamic("cosmos.base.tendermint.v1beta1.GetNodeInfoResponse")?;
    fill(&mut response, "default_node_info", &status["node_info"])?;
    let version = service::VersionInfo {
        name: "race".into(),
        app_name: "raced".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        cosmos_sdk_version: SDK_VERSION.into(),
        ..service::VersionInfo::default()
    };
    let mut shown = dynamic("cosmos.base.tendermint.v1beta1.VersionInfo")?;
    shown
        .merge(version.encode_to_vec().as_slice())
        .map_err(|error| malformed(error.to_string()))?;
    response.set_field_by_name("application_version", Value::Message(shown));
    encoded(&response)
}

async fn syncing(rpc: &RpcClient) -> Result<Bytes, Status> {
    let status = rpc.status().await.map_err(unavailable)?;
    encoded(&service::GetSyncingResponse {
        syncing: status.sync_info.catching_up,
    })
}

async fn block(rpc: &RpcClient, response: &str, height: Option<u64>) -> Result<Bytes, Status> {
    let params = height.map_or(json!({}), |height| json!({ "height": height.to_string() }));
    let found: Json = rpc.call("block", params).await.map_err(refused)?;
    let mut response = dynamic(&format!("cosmos.base.tendermint.v1beta1.{response}"))?;
    fill(&mut response, "block_id", &found["block_id"])?;
    fill(&mut response, "block", &found["block"])?;
    fill(&mut response, "sdk_block", &found["block"])?;
    encoded(&response)
}

/// A height that CometBFT has, in the SDK's words if it has not.
async fn reached(rpc: &RpcClient, height: i64) -> Result<u64, Status> {
    let status = rpc.status().await.map_err(unavailable)?;
    let bad = |text: &str| Err(Status::invalid_argument(text));
    match u64::try_from(height) {
        Ok(height) if height > status.sync_info.latest_block_height => {
            bad("requested block height is bigger then the chain length")
        }
        Ok(height) if height > 0 => Ok(height),
        _ => bad("height must be greater than 0"),
    }
}

async fn block_by_height(rpc: &RpcClient, request: &Bytes) -> Result<Bytes, Status> {
    let request: service::GetBlockByHeightRequest = decoded(request)?;
    let height = reached(rpc, request.height).await?;
    block(rpc, "GetBlockByHeightResponse", Some(height)).await
}

async fn latest_validators(rpc: &RpcClient, request: &Bytes) -> Result<Bytes, Status> {
    let request: service::GetLatestValidatorSetRequest = decoded(request)?;
    validators(rpc, None, request.pagination).await
}

async fn validators_by_height(rpc: &RpcClient, request: &Bytes) -> Result<Bytes, Status> {
    let request: service::GetValidatorSetByHeightRequest = decoded(request)?;
    let height = reached(rpc, request.height).await?;
    validators(rpc, Some(height), request.pagination).await
}

async fn validators(
    rpc: &RpcClient,
    height: Option<u64>,
    page: Option<PageRequest>,
) -> Result<Bytes, Status> {
    let set = rpc.validators(height).await.map_err(refused)?;
    let shown = |validator: crate::comet::rpc::Validator| {
        let key = validator.pub_key.to_ed25519();
        let key = key.ok_or_else(|| format!("{} has no ed25519 key", validator.address))?;
        let key = ed25519::PubKey { key: key.to_vec() };
        Ok(service::Validator {
            address: valcons(&validator.address)?,
            pub_key: Some(Any {
                type_url: "/cosmos.crypto.ed25519.PubKey".into(),
                value: key.encode_to_vec(),
            }),
            voting_power: validator.voting_power,
            proposer_priority: validator.proposer_priority,
        })
    };
    let list = set
        .validators
        .into_iter()
        .map(shown)
        .collect::<Result<Vec<_>, String>>()
        .map_err(malformed)?;
    let keyed = list
        .into_iter()
        .map(|v| (v.address.clone().into_bytes(), v));
    let (validators, pagination) = race_app::page::paginate(keyed.collect(), page)
        .map_err(|error| Status::invalid_argument(error.to_string()))?;
    encoded(&service::GetLatestValidatorSetResponse {
        block_height: i64::try_from(set.block_height).unwrap_or(i64::MAX),
        validators,
        pagination: Some(pagination),
    })
}
