//! The application: a store, the block in progress, the mempool's state.
//!
//! `finalize_block` computes and writes nothing; `commit` makes it durable in one batch and then
//! swaps what queries and CheckTx read. Clones share everything.
//!
//! Before each block [`App::halt`] says whether this program may execute it. Where it may not, nothing is
//! proposed, no proposal is accepted, and who listens ([`App::on_halt`]) is told to end the process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use prost::Message;
use race_proto::race::beacon::v1::RoundId;
use race_proto::race::epoch::v1::Validator;
use tendermint_proto::v0_38::abci::{Event, ExecTxResult};

use crate::address::ConsensusAddress;
use crate::beacon::signing::{self, Awaited, BeaconSigner, Extensions};
use crate::block::{execute, Block};
use crate::chain;
use crate::context::Context;
use crate::error::TxError;
use crate::genesis::{AppGenesis, GenesisError};
use crate::mempool::{Mempool, Waiting};
use crate::oracle::RaceOracle;
use crate::state::{Base, Remembered, State};
use crate::statesync::StateSync;
use crate::store::{Prepared, Snapshot, Store, StoreError};
use crate::tx::execute::simulate;
use crate::tx::Outcome;
use crate::upgrade::{Halt, Next, Program};
use crate::{injected, proposal, upgrade};

/// What the node's workers learn after each block.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The block's height.
    pub height: u64,
    /// Its header time, ms since 1970.
    pub time_ms: u64,
    /// The state after it.
    pub snapshot: Snapshot,
    /// All its events, transactions' included, in order.
    pub events: Vec<Event>,
}

type Listener = Arc<dyn Fn(&Committed) + Send + Sync>;
type HaltListener = Arc<dyn Fn(&Halt) + Send + Sync>;
type Retain = Box<dyn Fn(u64) -> u64 + Send + Sync>;

/// A block to execute.
#[derive(Debug, Clone, Default)]
pub struct NewBlock {
    /// Its height.
    pub height: u64,
    /// Its header time, ms since 1970.
    pub time_ms: u64,
    /// What it brings.
    pub block: Block,
}

/// The result of a block, as CometBFT gets it.
#[derive(Debug, Clone, Default)]
pub struct Finalized {
    /// One for each transaction.
    pub results: Vec<ExecTxResult>,
    /// Events outside transactions.
    pub events: Vec<Event>,
    /// Changes of the validator set; power 0 removes.
    pub updates: Vec<Validator>,
    /// The app hash after the block.
    pub app_hash: [u8; 32],
    /// The version of the state machine, when this block's is another than the one's before.
    pub app_version: Option<u64>,
}

/// A state that no block has written: a new chain's, or one that an upgrade has changed.
#[derive(Clone)]
struct Unwritten {
    state: State,
    chain_id: String,
    next_height: u64,
}

struct Pending {
    prepared: Prepared,
    time_ms: u64,
    events: Vec<Event>,
}

#[derive(Default)]
struct Progress {
    unwritten: Option<Unwritten>,
    pending: Option<Pending>,
}

struct Inner {
    program: Program,
    store: Store,
    oracle: Arc<dyn RaceOracle>,
    signer: Arc<dyn BeaconSigner>,
    extensions: Mutex<Extensions>,
    progress: Mutex<Progress>,
    mempool: Mutex<Option<Mempool>>,
    /// The latest committed state at its height, with what was read of it.
    remembered: Mutex<Option<(u64, Remembered)>>,
    listeners: Mutex<Vec<Listener>>,
    halt_listeners: Mutex<Vec<HaltListener>>,
    /// The last height to execute.
    halt_after: AtomicU64,
    statesync: StateSync,
    retain: OnceLock<Retain>,
}

/// The application.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

/// State and the context in which it is read.
struct View {
    state: State,
    chain_id: String,
    height: u64,
    time_ms: u64,
}

impl View {
    fn of(snapshot: Snapshot) -> Self {
        Self::at(snapshot.height(), Arc::new(snapshot))
    }

