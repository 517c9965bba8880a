//! The ABCI 0.38 server: CometBFT on one side, a [`tendermint_abci::Application`] on the other.
//!
//! It takes the place of that crate's own server, which delays each call over TCP (no
//! `TCP_NODELAY`), copies its buffer for each message, has no size limit, and lets any panic kill
//! the connection and with it CometBFT. Here:
//!
//! - a Unix socket or TCP without delay; one thread per connection; answers are written together
//!   when CometBFT asks for them (Flush) or when no whole request is waiting ([`Server`]);
//! - a message larger than the limit closes the connection before it is read ([`codec`]);
//! - a panic in a query, in CheckTx or in a snapshot call becomes an answer; a panic on the
//!   consensus path ends the process, since the state may be torn ([`dispatch`](mod@dispatch)).

pub mod codec;
pub mod dispatch;
mod server;

#[cfg(test)]
mod tests;

pub use codec::CodecError;
pub use server::{Address, Handle, Options, Server, ServerError};
