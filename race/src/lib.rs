//! The Race: a seeded integer transformer whose appropriate nonces are voting weight.
//!
//! The function is defined over integers whose sums all stay below 2^24, so every device
//! computes the same bits and a proof is right or wrong, without a tolerance. `README.md` of
//! this crate draws it; the modules follow the sentences of the definition:
//!
//! | module | what it holds |
//! |---|---|
//! | [`preset`] | the sizes, and the proof that their sums are exact |
//! | [`stream`], [`seed`], [`weights`] | what is derived from the seeds |
//! | [`arith`] | the scalar operations: `clip`, `rq`, `norm`, `EXP`, the gate |
//! | [`reference`](mod@crate::reference) | the function in plain integers, streaming its weights |
//! | [`backend`] | where the function can run, by name |
//! | [`race`](mod@crate::race) | one race: preset, seed, target, and the judging of a nonce |
//! | [`proof`] | leaves, the range-annotated tree, openings, multiproofs |
//! | [`prover`], [`recompute`](mod@crate::recompute), [`bench`](mod@crate::bench) | searching, checking, measuring |
//! | [`vectors`], [`departure`] | checking vector files, and finding the layer where a backend goes wrong |
//! | [`study`] | how hard the function is to cut short, measured |
//!
//! Two users: the state machine takes [`Preset`], [`node_seed`], [`proof`] and [`recompute()`]
//! and links no tensor library; the node adds a [`backend`] and the [`prover`].
#![deny(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]
#![cfg_attr(
    test,
    allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)
)]

pub mod arith;
pub mod backend;
pub mod bench;
pub mod departure;
pub mod preset;
pub mod proof;
pub mod prover;
pub mod race;
pub mod recompute;
pub mod reference;
pub mod seed;
pub mod stream;
pub mod study;
mod target;
pub mod vectors;
pub mod weights;

pub use backend::{Backend, BackendError};
pub use preset::Preset;
pub use race::{Outcome, Race};
pub use recompute::{recompute, recompute_all, Recomputed};
pub use seed::node_seed;

/// 32 bytes: a seed, a key or a SHA-256 digest.
pub type Bytes32 = [u8; 32];

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
