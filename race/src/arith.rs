//! The scalar operations of the function, on integers.
// The bounds proof of `preset` keeps every value below 2^24, so i32 arithmetic cannot
// overflow; values are clipped to 7 bits and a sign before they are narrowed to i8.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

/// Limits `x` to `[-c, c]`.
#[inline(always)]
pub fn clip(x: i32, c: i32) -> i32 {
    x.clamp(-c, c)
}

/// `rq(x, s) = clip((x + 2^(s-1)) >> s, 127)`: requantisation to an activation; `s >= 1`.
#[inline(always)]
pub fn rq(x: i32, s: u32) -> i32 {
    // Wrapping only spares the compiler an overflow check: |x| < 2^24.
    clip(x.wrapping_add(1 << (s - 1)) >> s, 127)
}

/// The weights of attention by how far a score is below the best one.
pub const EXP: [i32; 32] = [
    31, 24, 19, 15, 11, 9, 7, 5, 4, 3, 3, 2, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0,
];

/// The attention weight of `score` where the best score of the row is `best >= score`.
#[inline(always)]
pub fn attention_weight(best: i32, score: i32) -> i32 {
    EXP[(best - score).min(31) as usize]
}

/// The largest activation after attention, and the largest output.
pub const NARROW: i8 = 63;

/// `a = clip((sum * r + 32768) >> 16, 63)`, with `r = floor(65536 / weights)`.
#[inline(always)]
pub fn attention_output(sum: i32, r: i32) -> i32 {
    // Wrapping only spares the compiler an overflow check: |sum| r < 2^24.
    clip(
        sum.wrapping_mul(r).wrapping_add(32_768) >> 16,
        i32::from(NARROW),
    )
}

/// The gated feed-forward value `rq(h * u, 5)`, `h = (g * clamp(g + 16, 0, 32)) >> 5`.
#[inline(always)]
pub fn gated(g: i32, u: i32) -> i32 {
    let h = g.wrapping_mul((g + 16).clamp(0, 32)) >> 5;
    rq(h.wrapping_mul(u), 5)
}

/// `m` of `norm` for a row whose absolute values sum to `sum`.
#[inline(always)]
pub fn norm_multiplier(sum: i32, d_model: usize) -> i32 {
    51 * 128 * d_model as i32 / sum.max(1)
}

/// One element of `norm` with the row's multiplier `m`: `clip((y * m + 128) >> 8, 127)`.
#[inline(always)]
pub fn normed(y: i32, m: i32) -> i32 {
    clip(y.wrapping_mul(m).wrapping_add(128) >> 8, 127)
}

/// `norm(y)` of a whole row.
pub fn norm(y: &[i32]) -> Vec<i8> {
    let m = norm_multiplier(y.iter().map(|v| v.abs()).sum(), y.len());
    y.iter().map(|&v| normed(v, m) as i8).collect()
}

/// One element of the output, from one of the last position: `clip((n + 1) >> 1, 63)`.
#[inline(always)]
pub fn output(n: i32) -> i32 {
    clip((n + 1) >> 1, i32::from(NARROW))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_round_half_up_and_floor() {
        assert_eq!(rq(8, 4), 1);
        assert_eq!(rq(7, 4), 0);
        assert_eq!(rq(-8, 4), 0);
        assert_eq!(rq(-9, 4), -1);
        assert_eq!(rq(1 << 23, 4), 127);
        assert_eq!(rq(-(1 << 23), 4), -127);
        assert_eq!(output(-127), -63);
        assert_eq!(output(127), 63);
    }

    #[test]
    fn the_gate_passes_large_values_and_stops_negative_ones() {
        assert_eq!(gated(127, 127), 127);
        assert_eq!(gated(-16, 127), 0);
        assert_eq!(gated(32, 32), 32);
    }

    #[test]
    fn norm_of_zeros_is_zero_and_of_one_spike_is_clipped() {
        assert_eq!(norm(&[0; 64]), [0; 64]);
        let mut spike = [0; 64];
        spike[3] = -1;
        assert_eq!(norm(&spike)[3], -127);
    }
}
