//! The connections of gRPC: who does not say within a while that it speaks HTTP/2 is hung up on. From then
//! on the server asks silent clients whether they are there.

use std::io;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// How many bytes an HTTP/2 connection begins with, always the same.
const PREFACE_BYTES: usize = 24;
/// How long to wait before looking again for the rest of them.
const PAUSE: Duration = Duration::from_millis(50);

/// The connections that have begun to speak within `limit`.
pub fn incoming(listener: TcpListener, limit: Duration) -> ReceiverStream<io::Result<TcpStream>> {
    let (ready, begun) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            let accepted = tokio::select! {
                () = ready.closed() => return,
                accepted = listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                // As when all file descriptors are in use.
                Err(error) => {
                    tracing::warn!(%error, "gRPC cannot accept a connection");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let ready = ready.clone();
            tokio::spawn(async move {
                if let Ok(Ok(())) = tokio::time::timeout(limit, speaks(&stream)).await {
                    drop(ready.send(Ok(stream)).await);
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

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn who_says_nothing_or_too_little_is_hung_up_on_and_others_are_let_in() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut incoming = incoming(listener, Duration::from_millis(300));
        let mut silent = TcpStream::connect(address).await.unwrap();
        let mut halting = TcpStream::connect(address).await.unwrap();
        halting.write_all(b"PRI * HT").await.unwrap();
        let mut prompt = TcpStream::connect(address).await.unwrap();
        prompt
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .await
            .unwrap();
        let let_in = incoming.next().await.unwrap().unwrap();
        assert_eq!(let_in.peer_addr().unwrap(), prompt.local_addr().unwrap());
        for client in [&mut silent, &mut halting] {
            let mut heard = Vec::new();
            // The end, or a reset when bytes were left unread.
            drop(client.read_to_end(&mut heard).await);
            assert!(heard.is_empty());
        }
    }
}
