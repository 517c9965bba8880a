//! `cosmos.base.node.v1beta1.Service` and `cosmos.consensus.v1.Query`: this node and the consensus
//! parameters.

use bytes::Bytes;
use prost_reflect::{DynamicMessage, ReflectMessage, Value};
use race_app::coin::DENOM;
use serde_json::{json, Value as Json};
use tonic::Status;

use super::{dynamic, encoded, refused, there, unavailable};
use crate::comet::rpc::RpcClient;
use crate::proto_json::from_json;

/// The service.
pub const SERVICE: &str = "/cosmos.base.node.v1beta1.Service";
/// The service of consensus parameters.
pub const CONSENSUS: &str = "/cosmos.consensus.v1.Query";

/// Answers a method; `None` for one that is not there. `price`: the lowest gas price in thousandths.
pub async fn call(rpc: &RpcClient, method: &str, price: &u64) -> Option<Result<Bytes, Status>> {
    match method {
        "Config" => there(config(*price)).await,
        "Status" => there(status(rpc)).await,
        _ => None,
    }
}

/// The same of the consensus parameters.
pub async fn consensus(
    rpc: &RpcClient,
    method: &str,
    height: i64,
) -> Option<Result<Bytes, Status>> {
    match method {
        "Params" => there(params(rpc, height)).await,
        _ => None,
    }
}

/// A response out of its JSON.
fn response(name: &str, json: Json) -> Result<DynamicMessage, Status> {
    from_json(dynamic(name)?.descriptor(), json).map_err(Status::internal)
}

async fn config(price: u64) -> Result<Bytes, Status> {
    let (whole, part) = (price.div_euclid(1000), price.rem_euclid(1000));
    let config = json!({
        "minimum_gas_price": format!("{whole}.{part:03}000000000000000{DENOM}"),
        "pruning_keep_recent": "0", "pruning_interval": "0", "halt_height": "0",
    });
    encoded(&response(
        "cosmos.base.node.v1beta1.ConfigResponse",
        config,
    )?)
}

async fn status(rpc: &RpcClient) -> Result<Bytes, Status> {
    let status = rpc.status().await.map_err(unavailable)?;
    let sync = status.sync_info;
    let block = rpc.block(None).await.map_err(refused)?;
    let bytes = |hash: &str| Value::Bytes(hex::decode(hash).unwrap_or_default().into());
    let mut response = response(
        "cosmos.base.node.v1beta1.StatusResponse",
        json!({
            "earliest_store_height": sync.earliest_block_height.to_string(),
            "height": sync.latest_block_height.to_string(),
            "timestamp": sync.latest_block_time,
        }),
    )?;
    response.set_field_by_name("app_hash", bytes(&sync.latest_app_hash));
    response.set_field_by_name("validator_hash", bytes(&block.block.header.validators_hash));
    encoded(&response)
}

async fn params(rpc: &RpcClient, height: i64) -> Result<Bytes, Status> {
    // Without a height CometBFT reads those of the block that comes next, which it does not have yet
    // between storing a block and its state.
    let height = match height {
        0 => {
            let status = rpc.status().await.map_err(unavailable)?;
            status.sync_info.latest_block_height.to_string()
        }
        height => height.to_string(),
    };
    let at = json!({ "height": height });
    let found: Json = rpc.call("consensus_params", at).await.map_err(refused)?;
    let params = &found["consensus_params"];
    let nanoseconds = params["evidence"]["max_age_duration"].as_str();
    let nanoseconds: u64 = nanoseconds.and_then(|n| n.parse().ok()).unwrap_or_default();
    let or_zero = |value: &Json| match value {
        Json::Null => json!("0"),
        value => value.clone(),
    };
    let shown = json!({ "params": {
        "block": { "max_bytes": params["block"]["max_bytes"], "max_gas": params["block"]["max_gas"] },
        "evidence": {
            "max_age_num_blocks": params["evidence"]["max_age_num_blocks"],
            "max_age_duration": format!("{}s", std::time::Duration::from_nanos(nanoseconds).as_secs()),
            "max_bytes": or_zero(&params["evidence"]["max_bytes"]),
        },
        "validator": { "pub_key_types": params["validator"]["pub_key_types"] },
        "version": { "app": or_zero(&params["version"]["app"]) },
        "abci": { "vote_extensions_enable_height": or_zero(&params["abci"]["vote_extensions_enable_height"]) },
    }});
    encoded(&response("cosmos.consensus.v1.QueryParamsResponse", shown)?)
}
