//! Verification of inference: who must check what, what an executor commits to, and how a check is
//! judged.
//!
//! Pure integer code: no floats, no clock, no I/O. Log-probabilities are `i32` in units of 1e-4 nats
//! (the natural logarithm times 10,000, rounded), never above 0.
//!
//! | module | what is in it |
//! |---|---|
//! | [`duty`] | task ids, the duty lottery and its thresholds |
//! | [`sampling`] | the seeded sampler that executor and checker share |
//! | [`artifact`] | what is kept of each generated token, its encoding and its root |
//! | [`compare`] | an artifact against a checker's own prefill; the judgement on means |
//! | [`cusum`] | statistics of borderline misses, carried across epochs |
//! | [`reputation`] | reputation and the checking rate that follows from it |
//! | [`record`] | settlement records and the bytes that are signed around a request |
//! | [`verdict`] | verdict commitments, verdict roots, evidence digests |
//! | [`merkle`] | Merkle trees of RFC 6962 |
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

pub mod artifact;
pub mod compare;
pub mod cusum;
pub mod duty;
pub mod merkle;
pub mod record;
pub mod reputation;
pub mod sampling;
pub mod verdict;

pub use race_randomness::hash::Hash;
