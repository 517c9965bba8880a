//! The thread that computes: it owns llama.cpp's context and does one job after the other.

use std::sync::mpsc::{Receiver, Sender};

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;

use crate::engine::{CancelFlag, PositionScore, TokenId};
use crate::error::InferenceError;
use crate::logprob::{Distribution, TopK};

/// The one sequence of the context.
const SEQUENCE: i32 = 0;

/// Work for the thread. Every token was checked against the vocabulary, and the lengths against
/// the context. A channel whose other end is gone ends the job.
pub(super) enum Job {
    /// Decode: a top-k list out, a token in, until `picks` closes.
    Generate {
        prompt: Vec<TokenId>,
        k: usize,
        cancel: CancelFlag,
        positions: Sender<Result<TopK, InferenceError>>,
        picks: Receiver<TokenId>,
    },
    /// Score `output` after `prompt`.
    Prefill {
        prompt: Vec<TokenId>,
        output: Vec<TokenId>,
        k: usize,
        listed: Vec<Vec<TokenId>>,
        cancel: CancelFlag,
        reply: Sender<Result<Vec<PositionScore>, InferenceError>>,
    },
}

/// Does jobs until all senders are gone.
pub(super) fn run(mut runner: Runner<'_>, jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Generate {
                prompt,
                k,
                cancel,
                positions,
                picks,
            } => {
                runner.clear();
                let mut next = runner.top_after(&prompt, k, &cancel);
                loop {
                    let failed = next.is_err();
                    if positions.send(next).is_err() || failed {
                        break;
                    }
                    let Ok(token) = picks.recv() else { break };
                    next = runner.top_after(&[token], k, &cancel);
                }
            }
            Job::Prefill {
                prompt,
                output,
                k,
                listed,
                cancel,
                reply,
            } => {
                // The caller may have left; then nobody needs the scores.
                let _ = reply.send(runner.score(&prompt, &output, k, &listed, &cancel));
            }
        }
    }
}

/// Takes (index of a token, logits `[vocabulary]` after it).
pub(super) type Visit<'a> = dyn FnMut(usize, &[f32]) -> Result<(), InferenceError> + 'a;

/// A context with one sequence, fed from the front.
pub(super) struct Runner<'model> {
    context: LlamaContext<'model>,
    batch: LlamaBatch<'static>,
    batch_limit: usize,
    /// Tokens in the sequence so far.
    used: i32,
}

impl<'model> Runner<'model> {
    /// Over a fresh context that takes `batch_limit` tokens at once.
    pub(super) fn new(context: LlamaContext<'model>, batch_limit: u32) -> Self {
        let batch_limit = batch_limit.max(1) as usize;
        Self {
            context,
            batch: LlamaBatch::new(batch_limit, 1),
            batch_limit,
            used: 0,
        }
    }

    /// Forgets the sequence.
    pub(super) fn clear(&mut self) {
        self.context.clear_kv_cache();
        self.used = 0;
    }

    /// Appends `tokens`; `visit` gets (index in `tokens`, logits `[vocabulary]` after it) for every
    /// index from `first` on.
    pub(super) fn feed(
        &mut self,
        tokens: &[TokenId],
        first: usize,
        cancel: &CancelFlag,
        visit: &mut Visit<'_>,
    ) -> Result<(), InferenceError> {
        let engine = |error: &dyn std::fmt::Display| InferenceError::Engine(error.to_string());
        let mut start = 0usize;
        for chunk in tokens.chunks(self.batch_limit) {
            if cancel.is_cancelled() {
                return Err(InferenceError::Cancelled);
            }
            self.batch.clear();
            for (index, &token) in (start..).zip(chunk) {
                self.batch
                    .add(llama_token(token), self.used, &[SEQUENCE], index >= first)
                    .map_err(|error| engine(&error))?;
                self.used = self.used.saturating_add(1);
            }
            self.context
                .decode(&mut self.batch)
                .map_err(|error| engine(&error))?;
            for (row, index) in (0i32..).zip(start..start.saturating_add(chunk.len())) {
                if index >= first {
                    visit(index, self.context.get_logits_ith(row))?;
                }
            }
            start = start.saturating_add(chunk.len());
        }
        Ok(())
    }

    /// Appends `tokens`; the `k` most likely tokens after the last.
    fn top_after(
        &mut self,
        tokens: &[TokenId],
        k: usize,
        cancel: &CancelFlag,
    ) -> Result<TopK, InferenceError> {
        let mut top = TopK::default();
        self.feed(
            tokens,
            tokens.len().saturating_sub(1),
            cancel,
            &mut |_, logits| {
                top = Distribution::new(logits)?.top(k);
                Ok(())
            },
        )?;
        Ok(top)
    }

    /// Scores each token of `output` after `prompt` and the output before it, in one pass.
    fn score(
        &mut self,
        prompt: &[TokenId],
        output: &[TokenId],
        k: usize,
        listed: &[Vec<TokenId>],
        cancel: &CancelFlag,
    ) -> Result<Vec<PositionScore>, InferenceError> {
        self.clear();
        // The logits after the last output token are nobody's.
        let given = output.split_last().map_or(output, |(_, before)| before);
        let tokens = [prompt, given].concat();
        let first = prompt.len().saturating_sub(1);
        let mut scores = Vec::with_capacity(output.len());
        self.feed(&tokens, first, cancel, &mut |index, logits| {
            let position = index.saturating_sub(first);
            let distribution = Distribution::new(logits)?;
            let score = |token: TokenId| {
                distribution
                    .logprob(token)
                    .ok_or_else(|| InferenceError::Engine(format!("no logit for token {token}")))
            };
            let Some(&token) = output.get(position) else {
                return Ok(());
            };
            let others = listed.get(position).map_or(&[][..], Vec::as_slice);
            scores.push(PositionScore {
                given: score(token)?,
                top: distribution.top(k),
                listed: others
                    .iter()
                    .map(|&other| score(other))
                    .collect::<Result<_, _>>()?,
            });
            Ok(())
        })?;
        Ok(scores)
    }
}

/// llama.cpp's form of a token id that was checked against a vocabulary (at most `i32::MAX`).
pub(super) fn llama_token(token: TokenId) -> LlamaToken {
    LlamaToken::new(i32::try_from(token).unwrap_or(i32::MAX))
}
