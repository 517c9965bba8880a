//! Attention with AVX-512 VNNI, for nonces of four tokens.
//!
//! Scores: `vpdpbusd` multiplies unsigned by signed bytes, so `q k = (q + 128) k - 128 sum(k)`.
//! Values: with the four tokens' values of a column side by side, one `vpdpbusd` weighs and adds
//! them. The four scores of each of the four tokens are the 16 lanes of one register.
#![allow(unsafe_code, clippy::cast_possible_truncation)]

use std::arch::x86_64::*;

use super::super::Heads;
use crate::arith::{EXP, NARROW};

/// Tokens of a nonce.
const SEQ: usize = 4;
/// Bytes of a register.
const BYTES: usize = 64;
/// Columns whose values are weighed at a time.
const COLUMNS: usize = 16;

/// Whether [`attend`] can do these heads.
pub fn fits(heads: Heads) -> bool {
    heads.seq == SEQ && heads.width <= 2 * BYTES
}

/// A head of a nonce: two registers for each token, zero beyond the head's width.
type Tokens = [[__m512i; 2]; SEQ];

/// [`super::passes::attend`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
pub fn attend(heads: Heads, [q, k, v]: [&[i8]; 3], a: &mut [i8]) {
    let row = heads.heads * heads.width;
    for (nonce, a) in a.chunks_mut(SEQ * heads.stride).enumerate() {
        let [q, k, v] = [q, k, v].map(|x| &x[nonce * SEQ * row..][..SEQ * row]);
        for head in 0..heads.heads {
            let first = head * heads.width;
            let part = |x| tokens(x, first, row, heads.width);
            let (weights, r) = weigh(&scores(&part(q), &part(k)), heads.shift);
            for at in (0..heads.width).step_by(COLUMNS) {
                let columns = COLUMNS.min(heads.width - at);
                let values = side_by_side(v, first + at, row, columns);
                for (token, a) in a.chunks_mut(heads.stride).enumerate() {
                    let a = &mut a[first + at..][..columns];
                    let token = _mm512_set1_epi32(token as i32);
                    let weights = _mm512_permutexvar_epi32(token, weights);
                    let sums = _mm512_dpbusd_epi32(_mm512_setzero_si512(), weights, values);
                    let r = _mm512_permutexvar_epi32(_mm512_slli_epi32(token, 2), r);
                    let half = _mm512_set1_epi32(1 << 15);
                    let out = _mm512_add_epi32(_mm512_mullo_epi32(sums, r), half);
                    let out = _mm512_cvtsepi32_epi8(_mm512_srai_epi32(out, 16));
                    let out = _mm_min_epi8(out, _mm_set1_epi8(NARROW));
                    let out = _mm_max_epi8(out, _mm_set1_epi8(-NARROW));
                    // SAFETY: writes the `columns` bytes of `a`.
                    unsafe { _mm_mask_storeu_epi8(a.as_mut_ptr(), mask(columns) as u16, out) };
                }
            }
        }
    }
}

/// The lowest `n` of 64 lanes.
fn mask(n: usize) -> u64 {
    u64::MAX.checked_shr(64 - n.min(64) as u32).unwrap_or(0)
}

/// One head of each token.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn tokens(x: &[i8], first: usize, row: usize, width: usize) -> Tokens {
    let mut tokens = [[_mm512_setzero_si512(); 2]; SEQ];
    for (token, registers) in tokens.iter_mut().enumerate() {
        let x = &x[token * row + first..][..width];
        for (register, x) in registers.iter_mut().zip(x.chunks(BYTES)) {
            // SAFETY: reads the bytes of `x`.
            *register = unsafe { _mm512_maskz_loadu_epi8(mask(x.len()), x.as_ptr()) };
        }
    }
    tokens
}

