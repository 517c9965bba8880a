//! Whose turn it is to be asked for what was served.
//!
//! Each peer has its own few turns, so that one that never answers delays nobody else's checks; and what failed
//! waits some blocks before it is tried again, twice as many each time: a peer that cannot be reached, and apart
//! from it a task that the peer did not serve, so that one withheld artifact does not stand before the others.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use race_app::address::ConsensusAddress;
use race_verification::Hash;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a peer may take to serve an artifact.
pub const FETCH_LIMIT: Duration = Duration::from_secs(10);
/// Fetches from one peer at once. What was fetched counts until its check begins.
const FETCHES_AT_ONCE: usize = 2;
/// Blocks until what failed once is tried again.
const FIRST_DELAY: u64 = 2;
/// The most blocks that are waited.
const LONGEST_DELAY: u64 = 16;

/// What failed, and until which block it waits.
struct Delays<K>(BTreeMap<K, (u64, u64)>);

impl<K: Ord> Delays<K> {
    fn failed(&mut self, key: K, height: u64) {
        let (delay, until) = self.0.entry(key).or_insert((0, 0));
        // Of several at once only the first counts.
        if height >= *until {
            *delay = delay.saturating_mul(2).clamp(FIRST_DELAY, LONGEST_DELAY);
            *until = height.saturating_add(*delay);
        }
    }

    fn waits(&self, key: &K, height: u64) -> bool {
        self.0.get(key).is_some_and(|(_, until)| height < *until)
    }
}

struct Inner {
    height: u64,
    turns: BTreeMap<ConsensusAddress, Arc<Semaphore>>,
    peers: Delays<ConsensusAddress>,
    tasks: Delays<(ConsensusAddress, Hash)>,
}

/// The turns of all peers.
pub struct Fetches(Mutex<Inner>);

/// Something that was fetched. Its peer's turn is over when `turn` is dropped.
pub struct Fetched<T> {
    /// What it is.
    pub served: T,
    /// Held until the check begins.
    pub turn: Option<OwnedSemaphorePermit>,
}

impl Default for Fetches {
    fn default() -> Self {
        Self(Mutex::new(Inner {
            height: 0,
            turns: BTreeMap::new(),
            peers: Delays(BTreeMap::new()),
            tasks: Delays(BTreeMap::new()),
        }))
    }
}

impl Fetches {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block was committed. What failed long ago is forgotten.
    pub fn follow(&self, height: u64) {
        let mut inner = self.inner();
        inner.height = height;
        let recent = |until: u64| until.saturating_add(LONGEST_DELAY) > height;
        inner.peers.0.retain(|_, (_, until)| recent(*until));
        inner.tasks.0.retain(|_, (_, until)| recent(*until));
    }

    /// Whether a peer may be asked for a task now.
    pub fn may_ask(&self, peer: &ConsensusAddress, task: &Hash) -> bool {
        let inner = self.inner();
        let height = inner.height;
        !inner.peers.waits(peer, height) && !inner.tasks.waits(&(*peer, *task), height)
    }

    /// A peer answered, and has not what it should have of a task.
    pub fn withheld(&self, peer: &ConsensusAddress, task: &Hash) {
        let mut inner = self.inner();
        let height = inner.height;
        inner.tasks.failed((*peer, *task), height);
    }

    fn unreachable(&self, peer: &ConsensusAddress) {
        let mut inner = self.inner();
        let height = inner.height;
        inner.peers.failed(*peer, height);
    }

    fn reached(&self, peer: &ConsensusAddress) {
        self.inner().peers.0.remove(peer);
    }

    /// Waits for a turn of the peer and asks it; `None` when it is not to be asked by then.
    ///
    /// # Errors
    /// What the peer said, or that it did not answer in time. It is asked again after some blocks.
    pub async fn ask<T, F>(
        &self,
        peer: &ConsensusAddress,
        task: &Hash,
        fetch: impl FnOnce() -> F,
    ) -> Option<Result<Fetched<T>, tonic::Status>>
    where
        F: Future<Output = Result<T, tonic::Status>>,
    {
        let turns = {
            let mut inner = self.inner();
            let new = || Arc::new(Semaphore::new(FETCHES_AT_ONCE));
            Arc::clone(inner.turns.entry(*peer).or_insert_with(new))
        };
        // Closed never: an error cannot happen, and would only let the fetch go on.
        let turn = turns.acquire_owned().await.ok();
        if !self.may_ask(peer, task) {
            return None;
        }
        let late = || Err(tonic::Status::deadline_exceeded("too slow"));
        let fetched = tokio::time::timeout(FETCH_LIMIT, fetch()).await;
        let fetched = fetched.unwrap_or_else(|_| late());
        match &fetched {
            Ok(_) => self.reached(peer),
            Err(status) => {
                self.withheld(peer, task);
                // Whoever says that it has no such task is there.
                match status.code() {
                    tonic::Code::NotFound => self.reached(peer),
                    _ => self.unreachable(peer),
                }
            }
        }
        Some(fetched.map(|served| Fetched { served, turn }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENT: ConsensusAddress = [1; 20];
    const OTHER: ConsensusAddress = [2; 20];

    fn at(height: u64) -> Arc<Fetches> {
        let fetches = Fetches::default();
        fetches.follow(height);
        Arc::new(fetches)
    }

    #[tokio::test]
    async fn a_peer_that_never_answers_delays_no_fetch_from_another() {
        let fetches = at(1);
        let asked = (0..20u8).map(|n| {
            let fetches = Arc::clone(&fetches);
            tokio::spawn(async move {
                let never = std::future::pending::<Result<(), _>>;
                drop(fetches.ask(&SILENT, &[n; 32], never).await);
            })
        });
        let asked: Vec<_> = asked.collect();
        tokio::task::yield_now().await;
        for n in 0..20 {
            let answer = || async { Ok(n) };
            let fetched = fetches.ask(&OTHER, &[n; 32], answer).await;
            assert_eq!(fetched.unwrap().unwrap().served, n);
        }
        asked.iter().for_each(tokio::task::JoinHandle::abort);
    }

    #[tokio::test]
    async fn what_failed_is_asked_for_again_after_ever_more_blocks() {
        let fetches = at(100);
        let broken = || async { Err::<(), _>(tonic::Status::unavailable("no route")) };
        for (height, next) in [(100, 102), (102, 106), (106, 114), (114, 130), (130, 146)] {
            fetches.follow(height);
            let answer = fetches.ask(&SILENT, &[1; 32], broken).await;
            assert!(answer.unwrap().is_err());
            fetches.follow(next - 1);
            assert!(!fetches.may_ask(&SILENT, &[2; 32]));
            fetches.follow(next);
            assert!(fetches.may_ask(&SILENT, &[2; 32]));
        }
    }

    #[tokio::test]
    async fn a_task_that_was_not_served_stands_before_no_other_of_its_executor() {
        let fetches = at(100);
        let refuses = || async { Err::<(), _>(tonic::Status::not_found("no such task")) };
        let answer = fetches.ask(&OTHER, &[1; 32], refuses).await;
        assert!(answer.unwrap().is_err());
        assert!(!fetches.may_ask(&OTHER, &[1; 32]));
        assert!(fetches.may_ask(&OTHER, &[2; 32]));
        assert!(fetches.ask(&OTHER, &[1; 32], refuses).await.is_none());
    }
}
