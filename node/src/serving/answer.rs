//! Making an answer and checking one: the two sides of *proof of logits*.
//! Both go through the same few functions, so that they cannot disagree on what is committed.

use prost::Message as _;
use race_inference::engine::{
    CancelFlag, ChatMessage, LoadedModel, PrefillRequest, StopReason, StopRules, TokenEvent,
};
use race_inference::text::Utf8Stream;
use race_inference::InferenceError;
use race_proto::race::inference::v1::{ArtifactsResponse, RequestBody};
use race_verification::artifact::{self, Artifact, Candidate, Position};
use race_verification::compare::{
    self, CannotCheck, Comparison, Fault, Prefill, Statement, Thresholds, Verdict,
};
use race_verification::record::{record_digest, Work};
use race_verification::sampling::{self, Sampler};
use race_verification::Hash;

use super::tasks::Served;

/// Largest request body, bytes.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// Why a request cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The body is too long.
    #[error("the body has {0} bytes; at most {MAX_BODY_BYTES} are taken")]
    TooLarge(usize),
    /// The body decodes, and encodes to other bytes: two bodies would mean the same.
    #[error("the body is not in canonical form; encode the fields of RequestBody in order, and no others")]
    NotCanonical,
    /// The body is not an encoded `RequestBody`.
    #[error("the request's body does not decode: {0}")]
    Body(#[from] prost::DecodeError),
    /// Neither messages nor a prompt, or both.
    #[error("give either chat messages or a prompt")]
    Empty,
    /// The engine's reason.
    #[error(transparent)]
    Engine(#[from] InferenceError),
    /// The engine's artifacts were refused: a defect.
    #[error("the artifacts of the answer are not in order: {0}")]
    Artifact(#[from] artifact::ArtifactError),
}

/// A request's place: all that is bound besides its body.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The chain.
    pub chain_id: &'a str,
    /// The session.
    pub session: u64,
    /// The request's index in it.
    pub index: u32,
    /// The assignment seed of the pin that it is served under.
    pub seed: Hash,
}

/// A decoded body with its prompt as tokens.
pub struct Prompt {
    /// The body.
    pub body: RequestBody,
    /// Its canonical hash.
    pub request_hash: Hash,
    /// Its prompt in the model's tokens.
    pub tokens: Vec<u32>,
}

/// Decodes a body that a host may answer.
///
/// # Errors
/// See [`AnswerError`]; never the engine's.
pub fn body(bytes: &[u8]) -> Result<RequestBody, AnswerError> {
    if bytes.len() > MAX_BODY_BYTES {
        return Err(AnswerError::TooLarge(bytes.len()));
    }
    let body = RequestBody::decode(bytes)?;
    if body.encode_to_vec() != bytes {
        return Err(AnswerError::NotCanonical);
    }
    if body.messages.is_empty() == body.prompt.is_empty() {
        return Err(AnswerError::Empty);
    }
    Ok(body)
}

/// Decodes a body and tokenises its prompt. Takes as long as the engine takes for the text: not for
/// threads that others wait for.
///
/// # Errors
/// See [`AnswerError`].
pub fn prompt(
    chain_id: &str,
    model: &dyn LoadedModel,
    bytes: &[u8],
) -> Result<Prompt, AnswerError> {
    let body = body(bytes)?;
    Ok(Prompt {
        request_hash: artifact::request_hash(chain_id, bytes),
        tokens: tokenise(model, &body)?,
        body,
    })
}

fn tokenise(model: &dyn LoadedModel, body: &RequestBody) -> Result<Vec<u32>, InferenceError> {
    if body.messages.is_empty() {
        return model.tokenise(&body.prompt, true);
    }
    let messages: Vec<ChatMessage> = body
        .messages
        .iter()
        .map(|m| ChatMessage::new(&m.role, &m.content))
        .collect();
    model.tokenise(&model.chat_prompt(&messages)?, true)
}

/// The text that is streamed for tokens: whole characters; a part of one at the end is nothing.
fn streamed(model: &dyn LoadedModel, tokens: &[u32]) -> Result<String, InferenceError> {
    let mut characters = Utf8Stream::default();
    let mut text = String::new();
    for token in tokens {
        text.push_str(&characters.push(&model.token_bytes(*token)?));
    }
    Ok(text)
}

/// A finished answer, as it is committed to.
pub struct Answer {
    /// What was committed per token.
    pub artifact: Artifact,
    /// The text, as it was streamed.
    pub text: String,
    /// The record's content.
    pub work: Work,
    /// The record's digest.
    pub digest: Hash,
}

fn sampler(place: &Place<'_>, body: &RequestBody, k: u8) -> Sampler {
    Sampler {
        seed: sampling::seed(&place.seed, u64::from(place.index)),
        temperature_millis: body.temperature_millis,
        top_k: u16::from(k),
    }
}

fn candidates(top: &race_inference::logprob::TopK) -> Vec<Candidate> {
    top.candidates()
        .iter()
        .map(|c| Candidate {
            token: c.token,
            logprob: c.logprob,
        })
        .collect()
}

fn length(tokens: usize) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

impl Answer {
    /// The answer to a request. What the user read is bound with the tokens.
    fn new(
        place: &Place<'_>,
        request_hash: Hash,
        prompt_tokens: u32,
        artifact: Artifact,
        text: String,
    ) -> Self {
        let tokens = artifact.tokens();
        let work = Work {
            session: place.session,
            index: place.index,
            prompt_tokens,
            output_tokens: length(tokens.len()),
            request_hash,
            output_hash: artifact::output_hash(place.chain_id, &tokens, text.as_bytes()),
            artifact_root: artifact.root(place.chain_id),
        };
        Self {
            digest: record_digest(place.chain_id, &work),
            artifact,
            text,
            work,
        }
    }
}

/// What an executor says that its answers were computed with.
#[derive(Debug, Clone, Copy)]
pub struct Claimed<'a> {
    /// The registered numeric format.
    pub format: &'a str,
    /// How many candidates are committed at each position.
    pub top_k: u8,
}

