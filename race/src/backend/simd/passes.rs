//! What is computed between the products, over rows that lie one after another. Plain Rust that
//! compilers vectorise; each instruction set has these functions compiled for it.
// The bounds proof of `preset` keeps every i32 here below 2^24; values are clipped to 7 bits and a
// sign before they are narrowed to i8.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

use super::kernel::Heads;
use crate::arith::{attention_output, attention_weight, gated, norm, norm_multiplier, normed};
use crate::preset::Spec;
use crate::seed::NonceInput;
use crate::weights::{Tensor, TensorReader};
use crate::{Bytes32, Preset};

/// Lanes of an accumulator: what every instruction set handles well, and widths of heads are
/// multiples of.
const LANES: usize = 8;

/// Tokens of a nonce at most.
const MAX_SEQ: usize = Spec::MAX_SEQ;

/// The embedding and the positions, row by row.
pub struct Embedding {
    tokens: Vec<i8>,
    positions: Vec<i8>,
}

impl Embedding {
    /// Reads both from their streams.
    pub fn generate(preset: &Preset, seed: &Bytes32) -> Self {
        let read = |tensor: Tensor| {
            let mut weights = Vec::new();
            let (rows, _) = tensor.shape(preset);
            TensorReader::new(preset, seed, tensor, 0).next_rows(rows, &mut weights);
            weights
        };
        Embedding {
            tokens: read(Tensor::Embedding),
            positions: read(Tensor::Position),
        }
    }

    /// The first activations of nonces, `[nonces * seq, d_model]`:
    /// `norm(sign_t * (embedding[token_t] + position[t]))`.
    pub fn rows(&self, preset: &Preset, inputs: &[NonceInput]) -> Vec<i8> {
        let width = preset.d_model;
        let mut sums = vec![0i32; width];
        let mut n = Vec::with_capacity(inputs.len() * preset.seq * width);
        for input in inputs {
            for (t, &token) in input.tokens.iter().enumerate() {
                let token = &self.tokens[token as usize * width..][..width];
                let position = &self.positions[t * width..][..width];
                for (j, sum) in sums.iter_mut().enumerate() {
                    let x = i32::from(token[j]) + i32::from(position[j]);
                    *sum = if input.negative(t * width + j) { -x } else { x };
                }
                n.extend(norm(&sums));
            }
        }
        n
    }
}

/// The sum of a row.
#[inline(always)]
pub fn sum(x: &[i8]) -> i32 {
    x.iter()
        .fold(0i32, |sum, &x| sum.wrapping_add(i32::from(x)))
}

/// Attention of each nonce and head over all positions: `[rows, heads * width]` each of q, k and v,
/// into rows of `a` that are `heads.stride` apart.
#[inline(always)]
pub fn attend(heads: Heads, [q, k, v]: [&[i8]; 3], a: &mut [i8]) {
    let (seq, width) = (heads.seq, heads.heads * heads.width);
    let nonces = a.chunks_mut(seq * heads.stride);
    for (nonce, a) in nonces.enumerate() {
        let [q, k, v] = [q, k, v].map(|x| &x[nonce * seq * width..][..seq * width]);
        for head in 0..heads.heads {
            let (keys, values) = (tokens(heads, head, k), tokens(heads, head, v));
            let (keys, values) = (&keys[..seq], &values[..seq]);
            for (q, a) in q.chunks_exact(width).zip(a.chunks_mut(heads.stride)) {
                let q = &q[head * heads.width..][..heads.width];
                let a = &mut a[head * heads.width..][..heads.width];
                attend_one(q, keys, values, heads.shift, a);
            }
        }
    }
}

/// One head of each token of a nonce.
#[inline(always)]
fn tokens(heads: Heads, head: usize, x: &[i8]) -> [&[i8]; MAX_SEQ] {
    let mut tokens: [&[i8]; MAX_SEQ] = [&[]; MAX_SEQ];
    let rows = x.chunks_exact(heads.heads * heads.width);
    for (token, row) in tokens.iter_mut().zip(rows) {
        *token = &row[head * heads.width..][..heads.width];
    }
    tokens
}

/// One head of one token.
#[inline(always)]
fn attend_one(q: &[i8], keys: &[&[i8]], values: &[&[i8]], shift: u32, a: &mut [i8]) {
    let mut weights = [0i32; MAX_SEQ];
    let weights = &mut weights[..keys.len()];
    for (weight, key) in weights.iter_mut().zip(keys) {
        *weight = dot(q, key) >> shift;
    }
    let best = weights.iter().copied().max().unwrap_or(0);
    let mut total = 0i32;
    for weight in &mut *weights {
        *weight = attention_weight(best, *weight);
        total = total.wrapping_add(*weight);
    }
    let r = 65_536 / total;
    let whole = a.len() / LANES;
    for (at, a) in a.chunks_mut(LANES).enumerate() {
        let mut sums = [0i32; LANES];
        for (&weight, value) in weights.iter().zip(values) {
            if at < whole {
                let value = &value.as_chunks::<LANES>().0[at];
                for (sum, &v) in sums.iter_mut().zip(value) {
                    *sum = sum.wrapping_add(weight.wrapping_mul(i32::from(v)));
                }
            } else {
                for (sum, &v) in sums.iter_mut().zip(value.as_chunks::<LANES>().1) {
                    *sum = sum.wrapping_add(weight.wrapping_mul(i32::from(v)));
                }
            }
        }
        // Not `map`, which is not inlined and so not compiled for the instruction set.
        for (a, &sum) in a.iter_mut().zip(&sums) {
            *a = attention_output(sum, r) as i8;
        }
    }
}

#[inline(always)]
fn dot(a: &[i8], b: &[i8]) -> i32 {
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0i32; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
            *sum = sum.wrapping_add(i32::from(a).wrapping_mul(i32::from(b)));
        }
    }
    let rest = rest_a.iter().zip(rest_b);
    let rest = rest.fold(0i32, |sum, (&a, &b)| sum + i32::from(a) * i32::from(b));
    sums.iter().fold(rest, |sum, &x| sum.wrapping_add(x))
}

/// The gated feed-forward values of gate and up.
#[inline(always)]
pub fn gate(g: &[i8], u: &[i8], h: &mut [i8]) {
    for ((h, &g), &u) in h.iter_mut().zip(g).zip(u) {
        *h = gated(i32::from(g), i32::from(u)) as i8;
    }
}

/// `n = norm(n + update)` for one row; the update is requantised already.
#[inline(always)]
pub fn residual(n: &mut [i8], update: &[i8]) {
    let plus = |n: i8, update: i8| i32::from(n).wrapping_add(i32::from(update));
    let size = n
        .iter()
        .zip(update)
        .fold(0i32, |s, (&n, &u)| s.wrapping_add(plus(n, u).abs()));
    let m = norm_multiplier(size, n.len());
    for (n, &u) in n.iter_mut().zip(update) {
        *n = normed(plus(*n, u), m) as i8;
    }
}
