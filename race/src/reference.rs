//! The function in plain integers: the oracle that every backend is held to, and what a chain
//! recomputes disputes with.
//!
//! It holds no tensor. Each matrix is read from its stream in blocks of 16 rows which are
//! multiplied into all nonces of the call and dropped, so `paper` takes a few megabytes.
// The bounds proof of `preset` keeps every sum below 2^24, so i32 cannot overflow (wrapping
// operations spare the inner loops the check). Within a block of 16 rows a sum is at most
// 16 * 127 * 15 = 30480, so it fits an i16. Values are clipped before they are narrowed to i8.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

use std::sync::atomic::{AtomicBool, Ordering};

use crate::arith::{attention_output, attention_weight, gated, norm, output, rq};
use crate::backend::{Backend, BackendError, Entry};
use crate::seed::NonceInput;
use crate::weights::{Matrix, Tensor, TensorReader};
use crate::{Preset, Race};

/// Rows of weights that are read at a time; 16 products of 127 * 15 fit an i16.
const BLOCK: usize = 16;
/// Columns whose sums are kept in registers.
const STRIP: usize = 64;
/// A product with fewer multiply-adds is not worth a second thread.
const SPLIT_FROM: usize = 1 << 22;

/// Its entry in the registry of backends.
pub const ENTRY: Entry = Entry {
    name: "reference",
    about: "CPU, plain integers, streaming the weights; little memory",
    unavailable: || None,
    load: |race, options, _, _| Ok(Box::new(Reference::new(race, options.threads))),
};
/// A quantity that a layer computes, one row per token, for those who look inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// `rq(n Wq, s_qkv)`.
    Query,
    /// `rq(n Wk, s_qkv)`.
    Key,
    /// `rq(n Wv, s_qkv)`.
    Value,
    /// What attention gives Wo.
    Attention,
    /// `rq(a Wo, s_attn_out)`.
    AttentionUpdate,
    /// `rq(n Wgate, s_ffn_in)`.
    Gate,
    /// `rq(n Wup, s_ffn_in)`.
    Up,
    /// What the gate gives Wdown.
    Gated,
    /// `rq(h Wdown, s_ffn_out)`.
    FeedForwardUpdate,
    /// `n` after the layer.
    Residual,
}

/// The function in plain integers.
pub struct Reference {
    race: Race,
    threads: usize,
}

impl Reference {
    /// The reference for `race`, its products split over `threads` threads.
    pub fn new(race: Race, threads: usize) -> Self {
        Reference {
            race,
            threads: threads.max(1),
        }
    }

    /// The outputs `y` of `inputs`, before their permutation.
    ///
    /// # Errors
    /// [`BackendError::Cancelled`] when `cancel` was set.
    pub fn outputs(
        &self,
        inputs: &[NonceInput],
        cancel: &AtomicBool,
    ) -> Result<Vec<Vec<i8>>, BackendError> {
        let preset = self.race.preset();
        let mut n = self.embed(inputs);
        for layer in 0..preset.layers {
            if cancel.load(Ordering::Relaxed) {
                return Err(BackendError::Cancelled);
            }
            n = self.layer(layer, &n, &mut |_, _| ());
        }
        Ok(last_positions(preset, &n)
            .map(|last| last.iter().map(|&x| output(i32::from(x)) as i8).collect())
            .collect())
    }

