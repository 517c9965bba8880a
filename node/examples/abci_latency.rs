//! How long one ABCI call takes, over this server and over the tendermint-abci crate's own:
//!
//!     cargo run -p raced --example abci_latency -- CALLS      (2,000 by default)
//!
//! One connection, one call after the other, as CometBFT's clients do: an `Echo`, and a CheckTx that is
//! refused. The crate's server has TCP only; this one is measured over TCP and a Unix socket. A table
//! goes to standard error, JSON to standard output.

#![allow(missing_docs)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prost::Message as _;
use race_app::app::App;
use race_app::store::{MemKv, Store};
use raced::abci::{Address, Options, Server};
use raced::committee::Shares;
use raced::oracle::Oracle;
use serde_json::json;
use tendermint_abci::ServerBuilder;
use tendermint_proto::v0_38::abci::request::Value as Call;
use tendermint_proto::v0_38::abci::{Request, RequestCheckTx, RequestEcho, RequestFlush, Response};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Calls that are not measured.
const WARM_UP: usize = 100;

/// How long a server may take to stop.
const STOP: Duration = Duration::from_secs(2);

fn app() -> Result<App, Failure> {
    let store = Store::open(Arc::new(MemKv::new()))?;
    let (oracle, shares) = (Oracle::default(), Shares::default());
    Ok(App::new(store, Arc::new(oracle), Arc::new(shares)))
}

/// A call and the flush after it, as CometBFT's synchronous calls are.
fn framed(call: Call) -> Vec<u8> {
    let flush = Call::Flush(RequestFlush {});
    let frame = |call| Request { value: Some(call) }.encode_length_delimited_to_vec();
    [frame(call), frame(flush)].concat()
}

/// Reads one response.
fn read(stream: &mut impl Read, buffer: &mut Vec<u8>) -> Result<Response, Failure> {
    loop {
        let mut rest = buffer.as_slice();
        if let Ok(response) = Response::decode_length_delimited(&mut rest) {
            let used = buffer.len() - rest.len();
            buffer.drain(..used);
            return Ok(response);
        }
        let mut more = [0; 4096];
        match stream.read(&mut more)? {
            0 => return Err("the server closed the connection".into()),
            n => buffer.extend_from_slice(&more[..n]),
        }
    }
}

fn measure(
    stream: &mut (impl Read + Write),
    call: &Call,
    calls: usize,
) -> Result<Vec<Duration>, Failure> {
    let bytes = framed(call.clone());
    let mut buffer = Vec::new();
    let mut took = Vec::with_capacity(calls);
    for n in 0..calls + WARM_UP {
        let start = Instant::now();
        stream.write_all(&bytes)?;
        read(stream, &mut buffer)?;
        read(stream, &mut buffer)?;
        if n >= WARM_UP {
            took.push(start.elapsed());
        }
    }
    took.sort_unstable();
    Ok(took)
}

fn main() -> Result<(), Failure> {
    let calls: usize = match std::env::args().nth(1) {
        Some(calls) => calls.parse()?,
        None => 2_000,
    };
    let folder = std::env::temp_dir().join(format!("abci-latency-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let socket = folder.join("abci.sock");
    let tcp = Server::bind("tcp://127.0.0.1:0".parse()?, app()?, Options::default())?;
    let Address::Tcp(tcp_address) = tcp.address().clone() else {
        return Err("a TCP address was asked for".into());
    };
    let tcp = tcp.start();
    let unix = Server::bind(Address::Unix(socket.clone()), app()?, Options::default())?.start();
    let theirs = ServerBuilder::default().bind("127.0.0.1:0", app()?);
    let theirs = theirs.map_err(|error| format!("{error:?}"))?;
    let their_address = theirs.local_addr();
    std::thread::spawn(move || drop(theirs.listen()));

    let kinds = [
        (
            "echo",
            Call::Echo(RequestEcho {
                message: "hello".into(),
            }),
        ),
        (
            "check_tx_refused",
            Call::CheckTx(RequestCheckTx {
                tx: vec![7; 200].into(),
                r#type: 0,
            }),
        ),
    ];
    let mut results = Vec::new();
    eprintln!(
        "{:<12} {:<18} {:>10} {:>10}",
        "server", "call", "p50, us", "p99, us"
    );
    for (kind, call) in &kinds {
        for server in ["unix", "tcp", "crate_tcp"] {
            // The crate's server waits for a delayed acknowledgement at each call.
            let calls = if server == "crate_tcp" {
                calls.min(200)
            } else {
                calls
            };
            let took = match server {
                "unix" => measure(&mut UnixStream::connect(&socket)?, call, calls)?,
                other => {
                    let address = if other == "tcp" {
                        tcp_address.to_string()
                    } else {
                        their_address.clone()
                    };
                    let mut stream = TcpStream::connect(address)?;
                    stream.set_nodelay(true)?;
                    measure(&mut stream, call, calls)?
                }
            };
            let at = |part: usize| took[(took.len() - 1) * part / 100].as_secs_f64() * 1e6;
            let (p50, p99) = (at(50), at(99));
            eprintln!("{server:<12} {kind:<18} {p50:>10.1} {p99:>10.1}");
            results.push(json!({
                "server": server, "call": kind, "calls": took.len(), "p50_us": p50, "p99_us": p99,
            }));
        }
    }
    println!("{}", json!({ "abci_latency": results }));
    tcp.stop(STOP);
    unix.stop(STOP);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
