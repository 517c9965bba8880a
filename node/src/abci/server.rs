//! Listening, connections, and an orderly end.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{response, Request};

use super::codec::{self, Reader};
use super::dispatch::dispatch;
use super::CodecError;

/// How often a listener looks whether it should stop.
const ACCEPT_EVERY: Duration = Duration::from_millis(10);

/// Answers are written at the latest when so many bytes wait.
const WRITE_AT_BYTES: usize = 256 << 10;

/// Where the server listens: `unix:///path/to/socket` or `tcp://127.0.0.1:26658`, as in
/// CometBFT's `proxy_app`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket, only for the user that runs the node.
    Unix(PathBuf),
    /// TCP; port 0 takes a free one. ABCI has no authentication: listen on a private address.
    Tcp(SocketAddr),
}

impl FromStr for Address {
    type Err = ServerError;

    fn from_str(text: &str) -> Result<Self, ServerError> {
        let wrong = || ServerError::Address(text.to_string());
        match text.split_once("://") {
            Some(("unix", path)) if !path.is_empty() => Ok(Self::Unix(path.into())),
            Some(("tcp", address)) => Ok(Self::Tcp(address.parse().map_err(|_| wrong())?)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(out, "unix://{}", path.display()),
            Self::Tcp(address) => write!(out, "tcp://{address}"),
        }
    }
}

/// Limits of the server.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The largest request, bytes. PrepareProposal and FinalizeBlock carry a whole mempool or
    /// block and a vote extension for each validator in one message.
    pub max_message_bytes: usize,
}

impl Default for Options {
    /// 256 MiB.
    fn default() -> Self {
        Self {
            max_message_bytes: 256 << 20,
        }
    }
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Not an address.
    #[error("{0:?} is no ABCI address: expected unix:///path/to/socket or tcp://IP:PORT")]
    Address(String),
    /// Somebody listens there already, or the path is taken by something else.
    #[error("{0} is in use; stop the other process or choose another address")]
    InUse(Address),
    /// The system refuses to listen there.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: Address,
        /// What the system said.
        source: io::Error,
    },
}

enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// A connection of either kind.
enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Listener {
    fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(false)?;
                Ok(Stream::Unix(stream))
            }
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(false)?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
        }
    }
}

impl Stream {
    fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
        })
    }

    fn shut_down(&self) {
        // It fails only if the peer was faster.
        let _ = match self {
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A server that listens but does not answer yet.
pub struct Server<A> {
    app: A,
    listener: Listener,
    address: Address,
    options: Options,
}

impl<A: Application> Server<A> {
    /// Listens on `address`. A socket file that nobody listens on any more is replaced.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn bind(address: Address, app: A, options: Options) -> Result<Self, ServerError> {
        let listen = |source| ServerError::Listen {
            address: address.clone(),
            source,
        };
        let (listener, address) = match &address {
            Address::Unix(path) => {
                clear_stale_socket(path).map_err(|()| ServerError::InUse(address.clone()))?;
                let listener = UnixListener::bind(path).map_err(listen)?;
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
                    .map_err(listen)?;
                listener.set_nonblocking(true).map_err(listen)?;
                (Listener::Unix(listener), address)
            }
            Address::Tcp(socket) => {
                let listener = TcpListener::bind(socket).map_err(|source| match source.kind() {
                    io::ErrorKind::AddrInUse => ServerError::InUse(address.clone()),
                    _ => listen(source),
                })?;
                listener.set_nonblocking(true).map_err(listen)?;
                let local = listener.local_addr().map_err(listen)?;
                (Listener::Tcp(listener), Address::Tcp(local))
            }
        };
        Ok(Self {
            app,
            listener,
            address,
            options,
        })
    }

    /// Where it listens; for TCP with the port taken.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Starts to answer, one thread for each connection.
    pub fn start(self) -> Handle {
        let shared = Arc::new(Shared::default());
        let address = self.address.clone();
        let (running, over) = channel::<()>();
        thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                let _running = running;
                self.accept_until_stopped(&shared);
            }
        });
        Handle {
            address,
            shared,
            over: Some(over),
        }
    }

    fn accept_until_stopped(self, shared: &Arc<Shared>) {
        tracing::info!(address = %self.address, "ABCI server listens");
        let mut workers: Vec<JoinHandle<()>> = Vec::new();
        for id in 0u64.. {
            let stream = loop {
                if shared.stopping.load(Ordering::SeqCst) {
                    drop(self.listener);
                    shared.close_all();
                    for worker in workers {
                        // A worker that panicked has said so; there is nothing left to wait for.
                        let _ = worker.join();
                    }
                    if let Address::Unix(path) = &self.address {
                        let _ = std::fs::remove_file(path);
                    }
                    return;
                }
                match self.listener.accept() {
                    Ok(stream) => break stream,
                    Err(error) => {
                        if error.kind() != io::ErrorKind::WouldBlock {
                            tracing::warn!(%error, "an ABCI connection was not accepted");
                        }
                        thread::sleep(ACCEPT_EVERY);
                    }
                }
            };
            workers.retain(|worker| !worker.is_finished());
            let Ok(closer) = stream.try_clone() else {
                continue;
            };
            shared.connections().insert(id, closer);
            let (app, options, shared) = (self.app.clone(), self.options, Arc::clone(shared));
            workers.push(thread::spawn(move || {
                match serve(&app, &stream, options) {
                    Ok(()) => tracing::info!(connection = id, "ABCI connection closed"),
                    Err(_) if shared.stopping.load(Ordering::SeqCst) => {}
                    Err(error) => {
                        tracing::error!(connection = id, %error, "ABCI connection given up")
                    }
                }
                stream.shut_down();
                shared.connections().remove(&id);
            }));
        }
    }
}

