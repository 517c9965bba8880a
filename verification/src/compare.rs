//! A committed artifact against the checker's own prefill, and the judgement.
//!
//! Three tests, because each alone can be met by a cheat:
//!
//! 1. *Exact*: the seeded sampler applied to the **committed** candidates must give the committed token.
//!    There is no noise in it; a failure is outright false.
//! 2. *Distance*: the mean over all committed candidates of the difference between the committed
//!    log-probability and the checker's. It finds another model, another number format, and invented
//!    lists.
//! 3. *Margin*: how far the token lies below the winner of the checker's **own** candidates. It finds
//!    text of a cheap model to which the right model's log-probabilities were added afterwards (whose
//!    candidates are true, but whose tokens are not what the sampler picks), also when the winners were
//!    dropped from the committed list.
//!
//! The judgement is on means over the answer, not on maxima: honest maxima reach more than 1 nat. One
//! maximum is looked at, far above those: the margin at a single position, or one token in a long answer could
//! be anything (a committed list can be made to fit it). It counts only candidates that an honest
//! executor has in its list whatever its device: those that are committed, and those that lie more than
//! [`UNSURE`] above the end of the checker's list. Others an honest sampler may not have seen, and their
//! margins grow with the temperature.
//!
//! What cannot be checked is an outcome of its own and never counts as a pass.

use crate::artifact::{Artifact, Candidate, Position, MAX_TOP_K};
use crate::sampling::Sampler;

/// Where differences and margins are cut off before they enter a mean, in 1e-4 nats: 10 nats. A
/// single wild value can then not decide a long answer.
pub const CAP: u32 = 100_000;

/// Largest margin at one position where a [`LengthClass`] says nothing, in 1e-4 nats: 5 nats. Honest
/// log-probabilities differ by 1.1 nats at most.
pub const DEFAULT_MAX_MARGIN: u32 = 50_000;

/// How far above the end of the checker's list a candidate is in every honest list, in 1e-4 nats: 2 nats.
pub const UNSURE: i32 = 20_000;

/// What the checker's own teacher-forced prefill says at one position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefill {
    /// The checker's log-probability (1e-4 nats) of each committed candidate, in committed order. An
    /// engine that knows only its own top list gives the lowest log-probability of that list for the
    /// others.
    pub committed: Vec<i32>,
    /// The checker's own most likely tokens, at least as many as are committed, in canonical order.
    pub top: Vec<Candidate>,
    /// The checker's log-probability of the committed token.
    pub chosen: i32,
}

/// Why a result could not be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum CannotCheck {
    /// The executor did not serve the artifact. An on-chain demand decides what follows.
    #[error("the executor did not serve the artifact; post a demand")]
    MissingArtifact,
    /// The artifact does not decode.
    #[error("the artifact that was served is malformed; post a demand")]
    MalformedArtifact,
    /// The artifact served is not the one that was settled.
    #[error("the artifact that was served does not have the settled root; post a demand")]
    WrongRoot,
    /// The artifact's prompt hash is not that of the request.
    #[error("the artifact is of another prompt than the request's")]
    WrongPrompt,
    /// The artifact's numeric format is not the model's.
    #[error("the artifact is of another numeric format than the model's")]
    WrongFormat,
    /// The number of positions is not the settled number of output tokens.
    #[error("the artifact does not have as many positions as output tokens were settled")]
    WrongLength,
    /// The checker does not have the model loaded.
    #[error("the model is not loaded here")]
    ModelNotLoaded,
    /// The checker's prefill does not cover every position and candidate.
    #[error("the prefill lacks positions or candidates; the engine must return log-probabilities of all")]
    IncompletePrefill,
    /// The artifact does not commit to as many candidates as the model's thresholds ask for.
    #[error("the artifact does not list as many candidates per position as the model's thresholds ask for")]
    WrongTopK,
    /// No thresholds are calibrated for an answer of this length.
    #[error("the answer is shorter than any length that thresholds are calibrated for")]
    TooShort,
    /// The checker's engine does not take the request: too long for its context, or no template.
    #[error("this node's engine does not take the request, and never will")]
    Unanswerable,
}

