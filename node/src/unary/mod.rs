//! Every unary method, bytes in and bytes out: what gRPC and REST both serve.
//!
//! Most are queries of the state machine, which need no line here when it learns another. Those about
//! blocks and transactions in blocks are answered out of CometBFT:
//!
//! | file | service |
//! |---|---|
//! | [`txs`] | `cosmos.tx.v1beta1.Service`, but for simulation |
//! | [`tendermint`] | `cosmos.base.tendermint.v1beta1.Service` |
//! | [`node`] | `cosmos.base.node.v1beta1.Service`, `cosmos.consensus.v1.Query` |
//! | [`staking`] | `HistoricalInfo` of `cosmos.staking.v1beta1.Query` |
//! | [`from_comet`] | CometBFT's JSON as protobuf |

// A `Status` is what every handler returns; boxing it in between would help nobody.
#![allow(clippy::result_large_err)]

mod from_comet;
mod node;
mod staking;
mod tendermint;
mod txs;

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use prost_reflect::DynamicMessage;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{RequestQuery, ResponseQuery};
use tonic::{Code, Status};

use crate::comet::rpc::{RpcClient, RpcError};

/// What answers: the state machine and CometBFT.
pub struct Backend<A> {
    app: Arc<A>,
    rpc: RpcClient,
}

impl<A> Clone for Backend<A> {
    fn clone(&self) -> Self {
        Self {
            app: Arc::clone(&self.app),
            rpc: self.rpc.clone(),
        }
    }
}

/// What is answered here, by service; the rest is the state machine's.
const OWN: &[(&str, &[&str])] = &[
    (txs::SERVICE, txs::METHODS),
    (tendermint::SERVICE, tendermint::METHODS),
    (node::SERVICE, &["Config", "Status"]),
    (node::CONSENSUS, &["Params"]),
    (staking::SERVICE, &[staking::HISTORICAL_INFO]),
];

/// Whether a method is answered at all.
pub fn serves(path: &str) -> bool {
    let own = |(service, method): (&str, &str)| {
        OWN.iter()
            .any(|(known, methods)| *known == service && methods.contains(&method))
    };
    path == race_app::abci_query::SIMULATE
        || race_app::registry::query(path).is_some()
        || path.rsplit_once('/').is_some_and(own)
}

/// The header by which Cosmos clients name the height to read, and learn which was read.
pub const HEIGHT_HEADER: &str = "x-cosmos-block-height";

/// The height that a request names; 0 for none.
///
/// # Errors
/// It is no height.
pub fn height(header: Option<&str>) -> Result<i64, Status> {
    let Some(text) = header else {
        return Ok(0);
    };
    match text.parse() {
        Ok(height) if height >= 0 => Ok(height),
        _ => Err(Status::unknown(format!(
            "codespace sdk code 18: invalid request: {HEIGHT_HEADER}: {text:?} is no height; give a whole number, 0 for the latest"
        ))),
    }
}

/// An answer, encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The height that was read.
    pub height: u64,
    /// The response.
    pub value: Bytes,
}

impl<A: Application + Sync> Backend<A> {
    /// A backend of a node's parts.
    pub fn new(app: Arc<A>, rpc: RpcClient) -> Self {
        Self { app, rpc }
    }

    /// CometBFT.
    pub(crate) fn rpc(&self) -> &RpcClient {
        &self.rpc
    }

    /// Answers `/package.Service/Method`, of the state at `height` (0: the latest).
    ///
    /// # Errors
    /// The method's own status, and `Unimplemented` for one that is not there.
    pub async fn call(&self, path: &str, height: i64, request: Bytes) -> Result<Answer, Status> {
        if height > 0 && serves(path) {
            self.read_at(height).await?;
        }
        let rpc = &self.rpc;
        let answered = match path.rsplit_once('/') {
            Some((txs::SERVICE, method)) => txs::call(rpc, method, &request).await,
            Some((tendermint::SERVICE, "ABCIQuery")) => {
                return self.abci_query(&request).await;
            }
            Some((staking::SERVICE, staking::HISTORICAL_INFO)) => {
                return staking::historical_info(self, &request).await;
            }
            Some((tendermint::SERVICE, method)) => tendermint::call(rpc, method, &request).await,
            Some((node::SERVICE, method)) => node::call(rpc, method, &self.prices().await).await,
            Some((node::CONSENSUS, method)) => node::consensus(rpc, method, height).await,
            _ => None,
        };
        match answered {
            Some(value) => Ok(Answer {
                value: value?,
                height: self.read_at(height).await?,
            }),
            None => self.query(path, height, request).await,
        }
    }