/// Answers the requests of one connection, in order, until the peer closes it.
fn serve<A: Application>(app: &A, stream: &Stream, options: Options) -> Result<(), CodecError> {
    let mut requests = Reader::new(stream.try_clone()?, options.max_message_bytes);
    let mut output = stream.try_clone()?;
    let mut waiting = Vec::new();
    while let Some(request) = requests.read_message::<Request>()? {
        let response = dispatch(app, request)?;
        codec::encode(&response, &mut waiting);
        let flush = matches!(response.value, Some(response::Value::Flush(_)));
        if flush || !requests.is_ready() || waiting.len() >= WRITE_AT_BYTES {
            output.write_all(&waiting)?;
            waiting.clear();
            waiting.shrink_to(WRITE_AT_BYTES);
        }
    }
    Ok(())
}

/// Removes a socket that nobody listens on; refuses anything else.
fn clear_stale_socket(path: &Path) -> Result<(), ()> {
    let Ok(metadata) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    let stale = metadata.file_type().is_socket() && UnixStream::connect(path).is_err_and(refused);
    if stale {
        std::fs::remove_file(path).map_err(drop)
    } else {
        Err(())
    }
}

#[derive(Default)]
struct Shared {
    stopping: AtomicBool,
    connections: Mutex<BTreeMap<u64, Stream>>,
}

impl Shared {
    fn connections(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Stream>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn close_all(&self) {
        self.connections().values().for_each(Stream::shut_down);
    }
}

/// A running server. Dropping it stops it.
pub struct Handle {
    address: Address,
    shared: Arc<Shared>,
    /// Nothing is sent: it closes when all has ended.
    over: Option<Receiver<()>>,
}

impl Handle {
    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Stops listening, closes every connection, and waits until the calls at hand have ended, so that
    /// no Commit is cut off; false when one has not within `limit` and is left behind. Call it after
    /// CometBFT has stopped.
    pub fn stop(mut self, limit: Duration) -> bool {
        self.shared.stopping.store(true, Ordering::SeqCst);
        let over = self.over.take();
        over.is_none_or(|over| over.recv_timeout(limit) != Err(RecvTimeoutError::Timeout))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        if let Some(over) = self.over.take() {
            // Nobody sends: it ends with the last call.
            let _ = over.recv();
        }
    }
}
