//! What an executor keeps of each generated token, and commits to: the token, the ids of the top-k
//! tokens and their quantised log-probabilities.
//!
//! # Encoding
//!
//! All integers big-endian; exactly one encoding for one artifact.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, 1 |
//! | 1 | length of the numeric format's name, 1 to 64 |
//! | n | numeric format (and device class), ASCII graphic characters |
//! | 32 | prompt hash |
//! | 1 | stop reason |
//! | 1 | k, the number of candidates of every position, 1 to 64 |
//! | 4 | number of positions |
//! | (4 + 8k) each | positions: token u32, then k times (token u32, log-probability i32) |
//!
//! Candidates are listed most likely first, the lower token id first among equals, no token twice,
//! log-probabilities within [`MIN_LOGPROB`]..=0.

use crate::merkle;
use race_randomness::hash::{be, h, Hash};

/// Most candidates of a position.
pub const MAX_TOP_K: usize = 64;

/// Most positions of an artifact.
pub const MAX_POSITIONS: usize = 65_536;

/// Longest name of a numeric format in bytes.
pub const MAX_FORMAT_BYTES: usize = 64;

/// The lowest log-probability that can be committed, in 1e-4 nats: -1000 nats. Lower ones (and minus
/// infinity) are raised to it.
pub const MIN_LOGPROB: i32 = -10_000_000;

const VERSION: u8 = 1;

/// A token and its log-probability over the whole vocabulary (before temperature) in 1e-4 nats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Token id.
    pub token: u32,
    /// Natural log-probability times 10,000, rounded to nearest, within [`MIN_LOGPROB`]..=0.
    pub logprob: i32,
}

/// Puts candidates into canonical order: most likely first, lower token id first among equals.
pub fn sort_candidates(candidates: &mut [Candidate]) {
    candidates.sort_unstable_by_key(order);
}

fn order(candidate: &Candidate) -> (core::cmp::Reverse<i32>, u32) {
    (core::cmp::Reverse(candidate.logprob), candidate.token)
}

/// What is kept of one generated token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The token that was emitted.
    pub token: u32,
    /// The k most likely tokens there, in canonical order.
    pub top: Vec<Candidate>,
}

/// Why generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopReason {
    /// The model emitted an end-of-generation token (the last position).
    EndOfText,
    /// The request's maximum number of tokens was reached.
    MaxTokens,
    /// A stop sequence of the request appeared.
    StopSequence,
    /// The client went away or stopped acknowledging.
    Cancelled,
    /// The request's price ceiling was reached.
    Ceiling,
}

impl StopReason {
    /// The stable code in encodings and hashes.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::EndOfText => 1,
            Self::MaxTokens => 2,
            Self::StopSequence => 3,
            Self::Cancelled => 4,
            Self::Ceiling => 5,
        }
    }

    /// The reason of this code, if there is one.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::EndOfText,
            2 => Self::MaxTokens,
            3 => Self::StopSequence,
            4 => Self::Cancelled,
            5 => Self::Ceiling,
            _ => return None,
        })
    }
}

/// Everything an executor keeps of one answer. Always valid: made by [`Artifact::new`] or
/// [`Artifact::decode`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    format: String,
    prompt_hash: Hash,
    stop: StopReason,
    positions: Vec<Position>,
}

/// Why something is not an artifact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactError {
    /// Another version of the encoding.
    #[error("expected artifact encoding version 1, got {0}")]
    Version(u8),
    /// The bytes end too early or go on after the last position.
    #[error("the artifact's bytes do not have the length that its header says")]
    Length,
    /// An unusable name of a numeric format.
    #[error("expected a numeric format of 1 to 64 ASCII graphic characters")]
    Format,
    /// An unknown stop reason.
    #[error("unknown stop reason {0}")]
    Stop(u8),
    /// Too many positions, or none.
    #[error("expected 1 to 65536 positions, got {0}")]
    Positions(usize),
    /// A position with another number of candidates than the first, or out of bounds.
    #[error(
        "expected the same number of candidates, 1 to 64, at every position; position {0} differs"
    )]
    TopK(usize),
    /// Candidates out of order or listed twice, or a log-probability out of bounds.
    #[error("the candidates of position {0} are not in canonical order, repeat a token, or are out of bounds")]
    Candidates(usize),
}

