//! Every query path of the state machine as a gRPC method: bytes in, bytes out. A query that the
//! state machine learns is served here without another line.

use std::convert::Infallible;
use std::future::{ready, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body as RequestBody;
use bytes::{Buf, BufMut, Bytes};
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{RequestQuery, ResponseQuery};
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataValue;
use tonic::server::UnaryService;
use tonic::{Code, Request, Response, Status};

/// The header by which Cosmos clients name the height to read, and learn which was read.
pub const HEIGHT_HEADER: &str = "x-cosmos-block-height";

/// What a codec of undecoded bytes needs.
#[derive(Debug, Clone, Copy, Default)]
pub struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

/// The bridge: a tower service for any method path.
pub struct Bridge<A> {
    app: Arc<A>,
}

impl<A> Bridge<A> {
    /// A bridge to a state machine.
    pub fn new(app: Arc<A>) -> Self {
        Self { app }
    }
}

impl<A> Clone for Bridge<A> {
    fn clone(&self) -> Self {
        Self {
            app: Arc::clone(&self.app),
        }
    }
}

struct Unary<A> {
    app: Arc<A>,
    path: String,
}

/// The status that an ABCI answer stands for (`sdk-facts`, *ABCI query*).
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
            let code = if name == "InvalidArgument" {
                Code::InvalidArgument
            } else {
                Code::Unknown
            };
            Status::new(code, text)
        }
        (6, _) => Status::unimplemented(log),
        (code, _) => Status::unknown(format!("codespace {} code {code}: {log}", answer.codespace)),
    }
}

impl<A: Application + Sync> UnaryService<Bytes> for Unary<A> {
    type Response = Bytes;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, Status>> + Send>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let (app, path) = (Arc::clone(&self.app), self.path.clone());
        let height = match request.metadata().get(HEIGHT_HEADER) {
            None => 0,
            Some(text) => match text
                .to_str()
                .ok()
                .and_then(|t| t.parse::<i64>().ok())
                .filter(|h| *h >= 0)
            {
                Some(height) => height,
                None => {
                    let text = "codespace sdk code 18: invalid request: height must be a whole number, not negative";
                    return Box::pin(ready(Err(Status::unknown(text))));
                }
            },
        };
        let data = request.into_inner();
        Box::pin(async move {
            // State is read from disk: not on the threads that serve connections.
            let answer = tokio::task::spawn_blocking(move || {
                app.query(RequestQuery {
                    data,
                    path,
                    height,
                    prove: false,
                })
            })
            .await
            .map_err(|_| Status::internal("the query failed; the node's log says why"))?;
            if answer.code != 0 {
                return Err(status(&answer));
            }
            let read_at = MetadataValue::from(answer.height.max(0).unsigned_abs());
            let mut response = Response::new(answer.value);
            response.metadata_mut().insert(HEIGHT_HEADER, read_at);
            Ok(response)
        })
    }
}

impl<A: Application + Sync> tower::Service<http::Request<RequestBody>> for Bridge<A> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<RequestBody>) -> Self::Future {
        let unary = Unary {
            app: Arc::clone(&self.app),
            path: request.uri().path().to_owned(),
        };
        Box::pin(async move {
            Ok(tonic::server::Grpc::new(RawCodec)
                .unary(unary, request)
                .await)
        })
    }
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
        assert_eq!(status(&answer(26, "in the future")).code(), Code::Unknown);
    }
}