impl CannotCheck {
    /// The stable code in digests and messages.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::MissingArtifact => 1,
            Self::MalformedArtifact => 2,
            Self::WrongRoot => 3,
            Self::WrongPrompt => 4,
            Self::WrongFormat => 5,
            Self::WrongLength => 6,
            Self::ModelNotLoaded => 7,
            Self::IncompletePrefill => 8,
            Self::TooShort => 9,
            Self::WrongTopK => 10,
            Self::Unanswerable => 11,
        }
    }
}

/// What was measured over an answer. Sums in 1e-4 nats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Number of positions.
    pub positions: u64,
    /// Sum over committed candidates of the difference of log-probabilities, each at most [`CAP`].
    pub distance_sum: u64,
    /// Number of committed candidates: positions times k.
    pub distances: u64,
    /// Sum over positions of the sampler margin, each at most [`CAP`].
    pub margin_sum: u64,
    /// Positions whose margin exceeds the thresholds' margin limit.
    pub margin_violations: u64,
    /// Positions at which the committed token is not what the sampler picks from the committed
    /// candidates.
    pub mismatches: u64,
    /// The first of them.
    pub first_mismatch: Option<u64>,
    /// The largest margin at one position, against candidates that every honest list has.
    pub max_margin: u64,
}

impl Comparison {
    /// Mean difference of log-probabilities in 1e-4 nats, rounded towards zero.
    #[must_use]
    pub fn mean_distance(&self) -> u64 {
        self.distance_sum
            .checked_div(self.distances)
            .unwrap_or_default()
    }

    /// Mean margin in 1e-4 nats, rounded towards zero.
    #[must_use]
    pub fn mean_margin(&self) -> u64 {
        self.margin_sum
            .checked_div(self.positions)
            .unwrap_or_default()
    }
}

/// Measures an artifact against the checker's prefill, one [`Prefill`] per position.
///
/// # Errors
///
/// [`CannotCheck::WrongTopK`] when the artifact commits to another number of candidates than the
/// thresholds ask for (fewer would weaken the test), [`CannotCheck::IncompletePrefill`] when the prefill
/// does not cover the artifact.
pub fn compare(
    artifact: &Artifact,
    sampler: &Sampler,
    prefill: &[Prefill],
    thresholds: &Thresholds,
) -> Result<Comparison, CannotCheck> {
    let k = artifact.top_k();
    if k != usize::from(thresholds.top_k) {
        return Err(CannotCheck::WrongTopK);
    }
    let complete = prefill.len() == artifact.positions().len()
        && prefill
            .iter()
            .all(|own| own.committed.len() == k && own.top.len() >= k);
    if !complete {
        return Err(CannotCheck::IncompletePrefill);
    }
    let mut result = Comparison::default();
    for (at, (position, own)) in (0u64..).zip(artifact.positions().iter().zip(prefill)) {
        add(&mut result.positions, 1);
        if sampler.pick(at, &position.top) != Some(position.token) {
            add(&mut result.mismatches, 1);
            result.first_mismatch.get_or_insert(at);
        }
        for (committed, own) in position.top.iter().zip(&own.committed) {
            add(&mut result.distances, 1);
            add(
                &mut result.distance_sum,
                u64::from(committed.logprob.abs_diff(*own).min(CAP)),
            );
        }
        let margin = sampler.margin(at, &own.top, position.token, own.chosen);
        add(&mut result.margin_sum, u64::from(margin.min(CAP)));
        if margin > thresholds.margin_limit {
            add(&mut result.margin_violations, 1);
        }
        let listed = listed_by_all(position, &own.top);
        let margin = sampler.margin(at, &listed, position.token, own.chosen);
        result.max_margin = result.max_margin.max(margin.into());
    }
    Ok(result)
}

/// The checker's candidates that an honest executor listed as well, whatever its device.
fn listed_by_all(position: &Position, top: &[Candidate]) -> Vec<Candidate> {
    let end = top.last().map_or(0, |last| last.logprob);
    top.iter()
        .filter(|own| {
            own.logprob.saturating_sub(end) > UNSURE
                || position.top.iter().any(|c| c.token == own.token)
        })
        .copied()
        .collect()
}

