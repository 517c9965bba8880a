//! Serving inference and checking what others served.
//!
//! | file | what is in it |
//! |---|---|
//! | [`access`] | who is served the artifacts of a task |
//! | [`answer`] | making and checking one answer: the rules that both sides share |
//! | [`client`] | the developer's side of a request |
//! | [`fetch`] | whose turn it is to be asked for what was served |
//! | [`host`] | the models that this node has loaded |
//! | [`kept`] | answers that this node called false, on disk |
//! | [`peers`] | requests passed on to other executors |
//! | [`running`] | how many requests are answered at once |
//! | [`tasks`] | requests answered and not yet settled, on disk |
//! | [`service`] | the gRPC service that developers call |
//! | [`verifier`] | checking the tasks that fell to this node |

// A `Status` is what tonic's handlers return; boxing it in between would help nobody.
#![allow(clippy::result_large_err)]

pub mod access;
pub mod answer;
pub mod client;
pub mod fetch;
pub mod host;
pub mod kept;
pub mod peers;
pub mod running;
pub mod service;
pub mod tasks;
pub mod verifier;
