//! Plain Rust, which compilers turn into whatever vectors the target always has.
//!
//! Blocks are unpacked row by row here: 16-bit products of one activation and a row of weights need
//! no instruction of their own.
#![allow(clippy::cast_possible_truncation)]

use super::super::pack::{pack_group, GROUP, WIDTH};
use super::super::passes;
use super::{Finish, Kernel, Rows, Sums};

/// Rows that share a widened row of weights.
const HEIGHT: usize = 4;
/// Columns whose 16-bit sums stay in registers.
const STRIP: usize = 16;
/// Products whose sum fits 16 bits: 16 * 127 * 15 = 30,480.
const SHORT: usize = 16;

pub const KERNEL: Kernel = Kernel {
    name: "portable",
    height: HEIGHT,
    multiply,
    finish,
    pack: pack_group,
    unpack,
    attend: passes::attend,
    gate: passes::gate,
    residual: passes::residual,
    sum: passes::sum,
};

/// Unpacks a block into rows of 64 values.
fn unpack(nibbles: &[u8], values: &mut [u8]) {
    let groups = values.as_chunks_mut::<GROUP>().0.iter_mut();
    for (values, nibbles) in groups.zip(nibbles.as_chunks::<{ GROUP / 2 }>().0) {
        for (row, values) in values.chunks_exact_mut(WIDTH).enumerate() {
            let (low, high) = values.split_at_mut(WIDTH / 2);
            let columns = low.iter_mut().zip(high);
            for ((low, high), four) in columns.zip(nibbles.as_chunks::<4>().0) {
                *low = four[row] & 15;
                *high = four[row] >> 4;
            }
        }
    }
}

fn multiply(rows: Rows, block: &[u8], sums: &mut [Sums], fresh: bool) {
    if fresh {
        sums.fill([0; WIDTH]);
    }
    match sums.len() {
        1 => multiply_rows::<1>(rows, block, sums),
        2 => multiply_rows::<2>(rows, block, sums),
        3 => multiply_rows::<3>(rows, block, sums),
        4 => multiply_rows::<4>(rows, block, sums),
        height => unreachable!("{height} rows are more than the kernel takes"),
    }
}

fn multiply_rows<const R: usize>(rows: Rows, block: &[u8], sums: &mut [Sums]) {
    let (weights, _) = block.as_chunks::<WIDTH>();
    for (step, weights) in weights.chunks(SHORT).enumerate() {
        let mut x: [&[i8]; R] = [&[]; R];
        for (row, x) in x.iter_mut().enumerate() {
            *x = &rows.x[row * rows.stride + step * SHORT..][..weights.len()];
        }
        for strip in 0..WIDTH / STRIP {
            let mut short = [[0i16; STRIP]; R];
            for (k, weights) in weights.iter().enumerate() {
                let weights = &weights.as_chunks::<STRIP>().0[strip];
                for (short, x) in short.iter_mut().zip(&x) {
                    let x = i16::from(x[k]);
                    for (short, &v) in short.iter_mut().zip(weights) {
                        *short = short.wrapping_add(x.wrapping_mul(i16::from(v)));
                    }
                }
            }
            for (short, sums) in short.iter().zip(sums.iter_mut()) {
                let sums = &mut sums.as_chunks_mut::<STRIP>().0[strip];
                for (sum, &short) in sums.iter_mut().zip(short) {
                    *sum = sum.wrapping_add(i32::from(short));
                }
            }
        }
    }
}

/// Also what the other kernels use for a tile that is not full.
pub fn finish(sums: &[Sums], finish: Finish, out: &mut [i8]) {
    let rows = sums.iter().zip(finish.bias);
    for ((sums, bias), out) in rows.zip(out.chunks_mut(finish.stride)) {
        for (out, sum) in out[..finish.width].iter_mut().zip(sums) {
            let sum = sum.wrapping_mul(2).wrapping_add(*bias) >> finish.shift;
            *out = sum.clamp(-127, 127) as i8;
        }
    }
}