    /// One layer over the rows `n`; `look` is shown what it computes on the way.
    pub(crate) fn layer(
        &self,
        layer: usize,
        n: &[Vec<i8>],
        look: &mut dyn FnMut(Stage, &[Vec<i8>]),
    ) -> Vec<Vec<i8>> {
        let preset = self.race.preset();
        let mut product = |matrix, x: &[Vec<i8>], shift, stage| {
            let rows = requantised(self.product(layer, matrix, x), shift);
            look(stage, &rows);
            rows
        };
        let q = product(Matrix::Query, n, preset.s_qkv, Stage::Query);
        let k = product(Matrix::Key, n, preset.s_qkv, Stage::Key);
        let v = product(Matrix::Value, n, preset.s_qkv, Stage::Value);
        let a = attend(preset, &q, &k, &v);
        let update = product(Matrix::Out, &a, preset.s_attn_out, Stage::AttentionUpdate);
        let n = residual(n, &update);
        let g = product(Matrix::Gate, &n, preset.s_ffn_in, Stage::Gate);
        let u = product(Matrix::Up, &n, preset.s_ffn_in, Stage::Up);
        let h = gate(&g, &u);
        let update = product(Matrix::Down, &h, preset.s_ffn_out, Stage::FeedForwardUpdate);
        let n = residual(&n, &update);
        look(Stage::Attention, &a);
        look(Stage::Gated, &h);
        look(Stage::Residual, &n);
        n
    }

    /// `norm(sign_t * (embedding[token_t] + position[t]))`: one row of `d_model` activations per
    /// token of each nonce.
    pub(crate) fn embed(&self, inputs: &[NonceInput]) -> Vec<Vec<i8>> {
        let (preset, seed) = (self.race.preset(), self.race.seed());
        let row = |tensor, row| TensorReader::row(preset, seed, tensor, row);
        let positions: Vec<Vec<i8>> = (0..preset.seq).map(|t| row(Tensor::Position, t)).collect();
        let mut rows = Vec::with_capacity(inputs.len() * preset.seq);
        for input in inputs {
            for (t, &token) in input.tokens.iter().enumerate() {
                let embedding = row(Tensor::Embedding, token as usize);
                let signed: Vec<i32> = (0..preset.d_model)
                    .map(|j| {
                        let x = i32::from(embedding[j]) + i32::from(positions[t][j]);
                        if input.negative(t * preset.d_model + j) {
                            -x
                        } else {
                            x
                        }
                    })
                    .collect();
                rows.push(norm(&signed));
            }
        }
        rows
    }

    /// `x W` for every row `x`, reading W from its stream once.
    fn product(&self, layer: usize, matrix: Matrix, x: &[Vec<i8>]) -> Vec<Vec<i32>> {
        let (inner, columns) = Tensor::Layer(layer, matrix).shape(self.race.preset());
        let threads = if inner * columns * x.len() < SPLIT_FROM {
            1
        } else {
            self.threads
        };
        // Each thread takes a range of W's rows; sums of integers may be added in any order.
        let share = inner.div_ceil(threads).next_multiple_of(BLOCK);
        let partial = |first: usize| {
            let last = inner.min(first + share);
            self.partial_product(layer, matrix, x, first..last)
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (share..inner)
                .step_by(share)
                .map(|first| scope.spawn(move || partial(first)))
                .collect();
            let mut sums = partial(0);
            for other in others {
                let Ok(other) = other.join() else {
                    unreachable!("the product does not panic")
                };
                for (sums, other) in sums.iter_mut().zip(other) {
                    for (sum, more) in sums.iter_mut().zip(other) {
                        *sum = sum.wrapping_add(more);
                    }
                }
            }
            sums
        })
    }

    /// The part of `x W` that comes from `range` of W's rows.
    fn partial_product(
        &self,
        layer: usize,
        matrix: Matrix,
        x: &[Vec<i8>],
        range: std::ops::Range<usize>,
    ) -> Vec<Vec<i32>> {
        let tensor = Tensor::Layer(layer, matrix);
        let (preset, seed) = (self.race.preset(), self.race.seed());
        let (_, columns) = tensor.shape(preset);
        let mut reader = TensorReader::new(preset, seed, tensor, range.start);
        let mut sums = vec![vec![0; columns]; x.len()];
        let mut block: Vec<i16> = Vec::new();
        for row in range.clone().step_by(BLOCK) {
            let rows = reader.next_rows(BLOCK.min(range.end - row), &mut block);
            for (x, sums) in x.iter().zip(&mut sums) {
                multiply_block(&x[row..row + rows], &block, sums);
            }
        }
        sums
    }
}

