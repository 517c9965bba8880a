//! The explorer's page live: a websocket that is told of each block. It is bounded in every way: how many
//! sockets there are, how long one may be silent, how far behind it may be. Who is refused or dropped asks
//! for the same JSON without a socket.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use tendermint_abci::Application;
use tokio::time::{interval, timeout};

use super::feed::Feed;
use crate::places::{Bounds, Place};

/// Sockets in all.
const SOCKETS: usize = 256;
/// Sockets of one address that is no proxy's.
const SOCKETS_OF_ADDRESS: usize = 16;
/// Largest message that is read: nothing is to be said.
const MAX_MESSAGE_BYTES: usize = 1024;

/// How long a socket may take for what.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two pings.
    pub ping_every: Duration,
    /// A socket that did not answer for so long is closed at the next ping.
    pub silence: Duration,
    /// How long one message may take to leave.
    pub send_within: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            ping_every: Duration::from_secs(20),
            silence: Duration::from_secs(60),
            send_within: Duration::from_secs(10),
        }
    }
}

/// How many sockets there are.
pub fn bounds(proxies: &[IpAddr]) -> Bounds {
    Bounds {
        all: SOCKETS,
        of_address: SOCKETS_OF_ADDRESS,
        proxies: proxies.to_vec(),
    }
}

/// Answers the request for a socket and serves it.
pub fn open<A: Application + Sync>(
    upgrade: WebSocketUpgrade,
    feed: Arc<Feed<A>>,
    place: Place,
    pace: Pace,
) -> Response {
    upgrade
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .on_upgrade(move |socket| async move {
            serve(socket, &feed, pace).await;
            drop(place);
        })
}

/// Tells of blocks until the other side closes, says something, is silent or too slow.
async fn serve<A: Application + Sync>(mut socket: WebSocket, feed: &Feed<A>, pace: Pace) {
    let mut news = feed.listen();
    let Ok(first) = feed.since(0).await else {
        return;
    };
    let mut next = Some(Message::Text(first));
    let mut ping = interval(pace.ping_every);
    let mut heard = Instant::now();
    loop {
        if let Some(message) = next.take() {
            if !matches!(
                timeout(pace.send_within, socket.send(message)).await,
                Ok(Ok(()))
            ) {
                return;
            }
        }
        tokio::select! {
            told = news.recv() => match told {
                Ok(text) => next = Some(Message::Text(text)),
                // Too far behind; it begins afresh with a new socket.
                Err(_) => return,
            },
            said = socket.recv() => match said {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => heard = Instant::now(),
                _ => return,
            },
            _ = ping.tick() => {
                if heard.elapsed() > pace.silence {
                    return;
                }
                next = Some(Message::Ping(bytes::Bytes::new()));
            }
        }
    }
}