/// Sums of at most 2^16 positions times 2^6 candidates times 2^17 stay far below 2^64.
fn add(sum: &mut u64, value: u64) {
    *sum = sum.saturating_add(value);
}

/// What is allowed for answers of at least some length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthClass {
    /// The shortest answer, in tokens, that this class is for.
    pub min_length: u32,
    /// The largest allowed mean difference of log-probabilities, in 1e-4 nats.
    pub max_mean_distance: u32,
    /// The largest allowed mean margin, in 1e-4 nats.
    pub max_mean_margin: u32,
    /// The largest allowed share of positions above the margin limit, in thousandths.
    pub max_violations_millis: u32,
    /// The largest allowed margin at any one position, in 1e-4 nats; 0 for [`DEFAULT_MAX_MARGIN`].
    pub max_margin: u32,
}

/// The thresholds of one (model, numeric format, device class).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thresholds {
    top_k: u8,
    margin_limit: u32,
    classes: Vec<LengthClass>,
}

/// Why thresholds are unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdsError {
    /// No class at all: nothing could ever pass.
    #[error("expected at least one length class")]
    Empty,
    /// A number of candidates that no artifact can have.
    #[error("expected 1 to 64 candidates per position, got {0}")]
    TopK(u8),
    /// Classes must have rising lengths from at least 1.
    #[error("expected length classes of strictly rising minimum length, from at least 1")]
    Order,
    /// More than 16 classes.
    #[error("expected at most 16 length classes, got {0}")]
    TooMany(usize),
}

impl Thresholds {
    /// Thresholds for artifacts of `top_k` candidates per position, with classes in order of their minimum
    /// length. Shorter answers than the first class cannot pass. A request's own top-k is at most
    /// `top_k`: the sampler sees no more candidates than are committed.
    ///
    /// # Errors
    ///
    /// When `top_k` is not 1 to 64, or there is no class, more than 16, or they are out of order.
    pub fn new(
        top_k: u8,
        margin_limit: u32,
        classes: Vec<LengthClass>,
    ) -> Result<Self, ThresholdsError> {
        if top_k == 0 || usize::from(top_k) > MAX_TOP_K {
            return Err(ThresholdsError::TopK(top_k));
        }
        if classes.is_empty() {
            return Err(ThresholdsError::Empty);
        }
        if classes.len() > 16 {
            return Err(ThresholdsError::TooMany(classes.len()));
        }
        let rising = classes
            .windows(2)
            .all(|pair| pair[0].min_length < pair[1].min_length);
        if !rising || classes.iter().any(|class| class.min_length == 0) {
            return Err(ThresholdsError::Order);
        }
        Ok(Self {
            top_k,
            margin_limit,
            classes,
        })
    }

    /// Wide thresholds for a quantised model on mixed devices that has not been calibrated yet: between
    /// honest means (0.14 nats over the top 20) and those of the nearest other model file that
    /// matters (0.78). Measure and replace them.
    #[must_use]
    pub fn uncalibrated(top_k: u8) -> Self {
        let class =
            |min_length, max_mean_distance, max_mean_margin, max_violations_millis| LengthClass {
                min_length,
                max_mean_distance,
                max_mean_margin,
                max_violations_millis,
                max_margin: DEFAULT_MAX_MARGIN,
            };
        Self {
            top_k: top_k.clamp(1, 64),
            margin_limit: 5_000,
            classes: vec![
                class(8, 4_500, 1_500, 250),
                class(32, 3_500, 800, 120),
                class(128, 3_000, 500, 60),
            ],
        }
    }

    /// How many candidates an artifact must commit to at every position.
    #[must_use]
    pub fn top_k(&self) -> u8 {
        self.top_k
    }

    /// Margins above this (1e-4 nats) are counted as violations.
    #[must_use]
    pub fn margin_limit(&self) -> u32 {
        self.margin_limit
    }

    /// The classes, by rising minimum length.
    #[must_use]
    pub fn classes(&self) -> &[LengthClass] {
        &self.classes
    }

    /// The class of an answer of `length` tokens; none if it is too short.
    #[must_use]
    pub fn class_for(&self, length: u64) -> Option<&LengthClass> {
        self.classes
            .iter()
            .rev()
            .find(|class| u64::from(class.min_length) <= length)
    }
}

