//! Clients over real sockets that take their time, and those that wait for them.

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::*;
use crate::places::Bounds;

const SHORT: Duration = Duration::from_millis(300);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<()>,
}

async fn start(connections: usize, headers_within: Duration) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = |ConnectInfo(from): ConnectInfo<SocketAddr>| async move { from.to_string() };
    let router = Router::new().route("/", get(answer));
    let door = Door::new(
        "REST",
        listener,
        Bounds {
            all: connections,
            of_address: 0,
            proxies: Vec::new(),
        },
    );
    let limits = Limits {
        headers_within,
        end_within: SHORT,
    };
    let (stop, stopped) = oneshot::channel();
    let done = tokio::spawn(serve(door, router, limits, async move {
        drop(stopped.await);
    }));
    Server {
        address,
        stop,
        done,
    }
}

/// What a connection hears when these bytes are all that it says.
async fn heard(address: SocketAddr, said: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(said).await.unwrap();
    let mut text = String::new();
    // The server may hang up with bytes of ours unread.
    drop(stream.read_to_string(&mut text).await);
    text
}

#[tokio::test]
async fn who_does_not_end_the_headers_is_hung_up_on() {
    let server = start(10, SHORT).await;
    for said in [&b""[..], b"GET / HT", b"GET / HTTP/1.1\r\nhost: a\r\n"] {
        let text = heard(server.address, said).await;
        assert!(!text.contains("200 OK"), "{text}");
    }
}

#[tokio::test]
async fn who_drips_headers_is_hung_up_on_although_something_comes() {
    let server = start(10, SHORT).await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let dripping = tokio::spawn(async move {
        writing.write_all(b"GET / HTTP/1.1\r\n").await?;
        loop {
            writing.write_all(b"x: y\r\n").await?;
            tokio::time::sleep(SHORT / 6).await;
        }
        #[allow(unreachable_code)]
        Ok::<_, std::io::Error>(())
    });
    let mut text = String::new();
    drop(reading.read_to_string(&mut text).await);
    assert!(!text.contains("200 OK"), "{text}");
    dripping.abort();
}

#[tokio::test]
async fn idle_connections_give_their_place_to_those_who_wait() {
    let server = start(3, SHORT).await;
    let mut idle = Vec::new();
    for _ in 0..3 {
        idle.push(TcpStream::connect(server.address).await.unwrap());
    }
    let text = heard(server.address, REQUEST).await;
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
}

#[tokio::test]
async fn hundreds_of_idle_connections_do_not_keep_others_from_an_answer() {
    let server = start(2_000, Duration::from_secs(600)).await;
    let mut idle = Vec::new();
    for _ in 0..400 {
        idle.push(TcpStream::connect(server.address).await.unwrap());
    }
    let text = heard(server.address, REQUEST).await;
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    // The handler knows who asks.
    assert!(text.contains("127.0.0.1:"), "{text}");
}

#[tokio::test]
async fn idle_connections_do_not_keep_the_server_from_stopping() {
    let server = start(10, Duration::from_secs(600)).await;
    let _idle = TcpStream::connect(server.address).await.unwrap();
    let _half = {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        stream
    };
    heard(server.address, REQUEST).await;
    server.stop.send(()).unwrap();
    server.done.await.unwrap();
}
