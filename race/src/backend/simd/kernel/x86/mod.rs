//! x86-64: 512- and 256-bit `vpdpbusd`, and AVX2's `vpmaddubsw`.
//!
//! The functions of one instruction set are compiled for it alone and reached only through the
//! kernels of [`available`], which asks the CPU first: that is what makes the calls sound.
#![allow(unsafe_code)]

mod attend;

use std::arch::x86_64::*;

use super::super::pack::{self, GROUP, WIDTH};
use super::super::passes;
use super::portable;
use super::{Finish, Heads, Kernel, Rows, Sums};

/// Rows whose sums stay in registers.
const HEIGHT: usize = 6;

/// The kernels that this CPU can run, the fastest first.
pub fn available() -> Vec<Kernel> {
    let mut kernels = Vec::new();
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl");
    let avx2 = is_x86_feature_detected!("avx2");
    if avx512 && is_x86_feature_detected!("avx512vnni") {
        kernels.extend([avx512vnni::KERNEL, avx512vnni256::KERNEL]);
    }
    if avx2 && is_x86_feature_detected!("avxvnni") {
        kernels.push(avxvnni::KERNEL);
    }
    if avx2 {
        kernels.push(avx2::KERNEL);
    }
    kernels
}

/// The functions of a [`Kernel`] that are the same Rust for every instruction set, compiled for this
/// one, and its `multiply` and `finish`.
macro_rules! kernel {
    ($name:literal, $features:literal) => {
        pub const KERNEL: Kernel = Kernel {
            name: $name,
            height: HEIGHT,
            // SAFETY (all of these): a kernel of this module is handed out by `available` alone,
            // where the CPU has the features.
            multiply: |rows, block, sums, fresh| unsafe { multiply(rows, block, sums, fresh) },
            finish: |sums, how, out| unsafe { finish(sums, how, out) },
            pack: |rows, columns, group, bytes, to| unsafe {
                pack(rows, columns, group, bytes, to)
            },
            unpack: |nibbles, values| unsafe { unpack(nibbles, values) },
            attend: |heads, qkv, a| unsafe { attend(heads, qkv, a) },
            gate: |g, u, h| unsafe { gate(g, u, h) },
            residual: |n, update| unsafe { residual(n, update) },
            sum: |x| unsafe { sum(x) },
        };

        #[target_feature(enable = $features)]
        fn multiply(rows: Rows, block: &[u8], sums: &mut [Sums], fresh: bool) {
            let height = sums.len();
            if let Ok(sums) = sums.try_into() {
                multiply_rows::<6>(rows, block, sums, fresh);
            } else if let Ok(sums) = sums.try_into() {
                multiply_rows::<5>(rows, block, sums, fresh);
            } else if let Ok(sums) = sums.try_into() {
                multiply_rows::<4>(rows, block, sums, fresh);
            } else if let Ok(sums) = sums.try_into() {
                multiply_rows::<3>(rows, block, sums, fresh);
            } else if let Ok(sums) = sums.try_into() {
                multiply_rows::<2>(rows, block, sums, fresh);
            } else if let Ok(sums) = sums.try_into() {
                multiply_rows::<1>(rows, block, sums, fresh);
            } else {
                unreachable!("{height} rows are more than the kernel takes");
            }
        }

        #[target_feature(enable = $features)]
        fn pack(rows: &[u8], columns: usize, group: usize, bytes: usize, to: &mut [u8]) {
            pack::pack_group(rows, columns, group, bytes, to);
        }

        #[target_feature(enable = $features)]
        fn unpack(nibbles: &[u8], values: &mut [u8]) {
            pack::unpack_block(nibbles, values);
        }

        #[target_feature(enable = $features)]
        fn gate(g: &[i8], u: &[i8], h: &mut [i8]) {
            passes::gate(g, u, h);
        }

        #[target_feature(enable = $features)]
        fn residual(n: &mut [i8], update: &[i8]) {
            passes::residual(n, update);
        }

        #[target_feature(enable = $features)]
        fn sum(x: &[i8]) -> i32 {
            passes::sum(x)
        }
    };
}

/// The first `4 n` columns of `R` rows as `n` groups of four.
#[inline(always)]
fn groups<const R: usize>(rows: Rows<'_>, n: usize) -> [&[[i8; 4]]; R] {
    let mut all: [&[[i8; 4]]; R] = [&[]; R];
    for (row, all) in all.iter_mut().enumerate() {
        *all = rows.x[row * rows.stride..][..4 * n].as_chunks().0;
    }
    all
}

/// Four activations as the instructions take them, one in each byte.
#[inline(always)]
fn four(x: [i8; 4]) -> i32 {
    i32::from_le_bytes(x.map(i8::cast_unsigned))
}

