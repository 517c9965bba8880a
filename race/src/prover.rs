//! Searching a range of nonces for appropriate ones.
//!
//! Pure: the caller owns the clock and says when to stop. A search can be asked for its tree at any
//! time and go on, so that a commitment can be replaced by a larger one until the window closes.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::backend::{Backend, BackendError};
use crate::proof::{Leaf, ProofError, Tree};
use crate::seed::node_seed;
use crate::Bytes32;

/// How far a search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Nonces computed.
    pub tried: u64,
    /// Appropriate ones among them.
    pub found: u64,
}

/// Why [`Search::run`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every nonce of the range was tried.
    Exhausted,
    /// The caller cancelled; the search can go on with another call.
    Cancelled,
}

/// Tries `nonces` of the participant with `node_seed`, all in one batch: the leaves of the
/// appropriate ones, increasing. A cancelled or failed batch found nothing and can be tried again.
///
/// # Errors
/// Those of [`Backend::forward`].
pub fn attempt(
    backend: &mut dyn Backend,
    node_seed: &Bytes32,
    nonces: Range<u64>,
    cancel: &AtomicBool,
) -> Result<Vec<Leaf>, BackendError> {
    let found = backend.search(node_seed, nonces, cancel)?;
    Ok(found.iter().map(crate::Outcome::leaf).collect())
}

/// A search by one participant, in increasing order of nonces.
#[derive(Clone, Debug)]
pub struct Search {
    node_seed: Bytes32,
    left: Range<u64>,
    tried: u64,
    found: Vec<Leaf>,
}

impl Search {
    /// A search for the participant with `public_key` through `nonces`.
    pub fn new(public_key: &Bytes32, nonces: Range<u64>) -> Self {
        Search {
            node_seed: node_seed(public_key),
            left: nonces,
            tried: 0,
            found: Vec::new(),
        }
    }

    /// Tries the next batch; false when the range is exhausted. A cancelled or failed batch leaves
    /// the search as it was.
    ///
    /// # Errors
    /// Those of [`Backend::forward`].
    pub fn step(
        &mut self,
        backend: &mut dyn Backend,
        cancel: &AtomicBool,
    ) -> Result<bool, BackendError> {
        let batch = backend.batch().max(1) as u64;
        let end = self.left.start.saturating_add(batch).min(self.left.end);
        let nonces = self.left.start..end;
        if nonces.is_empty() {
            return Ok(false);
        }
        let found = attempt(backend, &self.node_seed, nonces.clone(), cancel)?;
        self.found.extend(found);
        self.tried = self.tried.saturating_add(end.saturating_sub(nonces.start));
        self.left.start = end;
        Ok(true)
    }

    /// Tries batch after batch until the range is exhausted or `cancel` is set, which stops it
    /// within a layer. `progress` is called after each batch.
    ///
    /// # Errors
    /// [`BackendError::Device`] when the device failed; the search can go on with another call.
    pub fn run(
        &mut self,
        backend: &mut dyn Backend,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Ending, BackendError> {
        while !cancel.load(Ordering::Relaxed) {
            match self.step(backend, cancel) {
                Ok(true) => progress(self.progress()),
                Ok(false) => return Ok(Ending::Exhausted),
                Err(BackendError::Cancelled) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Ending::Cancelled)
    }

    /// How far the search is.
    pub fn progress(&self) -> Progress {
        Progress {
            tried: self.tried,
            found: self.found.len() as u64,
        }
    }

    /// The appropriate nonces so far, increasing.
    pub fn found(&self) -> &[Leaf] {
        &self.found
    }

    /// The tree over what was found so far: its root and count are the commitment.
    ///
    /// # Errors
    /// None for a search: its nonces increase.
    pub fn tree(&self) -> Result<Tree, ProofError> {
        Tree::new(self.found.clone())
    }
}