impl Artifact {
    /// Checks and keeps an artifact. An answer has at least one position (an end-of-text token
    /// counts as one).
    ///
    /// # Errors
    ///
    /// When a limit or the canonical order of the module's documentation is broken.
    pub fn new(
        format: String,
        prompt_hash: Hash,
        stop: StopReason,
        positions: Vec<Position>,
    ) -> Result<Self, ArtifactError> {
        if format.is_empty()
            || format.len() > MAX_FORMAT_BYTES
            || !format.bytes().all(|b| b.is_ascii_graphic())
        {
            return Err(ArtifactError::Format);
        }
        if positions.is_empty() || positions.len() > MAX_POSITIONS {
            return Err(ArtifactError::Positions(positions.len()));
        }
        let k = positions.first().map_or(0, |first| first.top.len());
        for (at, position) in positions.iter().enumerate() {
            if position.top.len() != k || k == 0 || k > MAX_TOP_K {
                return Err(ArtifactError::TopK(at));
            }
            check_candidates(&position.top)
                .then_some(())
                .ok_or(ArtifactError::Candidates(at))?;
        }
        Ok(Self {
            format,
            prompt_hash,
            stop,
            positions,
        })
    }

    /// The numeric format (and device class) that it was generated in.
    #[must_use]
    pub fn format(&self) -> &str {
        &self.format
    }

    /// The hash of the prompt's tokens ([`prompt_hash`]).
    #[must_use]
    pub fn prompt_hash(&self) -> &Hash {
        &self.prompt_hash
    }

    /// Why generation ended.
    #[must_use]
    pub fn stop(&self) -> StopReason {
        self.stop
    }

    /// The positions, one per generated token.
    #[must_use]
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// The generated tokens.
    #[must_use]
    pub fn tokens(&self) -> Vec<u32> {
        self.positions
            .iter()
            .map(|position| position.token)
            .collect()
    }

    /// How many candidates every position lists.
    #[must_use]
    pub fn top_k(&self) -> usize {
        self.positions.first().map_or(0, |first| first.top.len())
    }

    /// The one encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // The constructor keeps every count within its field.
        let format_length = u8::try_from(self.format.len()).unwrap_or(u8::MAX);
        let k = u8::try_from(self.top_k()).unwrap_or(u8::MAX);
        let count = u32::try_from(self.positions.len()).unwrap_or(u32::MAX);
        let mut bytes = vec![VERSION, format_length];
        bytes.extend(self.format.bytes());
        bytes.extend(self.prompt_hash);
        bytes.extend([self.stop.code(), k]);
        bytes.extend(count.to_be_bytes());
        for position in &self.positions {
            position.encode_into(&mut bytes);
        }
        bytes
    }

    /// Reads an encoding; refuses everything that [`encode`](Self::encode) would not have written.
    ///
    /// # Errors
    ///
    /// When the bytes are no canonical encoding of an artifact within the limits.
    pub fn decode(bytes: &[u8]) -> Result<Self, ArtifactError> {
        let mut reader = Reader(bytes);
        let [version, format_length] = reader.array()?;
        if version != VERSION {
            return Err(ArtifactError::Version(version));
        }
        let format = reader.take(usize::from(format_length))?;
        let format = String::from_utf8(format.to_vec()).map_err(|_| ArtifactError::Format)?;
        let prompt_hash = reader.array()?;
        let [stop, k] = reader.array()?;
        let stop = StopReason::from_code(stop).ok_or(ArtifactError::Stop(stop))?;
        let count = usize::try_from(u32::from_be_bytes(reader.array()?)).unwrap_or(usize::MAX);
        let k = usize::from(k);
        // Checked before anything is allocated for them.
        if count > MAX_POSITIONS {
            return Err(ArtifactError::Positions(count));
        }
        if reader.0.len() != k.saturating_mul(8).saturating_add(4).saturating_mul(count) {
            return Err(ArtifactError::Length);
        }
        let mut positions = Vec::with_capacity(count);
        for _ in 0..count {
            let token = u32::from_be_bytes(reader.array()?);
            let mut top = Vec::with_capacity(k);
            for _ in 0..k {
                let token = u32::from_be_bytes(reader.array()?);
                top.push(Candidate {
                    token,
                    logprob: i32::from_be_bytes(reader.array()?),
                });
            }
            positions.push(Position { token, top });
        }
        Self::new(format, prompt_hash, stop, positions)
    }

    /// The RFC 6962 leaf hashes, one per position.
    #[must_use]
    pub fn leaves(&self) -> Vec<Hash> {
        self.positions.iter().map(Position::leaf).collect()
    }

    /// The artifact root: `H(dst, chain, Merkle root over positions, their number, k, prompt hash,
    /// stop reason, numeric format)`.
    #[must_use]
    pub fn root(&self, chain_id: &str) -> Hash {
        h(
            "race/verification/artifact/v1",
            &[
                chain_id.as_bytes(),
                &merkle::root(&self.leaves()),
                &be(u64::try_from(self.positions.len()).unwrap_or(u64::MAX)),
                &be(u64::try_from(self.top_k()).unwrap_or(u64::MAX)),
                &self.prompt_hash,
                &[self.stop.code()],
                self.format.as_bytes(),
            ],
        )
    }
}

