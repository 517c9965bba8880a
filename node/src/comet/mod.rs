//! CometBFT, the consensus engine, as `raced` sees it.
//!
//! | file | what is in it |
//! |---|---|
//! | [`config`] | `config.toml` as one typed struct: defaults, rendering with comments, reading back |
//! | [`genesis`] | `genesis.json` and its consensus parameters |
//! | [`keys`] | ed25519 node and validator keys in CometBFT's JSON, addresses, node ids |
//! | [`home`] | where each file of a node's home lies, and writing a whole home |
//! | [`binary`] | finding the `cometbft` executable |
//! | [`index`] | indexing the last blocks again before a start |
//! | [`process`] | starting, watching and stopping it as a child process |
//! | [`log`] | turning its log lines into `tracing` events |
//! | [`rpc`] | a small client for its JSON-RPC |
//!
//! Nothing in here knows the application: these modules move bytes between `raced`, files, and
//! a child process, and may be used by the localnet, by `start`, and by tests alike.

pub mod binary;
pub mod config;
mod config_comments;
pub(crate) mod files;
pub mod genesis;
pub mod go_duration;
pub mod home;
pub mod index;
pub mod keys;
pub mod log;
pub mod process;
pub mod rpc;

#[cfg(test)]
mod tests;
