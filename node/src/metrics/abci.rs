//! CometBFT's calls, counted around the application that answers them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use race_app::address::ConsensusAddress;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci;
use tendermint_proto::v0_38::types::BlockIdFlag;

use super::{Gauge, SECONDS};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    call: &'static str,
}

/// How a transaction ended; code 0 is success.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    codespace: String,
    code: u32,
}

/// Every call of CometBFT.
const CALLS: [&str; 16] = [
    "echo",
    "flush",
    "info",
    "init_chain",
    "query",
    "check_tx",
    "commit",
    "list_snapshots",
    "offer_snapshot",
    "load_snapshot_chunk",
    "apply_snapshot_chunk",
    "prepare_proposal",
    "process_proposal",
    "extend_vote",
    "verify_vote_extension",
    "finalize_block",
];

type Seconds = Family<Call, Histogram, fn() -> Histogram>;

/// Calls that are being answered, by when they came, with a number that tells them apart.
type Running = BTreeMap<(Instant, u64), &'static str>;

/// The numbers of CometBFT's calls.
#[derive(Debug, Clone)]
pub struct Calls {
    seconds: Seconds,
    checked: Family<Ended, Counter>,
    executed: Family<Ended, Counter>,
    /// Blocks whose commit had a place for this node's signature.
    due: Counter,
    missed: Counter,
    /// Of them, in this epoch.
    missed_in_epoch: Gauge,
    running: Arc<Mutex<(u64, Running)>>,
}

impl Calls {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let calls = Self {
            seconds: Family::new_with_constructor(histogram),
            checked: Family::default(),
            executed: Family::default(),
            due: Counter::default(),
            missed: Counter::default(),
            missed_in_epoch: Gauge::default(),
            running: Arc::default(),
        };
        for call in CALLS {
            drop(calls.seconds.get_or_create(&Call { call }));
        }
        let succeeded = Ended {
            codespace: String::new(),
            code: 0,
        };
        drop(calls.checked.get_or_create(&succeeded));
        drop(calls.executed.get_or_create(&succeeded));
        registry.register_with_unit(
            "abci_call_duration",
            "How long calls of CometBFT took; finalize_block and commit are on the way of every block",
            Unit::Seconds,
            calls.seconds.clone(),
        );
        registry.register(
            "mempool_checked_txs",
            "Transactions that came to the mempool, by the outcome of CheckTx; code 0 was let in",
            calls.checked.clone(),
        );
        registry.register(
            "block_txs",
            "Transactions in blocks, by outcome; code 0 succeeded",
            calls.executed.clone(),
        );
        registry.register(
            "validator_due_signatures",
            "Blocks that this node was to sign as a validator",
            calls.due.clone(),
        );
        registry.register(
            "validator_missed_signatures",
            "Of those, blocks whose commit lacks this node's signature",
            calls.missed.clone(),
        );
        registry.register(
            "validator_epoch_missed_signatures",
            "The same since the epoch began, or since the process started if that was later",
            calls.missed_in_epoch.clone(),
        );
        calls
    }

    /// A new epoch begins.
    pub(super) fn begin_epoch(&self) {
        self.missed_in_epoch.set(0.0);
    }

    /// The call that has been answered for the longest, and for how long.
    pub fn longest(&self) -> Option<(&'static str, Duration)> {
        let running = self.running();
        let ((since, _), call) = running.1.first_key_value()?;
        Some((call, since.elapsed()))
    }

    fn running(&self) -> MutexGuard<'_, (u64, Running)> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn time<T>(&self, call: &'static str, answer: impl FnOnce() -> T) -> T {
        let timed = Timed::begin(self, call);
        let answer = answer();
        let seconds = timed.since.elapsed().as_secs_f64();
        self.seconds.get_or_create(&Call { call }).observe(seconds);
        answer
    }

    fn signatures(&self, of: &ConsensusAddress, commit: Option<&abci::CommitInfo>) {
        let votes = commit.map_or(&[][..], |commit| &commit.votes);
        let own = |vote: &&abci::VoteInfo| {
            let validator = vote.validator.as_ref();
            validator.is_some_and(|validator| validator.address.as_ref() == of)
        };
        let Some(vote) = votes.iter().find(own) else {
            return;
        };
        self.due.inc();
        if vote.block_id_flag != BlockIdFlag::Commit as i32 {
            self.missed.inc();
            self.missed_in_epoch.inc();
        }
    }
}

/// A call is being answered until this is dropped, also by a panic.
struct Timed<'a> {
    calls: &'a Calls,
    since: Instant,
    number: u64,
}

