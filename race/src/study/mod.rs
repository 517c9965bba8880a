//! How hard the function is to cut short, measured.
//!
//! | part | what it measures |
//! |---|---|
//! | [`Inside`] | layer by layer: spreads of the activations, how alike nonces and tokens are, what a changed coordinate does, what skipping the last layers keeps |
//! | [`Odds`] | distances to the target, and how many nonces are appropriate |
//!
//! Statistics are floats; nothing here decides anything. `docs/race-study.md` of the repository
//! holds the tables.

mod inside;
mod odds;
mod statistics;

pub use inside::{AfterLayer, Inside, Skipped, Spread};
pub use odds::{Odds, Rate};
pub use statistics::Summary;

use crate::seed::{node_seed, NonceInput};
use crate::Race;

/// The inputs of the nonces `0..count` of a participant whose key is all zero.
pub fn inputs(race: &Race, count: u64) -> Vec<NonceInput> {
    let node_seed = node_seed(&[0; 32]);
    (0..count)
        .map(|nonce| race.input(&node_seed, nonce))
        .collect()
}

#[cfg(test)]
mod tests;