/// Adds `x block` to `sums`: `block` holds `x.len()` rows, at most [`BLOCK`], of `sums.len()`
/// weights.
fn multiply_block(x: &[i8], block: &[i16], sums: &mut [i32]) {
    let columns = sums.len();
    for (strip, sums) in sums.chunks_mut(STRIP).enumerate() {
        let mut short = [0i16; STRIP];
        for (i, &x) in x.iter().enumerate() {
            let start = i * columns + strip * STRIP;
            let weights = &block[start..start + sums.len()];
            if let Ok(weights) = <&[i16; STRIP]>::try_from(weights) {
                for (sum, &w) in short.iter_mut().zip(weights) {
                    *sum = sum.wrapping_add(i16::from(x).wrapping_mul(w));
                }
            } else {
                for (sum, &w) in short.iter_mut().zip(weights) {
                    *sum = sum.wrapping_add(i16::from(x).wrapping_mul(w));
                }
            }
        }
        for (sum, &short) in sums.iter_mut().zip(&short) {
            *sum = sum.wrapping_add(i32::from(short));
        }
    }
}

fn requantised(rows: Vec<Vec<i32>>, shift: u32) -> Vec<Vec<i8>> {
    rows.iter()
        .map(|row| row.iter().map(|&x| rq(x, shift) as i8).collect())
        .collect()
}

/// The row of the last position of each nonce.
pub(crate) fn last_positions<'a>(
    preset: &Preset,
    n: &'a [Vec<i8>],
) -> impl Iterator<Item = &'a Vec<i8>> {
    n.iter().skip(preset.seq - 1).step_by(preset.seq)
}

/// `norm(n + update)` for each row.
fn residual(n: &[Vec<i8>], update: &[Vec<i8>]) -> Vec<Vec<i8>> {
    n.iter()
        .zip(update)
        .map(|(n, update)| {
            let sum: Vec<i32> = n
                .iter()
                .zip(update)
                .map(|(&n, &update)| i32::from(n) + i32::from(update))
                .collect();
            norm(&sum)
        })
        .collect()
}

/// `rq(h * u, 5)` with `h` the gated `g`, for each row.
fn gate(g: &[Vec<i8>], u: &[Vec<i8>]) -> Vec<Vec<i8>> {
    g.iter()
        .zip(u)
        .map(|(g, u)| {
            g.iter()
                .zip(u)
                .map(|(&g, &u)| gated(i32::from(g), i32::from(u)) as i8)
                .collect()
        })
        .collect()
}

/// Attention of each nonce and head over all positions.
fn attend(preset: &Preset, q: &[Vec<i8>], k: &[Vec<i8>], v: &[Vec<i8>]) -> Vec<Vec<i8>> {
    let mut a = vec![vec![0; preset.d_attn()]; q.len()];
    for (row, a) in a.iter_mut().enumerate() {
        let first = row / preset.seq * preset.seq;
        let tokens = first..first + preset.seq;
        for head in 0..preset.heads {
            let columns = head * preset.d_head..(head + 1) * preset.d_head;
            let scores: Vec<i32> = tokens
                .clone()
                .map(|j| dot(&q[row][columns.clone()], &k[j][columns.clone()]) >> preset.s_score)
                .collect();
            let best = scores.iter().copied().max().unwrap_or(0);
            let weights: Vec<i32> = scores.iter().map(|&s| attention_weight(best, s)).collect();
            let r = 65_536 / weights.iter().sum::<i32>();
            for column in columns {
                let sum = tokens
                    .clone()
                    .zip(&weights)
                    .map(|(j, &w)| w * i32::from(v[j][column]))
                    .sum();
                a[column] = attention_output(sum, r) as i8;
            }
        }
    }
    a
}

fn dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| i32::from(a) * i32::from(b))
        .sum()
}

impl Backend for Reference {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn race(&self) -> &Race {
        &self.race
    }

    fn batch(&self) -> usize {
        64
    }

    fn forward(
        &mut self,
        inputs: &[NonceInput],
        cancel: &AtomicBool,
    ) -> Result<Vec<Vec<i8>>, BackendError> {
        self.outputs(inputs, cancel)
    }
}
