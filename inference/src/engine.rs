//! The interface of an engine and the types that cross it. Integers only: a caller can hash, store
//! and compare everything that it gets from here.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use crate::error::InferenceError;
use crate::logprob::{LogProb, TopK};

/// Id of a token: an index into the model's vocabulary.
pub type TokenId = u32;

/// Says that a running call should end soon. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// A flag that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ask the calls that hold this flag to end. Cannot be undone.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether [`cancel`](Self::cancel) was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// How a model computes, with respect to checking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arithmetic {
    /// Small physical batches: a checker on the same build gets every logit bit for bit.
    #[default]
    Exact,
    /// Large physical batches: faster prefill, and honest log-probabilities differ slightly.
    Fast,
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::Fast => "fast",
        })
    }
}

/// What honest results may be compared with: thresholds belong to (model, format, engine class).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EngineClass {
    /// Name of the engine: `llama`.
    pub engine: String,
    /// Where it computes, in lower case: `cpu-` and the instruction set, or the name of
    /// llama.cpp's device backend.
    pub device: String,
    /// Whether results repeat bit for bit. Never `Exact` for formats or devices where they do not,
    /// whatever the options asked for.
    pub arithmetic: Arithmetic,
}

impl fmt::Display for EngineClass {
    /// For instance `llama/cpu-x86_64/exact`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.engine, self.device, self.arithmetic)
    }
}

/// How to load a model. `LoadOptions::default()` suits a host that also does other work.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Compute threads; `None`: all cores but one (one core stays free for the rest of the node).
    pub threads: Option<usize>,
    /// Context length in tokens, prompt and answer together; `None`: what the model was trained
    /// for, at most [`LoadOptions::DEFAULT_CONTEXT_LIMIT`].
    pub context: Option<u32>,
    /// Wanted arithmetic; see [`EngineClass::arithmetic`] for what was granted.
    pub arithmetic: Arithmetic,
    /// Physical batch in tokens; `None`: by `arithmetic`. More than
    /// [`EXACT_BATCH_LIMIT`](crate::llama::EXACT_BATCH_LIMIT) takes the model out of the exact class.
    pub physical_batch: Option<u32>,
    /// Requests that may wait behind the running one before callers get
    /// [`InferenceError::Busy`].
    pub queue: usize,
    /// Layers to put on a GPU, where the build has one.
    pub gpu_layers: u32,
    /// Most bytes that the model may take; `None`: what the machine says is free.
    pub memory_limit: Option<u64>,
}

impl LoadOptions {
    /// Upper bound of the context length when none is asked for: the cache grows with it.
    pub const DEFAULT_CONTEXT_LIMIT: u32 = 4096;
    /// Default of [`LoadOptions::queue`].
    pub const DEFAULT_QUEUE: usize = 16;
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            threads: None,
            context: None,
            arithmetic: Arithmetic::Exact,
            physical_batch: None,
            queue: Self::DEFAULT_QUEUE,
            gpu_layers: 0,
            memory_limit: None,
        }
    }
}

/// What is being done while a model loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadStage {
    /// Reading the file for its digest.
    Hashing,
    /// Handing the weights to the engine.
    Loading,
}

/// Progress of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadProgress {
    /// The stage; stages come in the order of [`LoadStage`].
    pub stage: LoadStage,
    /// How much of this stage is done, in thousandths.
    pub permille: u16,
}

/// Memory that a model takes, in bytes (estimates made before loading, from the file's header).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The weights.
    pub weights: u64,
    /// The key-value cache at the full context length.
    pub cache: u64,
    /// Logits and compute buffers.
    pub buffers: u64,
}

impl Memory {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.weights
            .saturating_add(self.cache)
            .saturating_add(self.buffers)
    }
}

/// What a loaded model is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelInfo {
    /// The model's own name for itself; may be empty.
    pub name: String,
    /// `general.architecture`, for instance `llama`.
    pub architecture: String,
    /// Numeric format of the weights in llama.cpp's words, for instance `Q4_1`.
    pub format: String,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Number of weights.
    pub parameters: u64,
    /// Context length that this load can serve, in tokens.
    pub context_length: u32,
    /// Context length that the model was trained for, in tokens.
    pub trained_context_length: u32,
    /// Tokens in the vocabulary.
    pub vocabulary_size: u32,
    /// Compute threads in use.
    pub threads: u32,
    /// With what its results may be compared.
    pub engine_class: EngineClass,
    /// SHA-256 of the whole file.
    pub weights_sha256: [u8; 32],
    /// SHA-256 over all `tokenizer.*` entries of the file, chat template included: two files with
    /// this digest turn the same text into the same tokens.
    pub tokenizer_digest: [u8; 32],
    /// Memory budget.
    pub memory: Memory,
}

/// Requests in front of a model right now. Work of lower rank on the same device (the race) should
/// pause while [`Activity::is_idle`] is false.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Requests accepted and not finished, the running one included.
    pub open: usize,
}

impl Activity {
    /// Whether nothing runs and nothing waits.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.open == 0
    }
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
}

impl ChatMessage {
    /// A message of `role` saying `content`.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self {
            role: role.into(),
            content: content.into(),
        }
    }
}

/// When to stop.
#[derive(Clone, Debug, Default)]
pub struct StopRules {
    /// Stop when the answer's text contains one of these. The text ends before it; the tokens
    /// include the one that completed it.
    pub strings: Vec<String>,
    /// Go on after the model's end-of-answer token (for measurements).
    pub ignore_end: bool,
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The model's end-of-answer token was picked; it is the last of [`Generation::tokens`].
    End,
    /// The token limit was reached.
    MaxTokens,
    /// [`StopRules::strings`] at this index was completed.
    StopString(usize),
    /// The caller cancelled; the tokens so far are good.
    Cancelled,
}

