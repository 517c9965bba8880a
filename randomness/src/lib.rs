//! Shared randomness: the one way to hash, the one way to draw, commit-and-reveal rounds, BLS
//! signatures, and a committee's key that nobody holds alone. The protocol in a page is in `README.md`.
//!
//! Pure code: given inputs it returns outputs. It knows no chain, no clock and no network, and it
//! draws no randomness of its own.
//!
//! | module | what is in it |
//! |---|---|
//! | [`hash`] | the domain-separated hash `H` that every other crate uses |
//! | [`draw`] | weighted draws and draws of positions |
//! | [`commit_reveal`] | member secrets, commitments, the transcript and the seed of a round |
//! | [`bls`] | BLS12-381 keys and signatures: public keys in G1, signatures in G2 |
//! | [`scheme`] | threshold signatures: one trait, `threshold_crypto` and `blst` behind it |
//! | [`drand`] | public drand rounds, which our verifier verifies |
//! | [`shares`] | voting power becomes shares and a threshold |
//! | [`dkg`] | distributed key generation, with the chain as broadcast channel |
//! | [`signing`] | what a committee signs, vote extensions, the pool of shares |
//! | `sim` | committees in memory with every fault, for tests; feature `testing` |
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::float_arithmetic
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::float_arithmetic
    )
)]

pub mod bls;
pub mod commit_reveal;
mod curve;
pub mod dkg;
pub mod drand;
pub mod draw;
pub mod hash;
mod polynomial;
pub mod scheme;
pub mod shares;
pub mod signing;
#[cfg(any(test, feature = "testing"))]
pub mod sim;

pub use hash::Address;