impl<'a> Timed<'a> {
    fn begin(calls: &'a Calls, call: &'static str) -> Self {
        let since = Instant::now();
        let mut running = calls.running();
        running.0 = running.0.wrapping_add(1);
        let number = running.0;
        running.1.insert((since, number), call);
        Self {
            calls,
            since,
            number,
        }
    }
}

impl Drop for Timed<'_> {
    fn drop(&mut self) {
        self.calls.running().1.remove(&(self.since, self.number));
    }
}

/// An application whose calls are counted.
#[derive(Clone)]
pub struct Observed<A> {
    app: A,
    calls: Calls,
    me: ConsensusAddress,
}

impl<A> Observed<A> {
    /// `app`, on the node `me`.
    pub fn new(app: A, calls: Calls, me: ConsensusAddress) -> Self {
        Self { app, calls, me }
    }
}

/// Calls that are only timed.
macro_rules! timed {
    ($($call:ident($($argument:ident: $request:ident)?) -> $response:ident;)*) => {
        $(fn $call(&self $(, $argument: abci::$request)?) -> abci::$response {
            self.calls.time(stringify!($call), || self.app.$call($($argument)?))
        })*
    };
}

impl<A: Application> Application for Observed<A> {
    timed! {
        echo(request: RequestEcho) -> ResponseEcho;
        info(request: RequestInfo) -> ResponseInfo;
        init_chain(request: RequestInitChain) -> ResponseInitChain;
        query(request: RequestQuery) -> ResponseQuery;
        flush() -> ResponseFlush;
        commit() -> ResponseCommit;
        list_snapshots() -> ResponseListSnapshots;
        offer_snapshot(request: RequestOfferSnapshot) -> ResponseOfferSnapshot;
        load_snapshot_chunk(request: RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk;
        apply_snapshot_chunk(request: RequestApplySnapshotChunk) -> ResponseApplySnapshotChunk;
        prepare_proposal(request: RequestPrepareProposal) -> ResponsePrepareProposal;
        process_proposal(request: RequestProcessProposal) -> ResponseProcessProposal;
        extend_vote(request: RequestExtendVote) -> ResponseExtendVote;
        verify_vote_extension(request: RequestVerifyVoteExtension) -> ResponseVerifyVoteExtension;
    }

    fn check_tx(&self, request: abci::RequestCheckTx) -> abci::ResponseCheckTx {
        // What is checked again after a block has been counted when it came.
        let first = request.r#type == abci::CheckTxType::New as i32;
        let answer = self.calls.time("check_tx", || self.app.check_tx(request));
        if first {
            let (codespace, code) = (answer.codespace.clone(), answer.code);
            let ended = Ended { codespace, code };
            self.calls.checked.get_or_create(&ended).inc();
        }
        answer
    }

    fn finalize_block(&self, request: abci::RequestFinalizeBlock) -> abci::ResponseFinalizeBlock {
        let commit = request.decided_last_commit.as_ref();
        self.calls.signatures(&self.me, commit);
        let finalized = || self.app.finalize_block(request);
        let answer = self.calls.time("finalize_block", finalized);
        for result in &answer.tx_results {
            let (codespace, code) = (result.codespace.clone(), result.code);
            let ended = Ended { codespace, code };
            self.calls.executed.get_or_create(&ended).inc();
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_known_while_it_is_answered_and_forgotten_when_it_ends_or_panics() {
        let calls = Calls::new(&mut Registry::default());
        let longest = || calls.longest().map(|(call, _)| call);
        calls.time("finalize_block", || {
            calls.time("query", || assert_eq!(longest(), Some("finalize_block")));
            assert_eq!(longest(), Some("finalize_block"));
        });
        let panics = || calls.time("query", || panic!("as a query may"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
        assert_eq!(longest(), None);
    }

    #[test]
    fn a_signature_that_a_commit_lacks_is_missed_and_that_of_others_is_not_ours() {
        let me = [1; 20];
        let calls = Calls::new(&mut Registry::default());
        let vote = |address: [u8; 20], flag: BlockIdFlag| abci::VoteInfo {
            validator: Some(abci::Validator {
                address: address.to_vec().into(),
                power: 1,
            }),
            block_id_flag: flag.into(),
        };
        for own in [BlockIdFlag::Commit, BlockIdFlag::Absent, BlockIdFlag::Nil] {
            let votes = vec![vote([2; 20], BlockIdFlag::Absent), vote(me, own)];
            calls.signatures(&me, Some(&abci::CommitInfo { round: 0, votes }));
        }
        calls.signatures(&me, None);
        assert_eq!((calls.due.get(), calls.missed.get()), (3, 2));
        assert_eq!(calls.missed_in_epoch.get(), 2.0);
        calls.begin_epoch();
        assert_eq!((calls.missed.get(), calls.missed_in_epoch.get()), (2, 0.0));
    }
}