/// Runs the model. The sampler's randomness follows from (assignment seed, index): given the
/// logits, the tokens are determined.
///
/// # Errors
/// See [`AnswerError`].
pub fn generate(
    place: &Place<'_>,
    model: &dyn LoadedModel,
    claimed: Claimed<'_>,
    prompt: &Prompt,
    max_tokens: usize,
    cancel: &CancelFlag,
    on_token: &mut dyn FnMut(TokenEvent<'_>),
) -> Result<Answer, AnswerError> {
    let sampler = sampler(place, &prompt.body, claimed.top_k);
    let mut pick = |position: usize, top: &race_inference::logprob::TopK| {
        let top = candidates(top);
        // The engine never offers an empty list.
        sampler.pick(position as u64, &top).unwrap_or_default()
    };
    let mut text = String::new();
    let generation = model.generate(
        &prompt.tokens,
        max_tokens,
        usize::from(claimed.top_k),
        &StopRules::default(),
        cancel,
        &mut pick,
        &mut |token| {
            text.push_str(token.text);
            on_token(token);
        },
    )?;
    if generation.tokens.is_empty() {
        return Err(InferenceError::Cancelled.into());
    }
    let positions = generation
        .artifacts
        .iter()
        .map(|a| Position {
            token: a.token,
            top: candidates(&a.top),
        })
        .collect();
    let stop = match generation.stop_reason {
        StopReason::End => artifact::StopReason::EndOfText,
        StopReason::MaxTokens => artifact::StopReason::MaxTokens,
        StopReason::StopString(_) => artifact::StopReason::StopSequence,
        StopReason::Cancelled => artifact::StopReason::Cancelled,
    };
    let artifact = Artifact::new(
        claimed.format.to_owned(),
        artifact::prompt_hash(place.chain_id, &prompt.tokens),
        stop,
        positions,
    )?;
    Ok(Answer::new(
        place,
        prompt.request_hash,
        length(prompt.tokens.len()),
        artifact,
        text,
    ))
}

/// An answer made earlier, from the disk; `None` when it is not what was stored.
pub fn restore(place: &Place<'_>, served: &Served) -> Option<Answer> {
    let artifact = Artifact::decode(&served.artifact).ok()?;
    let request_hash = artifact::request_hash(place.chain_id, &served.body);
    let text = served.text.clone();
    let answer = Answer::new(
        place,
        request_hash,
        served.entry.prompt_tokens,
        artifact,
        text,
    );
    (answer.digest.as_slice() == served.entry.digest).then_some(answer)
}

/// What is known of a settled task.
#[derive(Debug, Clone, Copy)]
pub struct Settled<'a> {
    /// The record's digest on chain.
    pub digest: &'a [u8],
    /// Prompt tokens on chain.
    pub prompt_tokens: u32,
    /// Output tokens on chain.
    pub output_tokens: u32,
    /// The model's registered format.
    pub format: &'a str,
    /// The model's thresholds.
    pub thresholds: &'a Thresholds,
}

