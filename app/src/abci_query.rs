//! ABCI's `Query`: gRPC paths, raw keys with proofs, the version. Codes and logs are the SDK's.

use prost::Message;
use race_proto::cosmos::base::abci::v1beta1::{GasInfo, Result as ExecutionResult};
use race_proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse};
use tendermint_proto::v0_38::abci::{RequestQuery, ResponseQuery};
use tendermint_proto::v0_38::crypto::ProofOps;

use crate::app::App;
use crate::error::QueryError;
use crate::registry;
use crate::store::StoreError;

/// The path of simulation, which is no module's query.
pub const SIMULATE: &str = "/cosmos.tx.v1beta1.Service/Simulate";

fn refused(codespace: &str, code: u32, log: impl Into<String>) -> ResponseQuery {
    ResponseQuery {
        code,
        codespace: codespace.to_owned(),
        log: log.into(),
        ..ResponseQuery::default()
    }
}

/// Answers a query.
pub fn query(app: &App, request: &RequestQuery) -> ResponseQuery {
    let path = request.path.as_str();
    if path.is_empty() {
        return refused("sdk", 6, "no query path provided: unknown request");
    }
    let latest = app.latest().height();
    let Ok(asked) = u64::try_from(request.height) else {
        return refused(
            "sdk",
            18,
            "cannot query with height < 0; please provide a valid height: invalid request",
        );
    };
    if path == "/app/version" {
        return ResponseQuery {
            codespace: "sdk".to_owned(),
            value: env!("CARGO_PKG_VERSION").into(),
            height: request.height,
            ..ResponseQuery::default()
        };
    }
    if asked > latest || latest == 0 {
        let log =
            "cannot query with height in the future; please provide a valid height: invalid height";
        return refused("sdk", 26, log);
    }
    let height = if asked == 0 { latest } else { asked };
    if request.prove && height <= 1 {
        let log = "cannot query with proof when height <= 1; please provide a valid height: invalid request";
        return refused("sdk", 18, log);
    }
    if let Some(rest) = path.strip_prefix("/store/") {
        return raw_key(app, height, rest, request);
    }
    match grpc(app, height, path, &request.data) {
        Ok(value) => ResponseQuery {
            value: value.into(),
            height: i64::try_from(height).unwrap_or(i64::MAX),
            ..ResponseQuery::default()
        },
        Err(error) => as_response(error),
    }
}

/// Answers a gRPC path at a height (0: the latest); the same function serves gRPC and REST.
///
/// # Errors
/// The query's own, as a gRPC status.
pub fn grpc(app: &App, height: u64, path: &str, request: &[u8]) -> Result<Vec<u8>, QueryError> {
    if path == SIMULATE {
        return simulate(app, request);
    }
    let query = registry::query(path).ok_or(QueryError::UnknownPath)?;
    app.read(height, |context, state| {
        (query.answer)(context, state, request)
    })
    .map_err(unreadable)?
}

fn unreadable(error: StoreError) -> QueryError {
    QueryError::InvalidArgument(format!("failed to load state: {error}"))
}

fn as_response(error: QueryError) -> ResponseQuery {
    const INVALID: &str = ": invalid request";
    match error {
        QueryError::NotFound(what) => refused(
            "sdk",
            22,
            format!("rpc error: code = NotFound desc = {what}: key not found"),
        ),
        QueryError::InvalidArgument(what) => refused(
            "sdk",
            18,
            format!("rpc error: code = InvalidArgument desc = {what}{INVALID}"),
        ),
        // A request that does not decode says so itself.
        QueryError::Unknown(what) if what.ends_with(INVALID) => refused("sdk", 18, what),
        QueryError::Unknown(what) => refused(
            "sdk",
            18,
            format!("rpc error: code = Unknown desc = {what}{INVALID}"),
        ),
        QueryError::UnknownPath => refused("sdk", 6, "unknown query path: unknown request"),
    }
}

/// `/store/<name>/key`: the raw value, with its proof if asked for.
fn raw_key(app: &App, height: u64, rest: &str, request: &RequestQuery) -> ResponseQuery {
    let Some((store, "key")) = rest.split_once('/') else {
        return refused(
            "sdk",
            6,
            format!("unknown query path /store/{rest}: unknown request"),
        );
    };
    let snapshot = match app.store().at(height) {
        Ok(snapshot) => snapshot,
        Err(error) => return as_response(unreadable(error)),
    };
    let key = &request.data;
    if !snapshot.stores().any(|name| name == store) {
        return refused(
            "store",
            4,
            format!("no such store: {store}: unknown request"),
        );
    }
    if key.is_empty() {
        return refused("store", 18, "query cannot be zero length: invalid request");
    }
    let found = match request.prove {
        false => snapshot.try_get(store, key).map(|value| (value, None)),
        true => snapshot
            .prove(store, key)
            .map(|proof| (proof.value, Some(ProofOps { ops: proof.ops }))),
    };
    match found {
        Ok((value, proof_ops)) => ResponseQuery {
            key: key.clone(),
            value: value.unwrap_or_default().into(),
            proof_ops,
            height: i64::try_from(height).unwrap_or(i64::MAX),
            ..ResponseQuery::default()
        },
        Err(error) => as_response(unreadable(error)),
    }
}

/// `Simulate`: takes `tx_bytes`, or the older `tx`.
// `tx` and `data` are deprecated and still used by clients.
#[allow(deprecated)]
fn simulate(app: &App, request: &[u8]) -> Result<Vec<u8>, QueryError> {
    let undecodable = |_| QueryError::Unknown("unexpected EOF: invalid request".to_owned());
    let request = SimulateRequest::decode(request).map_err(undecodable)?;
    let bytes = match request.tx {
        Some(tx) if request.tx_bytes.is_empty() => tx.encode_to_vec(),
        _ => request.tx_bytes,
    };
    if bytes.is_empty() {
        return Err(QueryError::InvalidArgument(
            "empty txBytes is not allowed".to_owned(),
        ));
    }
    let outcome = app.simulate(&bytes);
    if let Some(error) = &outcome.error {
        return Err(QueryError::Unknown(format!(
            "{} with gas used: '{}'",
            error.log, outcome.gas_used
        )));
    }
    let response = SimulateResponse {
        gas_info: Some(GasInfo {
            gas_wanted: outcome.gas_wanted,
            gas_used: outcome.gas_used,
        }),
        result: Some(ExecutionResult {
            data: outcome.data(),
            log: String::new(),
            events: outcome.events,
            msg_responses: outcome.responses,
        }),
    };
    Ok(response.encode_to_vec())
}
