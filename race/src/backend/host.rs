//! The passes between the products, on the host, over rows that lie one after another.
//!
//! Products come back as f32 holding integers below 2^24 (the bounds proof of
//! [`crate::preset`]); they are converted at once and everything here is computed in integers.
// By the same proof no i32 below can overflow, and values are clipped to 7 bits and a sign
// before they are narrowed.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

use crate::arith::{
    attention_output, attention_weight, gated, norm, norm_multiplier, normed, output, rq,
};
use crate::seed::NonceInput;
use crate::weights::{Tensor, Weights};
use crate::Preset;

/// The first activations, `[nonces * seq, d_model]`.
pub fn embed(weights: &Weights, inputs: &[NonceInput]) -> Vec<i8> {
    let preset = weights.preset();
    let width = preset.d_model;
    let mut positions = vec![0i8; preset.seq * width];
    weights.expand(Tensor::Position, 0, &mut positions);
    let mut embedding = vec![0i8; width];
    let mut sums = vec![0i32; width];
    let mut n = Vec::with_capacity(inputs.len() * preset.seq * width);
    for input in inputs {
        for (t, &token) in input.tokens.iter().enumerate() {
            weights.expand(Tensor::Embedding, token as usize, &mut embedding);
            for (j, sum) in sums.iter_mut().enumerate() {
                let x = i32::from(embedding[j]) + i32::from(positions[t * width + j]);
                let bit = t * width + j;
                *sum = if input.negative(bit) { -x } else { x };
            }
            n.extend(norm(&sums));
        }
    }
    n
}

/// Activations as a product takes them.
pub fn floats(n: &[i8]) -> Vec<f32> {
    n.iter().map(|&x| f32::from(x)).collect()
}

/// `n = norm(n + rq(update, shift))` for each row.
pub fn residual(preset: &Preset, n: &mut [i8], update: &[f32], shift: u32) {
    let width = preset.d_model;
    let mut sums = vec![0i32; width];
    for (n, update) in n.chunks_exact_mut(width).zip(update.chunks_exact(width)) {
        let mut absolute = 0i32;
        for ((sum, &n), &update) in sums.iter_mut().zip(&*n).zip(update) {
            *sum = i32::from(n) + rq(update as i32, shift);
            absolute = absolute.wrapping_add(sum.abs());
        }
        let m = norm_multiplier(absolute, width);
        for (n, &sum) in n.iter_mut().zip(&sums) {
            *n = normed(sum, m) as i8;
        }
    }
}

/// The gated feed-forward values `[rows, d_ffn]` from gate and up side by side,
/// `[rows, 2 d_ffn]`.
pub fn gate(preset: &Preset, gate_up: &[f32]) -> Vec<f32> {
    let (width, shift) = (preset.d_ffn, preset.s_ffn_in);
    let mut h = vec![0f32; gate_up.len() / 2];
    for (h, row) in h
        .chunks_exact_mut(width)
        .zip(gate_up.chunks_exact(2 * width))
    {
        let (g, u) = row.split_at(width);
        for ((h, &g), &u) in h.iter_mut().zip(g).zip(u) {
            *h = gated(rq(g as i32, shift), rq(u as i32, shift)) as f32;
        }
    }
    h
}

/// Attention, `[rows, d_attn]`, from q, k and v side by side, `[rows, 3 d_attn]`.
pub fn attend(preset: &Preset, qkv: &[f32]) -> Vec<f32> {
    let (seq, width, d_head) = (preset.seq, preset.d_attn(), preset.d_head);
    let mut a = vec![0f32; qkv.len() / 3];
    let mut activations = vec![0i16; seq * 3 * width];
    let mut weights = vec![0i32; seq];
    let mut sums = vec![0i32; d_head];
    let nonces = a
        .chunks_exact_mut(seq * width)
        .zip(qkv.chunks_exact(seq * 3 * width));
    for (a, qkv) in nonces {
        for (activation, &sum) in activations.iter_mut().zip(qkv) {
            *activation = rq(sum as i32, preset.s_qkv) as i16;
        }
        for head in 0..preset.heads {
            let part = |token: usize, which: usize| {
                let start = (3 * token + which) * width + head * d_head;
                &activations[start..start + d_head]
            };
            for i in 0..seq {
                for (j, weight) in weights.iter_mut().enumerate() {
                    *weight = dot(part(i, 0), part(j, 1)) >> preset.s_score;
                }
                let best = weights.iter().copied().max().unwrap_or(0);
                let mut total = 0;
                for weight in &mut weights {
                    *weight = attention_weight(best, *weight);
                    total += *weight;
                }
                let r = 65_536 / total;
                sums.fill(0);
                for (j, &weight) in weights.iter().enumerate() {
                    for (sum, &v) in sums.iter_mut().zip(part(j, 2)) {
                        *sum = sum.wrapping_add(weight.wrapping_mul(i32::from(v)));
                    }
                }
                let start = i * width + head * d_head;
                for (a, &sum) in a[start..start + d_head].iter_mut().zip(&sums) {
                    *a = attention_output(sum, r) as f32;
                }
            }
        }
    }
    a
}

/// `|sum| <= 127 * 127 * d_head`, below 2^24.
fn dot(a: &[i16], b: &[i16]) -> i32 {
    a.iter().zip(b).fold(0i32, |sum, (&a, &b)| {
        sum.wrapping_add(i32::from(a).wrapping_mul(i32::from(b)))
    })
}

/// The outputs, `d_model` entries per nonce, from the last position of each.
pub fn outputs<'a>(preset: &'a Preset, n: &'a [i8]) -> impl Iterator<Item = Vec<i8>> + 'a {
    let width = preset.d_model;
    n.chunks_exact(preset.seq * width).map(move |tokens| {
        tokens[(preset.seq - 1) * width..]
            .iter()
            .map(|&x| output(i32::from(x)) as i8)
            .collect()
    })
}