/// Requantisation of sums with 256-bit vectors.
#[inline]
#[target_feature(enable = "avx2")]
fn finish_256(sums: &[Sums], finish: Finish, out: &mut [i8]) {
    if finish.width < WIDTH {
        return portable::finish(sums, finish, out);
    }
    let shift = _mm_cvtsi32_si128(finish.shift.cast_signed());
    let least = _mm256_set1_epi8(-127);
    // Packing works within halves of 128 bits: this puts their fours of bytes in order.
    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    let rows = sums.iter().zip(finish.bias);
    for ((sums, bias), out) in rows.zip(out.chunks_mut(finish.stride)) {
        let bias = _mm256_set1_epi32(*bias);
        let sums = sums.as_chunks::<32>().0.iter();
        for (sums, out) in sums.zip(out[..WIDTH].as_chunks_mut::<32>().0) {
            let mut parts = [_mm256_setzero_si256(); 4];
            for (part, sums) in parts.iter_mut().zip(sums.as_chunks::<8>().0) {
                // SAFETY: reads the 32 bytes of 8 sums.
                let sums = unsafe { _mm256_loadu_si256(sums.as_ptr().cast()) };
                let sums = _mm256_add_epi32(_mm256_add_epi32(sums, sums), bias);
                *part = _mm256_sra_epi32(sums, shift);
            }
            let [a, b, c, d] = parts;
            let bytes = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
            let bytes = _mm256_max_epi8(_mm256_permutevar8x32_epi32(bytes, order), least);
            // SAFETY: writes the 32 bytes of `out`.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), bytes) };
        }
    }
}

/// The products of `vpdpbusd`: `$registers` vectors of `$lanes` columns hold a row's sums.
macro_rules! vnni {
    ($features:literal, $lanes:literal, $together:literal,
     $load:ident, $store:ident, $broadcast:ident, $multiply:ident) => {
        /// Each pass keeps the sums of some columns in registers.
        #[inline]
        #[target_feature(enable = $features)]
        fn multiply_rows<const R: usize>(
            rows: Rows,
            block: &[u8],
            sums: &mut [Sums; R],
            fresh: bool,
        ) {
            const COLUMNS: usize = $lanes * $together;
            let (block, _) = block.as_chunks::<GROUP>();
            let x = groups::<R>(rows, block.len());
            for first in (0..WIDTH).step_by(COLUMNS) {
                let mut kept = [[$broadcast(0); $together]; R];
                if !fresh {
                    for (kept, sums) in kept.iter_mut().zip(&*sums) {
                        let sums = sums[first..first + COLUMNS].as_chunks::<$lanes>().0;
                        for (kept, sums) in kept.iter_mut().zip(sums) {
                            // SAFETY: reads the bytes of `sums`.
                            *kept = unsafe { $load(sums.as_ptr().cast()) };
                        }
                    }
                }
                for (k, group) in block.iter().enumerate() {
                    let values =
                        group[4 * first..4 * (first + COLUMNS)].as_chunks::<{ 4 * $lanes }>();
                    let mut weights = [$broadcast(0); $together];
                    for (weights, values) in weights.iter_mut().zip(values.0) {
                        // SAFETY: reads the bytes of `values`.
                        *weights = unsafe { $load(values.as_ptr().cast()) };
                    }
                    for (kept, x) in kept.iter_mut().zip(&x) {
                        let x = $broadcast(four(x[k]));
                        for (kept, weights) in kept.iter_mut().zip(&weights) {
                            *kept = $multiply(*kept, *weights, x);
                        }
                    }
                }
                for (kept, sums) in kept.iter().zip(sums.iter_mut()) {
                    let sums = sums[first..first + COLUMNS].as_chunks_mut::<$lanes>().0;
                    for (kept, sums) in kept.iter().zip(sums) {
                        // SAFETY: writes the bytes of `sums`.
                        unsafe { $store(sums.as_mut_ptr().cast(), *kept) };
                    }
                }
            }
        }
    };
}

/// 512-bit products: 6 rows by 64 columns take 24 of 32 registers.
mod avx512vnni {
    use super::*;

    kernel!("avx512vnni", "avx512f,avx512bw,avx512vl,avx512vnni,avx2");
    vnni!(
        "avx512f,avx512bw,avx512vl,avx512vnni,avx2",
        16,
        4,
        _mm512_loadu_si512,
        _mm512_storeu_si512,
        _mm512_set1_epi32,
        _mm512_dpbusd_epi32
    );

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
    fn finish(sums: &[Sums], finish: Finish, out: &mut [i8]) {
        finish_256(sums, finish, out);
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
    fn attend(heads: Heads, qkv: [&[i8]; 3], a: &mut [i8]) {
        if attend::fits(heads) {
            attend::attend(heads, qkv, a);
        } else {
            passes::attend(heads, qkv, a);
        }
    }
}

/// 256-bit products of CPUs without AVX-512: 6 rows by 16 columns take 12 of 16 registers.
mod avxvnni {
    use super::*;

    kernel!("avxvnni", "avx2,avxvnni");
    vnni!(
        "avx2,avxvnni",
        8,
        2,
        _mm256_loadu_si256,
        _mm256_storeu_si256,
        _mm256_set1_epi32,
        _mm256_dpbusd_avx_epi32
    );

