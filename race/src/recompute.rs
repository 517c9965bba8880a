//! Computing single nonces again, to check what others claim.

use std::sync::atomic::AtomicBool;

use crate::backend::{Backend, BackendError};
use crate::reference::Reference;
use crate::{node_seed, Bytes32, Outcome, Preset, Race};

/// What the function gives for a claimed nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recomputed {
    /// The nonce.
    pub nonce: u64,
    /// The squared distance of its output to the target.
    pub distance: u32,
    /// The leaf hash an honest proof has for it.
    pub leaf: Bytes32,
    /// What a checker commits to, salted: `SHA-256("race/check/v1" || nonce || distance || z)`.
    pub check_digest: Bytes32,
    /// Whether the distance is at most the threshold.
    pub appropriate: bool,
}

impl Recomputed {
    /// Whether a committed `leaf` stands: it is the recomputed one and the nonce is appropriate.
    pub fn upholds(&self, leaf: &Bytes32) -> bool {
        self.appropriate && self.leaf == *leaf
    }
}

impl From<&Outcome> for Recomputed {
    fn from(outcome: &Outcome) -> Self {
        Recomputed {
            nonce: outcome.nonce,
            distance: outcome.distance,
            leaf: outcome.leaf().hash,
            check_digest: outcome.check_digest(),
            appropriate: outcome.appropriate,
        }
    }
}

/// Computes `nonce` of the participant with `public_key` in plain integers on one thread,
/// streaming the weights: a few megabytes of memory for `paper`, and seconds of a CPU.
pub fn recompute(
    preset: &'static Preset,
    race_seed: &Bytes32,
    public_key: &Bytes32,
    nonce: u64,
) -> Recomputed {
    let race = Race::new(preset, *race_seed);
    let input = race.input(&node_seed(public_key), nonce);
    let never = AtomicBool::new(false);
    let outputs = Reference::new(race.clone(), 1).outputs(std::slice::from_ref(&input), &never);
    match outputs.as_deref() {
        Ok([y]) => Recomputed::from(&race.judge(&input, y)),
        // The reference fails only when cancelled, and gives one output per input.
        _ => unreachable!("the reference was not cancelled"),
    }
}

/// Computes claimed nonces, `(public key, nonce)` in any order and mix, in plain integers on `threads`
/// threads, streaming the weights once for all of them. The results are in the order of `claims`.
pub fn recompute_all(
    preset: &'static Preset,
    race_seed: &Bytes32,
    claims: &[(Bytes32, u64)],
    threads: usize,
) -> Vec<Recomputed> {
    let mut reference = Reference::new(Race::new(preset, *race_seed), threads);
    match recompute_on(&mut reference, claims, &AtomicBool::new(false)) {
        Ok(recomputed) => recomputed,
        // The reference fails only when cancelled.
        Err(_) => unreachable!("the reference was not cancelled"),
    }
}

/// Computes claimed nonces, `(public key, nonce)` in any order and mix, on a loaded backend, in
/// batches of its liking. The results are in the order of `claims`.
///
/// # Errors
/// [`BackendError::Cancelled`] when `cancel` was set, and the backend's own.
pub fn recompute_on(
    backend: &mut dyn Backend,
    claims: &[(Bytes32, u64)],
    cancel: &AtomicBool,
) -> Result<Vec<Recomputed>, BackendError> {
    let mut results = Vec::with_capacity(claims.len());
    for batch in claims.chunks(backend.batch().max(1)) {
        let race = backend.race();
        let inputs: Vec<_> = batch
            .iter()
            .map(|(public_key, nonce)| race.input(&node_seed(public_key), *nonce))
            .collect();
        let outcomes = backend.outcomes(&inputs, cancel)?;
        results.extend(outcomes.iter().map(Recomputed::from));
    }
    Ok(results)
}
