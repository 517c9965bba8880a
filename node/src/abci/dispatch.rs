//! From a request to the application's answer, and what a panic in between means.
//!
//! | call | after a panic |
//! |---|---|
//! | Query, CheckTx | code [`PANIC_CODE`], codespace [`PANIC_CODESPACE`], as the SDK answers |
//! | ListSnapshots, LoadSnapshotChunk | nothing offered, an empty chunk |
//! | OfferSnapshot, ApplySnapshotChunk | ABORT: the restoration is given up |
//! | Info and the consensus path | the process ends |
//!
//! An ABCI exception is never answered: CometBFT stops on it. A false Info would be worse than
//! none: at height 0 CometBFT would replay the whole chain into a state that has it already.

use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};

use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::request::Value as Call;
use tendermint_proto::v0_38::abci::response::Value as Answer;
use tendermint_proto::v0_38::abci::response_apply_snapshot_chunk::Result as Applied;
use tendermint_proto::v0_38::abci::response_offer_snapshot::Result as Offered;
use tendermint_proto::v0_38::abci::{
    Request, Response, ResponseApplySnapshotChunk, ResponseCheckTx, ResponseOfferSnapshot,
    ResponseQuery,
};

use super::CodecError;

/// Code of an answer after a panic: the SDK's `ErrPanic`.
pub const PANIC_CODE: u32 = 111_222;

/// Codespace of an answer after a panic.
pub const PANIC_CODESPACE: &str = "undefined";

const PANIC_LOG: &str = "internal error: the call panicked; the node's log says where";

/// Answers one request.
///
/// # Errors
/// [`CodecError::UnknownRequest`] if the request has no content that this version knows.
pub fn dispatch<A: Application>(app: &A, request: Request) -> Result<Response, CodecError> {
    let call = request.value.ok_or(CodecError::UnknownRequest)?;
    let (name, after_panic) = policy(&call);
    let _span = tracing::debug_span!("abci", call = name).entered();
    let answer = match catch_unwind(AssertUnwindSafe(|| answer(app, call))) {
        Ok(answer) => answer,
        Err(panic) => {
            let reason = reason(panic.as_ref());
            match after_panic {
                Some(answer) => {
                    tracing::error!(
                        call = name,
                        reason,
                        "an ABCI call panicked; answered as a failure"
                    );
                    answer
                }
                None => {
                    tracing::error!(
                        call = name,
                        reason,
                        "an ABCI call on the consensus path panicked; the process ends"
                    );
                    std::process::abort();
                }
            }
        }
    };
    Ok(Response {
        value: Some(answer),
    })
}

/// Name of the call, and its answer after a panic: `None` ends the process.
fn policy(call: &Call) -> (&'static str, Option<Answer>) {
    match call {
        Call::Echo(_) => ("echo", None),
        Call::Flush(_) => ("flush", None),
        Call::Info(_) => ("info", None),
        Call::InitChain(_) => ("init_chain", None),
        Call::PrepareProposal(_) => ("prepare_proposal", None),
        Call::ProcessProposal(_) => ("process_proposal", None),
        Call::ExtendVote(_) => ("extend_vote", None),
        Call::VerifyVoteExtension(_) => ("verify_vote_extension", None),
        Call::FinalizeBlock(_) => ("finalize_block", None),
        Call::Commit(_) => ("commit", None),
        Call::Query(query) => {
            let answer = ResponseQuery {
                code: PANIC_CODE,
                codespace: PANIC_CODESPACE.into(),
                log: PANIC_LOG.into(),
                height: query.height,
                ..ResponseQuery::default()
            };
            ("query", Some(Answer::Query(answer)))
        }
        Call::CheckTx(_) => {
            let answer = ResponseCheckTx {
                code: PANIC_CODE,
                codespace: PANIC_CODESPACE.into(),
                log: PANIC_LOG.into(),
                ..ResponseCheckTx::default()
            };
            ("check_tx", Some(Answer::CheckTx(answer)))
        }
        Call::ListSnapshots(_) => (
            "list_snapshots",
            Some(Answer::ListSnapshots(Default::default())),
        ),
        Call::OfferSnapshot(_) => {
            let answer = ResponseOfferSnapshot {
                result: Offered::Abort.into(),
            };
            ("offer_snapshot", Some(Answer::OfferSnapshot(answer)))
        }
        Call::LoadSnapshotChunk(_) => (
            "load_snapshot_chunk",
            Some(Answer::LoadSnapshotChunk(Default::default())),
        ),
        Call::ApplySnapshotChunk(_) => {
            let answer = ResponseApplySnapshotChunk {
                result: Applied::Abort.into(),
                ..ResponseApplySnapshotChunk::default()
            };
            (
                "apply_snapshot_chunk",
                Some(Answer::ApplySnapshotChunk(answer)),
            )
        }
    }
}

fn answer<A: Application>(app: &A, call: Call) -> Answer {
    match call {
        Call::Echo(request) => Answer::Echo(app.echo(request)),
        Call::Flush(_) => Answer::Flush(app.flush()),
        Call::Info(request) => Answer::Info(app.info(request)),
        Call::InitChain(request) => Answer::InitChain(app.init_chain(request)),
        Call::Query(request) => Answer::Query(app.query(request)),
        Call::CheckTx(request) => Answer::CheckTx(app.check_tx(request)),
        Call::Commit(_) => Answer::Commit(app.commit()),
        Call::ListSnapshots(_) => Answer::ListSnapshots(app.list_snapshots()),
        Call::OfferSnapshot(request) => Answer::OfferSnapshot(app.offer_snapshot(request)),
        Call::LoadSnapshotChunk(request) => {
            Answer::LoadSnapshotChunk(app.load_snapshot_chunk(request))
        }
        Call::ApplySnapshotChunk(request) => {
            Answer::ApplySnapshotChunk(app.apply_snapshot_chunk(request))
        }
        Call::PrepareProposal(request) => Answer::PrepareProposal(app.prepare_proposal(request)),
        Call::ProcessProposal(request) => Answer::ProcessProposal(app.process_proposal(request)),
        Call::ExtendVote(request) => Answer::ExtendVote(app.extend_vote(request)),
        Call::VerifyVoteExtension(request) => {
            Answer::VerifyVoteExtension(app.verify_vote_extension(request))
        }
        Call::FinalizeBlock(request) => Answer::FinalizeBlock(app.finalize_block(request)),
    }
}

fn reason(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}
