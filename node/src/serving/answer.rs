//! Making an answer and checking one: the two sides of *proof of logits*.
//! Both go through the same few functions, so that they cannot disagree on what is committed.

use prost::Message as _;
use race_inference::engine::{
    CancelFlag, ChatMessage, LoadedModel, PrefillRequest, StopReason, StopRules, TokenEvent,
};
use race_inference::InferenceError;
use race_proto::race::inference::v1::RequestBody;
use race_verification::artifact::{self, Artifact, Candidate, Position};
use race_verification::compare::{self, CannotCheck, Comparison, Prefill, Thresholds, Verdict};
use race_verification::record::{record_digest, Work};
use race_verification::sampling::{self, Sampler};
use race_verification::Hash;

/// Why a request cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
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

/// Decodes a body and tokenises its prompt.
///
/// # Errors
/// See [`AnswerError`].
pub fn prompt(
    chain_id: &str,
    model: &dyn LoadedModel,
    bytes: &[u8],
) -> Result<Prompt, AnswerError> {
    let body = RequestBody::decode(bytes)?;
    let text = match (body.messages.is_empty(), body.prompt.is_empty()) {
        (false, true) => {
            let messages: Vec<ChatMessage> = body
                .messages
                .iter()
                .map(|m| ChatMessage::new(&m.role, &m.content))
                .collect();
            model.chat_prompt(&messages)?
        }
        (true, false) => body.prompt.clone(),
        _ => return Err(AnswerError::Empty),
    };
    let tokens = model.tokenise(&text, true)?;
    Ok(Prompt {
        request_hash: artifact::request_hash(chain_id, bytes),
        body,
        tokens,
    })
}

/// A finished answer, as it is committed to.
pub struct Answer {
    /// What was committed per token.
    pub artifact: Artifact,
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

/// The record of an answer. The tokens determine the text, so the output hash binds the tokens.
fn work(place: &Place<'_>, prompt: &Prompt, artifact: &Artifact) -> Work {
    let tokens = artifact.tokens();
    Work {
        session: place.session,
        index: place.index,
        prompt_tokens: length(prompt.tokens.len()),
        output_tokens: length(tokens.len()),
        request_hash: prompt.request_hash,
        output_hash: artifact::output_hash(place.chain_id, &tokens, b""),
        artifact_root: artifact.root(place.chain_id),
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
) -> Result<(Answer, StopReason), AnswerError> {
    let sampler = sampler(place, &prompt.body, claimed.top_k);
    let mut pick = |position: usize, top: &race_inference::logprob::TopK| {
        let top = candidates(top);
        // The engine never offers an empty list.
        sampler.pick(position as u64, &top).unwrap_or_default()
    };
    let generation = model.generate(
        &prompt.tokens,
        max_tokens,
        usize::from(claimed.top_k),
        &StopRules::default(),
        cancel,
        &mut pick,
        on_token,
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
    let work = work(place, prompt, &artifact);
    let digest = record_digest(place.chain_id, &work);
    Ok((
        Answer {
            artifact,
            work,
            digest,
        },
        generation.stop_reason,
    ))
}

/// An answer made earlier, from its artifact; `None` when the bytes are not what was stored.
pub fn restore(place: &Place<'_>, prompt: &Prompt, artifact: &[u8]) -> Option<Answer> {
    let artifact = Artifact::decode(artifact).ok()?;
    let work = work(place, prompt, &artifact);
    let digest = record_digest(place.chain_id, &work);
    Some(Answer {
        artifact,
        work,
        digest,
    })
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

/// Checks an answer with one teacher-forced prefill.
///
/// # Errors
/// Only when this machine could not do its work (engine failures, cancellation); everything about
/// the answer itself is in the verdict.
pub fn check(
    place: &Place<'_>,
    model: &dyn LoadedModel,
    settled: Settled<'_>,
    body: &[u8],
    artifact: &[u8],
) -> Result<(Verdict, Option<Comparison>), InferenceError> {
    let cannot = |reason| Ok((Verdict::CannotCheck(reason), None));
    let Ok(artifact) = Artifact::decode(artifact) else {
        return cannot(CannotCheck::MalformedArtifact);
    };
    let prompt = match prompt(place.chain_id, model, body) {
        Ok(prompt) => prompt,
        Err(AnswerError::Engine(error)) => return Err(error),
        Err(_) => return cannot(CannotCheck::WrongPrompt),
    };
    if *artifact.prompt_hash() != artifact::prompt_hash(place.chain_id, &prompt.tokens) {
        return cannot(CannotCheck::WrongPrompt);
    }
    if length(prompt.tokens.len()) != settled.prompt_tokens {
        return cannot(CannotCheck::WrongPrompt);
    }
    if artifact.format() != settled.format {
        return cannot(CannotCheck::WrongFormat);
    }
    if artifact.positions().len() as u64 != u64::from(settled.output_tokens) {
        return cannot(CannotCheck::WrongLength);
    }
    if record_digest(place.chain_id, &work(place, &prompt, &artifact)).as_slice() != settled.digest
    {
        return cannot(CannotCheck::WrongRoot);
    }
    let k = settled.thresholds.top_k();
    if artifact.top_k() != usize::from(k) {
        return cannot(CannotCheck::WrongTopK);
    }
    let listed: Vec<Vec<u32>> = artifact
        .positions()
        .iter()
        .map(|p| p.top.iter().map(|c| c.token).collect())
        .collect();
    let scores = match model.prefill(&PrefillRequest {
        prompt: &prompt.tokens,
        output: &artifact.tokens(),
        k: usize::from(k),
        listed: &listed,
        cancel: &CancelFlag::new(),
    }) {
        Ok(scores) => scores,
        // Ids outside the vocabulary cannot come from this model.
        Err(InferenceError::UnknownToken { .. }) => return cannot(CannotCheck::MalformedArtifact),
        Err(error) => return Err(error),
    };
    let prefill: Vec<Prefill> = scores
        .into_iter()
        .map(|s| Prefill {
            committed: s.listed,
            top: candidates(&s.top),
            chosen: s.given,
        })
        .collect();
    let sampler = sampler(place, &prompt.body, k);
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