    #[target_feature(enable = "avx2,avxvnni")]
    fn finish(sums: &[Sums], finish: Finish, out: &mut [i8]) {
        finish_256(sums, finish, out);
    }

    #[target_feature(enable = "avx2,avxvnni")]
    fn attend(heads: Heads, qkv: [&[i8]; 3], a: &mut [i8]) {
        passes::attend(heads, qkv, a);
    }
}

/// The same on CPUs with AVX-512: shows that the 256-bit kernel is right where no CPU without
/// AVX-512 is at hand.
mod avx512vnni256 {
    use super::*;

    kernel!("avx512vnni256", "avx512f,avx512bw,avx512vl,avx512vnni,avx2");
    vnni!(
        "avx512f,avx512bw,avx512vl,avx512vnni,avx2",
        8,
        2,
        _mm256_loadu_si256,
        _mm256_storeu_si256,
        _mm256_set1_epi32,
        _mm256_dpbusd_epi32
    );

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
    fn finish(sums: &[Sums], finish: Finish, out: &mut [i8]) {
        finish_256(sums, finish, out);
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
    fn attend(heads: Heads, qkv: [&[i8]; 3], a: &mut [i8]) {
        passes::attend(heads, qkv, a);
    }
}

/// 256-bit products in two steps: pairs in 16 bits, of which 8 fit one another, then 32 bits.
mod avx2 {
    use super::*;

    /// Groups whose sums of pairs fit 16 bits: 8 * 2 * 127 * 15 = 30,480.
    const SHORT: usize = 8;
    /// Columns of a pass, two vectors: 6 rows take 12 of 16 registers.
    const COLUMNS: usize = 16;

    kernel!("avx2", "avx2");

    #[target_feature(enable = "avx2")]
    fn finish(sums: &[Sums], finish: Finish, out: &mut [i8]) {
        finish_256(sums, finish, out);
    }

    #[target_feature(enable = "avx2")]
    fn attend(heads: Heads, qkv: [&[i8]; 3], a: &mut [i8]) {
        passes::attend(heads, qkv, a);
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn multiply_rows<const R: usize>(rows: Rows, block: &[u8], sums: &mut [Sums; R], fresh: bool) {
        let (block, _) = block.as_chunks::<GROUP>();
        let x = groups::<R>(rows, block.len());
        let zero = _mm256_setzero_si256();
        let (whole, rest) = block.as_chunks::<SHORT>();
        for pass in 0..WIDTH / COLUMNS {
            let mut total = [[zero; 2]; R];
            let mut steps = [[&[] as &[[i8; 4]]; R]; 2];
            // Steps of known length are unrolled.
            for (step, groups) in whole.iter().enumerate() {
                for (steps, x) in steps[0].iter_mut().zip(&x) {
                    *steps = &x[SHORT * step..][..SHORT];
                }
                add_step(groups, &steps[0], pass, &mut total);
            }
            for (steps, x) in steps[1].iter_mut().zip(&x) {
                *steps = &x[SHORT * whole.len()..][..rest.len()];
            }
            add_step(rest, &steps[1], pass, &mut total);
            for (total, sums) in total.iter().zip(sums.iter_mut()) {
                let sums = &mut sums.as_chunks_mut::<COLUMNS>().0[pass];
                for (total, sums) in total.iter().zip(sums.as_chunks_mut::<8>().0) {
                    let to = sums.as_mut_ptr().cast();
                    // SAFETY: reads and writes the 32 bytes of `sums`.
                    unsafe {
                        let old = if fresh { zero } else { _mm256_loadu_si256(to) };
                        _mm256_storeu_si256(to, _mm256_add_epi32(old, *total));
                    }
                }
            }
        }
    }

    /// Adds at most [`SHORT`] groups to the sums of a pass.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn add_step<const R: usize>(
        groups: &[[u8; GROUP]],
        x: &[&[[i8; 4]]; R],
        pass: usize,
        total: &mut [[__m256i; 2]; R],
    ) {
        let mut short = [[_mm256_setzero_si256(); 2]; R];
        for (k, group) in groups.iter().enumerate() {
            let values = group[4 * COLUMNS * pass..][..4 * COLUMNS].as_ptr();
            // SAFETY: reads the 64 bytes of `values`.
            let (a, b) = unsafe {
                let a = _mm256_loadu_si256(values.cast());
                (a, _mm256_loadu_si256(values.add(32).cast()))
            };
            for (short, x) in short.iter_mut().zip(x) {
                let x = _mm256_set1_epi32(four(x[k]));
                short[0] = _mm256_add_epi16(short[0], _mm256_maddubs_epi16(a, x));
                short[1] = _mm256_add_epi16(short[1], _mm256_maddubs_epi16(b, x));
            }
        }
        let ones = _mm256_set1_epi16(1);
        for (total, short) in total.iter_mut().zip(&short) {
            total[0] = _mm256_add_epi32(total[0], _mm256_madd_epi16(short[0], ones));
            total[1] = _mm256_add_epi32(total[1], _mm256_madd_epi16(short[1], ones));
        }
    }
}
