//! The state machine of the Race network: store, transactions, modules, ABCI adapter.
//!
//! Deterministic by construction: integers only, ordered maps only, no clock, no randomness, no
//! network. A block's transactions run on layers over a committed snapshot ([`state`]); what they
//! may do is a list of checked messages ([`message`]) and what can be asked a list of paths
//! ([`query`]).

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

pub mod abci;
pub mod abci_query;
pub mod address;
pub mod app;
pub mod auth;
pub mod authz;
pub mod bank;
pub mod beacon;
pub mod block;
pub mod bond;
pub mod chain;
pub mod coin;
pub mod context;
pub mod decimal;
pub mod duty;
pub mod epoch;
pub mod error;
pub mod events;
pub mod evidence;
pub mod export;
pub mod feegrant;
pub mod fields;
pub mod genesis;
pub mod gov;
mod grants;
pub mod injected;
pub mod invariants;
pub mod mempool;
pub mod message;
pub mod model;
pub mod node;
pub mod oracle;
pub mod page;
pub mod params;
pub mod pricing;
pub mod proposal;
pub mod query;
pub mod race;
pub mod registry;
pub mod reputation;
pub mod session;
pub mod settlement;
pub mod staking;
pub mod state;
mod statesync;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
pub mod treasury;
pub mod tx;
pub mod upgrade;
