//! Unary methods over gRPC without a generated server: bytes in, bytes out.

use std::convert::Infallible;
use std::future::{ready, Future};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body as RequestBody;
use bytes::{Buf, BufMut, Bytes};
use tendermint_abci::Application;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataValue;
use tonic::server::UnaryService;
use tonic::{Request, Response, Status};

use crate::unary::{height, Backend, HEIGHT_HEADER};

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
    backend: Backend<A>,
}

impl<A> Bridge<A> {
    /// A bridge to what answers.
    pub fn new(backend: Backend<A>) -> Self {
        Self { backend }
    }
}

impl<A> Clone for Bridge<A> {
    fn clone(&self) -> Self {
        Self {
            backend: self.backend.clone(),
        }
    }
}

struct Unary<A> {
    backend: Backend<A>,
    path: String,
}

impl<A: Application + Sync> UnaryService<Bytes> for Unary<A> {
    type Response = Bytes;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, Status>> + Send>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let (backend, path) = (self.backend.clone(), self.path.clone());
        let asked = request.metadata().get(HEIGHT_HEADER);
        let height = match height(asked.map(|text| text.to_str().unwrap_or_default())) {
            Ok(height) => height,
            Err(status) => return Box::pin(ready(Err(status))),
        };
        let data = request.into_inner();
        Box::pin(async move {
            let answer = backend.call(&path, height, data).await?;
            let mut response = Response::new(answer.value);
            let read_at = MetadataValue::from(answer.height);
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
            backend: self.backend.clone(),
            path: request.uri().path().to_owned(),
        };
        Box::pin(async move {
            Ok(tonic::server::Grpc::new(RawCodec)
                .unary(unary, request)
                .await)
        })
    }
}