/// A statement of the settled record that the request or the model contradicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Statement {
    /// The request: it is none that a host may answer.
    Request,
    /// The prompt: its tokens are not the request's, or not as many as were charged.
    Prompt,
    /// The numeric format: not the model's.
    Format,
    /// The number of candidates: not what the model's thresholds ask for.
    TopK,
    /// The length: not what was charged, or more than the request allows.
    Length,
    /// The tokens: not all are of the model's vocabulary.
    Tokens,
    /// The text: not what the tokens stand for.
    Text,
}

impl Statement {
    /// The stable code in digests.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Request => 1,
            Self::Prompt => 2,
            Self::Format => 3,
            Self::TopK => 4,
            Self::Length => 5,
            Self::Tokens => 6,
            Self::Text => 7,
        }
    }
}

/// What makes a result false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The sampler does not pick the committed token from the committed candidates.
    Mismatch {
        /// The first such position.
        position: u64,
    },
    /// The log-probabilities are not the model's.
    Distance {
        /// The mean measured, in 1e-4 nats.
        mean: u64,
        /// The mean allowed.
        allowed: u32,
    },
    /// The tokens are not what the sampler picks from the model's candidates.
    Margin {
        /// The mean measured, in 1e-4 nats.
        mean: u64,
        /// The mean allowed.
        allowed: u32,
    },
    /// Too many tokens are far from what the sampler picks.
    Violations {
        /// How many positions exceed the margin limit.
        positions: u64,
        /// The share allowed, in thousandths.
        allowed_millis: u32,
    },
    /// One token is farther from what the sampler picks than any honest one.
    Outlier {
        /// The largest margin measured, in 1e-4 nats.
        margin: u64,
        /// The margin allowed.
        allowed: u32,
    },
    /// What the executor committed to contradicts the request or the model.
    Untrue(Statement),
}

/// The judgement of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The result is the model's.
    Pass,
    /// It is not.
    False(Fault),
    /// Neither could be established; never a pass.
    CannotCheck(CannotCheck),
}

/// Judges a comparison of an answer for which `length` output tokens were settled.
///
/// A mismatch of the exact test is false at any length. Otherwise an answer too short for any class
/// cannot be checked, and a longer one is judged by its class; a mean equal to what is allowed passes.
#[must_use]
pub fn judge(comparison: &Comparison, thresholds: &Thresholds, length: u64) -> Verdict {
    if comparison.positions != length || length == 0 || comparison.distances == 0 {
        return Verdict::CannotCheck(CannotCheck::WrongLength);
    }
    if let Some(position) = comparison.first_mismatch {
        return Verdict::False(Fault::Mismatch { position });
    }
    let Some(class) = thresholds.class_for(length) else {
        return Verdict::CannotCheck(CannotCheck::TooShort);
    };
    // sum / count > allowed, without rounding.
    let above = |sum: u64, count: u64, allowed: u32, unit: u128| {
        u128::from(sum).saturating_mul(unit) > u128::from(count).saturating_mul(u128::from(allowed))
    };
    if above(
        comparison.distance_sum,
        comparison.distances,
        class.max_mean_distance,
        1,
    ) {
        return Verdict::False(Fault::Distance {
            mean: comparison.mean_distance(),
            allowed: class.max_mean_distance,
        });
    }
    if above(
        comparison.margin_sum,
        comparison.positions,
        class.max_mean_margin,
        1,
    ) {
        return Verdict::False(Fault::Margin {
            mean: comparison.mean_margin(),
            allowed: class.max_mean_margin,
        });
    }
    if above(
        comparison.margin_violations,
        comparison.positions,
        class.max_violations_millis,
        1000,
    ) {
        return Verdict::False(Fault::Violations {
            positions: comparison.margin_violations,
            allowed_millis: class.max_violations_millis,
        });
    }
    let allowed = match class.max_margin {
        0 => DEFAULT_MAX_MARGIN,
        set => set,
    };
    if comparison.max_margin > allowed.into() {
        return Verdict::False(Fault::Outlier {
            margin: comparison.max_margin,
            allowed,
        });
    }
    Verdict::Pass
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
