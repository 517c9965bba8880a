//! Bodies that come slowly, over real sockets, and bodies that are much together.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use axum::Router;
use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::door::Door;
use crate::places::Bounds;
use crate::rest::listen;

const LONG: Duration = Duration::from_secs(600);
const POST: &[u8] = b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n";

fn limits(part_within: Duration) -> Limits {
    Limits {
        bytes: 100,
        bytes_of_all: 150,
        part: 10,
        part_within,
    }
}

async fn length(State(bodies): State<Arc<Bodies>>, request: Request) -> Response {
    match bodies.read(request.into_body()).await {
        Ok(held) => Response::new(Body::from(held.bytes.len().to_string())),
        Err(refused) => refused.response(),
    }
}

/// A server that answers with how long a body is.
async fn start(limits: Limits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bounds = Bounds {
        all: 1_000,
        of_address: 0,
        proxies: Vec::new(),
    };
    let door = Door::new("REST", listener, bounds);
    let bodies = Arc::new(Bodies::new(limits));
    let router = Router::new().fallback(length).with_state(bodies);
    tokio::spawn(listen::serve(
        door,
        router,
        listen::Limits::default(),
        pending(),
    ));
    address
}

/// Says that `length` bytes will come, and these as the first of them.
async fn post(address: SocketAddr, length: usize, first: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = format!("content-length: {length}\r\n\r\n");
    let said = [POST, length.as_bytes(), first].concat();
    stream.write_all(&said).await.unwrap();
    stream
}

async fn answer(mut stream: TcpStream) -> String {
    let mut text = String::new();
    // The server may hang up with bytes of ours unread.
    drop(stream.read_to_string(&mut text).await);
    text
}

#[tokio::test]
async fn hundreds_of_bodies_that_do_not_end_keep_no_other_from_being_read() {
    let address = start(limits(LONG)).await;
    let _dripping = join_all((0..300).map(|_| post(address, 100, b""))).await;
    let text = answer(post(address, 5, b"whole").await).await;
    assert!(
        text.starts_with("HTTP/1.1 200 OK") && text.ends_with('5'),
        "{text}"
    );
}

#[tokio::test]
async fn who_drips_a_body_is_told_and_hung_up_on_although_something_comes() {
    let within = Duration::from_millis(300);
    let address = start(limits(within)).await;
    let (mut reading, mut writing) = post(address, 100, b"").await.into_split();
    let dripping = tokio::spawn(async move {
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(within / 6).await;
        }
    });
    let mut text = String::new();
    drop(reading.read_to_string(&mut text).await);
    assert!(text.starts_with("HTTP/1.1 408"), "{text}");
    assert!(text.contains("too slowly: 10 bytes"), "{text}");
    dripping.abort();
}

#[test]
fn a_whole_part_gives_time_for_the_next_and_less_gives_none() {
    let limits = limits(Duration::from_secs(5));
    let start = Instant::now();
    let second = |seconds| start + Duration::from_secs(seconds);
    let mut pace = Pace::new(limits, start);
    pace.has(9, second(4));
    assert_eq!(pace.due, second(5));
    pace.has(10, second(4));
    assert_eq!(pace.due, second(9));
    pace.has(19, second(8));
    assert_eq!(pace.due, second(9));
    pace.has(90, second(9));
    assert_eq!((pace.due, pace.awaited), (second(14), 100));
}

#[tokio::test]
async fn bodies_have_a_bound_each_and_all_together_until_they_are_no_longer_held() {
    let bodies = Bodies::new(limits(LONG));
    let read = |bytes: usize| bodies.read(Body::from(vec![7; bytes]));
    let refused = read(101).await.unwrap_err();
    assert_eq!(refused.http, StatusCode::PAYLOAD_TOO_LARGE);
    let held = read(100).await.unwrap();
    let refused = read(51).await.unwrap_err();
    assert_eq!(refused.http, StatusCode::SERVICE_UNAVAILABLE);
    let _other = read(50).await.unwrap();
    drop(held);
    read(100).await.unwrap();
}
