//! Looking at every layer of some nonces.
// Counts below 2^53 are exact as f64; indices stay within vectors sized from the preset.
#![allow(clippy::cast_precision_loss, clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::statistics::{correlation, Summary};
use crate::backend::BackendError;
use crate::preset::{ACTIVATION_MAX, NARROW_MAX};
use crate::reference::{last_positions, Reference, Stage};
use crate::seed::NonceInput;
use crate::Race;

/// What was seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inside {
    /// How many nonces were looked at.
    pub nonces: usize,
    /// The activations, in the order of the computation.
    pub spreads: Vec<Spread>,
    /// Correlation of the outputs of two nonces.
    pub between_nonces: Summary,
    /// Correlation of the vectors of two tokens of a nonce, after so many layers.
    pub between_tokens: Vec<AfterLayer>,
    /// Correlation of the last token's vector with itself, had one coordinate of the first token's
    /// input been different by 1, after so many layers.
    pub after_a_change: Vec<AfterLayer>,
    /// What is left of the output without the last layers.
    pub skipped: Vec<Skipped>,
}

/// How far one kind of activation spreads, over all nonces, tokens and layers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Which kind.
    pub name: &'static str,
    /// The largest value it can have.
    pub clip: u64,
    /// Its standard deviation.
    pub deviation: f64,
    /// The smallest deviation of a layer.
    pub least: f64,
    /// The largest deviation of a layer.
    pub most: f64,
    /// The share of values that are `clip` or `-clip`.
    pub clipped: f64,
}

/// A correlation after some layers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AfterLayer {
    /// How many layers were computed.
    pub layers: usize,
    /// The correlation then.
    pub correlation: Summary,
}

/// What is left without the last layers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Skipped {
    /// How many of the last layers were left out.
    pub layers: usize,
    /// Correlation of what the others give with the output.
    pub correlation: Summary,
}

impl Inside {
    /// Looks at the layers of `inputs` on `threads` threads. `skip` says how many last layers to
    /// leave out; more than there are keep nothing. `progress(done, total)` counts layers.
    ///
    /// # Errors
    /// [`BackendError::Cancelled`] when `cancel` was set.
    pub fn look(
        race: &Race,
        inputs: &[NonceInput],
        skip: &[usize],
        threads: usize,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, BackendError> {
        let preset = race.preset();
        let reference = Reference::new(race.clone(), threads);
        let own = inputs.len() * preset.seq;
        // The nonces, and after them each once more with one coordinate changed. One pass over
        // the weights serves both.
        let mut n = reference.embed(inputs);
        let mut changed = n.clone();
        for (nonce, tokens) in changed.chunks_mut(preset.seq).enumerate() {
            let x = &mut tokens[0][nonce % preset.d_model];
            *x = x.checked_add(1).unwrap_or(i8::MAX - 1);
        }
        n.extend(changed);

        let mut spreads = BTreeMap::<Stage, Tally>::new();
        let mut outputs: Vec<Vec<Vec<i8>>> = Vec::with_capacity(preset.layers + 1);
        let mut between_tokens = Vec::with_capacity(preset.layers + 1);
        let mut after_a_change = Vec::with_capacity(preset.layers + 1);
        let mut keep = |layers, n: &[Vec<i8>]| {
            let (own, changed) = n.split_at(own);
            let pairs = own.chunks(preset.seq).flat_map(pairs);
            between_tokens.push(AfterLayer {
                layers,
                correlation: Summary::of(pairs),
            });
            let last: Vec<Vec<i8>> = last_positions(preset, own).cloned().collect();
            let both = last.iter().zip(last_positions(preset, changed));
            after_a_change.push(AfterLayer {
                layers,
                correlation: Summary::of(both.map(|(own, changed)| correlation(own, changed))),
            });
            outputs.push(last);
        };
        keep(0, &n);
        for layer in 0..preset.layers {
            if cancel.load(Ordering::Relaxed) {
                return Err(BackendError::Cancelled);
            }
            n = reference.layer(layer, &n, &mut |stage, rows| {
                let tally = spreads.entry(stage).or_default();
                tally.layer(stage.clip(), &rows[..own]);
            });
            keep(layer + 1, &n);
            progress(layer as u64 + 1, preset.layers as u64);
        }
        let last = outputs.last().map_or(&[][..], Vec::as_slice);
        let skipped = skip.iter().filter_map(|&layers| {
            let early = outputs.get(preset.layers.checked_sub(layers)?)?;
            let both = early.iter().zip(last);
            Some(Skipped {
                layers,
                correlation: Summary::of(both.map(|(early, last)| correlation(early, last))),
            })
        });
        Ok(Inside {
            nonces: inputs.len(),
            between_nonces: Summary::of(pairs(last)),
            skipped: skipped.collect(),
            spreads: spreads
                .into_iter()
                .map(|(stage, tally)| tally.spread(stage))
                .collect(),
            between_tokens,
            after_a_change,
        })
    }
}

/// The correlation of every two of `vectors`.
fn pairs(vectors: &[Vec<i8>]) -> impl Iterator<Item = f64> + '_ {
    vectors.iter().enumerate().flat_map(|(index, one)| {
        let others = vectors[..index].iter();
        others.map(|other| correlation(one, other))
    })
}

/// Sums over the values of one kind of activation.
#[derive(Default)]
struct Tally {
    count: u64,
    sum: f64,
    squares: f64,
    clipped: u64,
    /// The deviation in each layer.
    layers: Vec<f64>,
}

impl Tally {
    fn layer(&mut self, clip: u64, rows: &[Vec<i8>]) {
        let (mut count, mut sum, mut squares) = (0, 0i64, 0i64);
        for &x in rows.iter().flatten() {
            count += 1;
            sum += i64::from(x);
            squares += i64::from(x) * i64::from(x);
            self.clipped += u64::from(u64::from(x.unsigned_abs()) == clip);
        }
        let (sum, squares) = (sum as f64, squares as f64);
        self.layers
            .push(Summary::of_sums(count, sum, squares).deviation);
        self.count += count;
        self.sum += sum;
        self.squares += squares;
    }

    fn spread(self, stage: Stage) -> Spread {
        Spread {
            name: stage.name(),
            clip: stage.clip(),
            deviation: Summary::of_sums(self.count, self.sum, self.squares).deviation,
            least: self.layers.iter().copied().fold(f64::INFINITY, f64::min),
            most: self.layers.iter().copied().fold(0.0, f64::max),
            clipped: self.clipped as f64 / (self.count as f64).max(1.0),
        }
    }
}

impl Stage {
    /// What the definition calls it.
    fn name(self) -> &'static str {
        match self {
            Stage::Query => "q",
            Stage::Key => "k",
            Stage::Value => "v",
            Stage::Attention => "a",
            Stage::AttentionUpdate => "rq(a Wo)",
            Stage::Gate => "g",
            Stage::Up => "u",
            Stage::Gated => "rq(h u)",
            Stage::FeedForwardUpdate => "rq(.. Wdown)",
            Stage::Residual => "n",
        }
    }

    /// The largest value it can have.
    fn clip(self) -> u64 {
        match self {
            Stage::Attention => NARROW_MAX,
            _ => ACTIVATION_MAX,
        }
    }
}
