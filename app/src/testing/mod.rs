//! An in-process network for tests: one application, any number of nodes, no wall clock.
//!
//! ```
//! use race_app::testing::{Chain, Wallet};
//!
//! let mut chain = Chain::new(4);
//! let alice = Wallet::named("alice"); // funded at genesis, as is "bob"
//! chain.send(&alice, vec![alice.pays(&Wallet::named("carol"), 5)]).unwrap();
//! chain.step();
//! assert_eq!(chain.balance(&Wallet::named("carol")), 5);
//! chain.run_until("epoch 2", 400, |chain| chain.epoch().number == 2);
//! ```
//!
//! | what | where |
//! |---|---|
//! | the network: genesis, blocks, mempool, queries | [`Chain`], [`Builder`] |
//! | accounts that sign | [`Wallet`], [`Signing`] |
//! | nodes with all their keys, what they do wrong | [`TestNode`], [`Behaviour`] |
//! | what an honest node sends at each block | [`honest`] |
//! | members' shares of committees' keys | [`committee`] |
//! | nonces without computing them | [`FakeOracle`] |
//! | a next version of the state machine | [`next`] |
//!
//! [`Chain::step`] makes one block as CometBFT would: each node's [`honest`] messages and the
//! transactions that were [sent](Chain::send) go through CheckTx, PrepareProposal,
//! ProcessProposal, FinalizeBlock and Commit. [`Chain::block`] executes given transactions only.
//! After each block the invariants of all modules are checked.

// Test code may stop at the first surprise.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

mod chain;
pub mod committee;
pub mod honest;
pub mod next;
mod node;
mod oracle;
mod wallet;

pub use chain::{Builder, Chain, SECOND_MS};
pub use node::{Behaviour, TestNode};
pub use oracle::FakeOracle;
pub use wallet::{Signing, Wallet};
