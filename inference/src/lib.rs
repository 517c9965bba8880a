//! Inference engines behind one trait: generate while recording what the model saw, and check such
//! a record with one teacher-forced prefill.
//!
//! Where things are:
//!
//! - [`engine`]: the traits [`Engine`] and [`LoadedModel`] and every type that crosses them.
//! - [`logprob`]: the one place where floats become integers. Outside this crate a log-probability
//!   is an `i32` in units of 1e-4 nats, and top-k lists are in a fixed order.
//! - [`llama`]: the default engine, llama.cpp inside this process; one worker thread a model.
//! - [`gguf`]: reads the header of a model file (format, size, tokenizer) before llama.cpp sees it.
//! - [`text`]: streaming text: whole characters only, stop strings held back.
//! - [`quantise`]: writes a coarser copy of a model file.
//! - [`registry`]: engines by name.
//! - `fixture` (feature `fixture`): a tiny random model for tests.
//!
//! This crate knows nothing of chains, sessions or fees and depends on no other crate here.

pub mod engine;
pub mod error;
#[cfg(feature = "fixture")]
pub mod fixture;
pub mod gguf;
mod hash;
pub mod llama;
pub mod logprob;
pub mod quantise;
pub mod registry;
pub mod text;

pub use engine::{
    Activity, Arithmetic, CancelFlag, ChatMessage, Engine, EngineClass, Generation, LoadOptions,
    LoadProgress, LoadStage, LoadedModel, Memory, ModelInfo, PositionScore, PrefillRequest,
    StopReason, StopRules, TokenArtifact, TokenEvent, TokenId,
};
pub use error::InferenceError;
pub use logprob::{Candidate, LogProb, TopK, DEFAULT_TOP_K, LOGPROB_FLOOR, LOGPROB_UNITS_PER_NAT};
