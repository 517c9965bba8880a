//! Counting how much of the function a backend computes. The caller holds the clock.

use std::sync::atomic::AtomicBool;

use crate::backend::{Backend, BackendError};
use crate::prover::Search;

/// What was computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Nonces computed.
    pub nonces: u64,
    /// Appropriate ones among them.
    pub appropriate: u64,
    /// Operations of the matrix products, two per multiply-add.
    pub flop: u128,
}

/// Computes batches of nonces on `backend` for as long as `go_on` says so; it is asked before
/// the first batch and after each, so that one batch can be left out of the timing as a warm-up.
/// A batch in which `cancel` is set is not counted, and is the last.
///
/// # Errors
/// [`BackendError::Device`] when the device failed.
pub fn bench(
    backend: &mut dyn Backend,
    cancel: &AtomicBool,
    go_on: &mut dyn FnMut(&Counts) -> bool,
) -> Result<Counts, BackendError> {
    let work = u128::from(backend.race().preset().flop_per_nonce());
    let mut search = Search::new(&[0; 32], 0..u64::MAX);
    let mut counts = Counts::default();
    while go_on(&counts) {
        match search.step(backend, cancel) {
            Ok(true) => {}
            Ok(false) | Err(BackendError::Cancelled) => break,
            Err(error) => return Err(error),
        }
        let progress = search.progress();
        counts = Counts {
            nonces: progress.tried,
            appropriate: progress.found,
            flop: work.saturating_mul(u128::from(progress.tried)),
        };
    }
    Ok(counts)
}