/// What is kept for each token of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenArtifact {
    /// The token that was picked.
    pub token: TokenId,
    /// The most likely tokens at this position, before the pick.
    pub top: TopK,
}

/// One picked token, as it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenEvent<'a> {
    /// Index in the answer, from 0.
    pub position: usize,
    /// The token.
    pub token: TokenId,
    /// Text that became final with it: whole characters, maybe none.
    pub text: &'a str,
}

/// A finished answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// The answer's tokens, an end token included.
    pub tokens: Vec<TokenId>,
    /// One for each token, in order.
    pub artifacts: Vec<TokenArtifact>,
    /// The whole text, up to a stop string.
    pub text: String,
    /// The end of `text` that no [`TokenEvent`] carried (it might have become a stop string).
    pub unsent: String,
    /// Why it ended.
    pub stop_reason: StopReason,
}

/// Asks for a teacher-forced check of one answer.
#[derive(Clone, Debug)]
pub struct PrefillRequest<'a> {
    /// Tokens of the prompt; at least one.
    pub prompt: &'a [TokenId],
    /// Tokens of the answer to score; at least one.
    pub output: &'a [TokenId],
    /// Length of the top-k lists to return.
    pub k: usize,
    /// More token ids to score at each output position (the committed top-k, probes outside it):
    /// empty, or one list for each output token.
    pub listed: &'a [Vec<TokenId>],
    /// Ends the call early with [`InferenceError::Cancelled`].
    pub cancel: &'a CancelFlag,
}

/// What the model says at one output position, given the prompt and the output before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionScore {
    /// Log-probability of the output's own token.
    pub given: LogProb,
    /// The most likely tokens.
    pub top: TopK,
    /// Log-probabilities of the listed tokens, in the order of the request.
    pub listed: Vec<LogProb>,
}

/// Makes loaded models.
pub trait Engine: Send + Sync {
    /// Name in configuration and in [`EngineClass::engine`].
    fn name(&self) -> &'static str;

    /// Load the model in the file at `path`; blocks. `on_progress` may return `false` to give up.
    ///
    /// # Errors
    /// The file is missing, unreadable, not GGUF, of an unknown kind, too large for the memory,
    /// or the caller gave up ([`InferenceError::Cancelled`]).
    fn load(
        &self,
        path: &Path,
        options: &LoadOptions,
        on_progress: &mut dyn FnMut(LoadProgress) -> bool,
    ) -> Result<Arc<dyn LoadedModel>, InferenceError>;
}

/// A model ready to be asked. Calls block and may come from any thread; those that compute run one
/// after the other, in the order they came.
pub trait LoadedModel: Send + Sync {
    /// What it is.
    fn info(&self) -> &ModelInfo;

    /// Requests in front of it right now.
    fn activity(&self) -> Activity;

    /// Tokens of `text`. With `special`, begin-of-text is added where the model wants it and
    /// written-out special tokens (`<|im_start|>`) become those tokens: for prompts. Without, the
    /// text is only text.
    ///
    /// # Errors
    /// The text is too large for the engine.
    fn tokenise(&self, text: &str, special: bool) -> Result<Vec<TokenId>, InferenceError>;

    /// The prompt for a conversation, by the model's own template, ending where the assistant speaks.
    ///
    /// # Errors
    /// No messages, no usable template, or NUL bytes in a message.
    fn chat_prompt(&self, messages: &[ChatMessage]) -> Result<String, InferenceError>;

    /// Bytes that one token stands for: a part of a character, even. Special tokens stand for none.
    ///
    /// # Errors
    /// [`InferenceError::UnknownToken`].
    fn token_bytes(&self, token: TokenId) -> Result<Vec<u8>, InferenceError>;

    /// Text of an answer; bytes that are no UTF-8 become U+FFFD. Equals what streaming delivered.
    ///
    /// # Errors
    /// [`InferenceError::UnknownToken`].
    fn detokenise(&self, tokens: &[TokenId]) -> Result<String, InferenceError> {
        let mut text = crate::text::Utf8Stream::default();
        let mut whole = String::new();
        for &token in tokens {
            whole.push_str(&text.push(&self.token_bytes(token)?));
        }
        whole.push_str(&text.finish());
        Ok(whole)
    }

    /// Whether `token` ends an answer.
    fn is_end(&self, token: TokenId) -> bool;

    /// Generate at most `max_tokens` tokens after `prompt`.
    ///
    /// At each position the `k` most likely tokens go to `pick` (position from 0), which answers
    /// with the token to take: the sampler is the caller's, and the engine adds no randomness.
    /// `on_token` then hears of it. Setting `cancel` ends the answer with
    /// [`StopReason::Cancelled`], at any time.
    ///
    /// # Errors
    /// Empty prompt, `k` of zero or above the vocabulary, tokens outside the vocabulary (also from `pick`),
    /// [`InferenceError::ContextTooLong`] before anything is computed, [`InferenceError::Busy`],
    /// or an engine failure.
    #[allow(clippy::too_many_arguments)]
    fn generate(
        &self,
        prompt: &[TokenId],
        max_tokens: usize,
        k: usize,
        stop: &StopRules,
        cancel: &CancelFlag,
        pick: &mut dyn FnMut(usize, &TopK) -> TokenId,
        on_token: &mut dyn FnMut(TokenEvent<'_>),
    ) -> Result<Generation, InferenceError>;

    /// Score an answer in one teacher-forced pass over prompt and output. One score for each
    /// output token, in order.
    ///
    /// # Errors
    /// As [`generate`](Self::generate), and [`InferenceError::Cancelled`].
    fn prefill(&self, request: &PrefillRequest<'_>) -> Result<Vec<PositionScore>, InferenceError>;
}