impl Position {
    fn encode_into(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.token.to_be_bytes());
        for candidate in &self.top {
            bytes.extend(candidate.token.to_be_bytes());
            bytes.extend(candidate.logprob.to_be_bytes());
        }
    }

    /// The RFC 6962 leaf hash of the position's encoding.
    #[must_use]
    pub fn leaf(&self) -> Hash {
        let mut bytes = Vec::new();
        self.encode_into(&mut bytes);
        merkle::leaf_hash(&bytes)
    }
}

/// Whether candidates are in canonical order, distinct and within bounds.
#[must_use]
pub fn check_candidates(top: &[Candidate]) -> bool {
    let mut tokens: Vec<u32> = top.iter().map(|candidate| candidate.token).collect();
    tokens.sort_unstable();
    tokens.windows(2).all(|pair| pair[0] != pair[1])
        && top.windows(2).all(|pair| order(&pair[0]) < order(&pair[1]))
        && top
            .iter()
            .all(|candidate| (MIN_LOGPROB..=0).contains(&candidate.logprob))
}

/// The hash of a prompt: its tokens after the chat template, as the model sees them.
#[must_use]
pub fn prompt_hash(chain_id: &str, tokens: &[u32]) -> Hash {
    h(
        "race/verification/prompt/v1",
        &[chain_id.as_bytes(), &token_bytes(tokens)],
    )
}

/// The hash of an answer, as the client acknowledges and the executor signs it: the tokens, and the
/// text that was streamed (so that true tokens do not cover for another text).
#[must_use]
pub fn output_hash(chain_id: &str, tokens: &[u32], text: &[u8]) -> Hash {
    h(
        "race/verification/output/v1",
        &[chain_id.as_bytes(), &token_bytes(tokens), text],
    )
}

/// The hash of a request: its canonical bytes, which hold the model, the messages and every sampling
/// parameter.
#[must_use]
pub fn request_hash(chain_id: &str, request: &[u8]) -> Hash {
    h(
        "race/verification/request/v1",
        &[chain_id.as_bytes(), request],
    )
}

fn token_bytes(tokens: &[u32]) -> Vec<u8> {
    tokens
        .iter()
        .flat_map(|token| token.to_be_bytes())
        .collect()
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], ArtifactError> {
        let (head, tail) = self.0.split_at_checked(n).ok_or(ArtifactError::Length)?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ArtifactError> {
        self.take(N)?.try_into().map_err(|_| ArtifactError::Length)
    }
}

#[cfg(test)]
#[path = "artifact_tests.rs"]
mod tests;
