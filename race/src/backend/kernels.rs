//! The passes between the products as kernels, for every runtime of cubecl.
//!
//! Each reads its f32 sums once and writes the activations of the next product once; all that
//! lies between stays in registers and shared memory. For `paper`, per nonce and layer, with
//! bf16 activations:
//!
//! | pass | reads | writes | integer operations per byte |
//! |---|---|---|---|
//! | `attend` | 541 KB of q, k, v | 90 KB | 1.0 |
//! | `residual`, twice | 12 KB | 4 KB | 1.2 |
//! | `gate` | 262 KB of gate and up | 66 KB | 1.2 |
//!
//! They are bound by memory: with the products' own reads and writes of activations about
//! 2.0 MB per nonce and layer, 125 MB per nonce. What is left to gain is to requantise where a
//! product still holds its sums in registers, which would quarter the bytes of `attend` and `gate`.
//!
//! Every value is an integer below 2^24 ([`crate::preset`]), so the f32 sums convert exactly,
//! and all arithmetic is that of i32. There is no division but that of positive i32.
// By the same bounds no i32 overflows, and what is narrowed was clipped. The kernels are safe
// launches, with their indices checked on the device.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap
)]

use cubecl::prelude::*;

use crate::arith::EXP;

/// Units of a cube where they work on one row or head together; a power of two.
pub(super) const UNITS: u32 = 128;
/// Units that share one attention score.
const LANES: usize = 8;
/// Entries of [`EXP`] before the zeros.
const EXP_STEPS: usize = 16;

fn weight_at(below: usize) -> i32 {
    EXP[below]
}

/// The scalar operations of [`crate::arith`], in the words a kernel knows; as plain functions they
/// are tested against it.
mod scalar {
    use super::*;

    /// An integer out of a product or an activation.
    #[cube]
    pub fn load<F: Float>(x: F) -> i32 {
        i32::cast_from(f32::cast_from(x))
    }

    /// An activation.
    #[cube]
    pub fn store<F: Float>(x: i32) -> F {
        F::cast_from(f32::cast_from(x))
    }

    #[cube]
    pub fn clip(x: i32, c: i32) -> i32 {
        x.clamp(-c, c)
    }

    #[cube]
    pub fn rq(x: i32, #[comptime] shift: u32) -> i32 {
        let half = comptime!(1i32 << (shift - 1));
        clip((x + half) >> comptime!(shift as i32), 127)
    }

    #[cube]
    pub fn attention_weight(best: i32, score: i32) -> i32 {
        let below = best - score;
        let mut weight = 0i32;
        #[unroll]
        for step in 0..EXP_STEPS {
            let value = comptime!(weight_at(step));
            weight = select(below == comptime!(step as i32), value, weight);
        }
        weight
    }

    #[cube]
    pub fn attention_output(sum: i32, r: i32) -> i32 {
        clip((sum * r + 32_768) >> 16, 63)
    }

    #[cube]
    pub fn gated(g: i32, u: i32) -> i32 {
        let h = (g * (g + 16).clamp(0, 32)) >> 5;
        rq(h * u, 5u32)
    }

    #[cube]
    pub fn norm_multiplier(sum: i32, #[comptime] d_model: usize) -> i32 {
        comptime!(51 * 128 * d_model as i32) / sum.max(1)
    }

    #[cube]
    pub fn normed(y: i32, m: i32) -> i32 {
        clip((y * m + 128) >> 8, 127)
    }
}

/// What the attention of one head needs to know of the preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Heads {
    pub seq: usize,
    pub heads: usize,
    pub d_head: usize,
    pub s_qkv: u32,
    pub s_score: u32,
}

/// `n = norm(n + rq(update, shift))`, a cube to a row.
#[cube(launch)]
pub(super) fn residual<F: Float>(
    n: &Tensor<F>,
    update: &Tensor<f32>,
    out: &mut Tensor<F>,
    #[comptime] width: usize,
    #[comptime] shift: u32,
) {
    let row = CUBE_POS;
    let unit = UNIT_POS as usize;
    let mut sums = SharedMemory::<i32>::new(width);
    let mut absolute = SharedMemory::<i32>::new(UNITS as usize);

    let mut partial = 0i32;
    let mut j = unit;
    while j < width {
        let sum = scalar::load::<F>(n[row * n.stride(0) + j])
            + scalar::rq(
                scalar::load::<f32>(update[row * update.stride(0) + j]),
                shift,
            );
        sums[j] = sum;
        partial += sum.abs();
        j += UNITS as usize;
    }
    absolute[unit] = partial;
    sync_cube();

    let mut half = comptime!(UNITS as usize / 2).runtime();
    while half > 0 {
        if unit < half {
            let other = absolute[unit + half];
            absolute[unit] += other;
        }
        sync_cube();
        half /= 2;
    }

    let m = scalar::norm_multiplier(absolute[0], width);
    let mut j = unit;
    while j < width {
        out[row * out.stride(0) + j] = scalar::store::<F>(scalar::normed(sums[j], m));
        j += UNITS as usize;
    }
}

