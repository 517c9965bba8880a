//! gRPC: queries of the state machine, transactions, inference, reflection and health.

// A `Status` is what tonic's handlers return; boxing it in between would help nobody.
#![allow(clippy::result_large_err)]

pub mod bridge;
mod listen;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use race_proto::race::inference::v1::inference_server::{Inference, InferenceServer};
use tendermint_abci::Application;
use tonic::service::Routes;
use tonic::transport::Server;

use crate::config::Grpc;
use crate::door::{self, Door};
use crate::unary::Backend;

/// Largest request or response, bytes: above the largest transaction, below what hurts.
const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// How often a silent client is asked whether it is there, and how long it may take to answer.
const KEEPALIVE: Duration = Duration::from_secs(20);
/// Calls in progress on one connection.
const STREAMS_PER_CONNECTION: usize = 64;

/// What a gRPC server needs.
pub struct Services<A, I> {
    /// The unary methods.
    pub backend: Backend<A>,
    /// Inference.
    pub inference: I,
}

/// Why gRPC stopped or did not start.
#[derive(Debug, thiserror::Error)]
pub enum GrpcError {
    /// The port is taken.
    #[error("cannot listen for gRPC on {address}: {source}; set [grpc] listen to a free address")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Serving failed.
    #[error("gRPC failed: {0}")]
    Serve(#[from] tonic::transport::Error),
    /// The descriptors are damaged: a defect.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Listens, then serves until `stop` resolves.
///
/// # Errors
/// See [`GrpcError`].
pub async fn serve<A, I>(
    config: Grpc,
    services: Services<A, I>,
    stop: impl Future<Output = ()>,
) -> Result<(), GrpcError>
where
    A: Application + Sync,
    I: Inference,
{
    let listen = config.listen;
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .map_err(|source| GrpcError::Listen {
            address: listen,
            source,
        })?;
    let reflect = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(race_proto::FILE_DESCRIPTOR_SET)
    };
    let (health, health_service) = tonic_health::server::health_reporter();
    health
        .set_service_status("", tonic_health::ServingStatus::Serving)
        .await;
    let inference = InferenceServer::new(services.inference)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let router = Routes::new(inference)
        .add_service(health_service)
        .add_service(reflect().build_v1()?)
        .add_service(reflect().build_v1alpha()?)
        .into_axum_router()
        .fallback_service(bridge::Bridge::new(services.backend));
    tracing::info!(%listen, "gRPC is ready");
    let bounds = door::bounds(config.connections_per_address, &config.proxies);
    let incoming = listen::incoming(Door::new("gRPC", listener, bounds), KEEPALIVE);
    Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE))
        .concurrency_limit_per_connection(STREAMS_PER_CONNECTION)
        .max_concurrent_streams(u32::try_from(STREAMS_PER_CONNECTION).ok())
        .add_routes(Routes::from(router))
        .serve_with_incoming_shutdown(incoming, stop)
        .await?;
    Ok(())
}
