//! The application: a store, the block in progress, the mempool's state.
//!
//! `finalize_block` computes and writes nothing; `commit` makes it durable in one batch and then
//! swaps what queries and CheckTx read. Clones share everything.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
use crate::state::State;
use crate::statesync::StateSync;
use crate::store::{Prepared, Snapshot, Store, StoreError};
use crate::tx::execute::simulate;
use crate::tx::Outcome;
use crate::{injected, proposal};

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
}

/// The state of a new chain before its first commit.
#[derive(Clone)]
struct Born {
    state: State,
    chain_id: String,
    first_height: u64,
}

struct Pending {
    prepared: Prepared,
    time_ms: u64,
    events: Vec<Event>,
}

#[derive(Default)]
struct Progress {
    born: Option<Born>,
    pending: Option<Pending>,
}

struct Inner {
    store: Store,
    oracle: Arc<dyn RaceOracle>,
    signer: Arc<dyn BeaconSigner>,
    extensions: Mutex<Extensions>,
    progress: Mutex<Progress>,
    mempool: Mutex<Option<Mempool>>,
    listeners: Mutex<Vec<Listener>>,
    statesync: StateSync,
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
        let height = snapshot.height();
        let state = State::new(Arc::new(snapshot));
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
        let app = Self {
            inner: Arc::new(Inner {
                store,
                oracle,
                signer,
                extensions: Mutex::default(),
                progress: Mutex::default(),
                mempool: Mutex::default(),
                listeners: Mutex::default(),
                statesync: StateSync::default(),
            }),
        };
        app.reset_mempool();
        app.resume();
        app
    }

    /// Snapshots that others restore from, and the restore of this node.
    pub(crate) fn statesync(&self) -> &StateSync {
        &self.inner.statesync
    }

    /// Goes on with a state that was restored, as after a start.
    pub(crate) fn restored(&self) {
        self.reset_mempool();
        self.resume();
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

    /// The store.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The latest committed state; height 0 before the first block.
    pub fn latest(&self) -> Snapshot {
        self.inner.store.latest()
    }

    /// The recomputation of nonces.
    pub fn oracle(&self) -> &dyn RaceOracle {
        self.inner.oracle.as_ref()
    }

    /// Runs `read` on the state of a height (0: the latest).
    ///
    /// # Errors
    /// When the height is in the future or no longer kept, and before the first block.
    pub fn read<T>(
        &self,
        height: u64,
        read: impl FnOnce(&Context<'_>, &State) -> T,
    ) -> Result<T, StoreError> {
        let snapshot = match height {
            0 => self.latest(),
            _ => self.inner.store.at(height)?,
        };
        let view = View::of(snapshot);
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
        let app_hash = self.prepare(first_height, &state).app_hash();
        let born = Born {
            state,
            chain_id: chain_id.to_owned(),
            first_height,
        };
        *lock(&self.inner.progress) = Progress {
            born: Some(born),
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
        let born = lock(&self.inner.progress).born.clone();
        let snapshot = self.latest();
        match (snapshot.height(), born) {
            (0, None) => None,
            (0, Some(born)) => Some(View {
                time_ms: chain::time_ms(&born.state),
                state: born.state,
                chain_id: born.chain_id,
                height: born.first_height,
            }),
            (height, _) => Some(View {
                height: height.saturating_add(1),
                ..View::of(snapshot)
            }),
        }
    }

    /// Executes a block and computes its app hash; [`App::commit`] writes it.
    ///
    /// # Panics
    /// When there is no chain yet or the store fails: a node must stop then.
    pub fn finalize_block(&self, new: &NewBlock) -> Finalized {
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
        let executed = execute(&mut state, &context, &new.block);
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
        lock(&self.inner.progress).born = None;
        self.reset_mempool();
        let committed = Committed {
            height: snapshot.height(),
            time_ms,
            snapshot: snapshot.clone(),
            events,
        };
        let listeners = lock(&self.inner.listeners).clone();
        listeners.iter().for_each(|listener| listener(&committed));
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
        let Some(view) = self.next() else {
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
        proposal::prepare(&view.state, injected, txs, max_bytes)
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

    /// Whether a proposed block may be voted for.
    pub fn process_proposal(&self, txs: &[Bytes]) -> bool {
        self.next()
            .is_some_and(|view| proposal::is_acceptable(&view.state, &view.chain_id, txs))
    }
}

fn not_ready() -> Outcome {
    let error = TxError::sdk(18, format!("{NOT_READY}: invalid request"));
    Outcome {
        error: Some(error),
        ..Outcome::default()
    }
}