/// The gated feed-forward values from gate and up side by side, a unit to a value.
#[cube(launch)]
pub(super) fn gate<F: Float>(
    gate_up: &Tensor<f32>,
    out: &mut Tensor<F>,
    #[comptime] width: usize,
    #[comptime] shift: u32,
) {
    let row = ABSOLUTE_POS / width;
    let j = ABSOLUTE_POS % width;
    if row < out.shape(0) {
        let start = row * gate_up.stride(0);
        let g = scalar::rq(scalar::load::<f32>(gate_up[start + j]), shift);
        let u = scalar::rq(scalar::load::<f32>(gate_up[start + width + j]), shift);
        out[row * out.stride(0) + j] = scalar::store::<F>(scalar::gated(g, u));
    }
}

/// Attention from q, k and v side by side, a cube to a head of a nonce.
#[cube(launch)]
pub(super) fn attend<F: Float>(qkv: &Tensor<f32>, out: &mut Tensor<F>, #[comptime] shape: Heads) {
    let (seq, d_head) = comptime!((shape.seq, shape.d_head));
    let (heads, s_qkv, s_score) = comptime!((shape.heads, shape.s_qkv, shape.s_score as i32));
    let head = CUBE_POS_X as usize;
    let first_row = CUBE_POS_Y as usize * seq;
    let unit = UNIT_POS as usize;
    let units = UNITS as usize;

    // q, k and v of this head, `[3, seq, d_head]`.
    let mut x = SharedMemory::<i32>::new(comptime!(3 * seq * d_head));
    let mut i = unit;
    while i < comptime!(3 * seq * d_head) {
        let (part, e) = (i / d_head, i % d_head);
        let (which, token) = (part / seq, part % seq);
        let column = (which * heads + head) * d_head + e;
        let sum = qkv[(first_row + token) * qkv.stride(0) + column];
        x[i] = scalar::rq(scalar::load::<f32>(sum), s_qkv);
        i += units;
    }
    sync_cube();

    // The scores in `LANES` parts each, so that all units work.
    let mut parts = SharedMemory::<i32>::new(comptime!(seq * seq * LANES));
    let mut i = unit;
    while i < comptime!(seq * seq * LANES) {
        let (pair, lane) = (i / LANES, i % LANES);
        let q = pair / seq * d_head;
        let k = (seq + pair % seq) * d_head;
        let mut sum = 0i32;
        let mut e = lane;
        while e < d_head {
            sum += x[q + e] * x[k + e];
            e += LANES;
        }
        parts[i] = sum;
        i += units;
    }
    sync_cube();

    let mut weights = SharedMemory::<i32>::new(comptime!(seq * seq));
    let mut scales = SharedMemory::<i32>::new(seq);
    let mut i = unit;
    while i < seq {
        let mut best = comptime!(i32::MIN / 2).runtime();
        for j in 0..seq {
            let pair = i * seq + j;
            let mut score = 0i32;
            for lane in 0..LANES {
                score += parts[pair * LANES + lane];
            }
            score >>= s_score;
            weights[pair] = score;
            best = best.max(score);
        }
        let mut total = 0i32;
        for j in 0..seq {
            let weight = scalar::attention_weight(best, weights[i * seq + j]);
            weights[i * seq + j] = weight;
            total += weight;
        }
        // The best score has weight 31: no division by zero.
        scales[i] = 65_536 / total;
        i += units;
    }
    sync_cube();

    let mut i = unit;
    while i < comptime!(seq * d_head) {
        let (token, e) = (i / d_head, i % d_head);
        let mut sum = 0i32;
        for j in 0..seq {
            sum += weights[token * seq + j] * x[(2 * seq + j) * d_head + e];
        }
        let a = scalar::attention_output(sum, scales[token]);
        out[(first_row + token) * out.stride(0) + head * d_head + e] = scalar::store::<F>(a);
        i += units;
    }
}

#[cfg(test)]
mod tests {
    use super::scalar;
    use crate::arith;

    /// The integers near zero and near the bounds of the sums, and every 997th between.
    fn sums() -> impl Iterator<Item = i32> {
        let limit = 1 << 24;
        let between = (-limit..limit).step_by(997);
        let ends = (0..3_000).flat_map(move |x| [x - limit, limit - 1 - x]);
        (-70_000..70_000).chain(between).chain(ends)
    }

    #[test]
    fn the_kernels_requantise_as_the_definition_does() {
        for shift in 1..=16 {
            assert!(sums().all(|x| scalar::rq(x, shift) == arith::rq(x, shift)));
        }
    }

    #[test]
    fn the_kernels_gate_as_the_definition_does() {
        for (g, u) in (-127..=127).flat_map(|g| (-127..=127).map(move |u| (g, u))) {
            assert_eq!(scalar::gated(g, u), arith::gated(g, u));
        }
    }

    #[test]
    fn the_kernels_normalise_as_the_definition_does() {
        for sum in 0..=2 * 127 * 512 {
            let m = scalar::norm_multiplier(sum, 512);
            assert_eq!(m, arith::norm_multiplier(sum, 512));
            for y in [-254i32, -127, -1, 0, 1, 3, 254] {
                if y.abs() <= sum {
                    assert_eq!(scalar::normed(y, m), arith::normed(y, m));
                }
            }
        }
    }

    #[test]
    fn the_kernels_weigh_as_the_definition_does() {
        for below in 0..100 {
            assert_eq!(
                scalar::attention_weight(50, 50 - below),
                arith::attention_weight(50, 50 - below)
            );
        }
        for total in 31..=4 * 31 {
            let r = 65_536 / total;
            for sum in -127 * total..=127 * total {
                assert_eq!(
                    scalar::attention_output(sum, r),
                    arith::attention_output(sum, r)
                );
            }
        }
    }
}
