//! Everything that can go wrong, as one typed error. Each message says what was expected, what came
//! and what to do.

use std::path::PathBuf;

/// Why a model could not be loaded, asked or checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferenceError {
    /// No file at the given path.
    #[error("no model file at {path}: give the path of a GGUF file or fetch the model first")]
    FileMissing {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The file could not be read or written.
    #[error("cannot access {path}: {source}")]
    Io {
        /// The path in question.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is not a GGUF file, or a damaged one.
    #[error("{path} is not a usable GGUF file: {reason}; fetch it again or convert it to GGUF")]
    NotGguf {
        /// The path in question.
        path: PathBuf,
        /// What was expected and what came.
        reason: String,
    },
    /// llama.cpp refused a file whose header was fine.
    #[error("llama.cpp cannot load {path} (architecture {architecture}): {reason}")]
    LoadFailed {
        /// The path in question.
        path: PathBuf,
        /// `general.architecture` of the file.
        architecture: String,
        /// What is known of the cause.
        reason: String,
    },
    /// The model does not fit.
    #[error(
        "the model needs about {needed} bytes and {available} are available: \
         lower the context length, or use a smaller or more coarsely quantised model"
    )]
    OutOfMemory {
        /// Estimated bytes for weights, key-value cache and buffers.
        needed: u64,
        /// Bytes allowed by the options or free on the machine.
        available: u64,
    },
    /// Prompt and answer together do not fit the context.
    #[error(
        "{prompt} prompt tokens and {output} output tokens exceed the context of {context}: \
         shorten the prompt or ask for fewer tokens"
    )]
    ContextTooLong {
        /// Tokens in the prompt.
        prompt: usize,
        /// Tokens of the answer: the limit asked for, or those to be checked.
        output: usize,
        /// The context length the model was loaded with.
        context: usize,
    },
    /// The queue in front of the model is full.
    #[error("the model is busy: {capacity} requests already wait; try again later or elsewhere")]
    Busy {
        /// How many requests may wait.
        capacity: usize,
    },
    /// The caller cancelled before there was a result.
    #[error("cancelled by the caller")]
    Cancelled,
    /// A request that cannot be served as it stands.
    #[error("bad request: {0}")]
    BadRequest(String),
    /// A token id outside the vocabulary.
    #[error("token {token} is not in the vocabulary of {vocabulary} tokens: check that prompt and model belong together")]
    UnknownToken {
        /// The offending id.
        token: u32,
        /// Size of the vocabulary.
        vocabulary: u32,
    },
    /// The model file carries no chat template, or one that llama.cpp does not know.
    #[error("chat template not usable: {0}; send a plain prompt or use a model with a supported template")]
    ChatTemplate(String),
    /// The engine failed while computing.
    #[error("the engine failed: {0}")]
    Engine(String),
    /// The worker thread of the model is gone.
    #[error("the model's worker has stopped: load the model again")]
    WorkerGone,
    /// Asked for something that this build does not do.
    #[error("{what} is not supported: {hint}")]
    NotSupported {
        /// What was asked for.
        what: String,
        /// What to use instead.
        hint: String,
    },
}
