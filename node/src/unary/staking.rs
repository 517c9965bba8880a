//! `HistoricalInfo` of `cosmos.staking.v1beta1.Query`: a header out of CometBFT beside the validators that
//! the state machine knew then.

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DynamicMessage, Value};
use race_proto::cosmos::base::query::v1beta1::PageRequest;
use race_proto::cosmos::staking::v1beta1::{
    BondStatus, HistoricalInfo, QueryHistoricalInfoRequest, QueryValidatorsRequest,
    QueryValidatorsResponse, Validator,
};
use serde_json::{json, Value as Json};
use tendermint_abci::Application;
use tonic::Status;

use super::from_comet::message;
use super::{decoded, dynamic, Answer, Backend};

/// The service.
pub const SERVICE: &str = "/cosmos.staking.v1beta1.Query";

/// The method that is answered here.
pub const HISTORICAL_INFO: &str = "HistoricalInfo";

/// Answers it. A height whose block or state is not there any more is not found, as in the SDK.
pub async fn historical_info<A: Application + Sync>(
    backend: &Backend<A>,
    request: &Bytes,
) -> Result<Answer, Status> {
    let request: QueryHistoricalInfoRequest = decoded(request)?;
    let height = request.height;
    if height < 0 {
        return Err(Status::invalid_argument("height cannot be negative"));
    }
    let missing = || Status::not_found(format!("historical info for height {height} not found"));
    if height == 0 {
        return Err(missing());
    }
    let asked = json!({ "height": height.to_string() });
    let block: Json = backend
        .rpc
        .call("block", asked)
        .await
        .map_err(|_| missing())?;
    let valset = validators(backend, height).await.map_err(|_| missing())?;

    let mut hist = dynamic("cosmos.staking.v1beta1.HistoricalInfo")?;
    let malformed = |e: String| Status::internal(format!("CometBFT's block cannot be read: {e}"));
    set(&mut hist, "header", |inner| {
        message(inner, &block["block"]["header"])
    })
    .map_err(malformed)?;
    let rest = HistoricalInfo {
        valset,
        ..HistoricalInfo::default()
    };
    hist.merge(rest.encode_to_vec().as_slice())
        .map_err(|e| Status::internal(e.to_string()))?;
    let mut response = dynamic("cosmos.staking.v1beta1.QueryHistoricalInfoResponse")?;
    response.set_field_by_name("hist", Value::Message(hist));
    Ok(Answer {
        height: backend.latest().await,
        value: response.encode_to_vec().into(),
    })
}

/// The committee at a height, the most powerful first, as CometBFT orders it.
async fn validators<A: Application + Sync>(
    backend: &Backend<A>,
    height: i64,
) -> Result<Vec<Validator>, Status> {
    let request = QueryValidatorsRequest {
        status: BondStatus::Bonded.as_str_name().to_owned(),
        pagination: Some(PageRequest {
            limit: u64::MAX,
            ..PageRequest::default()
        }),
    };
    let path = format!("{SERVICE}/Validators");
    let data = request.encode_to_vec().into();
    let answer = backend.query(&path, height, data).await?;
    let found = QueryValidatorsResponse::decode(answer.value);
    let mut validators = found
        .map_err(|e| Status::internal(e.to_string()))?
        .validators;
    let tokens = |validator: &Validator| validator.tokens.parse::<u128>().unwrap_or_default();
    validators.sort_by_key(|validator| std::cmp::Reverse(tokens(validator)));
    Ok(validators)
}

/// Sets a field that is a message.
fn set(
    to: &mut DynamicMessage,
    field: &str,
    made: impl FnOnce(&prost_reflect::MessageDescriptor) -> Result<DynamicMessage, String>,
) -> Result<(), String> {
    let descriptor = prost_reflect::ReflectMessage::descriptor(to);
    let kind = descriptor.get_field_by_name(field).map(|f| f.kind());
    let inner = kind.as_ref().and_then(|kind| kind.as_message());
    let inner = inner.ok_or_else(|| format!("there is no field {field}"))?;
    to.set_field_by_name(field, Value::Message(made(inner)?));
    Ok(())
}
