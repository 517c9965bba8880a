//! The default engine: llama.cpp inside this process (GGUF files; CPU, or the GPU that the build
//! was made for).
//!
//! A model is a worker thread that owns llama.cpp's context, and a handle that any thread may use.
//! Tokenising and templates run on a thread of their own with a deep stack, one text at a time, because
//! llama.cpp's tokenizers may recurse for every character; computing goes through a bounded queue. The
//! caller's `pick` and `on_token` run on the caller's thread, too: the worker hands over a top-k
//! list and waits for the token.

mod load;
mod worker;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::{LlamaChatMessage, LlamaModel};
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::{send_logs_to_tracing, LogOptions};

use crate::engine::{
    Activity, CancelFlag, ChatMessage, Engine, Generation, LoadOptions, LoadProgress, LoadedModel,
    ModelInfo, PositionScore, PrefillRequest, StopReason, StopRules, TokenArtifact, TokenEvent,
    TokenId,
};
use crate::error::InferenceError;
use crate::logprob::TopK;
use crate::text::{StopMatcher, Utf8Stream};
use worker::Job;

/// Largest physical batch of the exact class, in tokens. From 64 queries on, llama.cpp's CPU code
/// may compute attention in tiles, adding in another order.
pub const EXACT_BATCH_LIMIT: u32 = 63;

/// Physical batch of [`Arithmetic::Fast`](crate::Arithmetic::Fast), in tokens.
pub const FAST_BATCH: u32 = 512;

/// Largest text for one call, in bytes: what the stack of the thread that reads it holds at worst, with
/// room to spare.
pub const MAX_TEXT_BYTES: usize = 512 << 10;

/// Stack of the thread that reads a text, in bytes; address space, of which only what is used becomes
/// memory. For some tokenizers llama.cpp splits text with the standard library's regular expressions,
/// which recurse for each character and take about 320 bytes of stack for it.
const TEXT_STACK: usize = 256 << 20;

/// How often a waiting caller looks at its cancel flag.
const CANCEL_POLL: Duration = Duration::from_millis(20);

/// llama.cpp, started once a process; its log goes to `tracing`.
pub(crate) fn backend() -> Result<&'static LlamaBackend, InferenceError> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    BACKEND
        .get_or_init(|| {
            send_logs_to_tracing(LogOptions::default());
            LlamaBackend::init().map_err(|error| error.to_string())
        })
        .as_ref()
        .map_err(|error| InferenceError::Engine(format!("llama.cpp did not start: {error}")))
}

/// The engine; cheap to make, all state is in the models.
#[derive(Clone, Copy, Debug)]
pub struct LlamaEngine(());

impl LlamaEngine {
    /// Starts llama.cpp unless it runs already.
    ///
    /// # Errors
    /// [`InferenceError::Engine`] if other code in this process started llama.cpp on its own.
    pub fn new() -> Result<Self, InferenceError> {
        backend()?;
        Ok(Self(()))
    }
}

impl Engine for LlamaEngine {
    fn name(&self) -> &'static str {
        "llama"
    }

    fn load(
        &self,
        path: &std::path::Path,
        options: &LoadOptions,
        on_progress: &mut dyn FnMut(LoadProgress) -> bool,
    ) -> Result<Arc<dyn LoadedModel>, InferenceError> {
        Ok(Arc::new(load::load(path, options, on_progress)?))
    }
}

/// A loaded model's handle.
struct LlamaLoaded {
    info: ModelInfo,
    model: Arc<LlamaModel>,
    /// `None` only while dropping.
    jobs: Option<Sender<Job>>,
    worker: Option<JoinHandle<()>>,
    open: AtomicUsize,
    queue: usize,
    /// Held while a text is read: of the deep stacks at most one is in memory.
    reading: Mutex<()>,
}

impl Drop for LlamaLoaded {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(worker) = self.worker.take() {
            // A worker that panicked has nothing left to clean up.
            let _ = worker.join();
        }
    }
}