/// The products of each token's query with each token's key: lane `4 i + j`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
fn scores(q: &Tokens, k: &Tokens) -> __m512i {
    let shifted = _mm512_set1_epi8(-128);
    let mut less = [_mm512_setzero_si512(); SEQ];
    for (less, k) in less.iter_mut().zip(k) {
        // 128 as an unsigned byte.
        let sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), shifted, k[0]);
        let sum = _mm512_dpbusd_epi32(sum, shifted, k[1]);
        *less = _mm512_sub_epi32(_mm512_setzero_si512(), sum);
    }
    let mut rows = [_mm_setzero_si128(); SEQ];
    for (row, q) in rows.iter_mut().zip(q) {
        let q = [
            _mm512_xor_si512(q[0], shifted),
            _mm512_xor_si512(q[1], shifted),
        ];
        let mut sums = less;
        for (sum, k) in sums.iter_mut().zip(k) {
            *sum = _mm512_dpbusd_epi32(*sum, q[0], k[0]);
            *sum = _mm512_dpbusd_epi32(*sum, q[1], k[1]);
        }
        *row = four_sums(sums);
    }
    let low = _mm256_set_m128i(rows[1], rows[0]);
    let high = _mm256_set_m128i(rows[3], rows[2]);
    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
}

/// The sum of the lanes of each of four registers.
#[inline]
#[target_feature(enable = "avx512f,avx2")]
fn four_sums([a, b, c, d]: [__m512i; 4]) -> __m128i {
    let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    let all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    let half = _mm256_add_epi32(
        _mm512_castsi512_si256(all),
        _mm512_extracti64x4_epi64::<1>(all),
    );
    _mm_add_epi32(
        _mm256_castsi256_si128(half),
        _mm256_extracti128_si256::<1>(half),
    )
}

/// The attention weights of scores as bytes, token `i`'s four in lane `i`, and `r` of token `i` in
/// lanes `4 i` and on.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn weigh(scores: &__m512i, shift: u32) -> (__m512i, __m512i) {
    let shift = _mm_cvtsi32_si128(shift.cast_signed());
    let scores = _mm512_sra_epi32(*scores, shift);
    // The best of each four, in all of its lanes.
    let best = _mm512_max_epi32(scores, _mm512_shuffle_epi32::<0b01_00_11_10>(scores));
    let best = _mm512_max_epi32(best, _mm512_shuffle_epi32::<0b10_11_00_01>(best));
    let below = _mm512_sub_epi32(best, scores);
    // The second half of the table is 0.
    const { assert!(EXP[16] == 0 && EXP[31] == 0) };
    // SAFETY: reads the first 16 of 32 entries.
    let table = unsafe { _mm512_loadu_si512(EXP.as_ptr().cast()) };
    let within = _mm512_cmplt_epi32_mask(below, _mm512_set1_epi32(16));
    let weights = _mm512_maskz_permutexvar_epi32(within, below, table);
    let total = _mm512_add_epi32(weights, _mm512_shuffle_epi32::<0b01_00_11_10>(weights));
    let total = _mm512_add_epi32(total, _mm512_shuffle_epi32::<0b10_11_00_01>(total));
    // Exact: totals are 31 to 124, so a quotient that is no integer is at least 1/124 from one.
    let r = _mm512_div_ps(_mm512_set1_ps(65_536.0), _mm512_cvtepi32_ps(total));
    let bytes = _mm512_cvtepi32_epi8(weights);
    (_mm512_castsi128_si512(bytes), _mm512_cvttps_epi32(r))
}

/// The values of four tokens for some columns, a column's four side by side.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2")]
fn side_by_side(v: &[i8], first: usize, row: usize, columns: usize) -> __m512i {
    let mut tokens = [_mm_setzero_si128(); SEQ];
    for (token, register) in tokens.iter_mut().enumerate() {
        let v = &v[token * row + first..][..columns];
        // SAFETY: reads the bytes of `v`.
        *register = unsafe { _mm_maskz_loadu_epi8(mask(columns) as u16, v.as_ptr()) };
    }
    let [a, b, c, d] = tokens;
    let (ab, cd) = (_mm_unpacklo_epi8(a, b), _mm_unpacklo_epi8(c, d));
    let low = _mm256_set_m128i(_mm_unpackhi_epi16(ab, cd), _mm_unpacklo_epi16(ab, cd));
    let (ab, cd) = (_mm_unpackhi_epi8(a, b), _mm_unpackhi_epi8(c, d));
    let high = _mm256_set_m128i(_mm_unpackhi_epi16(ab, cd), _mm_unpacklo_epi16(ab, cd));
    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
}
