//! The library's own server as an oracle: the same request bytes give the same response bytes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::OnceLock;

use proptest::prelude::*;
use tendermint_abci::ServerBuilder;
use tendermint_proto::v0_38::abci::*;

use super::*;

/// Starts the oracle once; its threads end with the process, since it has no way to stop.
fn oracle() -> SocketAddr {
    static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();
    *ADDRESS.get_or_init(|| {
        let server = ServerBuilder::default()
            .bind("127.0.0.1:0", Mirror)
            .expect("listens");
        let address = server.local_addr().parse().expect("an address");
        std::thread::spawn(move || drop(server.listen()));
        address
    })
}

/// All that a server answers to `requests`, as bytes.
fn answers(address: SocketAddr, requests: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.write_all(requests).expect("writes");
    stream.shutdown(std::net::Shutdown::Write).expect("ends");
    let mut bytes = vec![];
    stream.read_to_end(&mut bytes).expect("reads");
    bytes
}

fn some_bytes() -> impl Strategy<Value = bytes::Bytes> {
    // "panic" cannot be drawn: the oracle would not survive it.
    prop::collection::vec(any::<u8>(), 0..200)
        .prop_map(bytes::Bytes::from)
        .prop_filter("no panic", |b| b != "panic")
}

fn a_call() -> impl Strategy<Value = Call> {
    let txs = || prop::collection::vec(some_bytes(), 0..5);
    prop_oneof![
        ".*".prop_map(echo),
        Just(Call::Flush(RequestFlush {})),
        Just(Call::Commit(RequestCommit {})),
        "[a-m]{0,9}".prop_map(|version| Call::Info(RequestInfo {
            version,
            ..Default::default()
        })),
        (some_bytes(), ".*", any::<i64>(), any::<bool>()).prop_map(
            |(data, path, height, prove)| Call::Query(RequestQuery {
                data,
                path,
                height,
                prove
            })
        ),
        some_bytes().prop_map(|tx| Call::CheckTx(RequestCheckTx { tx, r#type: 1 })),
        (some_bytes(), "[a-m]{0,9}").prop_map(|(app_state_bytes, chain_id)| {
            Call::InitChain(RequestInitChain {
                app_state_bytes,
                chain_id,
                ..Default::default()
            })
        }),
        (txs(), any::<i64>()).prop_map(|(txs, max_tx_bytes)| {
            Call::PrepareProposal(RequestPrepareProposal {
                txs,
                max_tx_bytes,
                ..Default::default()
            })
        }),
        txs().prop_map(|txs| Call::ProcessProposal(RequestProcessProposal {
            txs,
            ..Default::default()
        })),
        (txs(), some_bytes()).prop_map(|(txs, hash)| {
            Call::FinalizeBlock(RequestFinalizeBlock {
                txs,
                hash,
                ..Default::default()
            })
        }),
        some_bytes().prop_map(|hash| Call::ExtendVote(RequestExtendVote {
            hash,
            ..Default::default()
        })),
        some_bytes().prop_map(|vote_extension| {
            Call::VerifyVoteExtension(RequestVerifyVoteExtension {
                vote_extension,
                ..Default::default()
            })
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_requests_give_the_same_bytes_as_the_librarys_server(calls in prop::collection::vec(a_call(), 1..12)) {
        let handle = start_tcp();
        let Address::Tcp(ours) = *handle.address() else { unreachable!() };
        let requests: Vec<u8> = calls.into_iter().flat_map(|call| framed(&Request { value: Some(call) })).collect();
        let expected = answers(oracle(), &requests);
        prop_assert!(!expected.is_empty());
        prop_assert_eq!(answers(ours, &requests), expected);
    }
}
