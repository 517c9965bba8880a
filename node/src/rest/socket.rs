//! The explorer's page live: a websocket that is told of each block. It is bounded in every way: how many
//! sockets there are, how long one may be silent, how far behind it may be. Who is refused or dropped asks
//! for the same JSON without a socket.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use tendermint_abci::Application;
use tokio::time::{interval, timeout};

use super::feed::Feed;

/// Sockets in all.
const SOCKETS: usize = 256;
/// Sockets of one address; a proxy on this machine stands for many and has no such bound.
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

/// Who has a socket.
#[derive(Debug, Default)]
pub struct Places(Mutex<BTreeMap<IpAddr, usize>>);

/// A place; free again when dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    /// A place for an address, unless it or all have as many as they may.
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(&address).copied().unwrap_or(0);
        let full = taken.values().sum::<usize>() >= SOCKETS;
        if full || (own >= SOCKETS_OF_ADDRESS && !address.is_loopback()) {
            return None;
        }
        taken.insert(address, own.saturating_add(1));
        Some(Place {
            places: Arc::clone(self),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.address) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.remove(&self.address);
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_few_sockets_a_proxy_more_and_all_together_have_a_bound() {
        let places = Arc::new(Places::default());
        let far = IpAddr::from([10, 0, 0, 1]);
        let mut held: Vec<Place> = (0..SOCKETS_OF_ADDRESS)
            .map(|_| places.take(far).unwrap())
            .collect();
        assert!(places.take(far).is_none());
        held.pop();
        held.push(places.take(far).unwrap());
        let proxy = IpAddr::from([127, 0, 0, 1]);
        while let Some(place) = places.take(proxy) {
            held.push(place);
        }
        assert_eq!(held.len(), SOCKETS);
        drop(held);
        assert!(places.take(far).is_some());
    }
}