    /// The height that is told of an answer to a request which named `height`: that one, or the latest for 0.
    async fn read_at(&self, height: i64) -> Result<u64, Status> {
        let (asked, latest) = (height.max(0).unsigned_abs(), self.latest().await);
        match asked {
            0 => Ok(latest),
            asked if asked <= latest => Ok(asked),
            _ => Err(Status::unknown(
                "codespace sdk code 26: invalid height: cannot query with height in the future; \
                 please provide a valid height",
            )),
        }
    }

    async fn query(&self, path: &str, height: i64, data: Bytes) -> Result<Answer, Status> {
        let answer = self.ask(path, height, data, false).await?;
        if answer.code != 0 {
            return Err(status(&answer));
        }
        Ok(Answer {
            height: answer.height.max(0).unsigned_abs(),
            value: answer.value,
        })
    }

    /// What CometBFT's `abci_query` answers, for those who have only gRPC.
    async fn abci_query(&self, request: &Bytes) -> Result<Answer, Status> {
        use race_proto::cosmos::base::tendermint::v1beta1 as service;
        let request: service::AbciQueryRequest = decoded(request)?;
        let answer = self
            .ask(
                &request.path,
                request.height,
                request.data.into(),
                request.prove,
            )
            .await?;
        let op = |op: tendermint_proto::v0_38::crypto::ProofOp| service::ProofOp {
            r#type: op.r#type,
            key: op.key,
            data: op.data,
        };
        let response = service::AbciQueryResponse {
            code: answer.code,
            log: answer.log,
            info: answer.info,
            index: answer.index,
            key: answer.key.to_vec(),
            value: answer.value.to_vec(),
            proof_ops: answer.proof_ops.map(|ops| service::ProofOps {
                ops: ops.ops.into_iter().map(op).collect(),
            }),
            height: answer.height,
            codespace: answer.codespace,
        };
        Ok(Answer {
            height: answer.height.max(0).unsigned_abs(),
            value: response.encode_to_vec().into(),
        })
    }

    async fn ask(
        &self,
        path: &str,
        height: i64,
        data: Bytes,
        prove: bool,
    ) -> Result<ResponseQuery, Status> {
        let (app, path) = (Arc::clone(&self.app), path.to_owned());
        // State is read from disk: not on the threads that serve connections.
        tokio::task::spawn_blocking(move || {
            app.query(RequestQuery {
                data,
                path,
                height,
                prove,
            })
        })
        .await
        .map_err(|_| Status::internal("the query failed; the node's log says why"))
    }

    /// The last committed height.
    pub(crate) async fn latest(&self) -> u64 {
        let app = Arc::clone(&self.app);
        let info = move || app.info(Default::default()).last_block_height;
        let height = tokio::task::spawn_blocking(info).await;
        height.unwrap_or_default().max(0).unsigned_abs()
    }

    /// The chain's lowest gas price, in thousandths of a nicoin.
    async fn prices(&self) -> u64 {
        use race_proto::race::params::v1::{QueryParamsRequest, QueryParamsResponse};
        let request = QueryParamsRequest {}.encode_to_vec().into();
        let answer = self.query("/race.params.v1.Query/Params", 0, request).await;
        let params = answer
            .ok()
            .and_then(|answer| QueryParamsResponse::decode(answer.value).ok())
            .unwrap_or_default();
        let price = race_app::tx::params::MIN_GAS_PRICE.name;
        let mut params = params.params.into_iter();
        params
            .find(|param| param.name == price)
            .map_or(0, |param| param.value)
    }
}

