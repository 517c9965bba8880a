//! `raced`: everything of the Race network that touches clock, network and disk.
//!
//! | module | what it holds |
//! |---|---|
//! | [`cli`] | the command line |
//! | [`node`] | one node: how its parts are put together, started and stopped |
//! | [`shutdown`] | being asked to stop |
//! | [`latest`], [`driver`], [`protocol`], [`sender`] | after each block: its state, what the protocol wants, and sending it |
//! | [`racer`], [`checker`], [`oracle`] | threads around the pure Race |
//! | [`crew`], [`preempt`] | computing threads: their life, and who goes first |
//! | [`committee`] | this node's private side of the committee's keys |
//! | [`config`], [`secrets`] | what a home says of its node |
//! | [`home_lock`] | one process at a time on a home |
//! | [`joining`], [`registration`] | how a node gets into a network |
//! | [`snapshots`], [`retention`] | the snapshots that others join from; the blocks that are kept |
//! | [`serving`] | inference and its checking |
//! | [`model_fetch`], [`model_info`] | model files: getting one, describing one |
//! | [`abci`], [`comet`] | towards CometBFT |
//! | [`unary`], [`grpc`], [`rest`], [`client`], [`wallet`] | towards users |
//! | [`door`], [`places`] | how many connections a listener has, and a client of it |
//! | [`tree`], [`proto_json`] | what is shown, and protobuf as JSON |
//! | [`metrics`], [`status`], [`logging`], [`doctor`] | towards operators |
//! | [`localnet`], [`demo`], [`network`], [`fetch`], [`misbehave`] | whole networks, getting their files, and nodes of one that break the rules |

pub mod abci;
pub mod checker;
pub mod cli;
pub mod client;
pub mod comet;
pub mod committee;
pub mod config;
pub mod crew;
pub mod demo;
pub mod doctor;
pub mod door;
pub mod driver;
pub mod fetch;
pub mod grpc;
pub mod home_lock;
pub mod joining;
pub mod latest;
pub mod localnet;
pub mod logging;
pub mod metrics;
pub mod misbehave;
pub mod model_fetch;
pub mod model_info;
pub mod network;
pub mod node;
pub mod oracle;
pub mod places;
pub mod preempt;
pub mod proto_json;
pub mod protocol;
pub mod racer;
pub mod registration;
pub mod rest;
pub mod retention;
pub mod secrets;
pub mod sender;
pub mod serving;
pub mod shutdown;
pub mod snapshots;
pub mod status;
pub mod tree;
pub mod unary;
pub mod wallet;
