//! What a block gives to execution, besides state.

use crate::oracle::RaceOracle;

/// The block in which something executes. All of it is the same on every node.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The chain's id; part of every hash and signature.
    pub chain_id: &'a str,
    /// This block's height. In a query: the last committed one.
    pub height: u64,
    /// This block's header time, milliseconds since 1970.
    pub time_ms: u64,
    /// Recomputation of nonces.
    pub oracle: &'a dyn RaceOracle,
}