    fn at(height: u64, base: Arc<dyn Base>) -> Self {
        let state = State::new(base);
        Self {
            chain_id: chain::id(&state),
            time_ms: chain::time_ms(&state),
            height,
            state,
        }
    }

    fn context<'a>(&'a self, oracle: &'a dyn RaceOracle) -> Context<'a> {
        Context {
            chain_id: &self.chain_id,
            height: self.height,
            time_ms: self.time_ms,
            oracle,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic on the consensus path aborts the process; one elsewhere leaves only CheckTx's own
    // state half changed, which the next block replaces.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a query cannot be answered yet.
const NOT_READY: &str = "the app is not ready; please wait for first block";

impl App {
    /// An application over a store, with the node's way to recompute nonces and its shares of
    /// committees' keys.
    pub fn new(store: Store, oracle: Arc<dyn RaceOracle>, signer: Arc<dyn BeaconSigner>) -> Self {
        Self::of(Program::default(), store, oracle, signer)
    }

    /// The application of a program of this version.
    pub fn of(
        program: Program,
        store: Store,
        oracle: Arc<dyn RaceOracle>,
        signer: Arc<dyn BeaconSigner>,
    ) -> Self {
        let app = Self {
            inner: Arc::new(Inner {
                program,
                store,
                oracle,
                signer,
                extensions: Mutex::default(),
                progress: Mutex::default(),
                mempool: Mutex::default(),
                remembered: Mutex::default(),
                listeners: Mutex::default(),
                halt_listeners: Mutex::default(),
                halt_after: AtomicU64::new(u64::MAX),
                statesync: StateSync::default(),
                retain: OnceLock::new(),
            }),
        };
        app.upgrade();
        app.reset_mempool();
        app.resume();
        app
    }

    /// Migrates the committed state, in memory, if the next block is the first one of this program.
    fn upgrade(&self) {
        let latest = View::of(self.latest());
        let next = upgrade::next(&latest.state, latest.height, &self.inner.program);
        if latest.height == 0 || next != Ok(Next::Migrate) {
            return;
        }
        let mut state = latest.state;
        upgrade::apply(&mut state, &self.inner.program);
        lock(&self.inner.progress).unwritten = Some(Unwritten {
            state,
            chain_id: latest.chain_id,
            next_height: latest.height.saturating_add(1),
        });
    }

    /// Snapshots that others restore from, and the restore of this node.
    pub(crate) fn statesync(&self) -> &StateSync {
        &self.inner.statesync
    }

    /// Goes on with a state that was restored, as after a start.
    pub(crate) fn restored(&self) {
        self.upgrade();
        self.reset_mempool();
        self.resume();
        self.look_ahead();
    }

    /// Starts the recomputations again that were under way when the process ended.
    fn resume(&self) {
        let pending = self.read_next(|_, state| crate::race::pending_recomputations(state));
        pending
            .iter()
            .flatten()
            .for_each(|what| self.inner.oracle.start(what));
    }

    /// Calls `listener` after each commit, on the consensus thread: it must be quick.
    pub fn on_commit(&self, listener: impl Fn(&Committed) + Send + Sync + 'static) {
        lock(&self.inner.listeners).push(Arc::new(listener));
    }

    /// Calls `listener` when a block was committed after which this program does not go on, on the
    /// consensus thread: it must be quick.
    pub fn on_halt(&self, listener: impl Fn(&Halt) + Send + Sync + 'static) {
        lock(&self.inner.halt_listeners).push(Arc::new(listener));
    }

    /// Lets `first` say, from the latest height, which block is the first that CometBFT keeps; 0 says nothing
    /// new. Called after each commit, on the consensus thread; the first `first` counts. Without any CometBFT
    /// keeps all blocks.
    pub fn retain_blocks_from(&self, first: impl Fn(u64) -> u64 + Send + Sync + 'static) {
        // Set already: the first one counts, as said above.
        let _ = self.inner.retain.set(Box::new(first));
    }

    /// The first block that CometBFT keeps from now on; 0 for no change.
    pub(crate) fn retain_height(&self, latest: u64) -> u64 {
        self.inner.retain.get().map_or(0, |first| first(latest))
    }

    /// Halts after the block of this height.
    pub fn halt_after(&self, height: u64) {
        self.inner.halt_after.store(height, Ordering::SeqCst);
    }

    /// Why this program does not execute the next block, if it does not.
    pub fn halt(&self) -> Option<Halt> {
        let latest = self.view(self.latest());
        if latest.height == 0 {
            return None;
        }
        let asked = self.inner.halt_after.load(Ordering::SeqCst);
        let asked = (latest.height >= asked).then_some(Halt::Asked {
            height: latest.height,
        });
        let next = upgrade::next(&latest.state, latest.height, &self.inner.program);
        next.err().or(asked)
    }

    fn look_ahead(&self) {
        if let Some(halt) = self.halt() {
            let listeners = lock(&self.inner.halt_listeners).clone();
            listeners.iter().for_each(|listener| listener(&halt));
        }
    }

    /// The version of this program.
    pub fn program_version(&self) -> u64 {
        self.inner.program.version
    }

    /// The version of the last block's state: what the next block's header has. This program's before
    /// there is a chain.
    pub fn version(&self) -> u64 {
        let latest = self.latest();
        match latest.height() {
            0 => self.program_version(),
            _ => upgrade::version(&State::new(Arc::new(latest))),
        }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The latest committed state; height 0 before the first block.
    pub fn latest(&self) -> Snapshot {
        self.inner.store.latest()
    }

    /// A snapshot as a view. Reads of the latest one are shared by all that look at it.
    fn view(&self, snapshot: Snapshot) -> View {
        let height = snapshot.height();
        let mut remembered = lock(&self.inner.remembered);
        let base = match remembered.as_ref() {
            Some((at, base)) if *at == height => base.clone(),
            Some((at, _)) if *at > height => return View::of(snapshot),
            _ => {
                let base = Remembered::new(Arc::new(snapshot));
                *remembered = Some((height, base.clone()));
                base
            }
        };
        drop(remembered);
        View::at(height, Arc::new(base))
    }

    /// The recomputation of nonces.
    pub fn oracle(&self) -> &dyn RaceOracle {
        self.inner.oracle.as_ref()
    }

    /// Runs `read` on the state of a height (0: the latest). A program that migrates with the next block
    /// reads the latest state as it is after that.
    ///
    /// # Errors
    /// When the height is in the future, no longer kept or of another version, and before the first block.
    pub fn read<T>(
        &self,
        height: u64,
        read: impl FnOnce(&Context<'_>, &State) -> T,
    ) -> Result<T, StoreError> {
        let latest = self.latest();
        let at = match height {
            0 => latest.height(),
            _ => height,
        };
        let unwritten = lock(&self.inner.progress).unwritten.clone();
        let unwritten = unwritten.filter(|_| at > 0 && at == latest.height());
        let view = match unwritten {
            Some(Unwritten {
                state, chain_id, ..
            }) => View {
                time_ms: chain::time_ms(&state),
                state,
                chain_id,
                height: at,
            },
            None if at == latest.height() => self.view(latest),
            None => View::of(self.inner.store.at(at)?),
        };
        let (found, own) = (upgrade::version(&view.state), self.program_version());
        if at > 0 && found != own {
            return Err(StoreError::OtherVersion {
                height: at,
                found,
                own,
            });
        }
        Ok(read(&view.context(self.oracle()), &view.state))
    }

    /// Runs `read` on the state before the next block, genesis included; `context.height` is the
    /// next block's. `None` before genesis.
    pub fn read_next<T>(&self, read: impl FnOnce(&Context<'_>, &State) -> T) -> Option<T> {
        self.next()
            .map(|view| read(&view.context(self.oracle()), &view.state))
    }

    /// Makes the state of a new chain; nothing is written before its first commit. Returns
    /// CometBFT's first validators and the app hash of genesis.
    ///
    /// # Errors
    /// When the genesis file is refused.
    ///
    /// # Panics
    /// When the store fails.
    pub fn init_chain(
        &self,
        chain_id: &str,
        first_height: u64,
        time_ms: u64,
        genesis: &AppGenesis,
    ) -> Result<(Vec<Validator>, [u8; 32]), GenesisError> {
        let mut state = State::empty();
        let height = first_height.saturating_sub(1);
        let context = Context {
            chain_id,
            height,
            time_ms,
            oracle: self.oracle(),
        };
        let validators = genesis.apply(&mut state, &context)?;
        upgrade::migrate(&mut state, &self.inner.program);
        let app_hash = self.prepare(first_height, &state).app_hash();
        let unwritten = Unwritten {
            state,
            chain_id: chain_id.to_owned(),
            next_height: first_height,
        };
        *lock(&self.inner.progress) = Progress {
            unwritten: Some(unwritten),
            pending: None,
        };
        self.reset_mempool();
        Ok((validators, app_hash))
    }

    fn prepare(&self, height: u64, state: &State) -> Prepared {
        let prepared = self.inner.store.prepare(height, state.changes().clone());
        prepared.unwrap_or_else(|error| panic!("{error}"))
    }

    /// State and context before the next block.
    fn next(&self) -> Option<View> {
        let unwritten = lock(&self.inner.progress).unwritten.clone();
        let snapshot = self.latest();
        match (snapshot.height(), unwritten) {
            (_, Some(unwritten)) => Some(View {
                time_ms: chain::time_ms(&unwritten.state),
                state: unwritten.state,
                chain_id: unwritten.chain_id,
                height: unwritten.next_height,
            }),
            (0, None) => None,
            (height, None) => Some(View {
                height: height.saturating_add(1),
                ..self.view(snapshot)
            }),
        }
    }

    /// Executes a block and computes its app hash; [`App::commit`] writes it.
    ///
    /// # Panics
    /// When there is no chain yet, this program must not execute the block ([`App::halt`]) or the store
    /// fails: a node must stop then.
    pub fn finalize_block(&self, new: &NewBlock) -> Finalized {
        if let Some(halt) = self.halt() {
            panic!("{halt}");
        }
        let before = self.version();
        let view = self.next().expect("InitChain comes before the first block");
        let View {
            mut state,
            chain_id,
            ..
        } = view;
        let context = Context {
            chain_id: &chain_id,
            height: new.height,
            time_ms: new.time_ms,
            oracle: self.oracle(),
        };
        let executed = execute(&mut state, &context, &new.block, &self.inner.program);
        let prepared = self.prepare(new.height, &state);
        let app_hash = prepared.app_hash();
        let mut events = executed.events.clone();
        events.extend(
            executed
                .results
                .iter()
                .flat_map(|result| result.events.iter().cloned()),
        );
        lock(&self.inner.progress).pending = Some(Pending {
            prepared,
            time_ms: new.time_ms,
            events,
        });
        Finalized {
            results: executed.results,
            events: executed.events,
            updates: executed.updates,
            app_hash,
            app_version: Some(self.program_version()).filter(|now| *now != before),
        }
    }

    /// Makes the finalized block durable, then visible.
    ///
    /// # Panics
    /// When no block was finalized or the store fails: a node must stop then.
    pub fn commit(&self) -> Snapshot {
        let pending = lock(&self.inner.progress)
            .pending
            .take()
            .expect("FinalizeBlock comes before Commit");
        let Pending {
            prepared,
            time_ms,
            events,
        } = pending;
        let snapshot = self
            .inner
            .store
            .commit(prepared)
            .unwrap_or_else(|error| panic!("{error}"));
        lock(&self.inner.progress).unwritten = None;
        self.reset_mempool();
        let committed = Committed {
            height: snapshot.height(),
            time_ms,
            snapshot: snapshot.clone(),
            events,
        };
        let listeners = lock(&self.inner.listeners).clone();
        listeners.iter().for_each(|listener| listener(&committed));
        self.look_ahead();
        snapshot
    }

    fn reset_mempool(&self) {
        let next = self.next().map(|view| Mempool::new(view.state));
        *lock(&self.inner.mempool) = next;
    }

    /// Checks a transaction for the mempool.
    pub fn check_tx(&self, bytes: &[u8], recheck: bool) -> Outcome {
        let Some(view) = self.next() else {
            return not_ready();
        };
        let mut mempool = lock(&self.inner.mempool);
        match mempool.as_mut() {
            Some(mempool) => mempool.check(&view.context(self.oracle()), bytes, recheck),
            None => not_ready(),
        }
    }

    /// Runs a transaction that may lack signatures, fee and keys, to learn its gas and events.
    pub fn simulate(&self, bytes: &[u8]) -> Outcome {
        let Some(mut view) = self.next() else {
            return not_ready();
        };
        let mut state = std::mem::replace(&mut view.state, State::empty());
        simulate(&mut state, &view.context(self.oracle()), bytes)
    }

    /// Orders and cuts transactions for a block, after the signatures of rounds that the last block's
    /// votes give.
    pub fn prepare_proposal(
        &self,
        votes: &[(ConsensusAddress, Bytes)],
        txs: Vec<Bytes>,
        max_bytes: u64,
    ) -> Vec<Bytes> {
        // What a program that halts would propose, the next one has not made.
        let Some(view) = self.next().filter(|_| self.halt().is_none()) else {
            return Vec::new();
        };
        let awaited = signing::awaited(&view.state, &view.chain_id);
        let mut seen = lock(&self.inner.extensions);
        seen.keep(&awaited);
        for (member, extension) in votes {
            seen.take(&awaited, *member, extension);
        }
        let signatures = signing::combine(&view.state, &awaited, &seen);
        drop(seen);
        let injected = injected::encode(signatures);
        let context = view.context(self.oracle());
        proposal::prepare(&view.state, &context, injected, txs, max_bytes)
    }

    /// What this node's vote for the next block carries.
    pub fn extend_vote(&self) -> Vec<u8> {
        let Some(view) = self.next() else {
            return Vec::new();
        };
        let signer = self.inner.signer.as_ref();
        let extension = signing::extension(&view.state, &view.chain_id, view.height, signer);
        extension.encode_to_vec()
    }

    /// The shares that this node saw as a proposer of each signature that is awaited, those that were
    /// posted included.
    pub fn shares_seen(&self) -> Vec<(RoundId, usize)> {
        let Some(view) = self.next() else {
            return Vec::new();
        };
        let awaited = signing::awaited(&view.state, &view.chain_id);
        let seen = lock(&self.inner.extensions);
        let counted = |round: &Awaited| (round.id, seen.shares(&view.state, round));
        awaited.iter().map(counted).collect()
    }

    /// The transactions that wait in the mempool, by lane; see [`Mempool::waiting`].
    pub fn waiting(&self) -> Waiting {
        lock(&self.inner.mempool)
            .as_ref()
            .map_or_else(Waiting::default, Mempool::waiting)
    }

    /// Whether a proposed block may be voted for. None may by a program that will not execute it: so the
    /// block of an upgrade is proposed and decided by those that have the new program.
    pub fn process_proposal(&self, txs: &[Bytes]) -> bool {
        let next = self.next().filter(|_| self.halt().is_none());
        next.is_some_and(|view| proposal::is_acceptable(&view.state, &view.chain_id, txs))
    }
}

fn not_ready() -> Outcome {
    let error = TxError::sdk(18, format!("{NOT_READY}: invalid request"));
    Outcome {
        error: Some(error),
        ..Outcome::default()
    }
}
