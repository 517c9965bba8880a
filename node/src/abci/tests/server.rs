//! Connections: both transports, order, pipelining, limits, start and stop.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use tendermint_proto::v0_38::abci::*;

use super::super::{Address, Options, Server, ServerError};
use super::*;

/// Generous: other tests share the machine.
const LIMIT: Duration = Duration::from_secs(120);

fn unix(folder: &tempfile::TempDir) -> Address {
    Address::Unix(folder.path().join("abci.sock"))
}

#[test]
fn both_transports_answer_every_call_with_its_own_kind() {
    let folder = tempfile::tempdir().unwrap();
    for handle in [start_tcp(), start(unix(&folder))] {
        let mut client = Client::connect(handle.address());
        assert_eq!(client.ask(echo("hello")), echoed("hello"));
        assert_eq!(
            client.ask(Call::Flush(RequestFlush {})),
            Answer::Flush(ResponseFlush {})
        );
        let info = client.ask(Call::Info(RequestInfo {
            version: "x".into(),
            ..Default::default()
        }));
        assert!(
            matches!(info, Answer::Info(info) if info.data == "x" && info.last_block_height == 7)
        );
        assert!(
            matches!(client.ask(query(b"k")), Answer::Query(answer) if answer.key == "k" && answer.value == "/p")
        );
        assert!(
            matches!(client.ask(check_tx(b"tx")), Answer::CheckTx(answer) if answer.gas_wanted == 2)
        );
        let init = RequestInitChain {
            app_state_bytes: "{}".into(),
            ..Default::default()
        };
        assert!(
            matches!(client.ask(Call::InitChain(init)), Answer::InitChain(answer) if answer.app_hash == "{}")
        );
        let txs: Vec<bytes::Bytes> = vec!["a".into(), "b".into()];
        let prepare = RequestPrepareProposal {
            txs: txs.clone(),
            ..Default::default()
        };
        assert!(
            matches!(client.ask(Call::PrepareProposal(prepare)), Answer::PrepareProposal(answer) if answer.txs == txs)
        );
        let process = RequestProcessProposal::default();
        assert!(
            matches!(client.ask(Call::ProcessProposal(process)), Answer::ProcessProposal(answer) if answer.status == 1)
        );
        let extend = RequestExtendVote {
            hash: "h".into(),
            ..Default::default()
        };
        assert!(
            matches!(client.ask(Call::ExtendVote(extend)), Answer::ExtendVote(answer) if answer.vote_extension == "h")
        );
        let verify = RequestVerifyVoteExtension::default();
        assert!(
            matches!(client.ask(Call::VerifyVoteExtension(verify)), Answer::VerifyVoteExtension(answer) if answer.status == 1)
        );
        let finalize = RequestFinalizeBlock {
            txs,
            hash: "h".into(),
            ..Default::default()
        };
        assert!(
            matches!(client.ask(Call::FinalizeBlock(finalize)), Answer::FinalizeBlock(answer) if answer.tx_results.len() == 2)
        );
        assert!(
            matches!(client.ask(Call::Commit(RequestCommit {})), Answer::Commit(answer) if answer.retain_height == 3)
        );
        assert!(handle.stop(LIMIT));
    }
}

#[test]
fn four_connections_are_served_at_once() {
    let handle = start_tcp();
    let mut clients: Vec<_> = (0..4).map(|_| Client::connect(handle.address())).collect();
    for round in 0..3 {
        for (index, client) in clients.iter_mut().enumerate().rev() {
            let message = format!("{round} {index}");
            assert_eq!(client.ask(echo(&message)), echoed(&message));
        }
    }
    clients.remove(0);
    assert_eq!(clients[0].ask(echo("still here")), echoed("still here"));
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let folder = tempfile::tempdir().unwrap();
    for handle in [start_tcp(), start(unix(&folder))] {
        let mut client = Client::connect(handle.address());
        // More than every buffer on the way holds, so that reading and writing must overlap; no
        // Flush at the end, so that the answers must come by themselves.
        let mut sender = Client::connect(handle.address());
        std::mem::swap(&mut sender.writer, &mut client.writer);
        std::thread::scope(|scope| {
            let mut writer = sender;
            scope.spawn(move || {
                for batch in 0..20 {
                    let calls = (0..100).map(|n| match n % 10 {
                        0 => Call::Flush(RequestFlush {}),
                        5 => check_tx(&vec![1; 5_000]),
                        _ => echo(batch * 100 + n),
                    });
                    writer.send(calls);
                }
            });
            for n in 0..2000 {
                let answer = client.receive().unwrap();
                match n % 10 {
                    0 => assert_eq!(answer, Answer::Flush(ResponseFlush {})),
                    5 => assert!(
                        matches!(answer, Answer::CheckTx(answer) if answer.gas_wanted == 5_000)
                    ),
                    _ => assert_eq!(answer, echoed(n)),
                }
            }
        });
    }
}

