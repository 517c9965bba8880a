//! The connections of gRPC: who does not say within a while that it speaks HTTP/2 is hung up on. From then
//! on the server asks silent clients whether they are there.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use crate::door::{Admitted, Door};

/// How many bytes an HTTP/2 connection begins with, always the same.
const PREFACE_BYTES: usize = 24;
/// How long to wait before looking again for the rest of them.
const PAUSE: Duration = Duration::from_millis(50);

/// A connection with its place.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    _place: Admitted,
}

/// The connections that have begun to speak within `limit`.
pub fn incoming(door: Door, limit: Duration) -> ReceiverStream<io::Result<Connection>> {
    let (ready, begun) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            let (stream, _, place) = tokio::select! {
                () = ready.closed() => return,
                next = door.next() => next,
            };
            let ready = ready.clone();
            tokio::spawn(async move {
                if let Ok(Ok(())) = tokio::time::timeout(limit, speaks(&stream)).await {
                    let connection = Connection {
                        stream,
                        _place: place,
                    };
                    drop(ready.send(Ok(connection)).await);
                }
            });
        }
    });
    ReceiverStream::new(begun)
}

/// Waits until the first bytes are there, and leaves them there.
async fn speaks(stream: &TcpStream) -> io::Result<()> {
    let mut preface = [0; PREFACE_BYTES];
    loop {
        match stream.peek(&mut preface).await? {
            PREFACE_BYTES => return Ok(()),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = <TcpStream as Connected>::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::places::Bounds;

    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    async fn door(of_address: usize) -> (Door, std::net::SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let bounds = Bounds {
            all: 10,
            of_address,
            proxies: Vec::new(),
        };
        (Door::new("gRPC", listener, bounds), address)
    }

    #[tokio::test]
    async fn a_connection_keeps_its_place_until_it_ends() {
        let (door, address) = door(1).await;
        let mut incoming = incoming(door, Duration::from_secs(600));
        let mut first = TcpStream::connect(address).await.unwrap();
        first.write_all(PREFACE).await.unwrap();
        let served = incoming.next().await.unwrap().unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        let mut heard = Vec::new();
        drop(second.read_to_end(&mut heard).await);
        assert!(heard.is_empty());
        drop(served);
        let mut third = TcpStream::connect(address).await.unwrap();
        third.write_all(PREFACE).await.unwrap();
        let served = incoming.next().await.unwrap().unwrap();
        assert_eq!(served.connect_info().remote_addr(), third.local_addr().ok());
    }

    #[tokio::test]
    async fn who_says_nothing_or_too_little_is_hung_up_on_and_others_are_let_in() {
        let (door, address) = door(0).await;
        let mut incoming = incoming(door, Duration::from_millis(300));
        let mut silent = TcpStream::connect(address).await.unwrap();
        let mut halting = TcpStream::connect(address).await.unwrap();
        halting.write_all(b"PRI * HT").await.unwrap();
        let mut prompt = TcpStream::connect(address).await.unwrap();
        prompt.write_all(PREFACE).await.unwrap();
        let let_in = incoming.next().await.unwrap().unwrap();
        assert_eq!(
            let_in.connect_info().remote_addr(),
            prompt.local_addr().ok()
        );
        for client in [&mut silent, &mut halting] {
            let mut heard = Vec::new();
            // The end, or a reset when bytes were left unread.
            drop(client.read_to_end(&mut heard).await);
            assert!(heard.is_empty());
        }
    }
}