/// The status that an ABCI answer stands for.
fn status(answer: &ResponseQuery) -> Status {
    let log = answer.log.as_str();
    let described = log
        .strip_prefix("rpc error: code = ")
        .and_then(|rest| rest.split_once(" desc = "));
    match (answer.code, described) {
        (22, Some((_, text))) => Status::new(
            Code::NotFound,
            text.strip_suffix(": key not found").unwrap_or(text),
        ),
        (18, Some((name, text))) => {
            let text = text.strip_suffix(": invalid request").unwrap_or(text);
            let code = match name {
                "InvalidArgument" => Code::InvalidArgument,
                _ => Code::Unknown,
            };
            Status::new(code, text)
        }
        (6, _) => Status::unimplemented("Not Implemented"),
        (26, _) => {
            let text = log.strip_suffix(": invalid height").unwrap_or(log);
            Status::unknown(format!("codespace sdk code 26: invalid height: {text}"))
        }
        (code, _) => Status::unknown(format!("codespace {} code {code}: {log}", answer.codespace)),
    }
}

fn decoded<M: Message + Default>(bytes: &Bytes) -> Result<M, Status> {
    M::decode(bytes.clone())
        .map_err(|e| Status::invalid_argument(format!("the request does not decode: {e}")))
}

fn encoded(message: &impl Message) -> Result<Bytes, Status> {
    Ok(message.encode_to_vec().into())
}

/// A message of this project's descriptors that no Rust type is generated for.
fn dynamic(name: &str) -> Result<DynamicMessage, Status> {
    let descriptor = race_proto::descriptor_pool().get_message_by_name(name);
    let missing = || Status::internal(format!("{name} is in no .proto file"));
    descriptor.map(DynamicMessage::new).ok_or_else(missing)
}

fn unavailable(error: RpcError) -> Status {
    Status::unavailable(format!("CometBFT does not answer: {error}"))
}

/// What CometBFT refuses is the caller's mistake; the rest is the node's.
pub(crate) fn refused(error: RpcError) -> Status {
    match error {
        RpcError::Refused { data, .. } => Status::unknown(data),
        error => unavailable(error),
    }
}

/// The answer of a method that is there.
async fn there(
    answer: impl Future<Output = Result<Bytes, Status>>,
) -> Option<Result<Bytes, Status>> {
    Some(answer.await)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: u32, log: &str) -> ResponseQuery {
        ResponseQuery {
            code,
            codespace: "sdk".into(),
            log: log.into(),
            ..ResponseQuery::default()
        }
    }

    #[test]
    fn what_is_served_is_in_a_proto_file() {
        let pool = race_proto::descriptor_pool();
        for (service, methods) in OWN {
            let described = pool.get_service_by_name(&service[1..]).unwrap();
            for method in *methods {
                assert!(
                    described.methods().any(|m| m.name() == *method),
                    "{service}/{method}"
                );
                assert!(serves(&format!("{service}/{method}")));
            }
        }
        assert!(!serves("/cosmos.tx.v1beta1.Service/TxEncodeAmino"));
    }

    #[test]
    fn abci_codes_become_the_statuses_that_clients_know() {
        let missing = status(&answer(
            22,
            "rpc error: code = NotFound desc = account A not found: key not found",
        ));
        assert_eq!(
            (missing.code(), missing.message()),
            (Code::NotFound, "account A not found")
        );
        let bad = status(&answer(
            18,
            "rpc error: code = InvalidArgument desc = Address cannot be empty: invalid request",
        ));
        assert_eq!(
            (bad.code(), bad.message()),
            (Code::InvalidArgument, "Address cannot be empty")
        );
        assert_eq!(
            status(&answer(6, "unknown query path")).code(),
            Code::Unimplemented
        );
        let future = status(&answer(
            26,
            "cannot query with height in the future; please provide a valid height: invalid height",
        ));
        assert_eq!(
            (future.code(), future.message()),
            (
                Code::Unknown,
                "codespace sdk code 26: invalid height: cannot query with height in the future; \
                 please provide a valid height"
            )
        );
    }
}