/// A verdict, and what was measured for it.
pub type Checked = (Verdict, Option<Comparison>);

/// Checks an answer with one teacher-forced prefill.
///
/// First it is established that what was served is what was settled: until then nothing can be
/// held against the executor, and nothing of it is given to the engine. From then on every
/// statement that the request or the model contradicts makes the answer false. What this node's
/// engine does not take is judged once and never passes: it would not be taken the next time.
///
/// # Errors
/// Only when this machine could not do its work now (engine failures, a full queue); everything
/// about the answer itself is in the verdict.
pub fn check(
    place: &Place<'_>,
    model: &dyn LoadedModel,
    settled: Settled<'_>,
    served: &ArtifactsResponse,
) -> Result<Checked, InferenceError> {
    let cannot = |reason| Ok((Verdict::CannotCheck(reason), None));
    let untrue = |statement| Ok((Verdict::False(Fault::Untrue(statement)), None));
    let Ok(artifact) = Artifact::decode(&served.artifacts) else {
        return cannot(CannotCheck::MalformedArtifact);
    };
    let tokens = artifact.tokens();
    let committed = Work {
        session: place.session,
        index: place.index,
        prompt_tokens: settled.prompt_tokens,
        output_tokens: settled.output_tokens,
        request_hash: artifact::request_hash(place.chain_id, &served.body),
        output_hash: artifact::output_hash(place.chain_id, &tokens, served.text.as_bytes()),
        artifact_root: artifact.root(place.chain_id),
    };
    if record_digest(place.chain_id, &committed).as_slice() != settled.digest {
        return cannot(CannotCheck::WrongRoot);
    }

    let Ok(body) = body(&served.body) else {
        return untrue(Statement::Request);
    };
    if artifact.format() != settled.format {
        return untrue(Statement::Format);
    }
    let k = settled.thresholds.top_k();
    if artifact.top_k() != usize::from(k) {
        return untrue(Statement::TopK);
    }
    if length(tokens.len()) != settled.output_tokens || settled.output_tokens > body.max_tokens {
        return untrue(Statement::Length);
    }
    match streamed(model, &tokens) {
        Ok(text) if text == served.text => {}
        Ok(_) => return untrue(Statement::Text),
        Err(InferenceError::UnknownToken { .. }) => return untrue(Statement::Tokens),
        Err(error) => return later_or_never(error),
    }
    let prompt = match tokenise(model, &body) {
        Ok(prompt) => prompt,
        Err(error) => return later_or_never(error),
    };
    if length(prompt.len()) != settled.prompt_tokens
        || *artifact.prompt_hash() != artifact::prompt_hash(place.chain_id, &prompt)
    {
        return untrue(Statement::Prompt);
    }

    let listed: Vec<Vec<u32>> = artifact
        .positions()
        .iter()
        .map(|p| p.top.iter().map(|c| c.token).collect())
        .collect();
    let scores = match model.prefill(&PrefillRequest {
        prompt: &prompt,
        output: &tokens,
        k: usize::from(k),
        listed: &listed,
        cancel: &CancelFlag::new(),
    }) {
        Ok(scores) => scores,
        Err(InferenceError::UnknownToken { .. }) => return untrue(Statement::Tokens),
        Err(error) => return later_or_never(error),
    };
    let prefill: Vec<Prefill> = scores
        .into_iter()
        .map(|s| Prefill {
            committed: s.listed,
            top: candidates(&s.top),
            chosen: s.given,
        })
        .collect();
    let sampler = sampler(place, &body, k);
    match compare::compare(&artifact, &sampler, &prefill, settled.thresholds) {
        Ok(comparison) => {
            let verdict = compare::judge(
                &comparison,
                settled.thresholds,
                u64::from(settled.output_tokens),
            );
            Ok((verdict, Some(comparison)))
        }
        Err(reason) => cannot(reason),
    }
}

/// What an engine's refusal means for a check: tried again when it was the machine's, judged when
/// it is the content's.
fn later_or_never(error: InferenceError) -> Result<Checked, InferenceError> {
    match error {
        InferenceError::Busy { .. }
        | InferenceError::Engine(_)
        | InferenceError::WorkerGone
        | InferenceError::Cancelled => Err(error),
        _ => Ok((Verdict::CannotCheck(CannotCheck::Unanswerable), None)),
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