#[test]
fn a_large_message_passes_and_one_above_the_limit_closes_the_connection() {
    let options = Options {
        max_message_bytes: 20 << 20,
    };
    let handle = Server::bind("tcp://127.0.0.1:0".parse().unwrap(), Mirror, options)
        .unwrap()
        .start();
    let mut client = Client::connect(handle.address());
    assert_eq!(client.ask(echo("first")), echoed("first"));
    let large = check_tx(&vec![9; 16 << 20]);
    assert!(matches!(client.ask(large), Answer::CheckTx(answer) if answer.gas_wanted == 16 << 20));
    // The answer to what came before is still delivered.
    let mut bytes = framed(&Request {
        value: Some(echo("before")),
    });
    prost::encoding::encode_varint((20 << 20) + 1, &mut bytes);
    client.writer.write_all(&bytes).unwrap();
    assert_eq!(client.receive(), Some(echoed("before")));
    assert_eq!(client.receive(), None);
    assert_eq!(
        Client::connect(handle.address()).ask(echo("next")),
        echoed("next")
    );
}

#[test]
fn nonsense_closes_its_own_connection_only() {
    let handle = start_tcp();
    let mut good = Client::connect(handle.address());
    for nonsense in [
        vec![0xff; 20],
        vec![3, 1, 2, 3],
        vec![0],
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
    ] {
        let mut bad = Client::connect(handle.address());
        bad.writer.write_all(&nonsense).unwrap();
        if nonsense[0] == b'G' {
            // An announced length of 71 bytes: the rest never comes.
            drop(bad);
        } else {
            assert_eq!(bad.receive(), None);
        }
        assert_eq!(good.ask(echo("fine")), echoed("fine"));
    }
}

#[test]
fn stopping_closes_connections_and_frees_the_address() {
    let folder = tempfile::tempdir().unwrap();
    for handle in [start_tcp(), start(unix(&folder))] {
        let address = handle.address().clone();
        let mut client = Client::connect(&address);
        assert_eq!(client.ask(echo("a")), echoed("a"));
        assert!(handle.stop(LIMIT));
        assert_eq!(client.receive(), None);
        if let Address::Unix(path) = &address {
            assert!(!path.exists());
        }
        let again = start(address.clone());
        assert_eq!(Client::connect(&address).ask(echo("b")), echoed("b"));
        assert!(again.stop(LIMIT));
    }
}

/// An application whose Commit ends when it is told.
#[derive(Clone)]
struct Held {
    begun: Arc<Barrier>,
    may_end: Arc<Barrier>,
    ended: Arc<AtomicBool>,
}

impl Application for Held {
    fn commit(&self) -> ResponseCommit {
        self.begun.wait();
        self.may_end.wait();
        self.ended.store(true, Ordering::SeqCst);
        ResponseCommit::default()
    }
}

/// A server with a Commit at hand.
fn committing() -> (Held, Handle, Client) {
    let two = || Arc::new(Barrier::new(2));
    let app = Held {
        begun: two(),
        may_end: two(),
        ended: Arc::default(),
    };
    let address = "tcp://127.0.0.1:0".parse().unwrap();
    let server = Server::bind(address, app.clone(), Options::default()).unwrap();
    let handle = server.start();
    let mut client = Client::connect(handle.address());
    client.send([Call::Commit(RequestCommit {})]);
    app.begun.wait();
    (app, handle, client)
}

#[test]
fn stopping_waits_for_a_commit_at_hand_but_not_for_ever() {
    let (app, handle, _client) = committing();
    let stopping = std::thread::spawn(move || handle.stop(LIMIT));
    app.may_end.wait();
    assert!(stopping.join().unwrap());
    assert!(app.ended.load(Ordering::SeqCst), "it came first");

    let (app, handle, _client) = committing();
    assert!(!handle.stop(Duration::ZERO));
    assert!(!app.ended.load(Ordering::SeqCst), "it is left behind");
    app.may_end.wait();
}

#[test]
fn an_address_in_use_is_refused_and_a_stale_socket_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    for handle in [start_tcp(), start(unix(&folder))] {
        let taken = handle.address().clone();
        let error = Server::bind(taken.clone(), Mirror, Options::default())
            .err()
            .unwrap();
        assert!(matches!(error, ServerError::InUse(address) if address == taken));
    }
    let Address::Unix(path) = unix(&folder) else {
        unreachable!()
    };
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let handle = start(unix(&folder));
    assert_eq!(
        Client::connect(handle.address()).ask(echo("a")),
        echoed("a")
    );
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(handle.stop(LIMIT));
    std::fs::write(&path, "not a socket").unwrap();
    assert!(Server::bind(unix(&folder), Mirror, Options::default()).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "not a socket");
}

#[test]
fn addresses_read_as_they_are_written() {
    for text in [
        "unix:///run/raced/abci.sock",
        "tcp://127.0.0.1:26658",
        "tcp://[::1]:1",
    ] {
        assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
    }
    for text in [
        "",
        "unix://",
        "tcp://localhost",
        "http://127.0.0.1:1",
        "127.0.0.1:26658",
    ] {
        assert!(
            matches!(text.parse::<Address>(), Err(ServerError::Address(_))),
            "{text}"
        );
    }
}
