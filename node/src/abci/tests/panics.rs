//! What a panic of the application does.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use tendermint_proto::v0_38::abci::*;

use super::super::dispatch::{dispatch, PANIC_CODE, PANIC_CODESPACE};
use super::super::CodecError;
use super::*;

#[test]
fn a_panic_in_query_or_check_tx_is_an_answer_and_the_connection_goes_on() {
    let handle = start_tcp();
    let mut client = Client::connect(handle.address());
    for _ in 0..3 {
        let Answer::Query(answer) = client.ask(query(b"panic")) else {
            panic!("expected a query's answer")
        };
        assert_eq!(
            (answer.code, answer.codespace.as_str(), answer.height),
            (PANIC_CODE, PANIC_CODESPACE, 9)
        );
        assert!(
            !answer.log.contains("asked to"),
            "the reason is for the log: {}",
            answer.log
        );
        let Answer::CheckTx(answer) = client.ask(check_tx(b"panic")) else {
            panic!("expected CheckTx's answer")
        };
        assert_eq!(
            (answer.code, answer.codespace.as_str()),
            (PANIC_CODE, PANIC_CODESPACE)
        );
        assert!(matches!(client.ask(query(b"k")), Answer::Query(answer) if answer.code == 0));
    }
}

#[test]
fn a_panic_in_a_snapshot_call_gives_the_snapshot_up() {
    let handle = start_tcp();
    let mut client = Client::connect(handle.address());
    let list = client.ask(Call::ListSnapshots(RequestListSnapshots {}));
    assert_eq!(
        list,
        Answer::ListSnapshots(ResponseListSnapshots::default())
    );
    let load = client.ask(Call::LoadSnapshotChunk(RequestLoadSnapshotChunk::default()));
    assert_eq!(
        load,
        Answer::LoadSnapshotChunk(ResponseLoadSnapshotChunk::default())
    );
    let offer = client.ask(Call::OfferSnapshot(RequestOfferSnapshot::default()));
    assert!(matches!(offer, Answer::OfferSnapshot(answer)
        if answer.result() == response_offer_snapshot::Result::Abort));
    let apply = client.ask(Call::ApplySnapshotChunk(
        RequestApplySnapshotChunk::default(),
    ));
    assert!(matches!(apply, Answer::ApplySnapshotChunk(answer)
        if answer.result() == response_apply_snapshot_chunk::Result::Abort));
}

#[test]
fn a_request_without_content_is_refused() {
    let error = dispatch(&Mirror, Request { value: None }).unwrap_err();
    assert!(matches!(error, CodecError::UnknownRequest));
}

const CHILD: &str = "ABCI_PANICS_CHILD";

/// Commit has no argument to ask for a panic with.
#[derive(Clone)]
struct BrokenCommit;

impl Application for BrokenCommit {
    fn commit(&self) -> ResponseCommit {
        panic!("commit is broken")
    }
}

fn fatal_calls() -> Vec<(&'static str, Call)> {
    let bad: bytes::Bytes = "panic".into();
    let txs = vec![bad.clone()];
    vec![
        (
            "info",
            Call::Info(RequestInfo {
                version: "panic".into(),
                ..Default::default()
            }),
        ),
        (
            "init_chain",
            Call::InitChain(RequestInitChain {
                chain_id: "panic".into(),
                ..Default::default()
            }),
        ),
        (
            "prepare_proposal",
            Call::PrepareProposal(RequestPrepareProposal {
                txs: txs.clone(),
                ..Default::default()
            }),
        ),
        (
            "process_proposal",
            Call::ProcessProposal(RequestProcessProposal {
                txs: txs.clone(),
                ..Default::default()
            }),
        ),
        (
            "extend_vote",
            Call::ExtendVote(RequestExtendVote {
                hash: bad.clone(),
                ..Default::default()
            }),
        ),
        (
            "verify_vote_extension",
            Call::VerifyVoteExtension(RequestVerifyVoteExtension {
                vote_extension: bad,
                ..Default::default()
            }),
        ),
        (
            "finalize_block",
            Call::FinalizeBlock(RequestFinalizeBlock {
                txs,
                ..Default::default()
            }),
        ),
        ("commit", Call::Commit(RequestCommit {})),
    ]
}

/// Not a test of its own: the process that the next test watches die.
#[test]
fn the_process_that_panics() {
    let Ok(name) = std::env::var(CHILD) else {
        return;
    };
    let (_, call) = fatal_calls()
        .into_iter()
        .find(|(call, _)| *call == name)
        .expect("a known call");
    let request = Request { value: Some(call) };
    let answered = if name == "commit" {
        dispatch(&BrokenCommit, request)
    } else {
        dispatch(&Mirror, request)
    };
    println!("answered {:?}", answered.is_ok());
}

#[test]
fn a_panic_on_the_consensus_path_ends_the_process() {
    const SIGABRT: i32 = 6;
    let module = module_path!()
        .split_once("::")
        .expect("a module of this crate")
        .1;
    for (name, _) in fatal_calls() {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                &format!("{module}::the_process_that_panics"),
                "--exact",
                "--nocapture",
            ])
            .env(CHILD, name)
            .output()
            .unwrap();
        assert_eq!(output.status.signal(), Some(SIGABRT), "{name}: {output:?}");
        assert!(
            !String::from_utf8_lossy(&output.stdout).contains("answered"),
            "{name}"
        );
    }
}
