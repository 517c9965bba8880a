//! What lies between the nodes: a proxy for each pair of CometBFTs, which can be cut or stalled and healed.
//! No privileges are needed.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What a link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Everything passes.
    Open,
    /// Nothing passes, and nobody is told: as when packets are lost.
    Stalled,
    /// Connections are closed, and new ones too.
    Cut,
}

/// The proxy between two nodes, of which the first dials.
struct Proxy {
    between: (usize, usize),
    port: u16,
    state: watch::Sender<Link>,
}

/// All proxies of a network. They end with it.
pub struct Links(Vec<Proxy>);

impl Links {
    /// One for each pair of nodes that listen at these ports.
    pub async fn between(ports: &[u16]) -> Self {
        let mut proxies = Vec::new();
        for (listens, port) in ports.iter().enumerate() {
            for dials in 0..listens {
                let to = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
                proxies.push(Proxy::new((dials, listens), to).await);
            }
        }
        Self(proxies)
    }

    /// Where node `dials` finds others: their number, and the port.
    pub fn dialled_by(&self, dials: usize) -> impl Iterator<Item = (usize, u16)> + '_ {
        let of = self.0.iter().filter(move |p| p.between.0 == dials);
        of.map(|proxy| (proxy.between.1, proxy.port))
    }

    /// Puts those links into a state whose two ends are told apart by `apart`.
    pub fn set(&self, state: Link, apart: impl Fn(usize) -> bool) {
        let across = |p: &&Proxy| apart(p.between.0) != apart(p.between.1);
        for proxy in self.0.iter().filter(across) {
            proxy.state.send_replace(state);
        }
    }

    /// Opens all.
    pub fn heal(&self) {
        for proxy in &self.0 {
            proxy.state.send_replace(Link::Open);
        }
    }
}

impl Proxy {
    async fn new(between: (usize, usize), to: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (state, seen) = watch::channel(Link::Open);
        tokio::spawn(accept(listener, to, seen));
        Self {
            between,
            port,
            state,
        }
    }
}

async fn accept(listener: TcpListener, to: SocketAddr, mut state: watch::Receiver<Link>) {
    loop {
        let dialled = tokio::select! {
            dialled = listener.accept() => dialled,
            // The network is gone.
            gone = state.changed() => match gone {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        let Ok((dialling, _)) = dialled else { continue };
        if *state.borrow() == Link::Cut {
            continue; // dropped, so closed
        }
        let state = state.clone();
        tokio::spawn(async move {
            if let Ok(listening) = TcpStream::connect(to).await {
                let ((from_a, to_a), (from_b, to_b)) =
                    (dialling.into_split(), listening.into_split());
                // One direction that ends closes both.
                tokio::select! {
                    () = pump(from_a, to_b, state.clone()) => {}
                    () = pump(from_b, to_a, state.clone()) => {}
                    () = until_cut(state) => {}
                }
            }
        });
    }
}

async fn until_cut(mut state: watch::Receiver<Link>) {
    // An error: the network is gone, which ends the connection as well.
    let _ = state.wait_for(|state| *state == Link::Cut).await;
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<Link>) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        let passes = state
            .wait_for(|state| *state != Link::Stalled)
            .await
            .is_ok();
        if !passes || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
