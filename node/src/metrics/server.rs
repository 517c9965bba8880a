//! The listener for those who watch a node: `/metrics`, `/healthz`, `/readyz`. Whoever reaches it may
//! read everything, so it listens on loopback unless told otherwise.

use std::future::Future;
use std::net::SocketAddr;

use axum::extract::State;
use axum::http::{header, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;

use super::health::Health;

/// The format of [`Metrics::text`](super::Metrics::text).
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The port is taken, or the address is not this machine's.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for metrics on {address}: {source}; set [metrics] listen to a free address, or enabled = false")]
pub struct ListenError {
    address: SocketAddr,
    source: std::io::Error,
}

/// Listens, so that a taken port is an error of the start.
///
/// # Errors
/// See [`ListenError`].
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    let listening = TcpListener::bind(address).await;
    listening.map_err(|source| ListenError { address, source })
}

/// Serves until `stop` resolves.
pub async fn serve(
    listener: TcpListener,
    health: Health,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(health);
    let served = axum::serve(listener, router).with_graceful_shutdown(stop);
    if let Err(error) = served.await {
        tracing::error!(%error, "metrics are no longer served");
    }
}

async fn metrics(State(health): State<Health>) -> Response {
    let kind = [(header::CONTENT_TYPE, OPEN_METRICS)];
    (kind, health.metrics.text()).into_response()
}

async fn healthz(State(health): State<Health>) -> Response {
    match health.is_alive() {
        Ok(()) => "ok\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

async fn readyz(State(health): State<Health>) -> Response {
    match tokio::task::spawn_blocking(move || health.readiness()).await {
        Ok(readiness) if readiness.ready => Json(readiness).into_response(),
        Ok(readiness) => (StatusCode::SERVICE_UNAVAILABLE, Json(readiness)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
