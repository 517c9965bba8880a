//! The door of a listener: it lets connections in while there are places for them, and few of one
//! client. REST and gRPC have one each.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::places::{Bounds, Place, Places};

/// Connections of a listener at once. Who comes above it waits in the system's queue until one ends.
pub const CONNECTIONS: usize = 1_024;
/// How long to wait when no connection can be accepted, as when all file descriptors are in use.
const PAUSE: Duration = Duration::from_millis(200);

/// Who may come in.
#[derive(Debug)]
pub struct Door {
    /// For the log.
    name: &'static str,
    listener: TcpListener,
    free: Arc<Semaphore>,
    places: Arc<Places>,
}

/// A connection's place, free again when dropped.
#[derive(Debug)]
pub struct Admitted {
    _own: Place,
    _of_all: OwnedSemaphorePermit,
}

/// The bounds of a listener as it is configured.
#[must_use]
pub fn bounds(of_address: usize, proxies: &[IpAddr]) -> Bounds {
    Bounds {
        all: CONNECTIONS,
        of_address,
        proxies: proxies.to_vec(),
    }
}

impl Door {
    /// Of a listener.
    #[must_use]
    pub fn new(name: &'static str, listener: TcpListener, bounds: Bounds) -> Self {
        Self {
            name,
            listener,
            free: Arc::new(Semaphore::new(bounds.all)),
            places: Places::new(bounds),
        }
    }

    /// The next connection, once there is a place for it. One whose client has as many as it may is hung
    /// up on.
    pub async fn next(&self) -> (TcpStream, SocketAddr, Admitted) {
        let name = self.name;
        loop {
            // Nobody closes it.
            let Ok(of_all) = Arc::clone(&self.free).acquire_owned().await else {
                return std::future::pending().await;
            };
            match self.listener.accept().await {
                Ok((stream, address)) => match self.places.take(address.ip()) {
                    Some(own) => {
                        let admitted = Admitted {
                            _own: own,
                            _of_all: of_all,
                        };
                        return (stream, address, admitted);
                    }
                    None => tracing::debug!(%address, name, "too many connections of this address"),
                },
                Err(error) => {
                    tracing::warn!(%error, name, "a connection cannot be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpSocket;

    use super::*;

    async fn door(all: usize, of_address: usize, proxies: &[&str]) -> (Door, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let proxies = proxies.iter().map(|proxy| proxy.parse().unwrap());
        let bounds = Bounds {
            all,
            of_address,
            proxies: proxies.collect(),
        };
        (Door::new("test", listener, bounds), address)
    }

    /// A connection from another address of loopback.
    async fn from(source: [u8; 4], to: SocketAddr) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((source, 0))).unwrap();
        socket.connect(to).await.unwrap()
    }

    async fn is_hung_up_on(stream: &mut TcpStream) -> bool {
        matches!(stream.read(&mut [0]).await, Ok(0) | Err(_))
    }

    #[tokio::test]
    async fn a_client_with_all_its_connections_is_hung_up_on_and_another_gets_in() {
        let (door, address) = door(10, 2, &[]).await;
        let mut greedy = Vec::new();
        for _ in 0..3 {
            greedy.push(from([127, 0, 0, 2], address).await);
        }
        let other = from([127, 0, 0, 3], address).await;
        let (first, _second) = (door.next().await, door.next().await);
        // The third of the first client is not answered: the next is the other client's.
        let (_stream, next, _place) = door.next().await;
        assert_eq!(next, other.local_addr().unwrap());
        assert!(is_hung_up_on(&mut greedy[2]).await);
        // Once one ends there is a place again.
        drop(first);
        let again = from([127, 0, 0, 2], address).await;
        assert_eq!(door.next().await.1, again.local_addr().unwrap());
    }

    #[tokio::test]
    async fn a_proxy_has_as_many_connections_as_there_are() {
        let (door, address) = door(4, 1, &["127.0.0.2"]).await;
        let (mut clients, mut held) = (Vec::new(), Vec::new());
        for _ in 0..4 {
            clients.push(from([127, 0, 0, 2], address).await);
            held.push(door.next().await);
        }
        // The fifth waits for a place.
        let fifth = from([127, 0, 0, 2], address).await;
        assert!(futures::FutureExt::now_or_never(door.next()).is_none());
        held.pop();
        assert_eq!(door.next().await.1, fifth.local_addr().unwrap());
    }
}
