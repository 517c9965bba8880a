//! Means, deviations and correlations.
// Counts below 2^53 are exact as f64.
#![allow(clippy::cast_precision_loss)]

use serde::Serialize;

/// What some numbers are like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// How many there are.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
}

impl Summary {
    /// The summary of `values`.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let (mut count, mut sum, mut squares) = (0u64, 0.0, 0.0);
        for value in values {
            count = count.saturating_add(1);
            sum += value;
            squares += value * value;
        }
        Summary::of_sums(count, sum, squares)
    }

    /// The summary of `count` values by their sum and the sum of their squares.
    pub fn of_sums(count: u64, sum: f64, squares: f64) -> Self {
        let n = (count as f64).max(1.0);
        let mean = sum / n;
        Summary {
            count,
            mean,
            deviation: (squares / n - mean * mean).max(0.0).sqrt(),
        }
    }

    /// How far the mean may be off, as a standard deviation.
    pub fn error(&self) -> f64 {
        self.deviation / (self.count as f64).max(1.0).sqrt()
    }
}

/// Pearson's correlation of two vectors; 0 when one of them is constant.
pub fn correlation(a: &[i8], b: &[i8]) -> f64 {
    let n = a.len() as f64;
    let (mut sums, mut squares, mut product) = ((0.0, 0.0), (0.0, 0.0), 0.0);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (f64::from(a), f64::from(b));
        sums = (sums.0 + a, sums.1 + b);
        squares = (squares.0 + a * a, squares.1 + b * b);
        product += a * b;
    }
    let covariance = n * product - sums.0 * sums.1;
    let variances = (n * squares.0 - sums.0 * sums.0) * (n * squares.1 - sums.1 * sums.1);
    if variances > 0.0 {
        covariance / variances.sqrt()
    } else {
        0.0
    }
}
