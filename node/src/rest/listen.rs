//! The connections of REST, and how long one may take to say what it wants. HTTP/1.1, as REST of other
//! Cosmos chains.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::response::Response;
use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::Service as _;

use crate::door::Door;

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a client may take for a request's headers, from the connection or the last answer on.
    pub headers_within: Duration,
    /// How long what is in progress may take once the server stops.
    pub end_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            headers_within: Duration::from_secs(15),
            end_within: Duration::from_secs(5),
        }
    }
}

/// Serves until `stop` resolves, then ends what is in progress.
pub async fn serve(door: Door, router: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let (stopping, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let next = tokio::select! {
            () = &mut stop => break,
            next = door.next() => next,
        };
        while connections.try_join_next().is_some() {}
        let (stream, address, place) = next;
        let served = connection(stream, address, router.clone(), limits, stopped.clone());
        connections.spawn(async move {
            served.await;
            drop(place);
        });
    }
    drop(door);
    stopping.send_replace(true);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.end_within, ended)
        .await
        .is_err()
    {
        connections.shutdown().await;
    }
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    router: Router,
    limits: Limits,
    mut stopped: watch::Receiver<bool>,
) {
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(address));
        let answer = router.clone().call(request);
        async move { answer.await as Result<Response, Infallible> }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.headers_within);
    let served = http.serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served.with_upgrades());
    let stop = async move { drop(stopped.wait_for(|stopped| *stopped).await) };
    let outcome = tokio::select! {
        outcome = served.as_mut() => outcome,
        () = stop => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%address, %error, "a connection of REST ended early");
    }
}

#[cfg(test)]
mod tests;
