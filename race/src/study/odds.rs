//! Distances to the target and the odds of being appropriate.
// Counts below 2^53 are exact as f64; see `race` for the sums of squares.
#![allow(clippy::cast_precision_loss, clippy::arithmetic_side_effects)]

use std::sync::atomic::AtomicBool;

use serde::Serialize;

use super::statistics::Summary;
use crate::backend::{Backend, BackendError};
use crate::seed::NonceInput;
use crate::stream::{shuffle, Stream};
use crate::Race;

/// Further permutations that are tried in all; each output is tried with its share of them.
const PERMUTATIONS: u64 = 1 << 19;
/// The first stream that they are taken from; the function's own numbers are far below.
const FIRST_STREAM: u64 = 1 << 40;
/// The shares of distances whose bounds are reported, in parts of 10,000.
const SHARES: [u64; 9] = [1, 10, 50, 100, 500, 2_500, 5_000, 9_500, 10_000];

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Odds {
    /// A nonce is appropriate up to this distance.
    pub threshold: u32,
    /// The nonces, each with its own permutation.
    pub own: Rate,
    /// The same outputs, each with many other permutations: the permutation is random and
    /// independent of the output, so few outputs tell the odds well.
    pub permuted: Rate,
}

/// Distances and how many of them are small enough.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// The distances.
    pub distance: Summary,
    /// `(share, distance)`: this share of the distances is at most that.
    pub quantiles: Vec<(f64, u32)>,
    /// How many were appropriate.
    pub appropriate: u64,
    /// The share of them.
    pub odds: f64,
    /// How far `odds` may be off, as a standard deviation.
    pub error: f64,
}

impl Odds {
    /// Measures the odds of `inputs` on `backend`. `progress(done, total)` counts nonces.
    ///
    /// # Errors
    /// Those of [`Backend::forward`].
    pub fn measure(
        backend: &mut dyn Backend,
        inputs: &[NonceInput],
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, BackendError> {
        let total = inputs.len() as u64;
        let each = PERMUTATIONS / total.max(1);
        let threshold = backend.race().preset().threshold;
        let (mut own, mut permuted, mut shares) = (Vec::new(), Vec::new(), Vec::new());
        for inputs in inputs.chunks(backend.batch().max(1)) {
            let outputs = backend.forward(inputs, cancel)?;
            let race = backend.race();
            for (input, y) in inputs.iter().zip(&outputs) {
                own.push(race.judge(input, y).distance);
                let others = (0..each).map(|turn| {
                    let stream = FIRST_STREAM + input.nonce * PERMUTATIONS + turn;
                    permuted_distance(race, y, stream)
                });
                let before = permuted.len();
                permuted.extend(others);
                let found = appropriate(&permuted[before..], threshold);
                shares.push(found as f64 / (each as f64).max(1.0));
            }
            progress(own.len() as u64, total);
        }
        let alone = Summary::of(
            own.iter()
                .map(|&distance| if distance <= threshold { 1.0 } else { 0.0 }),
        );
        // The permutations of one output share its length: their error is that of the outputs.
        let together = Summary::of(shares);
        Ok(Odds {
            threshold,
            own: Rate::of(own, threshold, alone.error()),
            permuted: Rate::of(permuted, threshold, together.error()),
        })
    }
}

impl Rate {
    fn of(mut distances: Vec<u32>, threshold: u32, error: f64) -> Self {
        distances.sort_unstable();
        let count = distances.len() as u64;
        let appropriate = appropriate(&distances, threshold);
        let quantiles = SHARES
            .iter()
            // A share of less than one distance has no bound.
            .filter(|&&share| share * count >= 10_000)
            .filter_map(|&share| {
                let last = usize::try_from(share * count / 10_000 - 1).ok()?;
                Some((share as f64 / 10_000.0, *distances.get(last)?))
            })
            .collect();
        Rate {
            distance: Summary::of(distances.iter().map(|&distance| f64::from(distance))),
            quantiles,
            appropriate,
            odds: appropriate as f64 / (count as f64).max(1.0),
            error,
        }
    }
}

fn appropriate(distances: &[u32], threshold: u32) -> u64 {
    let found = distances.iter().filter(|&&distance| distance <= threshold);
    found.count() as u64
}

/// The distance of `y` under the permutation of a stream of the race seed.
fn permuted_distance(race: &Race, y: &[i8], stream: u64) -> u32 {
    let permutation = shuffle(Stream::new(race.seed(), stream), y.len());
    let both = permutation.iter().zip(race.target());
    both.map(|(&item, &target)| {
        let z = y[item as usize];
        i32::from(z).abs_diff(i32::from(target)).pow(2)
    })
    .sum()
}
