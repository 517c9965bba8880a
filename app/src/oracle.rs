//! The chain's own recomputation of a nonce, behind a trait: this crate links no engine.

/// One nonce to recompute. Its identity is all of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recomputation {
    /// Name of the preset.
    pub preset: String,
    /// The race seed.
    pub race_seed: [u8; 32],
    /// The participant's consensus key.
    pub public_key: [u8; 32],
    /// The nonce.
    pub nonce: u64,
}

/// The truth about a nonce, the same on every machine (the Race is exact).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truth {
    /// SHA-256 leaf of the proof's tree.
    pub leaf: [u8; 32],
    /// SHA-256("race/check/v1" || nonce || distance || z).
    pub check_digest: [u8; 32],
    /// Whether the distance is at most the preset's threshold.
    pub appropriate: bool,
}

/// Recomputes nonces. `start` may run it in the background; `join` waits for the result and
/// computes it in place when it was never started (after a restart, say).
pub trait RaceOracle: Send + Sync {
    /// Begins a recomputation that a later block will join.
    fn start(&self, what: &Recomputation);
    /// The truth.
    fn join(&self, what: &Recomputation) -> Truth;
}
