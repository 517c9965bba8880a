//! REST: the routes that the `.proto` files name (`google.api.http`), with the JSON of the SDK's LCD.
//! One layer for all of them: a method that gRPC serves and whose file names a route is served here.
//!
//! | file | what is in it |
//! |---|---|
//! | [`routes`] | the table of routes, and finding one |
//! | [`request`] | a request message out of path, query and body |
//! | [`limit`] | how many requests an address may make |
//! | [`body`] | how large a body is, and how slowly it may come |
//! | [`listen`] | the connections, and how long one may say nothing |
//! | [`openapi`], [`comments`] | `/openapi.json`, described by the comments of the `.proto` files |
//! | [`page`] | the explorer's page at `/`, its files in `/explorer/` |
//! | [`feed`], [`socket`] | what the page follows, `/explorer/live`: JSON, or a websocket |

// A `Status` is what every step returns; boxing it in between would help nobody.
#![allow(clippy::result_large_err)]

pub mod body;
pub mod comments;
pub mod feed;
pub mod limit;
pub mod listen;
pub mod openapi;
pub mod page;
pub mod request;
pub mod routes;
pub mod socket;

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, FromRequestParts as _, Request, State};
use axum::response::Response;
use axum::Router;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    CONTENT_TYPE, ORIGIN, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use prost::Message;
use prost_reflect::DynamicMessage;
use serde_json::json;
use tendermint_abci::Application;
use tokio::sync::Semaphore;
use tonic::{Code, Status};

use crate::config::Rest;
use crate::door::{self, Door};
use crate::latest::Latest;
use crate::places::{self, Places};
use crate::proto_json::tree;
use crate::unary::{height, Backend, HEIGHT_HEADER};
use body::Bodies;
use feed::Feed;
use limit::Limit;
use socket::Pace;

/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
/// Requests in progress.
const AT_ONCE: usize = 256;
/// The header by which an answer says which height was read.
const HEIGHT_ANSWER: &str = "grpc-metadata-x-cosmos-block-height";
/// What the explorer's page follows.
const LIVE: &str = "/explorer/live";
/// A block in short, for the page.
const BLOCKS: &str = "/explorer/blocks/";

/// Why REST stopped or did not start.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    /// The port is taken.
    #[error("cannot listen for REST on {address}: {source}; set [rest] listen to a free address")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// What every request needs.
struct Shared<A> {
    backend: Backend<A>,
    at_once: Semaphore,
    bodies: Bodies,
    limit: Mutex<Limit>,
    feed: Arc<Feed<A>>,
    sockets: Arc<Places>,
    pace: Pace,
}

/// Listens, then serves until `stop` resolves.
///
/// # Errors
/// See [`RestError`].
pub async fn serve<A: Application + Sync>(
    config: Rest,
    backend: Backend<A>,
    latest: Latest,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), RestError> {
    let listen = config.listen;
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .map_err(|source| RestError::Listen {
            address: listen,
            source,
        })?;
    tracing::info!(%listen, "REST is ready");
    let bounds = door::bounds(config.connections_per_address, &config.proxies);
    let door = Door::new("REST", listener, bounds);
    let router = router(backend, &config, latest);
    listen::serve(door, router, listen::Limits::default(), stop).await;
    Ok(())
}

/// The router alone.
pub fn router<A: Application + Sync>(backend: Backend<A>, config: &Rest, latest: Latest) -> Router {
    paced(backend, config, latest, Pace::default())
}

/// The same with sockets of this pace.
fn paced<A: Application + Sync>(
    backend: Backend<A>,
    config: &Rest,
    latest: Latest,
    pace: Pace,
) -> Router {
    let shared = Shared {
        feed: Feed::start(backend.clone(), latest),
        backend,
        at_once: Semaphore::new(AT_ONCE),
        bodies: Bodies::new(body::Limits::default()),
        limit: Mutex::new(Limit::new(config.per_second)),
        sockets: Places::new(socket::bounds(&config.proxies)),
        pace,
    };
    Router::new()
        .fallback(handle::<A>)
        .with_state(Arc::new(shared))
}

async fn handle<A: Application + Sync>(
    State(shared): State<Arc<Shared<A>>>,
    request: Request,
) -> Response {
    let from_page = request.headers().contains_key(ORIGIN);
    let mut response = match request.method() == Method::OPTIONS && from_page {
        true => preflight(),
        false => match tokio::time::timeout(REQUEST_LIMIT, answer(&shared, request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(refused)) => refused.response(),
            Err(_) => {
                Refused::from(Status::deadline_exceeded("the request took too long")).response()
            }
        },
    };
    if from_page {
        let any = HeaderValue::from_static("*");
        response
            .headers_mut()
            .insert(ACCESS_CONTROL_ALLOW_ORIGIN, any);
    }
    response
}

fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("Content-Type"),
    );
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, OPTIONS"),
    );
    response
}

async fn answer<A: Application + Sync>(
    shared: &Shared<A>,
    request: Request,
) -> Result<Response, Refused> {
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let address = address.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |from| from.0.ip());
    let admitted = {
        let mut limit = shared.limit.lock().unwrap_or_else(PoisonError::into_inner);
        limit.admits(places::client(address), Instant::now())
    };
    if !admitted {
        return Err(Status::resource_exhausted(
            "too many requests from this address; try again in a second",
        )
        .into());
    }
    let (mut parts, body) = request.into_parts();
    let route = routes::find(parts.method.as_str(), parts.uri.path());
    let body = match &route {
        Some((route, _)) if route.body => Some(shared.bodies.read(body).await?),
        _ => None,
    };
    let busy = |_| Status::unavailable("too many requests in progress; try again");
    let _place = shared.at_once.try_acquire().map_err(busy)?;

    if parts.method == Method::GET && parts.uri.path() == LIVE {
        return Ok(live(shared, &mut parts, address).await?);
    }
    let path = parts.uri.path();
    if parts.method == Method::GET {
        if path == "/openapi.json" {
            return Ok(json_response(openapi::document().clone()));
        }
        if let Some(file) = page::file(path, &parts.headers) {
            return Ok(file);
        }
        if let Some(which) = path.strip_prefix(BLOCKS) {
            let block = shared.feed.block(which).await;
            return Ok(json_response(block.unwrap_or_else(|| {
                Err(Status::invalid_argument("give a height or a hash"))
            })?));
        }
    }
    let (route, captured) = route.ok_or_else(|| Status::unimplemented("Not Implemented"))?;
    let query = parts.uri.query().unwrap_or_default();
    let bytes = body.as_ref().map_or(&[][..], |held| &held.bytes);
    let message = request::build(route, &captured, query, bytes)?;
    let asked = height_header(&parts.headers);
    let answer = shared
        .backend
        .call(
            &route.method_path,
            height(asked)?,
            message.encode_to_vec().into(),
        )
        .await?;
    let response = DynamicMessage::decode(route.method.output(), answer.value)
        .map_err(|error| Status::internal(error.to_string()))?;
    let text = serde_json::to_string(&tree(&response))
        .map_err(|error| Status::internal(error.to_string()))?;
    let mut response = json_response(text);
    response
        .headers_mut()
        .insert(HEIGHT_ANSWER, HeaderValue::from(answer.height));
    Ok(response)
}

/// The feed: to who asks for a socket as one, else its last blocks as JSON.
async fn live<A: Application + Sync>(
    shared: &Shared<A>,
    parts: &mut Parts,
    address: IpAddr,
) -> Result<Response, Status> {
    if !parts.headers.contains_key(UPGRADE) {
        let blocks = shared.feed.since(0).await?;
        return Ok(json_response(blocks.to_string()));
    }
    let upgrade = WebSocketUpgrade::from_request_parts(parts, &())
        .await
        .map_err(|rejection| Status::invalid_argument(rejection.body_text()))?;
    let place = shared.sockets.take(address).ok_or_else(|| {
        Status::resource_exhausted(format!("too many sockets; ask {LIVE} without one"))
    })?;
    Ok(socket::open(
        upgrade,
        Arc::clone(&shared.feed),
        place,
        shared.pace,
    ))
}

fn height_header(headers: &HeaderMap) -> Option<&str> {
    let named = headers
        .get(HEIGHT_HEADER)
        .or_else(|| headers.get(HEIGHT_ANSWER));
    named.map(|value| value.to_str().unwrap_or_default())
}

fn json_response(text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Why a request has no answer.
#[derive(Debug)]
pub struct Refused {
    http: StatusCode,
    status: Status,
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self {
            http: http_status(status.code()),
            status,
        }
    }
}

impl Refused {
    fn response(&self) -> Response {
        let code = self.status.code() as i32;
        let message = json!(self.status.message());
        // In the order of the gateway of Cosmos chains.
        let body = format!(r#"{{"code":{code},"message":{message},"details":[]}}"#);
        let mut response = json_response(body);
        *response.status_mut() = self.http;
        response
    }
}

/// The HTTP status that stands for a gRPC one.
fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
            StatusCode::BAD_REQUEST
        }
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::Cancelled | Code::Unknown | Code::Internal | Code::DataLoss => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

#[cfg(test)]
mod tests;