/// A place in the queue; given back on drop.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl LlamaLoaded {
    /// A place for one request: one runs, `queue` wait, the rest hears `Busy`.
    fn admit(&self) -> Result<Place<'_>, InferenceError> {
        let before = self.open.fetch_add(1, Ordering::AcqRel);
        let place = Place(&self.open);
        if before > self.queue {
            return Err(InferenceError::Busy {
                capacity: self.queue,
            });
        }
        Ok(place)
    }

    fn submit(&self, job: Job) -> Result<(), InferenceError> {
        self.jobs
            .as_ref()
            .and_then(|jobs| jobs.send(job).ok())
            .ok_or(InferenceError::WorkerGone)
    }

    fn check_tokens(&self, tokens: &[TokenId]) -> Result<(), InferenceError> {
        let vocabulary = self.info.vocabulary_size;
        match tokens.iter().find(|&&token| token >= vocabulary) {
            Some(&token) => Err(InferenceError::UnknownToken { token, vocabulary }),
            None => Ok(()),
        }
    }

    /// Checks that cost nothing, before a place is taken.
    fn check_request(
        &self,
        prompt: &[TokenId],
        output: usize,
        k: usize,
    ) -> Result<(), InferenceError> {
        if prompt.is_empty() {
            return Err(InferenceError::BadRequest(
                "the prompt has no tokens; at least one is needed".into(),
            ));
        }
        let vocabulary = self.info.vocabulary_size as usize;
        if k == 0 || k > vocabulary {
            return Err(InferenceError::BadRequest(format!(
                "top-k lists of {k} tokens asked for; 1 to {vocabulary} are possible"
            )));
        }
        self.check_tokens(prompt)?;
        let context = self.info.context_length as usize;
        if prompt.len().saturating_add(output) > context {
            return Err(InferenceError::ContextTooLong {
                prompt: prompt.len(),
                output,
                context,
            });
        }
        Ok(())
    }

    /// Runs `work` where it may recurse deeply.
    fn read<T: Send>(
        &self,
        work: impl FnOnce(&LlamaModel) -> Result<T, InferenceError> + Send,
    ) -> Result<T, InferenceError> {
        let _turn = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        thread::scope(|scope| {
            thread::Builder::new()
                .name("text".into())
                .stack_size(TEXT_STACK)
                .spawn_scoped(scope, || work(&self.model))
                .map_err(|error| InferenceError::Engine(format!("cannot start a thread: {error}")))?
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn llama_token(&self, token: TokenId) -> Result<LlamaToken, InferenceError> {
        self.check_tokens(&[token])?;
        Ok(worker::llama_token(token))
    }
}

/// Waits for the worker; `Cancelled` as soon as the flag is set.
fn receive<T>(from: &Receiver<T>, cancel: &CancelFlag) -> Result<T, InferenceError> {
    loop {
        if cancel.is_cancelled() {
            return Err(InferenceError::Cancelled);
        }
        match from.recv_timeout(CANCEL_POLL) {
            Ok(value) => return Ok(value),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(InferenceError::WorkerGone),
        }
    }
}

fn check_text(bytes: usize) -> Result<(), InferenceError> {
    if bytes > MAX_TEXT_BYTES {
        return Err(InferenceError::BadRequest(format!(
            "a text of {bytes} bytes; at most {MAX_TEXT_BYTES} are possible"
        )));
    }
    Ok(())
}

impl LoadedModel for LlamaLoaded {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn activity(&self) -> Activity {
        Activity {
            open: self.open.load(Ordering::Acquire),
        }
    }

    fn tokenise(&self, text: &str, special: bool) -> Result<Vec<TokenId>, InferenceError> {
        check_text(text.len())?;
        let tokens =
            self.read(|model| Ok(model.vocab().tokenize(text.as_bytes(), special, special)))?;
        tokens
            .into_iter()
            .map(|token| {
                TokenId::try_from(token.0)
                    .map_err(|_| InferenceError::Engine(format!("tokeniser gave {}", token.0)))
            })
            .collect()
    }

    fn chat_prompt(&self, messages: &[ChatMessage]) -> Result<String, InferenceError> {
        if messages.is_empty() {
            return Err(InferenceError::BadRequest(
                "no messages; a conversation needs at least one".into(),
            ));
        }
        check_text(
            messages
                .iter()
                .map(|message| message.role.len().saturating_add(message.content.len()))
                .sum(),
        )?;
        let messages = messages
            .iter()
            .map(|message| {
                LlamaChatMessage::new(message.role.clone(), message.content.clone())
                    .map_err(|_| InferenceError::BadRequest("a message contains a NUL byte".into()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        self.read(|model| {
            let unusable =
                |error: &dyn std::fmt::Display| InferenceError::ChatTemplate(error.to_string());
            let template = model.chat_template(None).map_err(|e| unusable(&e))?;
            model
                .apply_chat_template(&template, &messages, true)
                .map_err(|e| unusable(&e))
        })
    }

    fn token_bytes(&self, token: TokenId) -> Result<Vec<u8>, InferenceError> {
        let token = self.llama_token(token)?;
        Ok(self.model.vocab().token_to_piece(token, false, None))
    }

    fn is_end(&self, token: TokenId) -> bool {
        self.llama_token(token)
            .is_ok_and(|token| self.model.vocab().is_eog(token))
    }

    fn generate(
        &self,
        prompt: &[TokenId],
        max_tokens: usize,
        k: usize,
        stop: &StopRules,
        cancel: &CancelFlag,
        pick: &mut dyn FnMut(usize, &TopK) -> TokenId,
        on_token: &mut dyn FnMut(TokenEvent<'_>),
    ) -> Result<Generation, InferenceError> {
        self.check_request(prompt, max_tokens, k)?;
        let mut answer = Generation {
            tokens: Vec::new(),
            artifacts: Vec::new(),
            text: String::new(),
            unsent: String::new(),
            stop_reason: StopReason::MaxTokens,
        };
        if max_tokens == 0 {
            return Ok(answer);
        }
        let _place = self.admit()?;
        // One position at a time: the worker waits for the pick, so neither channel grows.
        let (positions_in, positions) = mpsc::channel();
        let (picks, picks_out) = mpsc::channel();
        self.submit(Job::Generate {
            prompt: prompt.to_vec(),
            k,
            cancel: cancel.clone(),
            positions: positions_in,
            picks: picks_out,
        })?;

        let mut characters = Utf8Stream::default();
        let mut stops = StopMatcher::new(&stop.strings);
        answer.stop_reason = loop {
            let top = match receive(&positions, cancel).and_then(|result| result) {
                Ok(top) => top,
                Err(InferenceError::Cancelled) => break StopReason::Cancelled,
                Err(error) => return Err(error),
            };
            let position = answer.tokens.len();
            let token = pick(position, &top);
            let bytes = self.token_bytes(token)?;
            answer.tokens.push(token);
            answer.artifacts.push(TokenArtifact { token, top });

            let passed = stops.push(&characters.push(&bytes));
            answer.text.push_str(&passed.text);
            on_token(TokenEvent {
                position,
                token,
                text: &passed.text,
            });
            if let Some(index) = passed.stop {
                break StopReason::StopString(index);
            }
            if self.is_end(token) && !stop.ignore_end {
                break StopReason::End;
            }
            if answer.tokens.len() >= max_tokens {
                break StopReason::MaxTokens;
            }
            if cancel.is_cancelled() {
                break StopReason::Cancelled;
            }
            picks.send(token).map_err(|_| InferenceError::WorkerGone)?;
        };
        if !matches!(answer.stop_reason, StopReason::StopString(_)) {
            answer.unsent = stops.finish();
            answer.unsent.push_str(&characters.finish());
            answer.text.push_str(&answer.unsent);
        }
        Ok(answer)
    }

    fn prefill(&self, request: &PrefillRequest<'_>) -> Result<Vec<PositionScore>, InferenceError> {
        self.check_request(request.prompt, request.output.len(), request.k)?;
        self.check_tokens(request.output)?;
        if request.output.is_empty() {
            return Err(InferenceError::BadRequest(
                "the output has no tokens; there is nothing to score".into(),
            ));
        }
        if !request.listed.is_empty() && request.listed.len() != request.output.len() {
            return Err(InferenceError::BadRequest(format!(
                "{} lists of tokens to score for {} output tokens; give none or one each",
                request.listed.len(),
                request.output.len()
            )));
        }
        for list in request.listed {
            self.check_tokens(list)?;
        }
        let _place = self.admit()?;
        let (reply, result) = mpsc::channel();
        self.submit(Job::Prefill {
            prompt: request.prompt.to_vec(),
            output: request.output.to_vec(),
            k: request.k,
            listed: request.listed.to_vec(),
            cancel: request.cancel.clone(),
            reply,
        })?;
        receive(&result, request.cancel)?
    }
}
