//! Products of a few rows by a tile of columns, for each instruction set, chosen at run time.
//!
//! A [`Kernel`] can only be made where the CPU has its instructions. Every kernel computes the same
//! integers; the passes between the products are compiled once for each instruction set too.
#![allow(clippy::arithmetic_side_effects)]

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::pack::WIDTH;

/// The sums of one row by the columns of a tile.
pub type Sums = [i32; WIDTH];

/// Rows of activations, `stride` apart, of which a block multiplies the first columns.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// The first row's first column and all that follows.
    pub x: &'a [i8],
    /// From one row to the next.
    pub stride: usize,
}

/// How the products of a tile become activations: `clip((2 sum + bias) >> shift, 127)`.
#[derive(Clone, Copy)]
pub struct Finish<'a> {
    /// `2^(shift - 1) - 15 sum(x)` of each row.
    pub bias: &'a [i32],
    /// The shift of the requantisation.
    pub shift: u32,
    /// From one row of the output to the next.
    pub stride: usize,
    /// Columns that the output has in this tile, at most [`WIDTH`].
    pub width: usize,
}

/// Some heads of an attention pass.
#[derive(Clone, Copy)]
pub struct Heads {
    /// Tokens of a nonce.
    pub seq: usize,
    /// How many heads, side by side in q, k and v.
    pub heads: usize,
    /// Width of a head.
    pub width: usize,
    /// From one row of the result to the next.
    pub stride: usize,
    /// The shift of scores.
    pub shift: u32,
}

/// An instruction set's products and passes.
#[derive(Clone, Copy)]
pub struct Kernel {
    /// Its name.
    pub name: &'static str,
    /// Most rows that one call of `multiply` takes.
    pub height: usize,
    /// Adds the product of as many rows as there are sums by an unpacked block to the sums, which
    /// are taken as 0 when they are `fresh`.
    pub multiply: fn(Rows, block: &[u8], sums: &mut [Sums], fresh: bool),
    /// Requantises sums into rows of the output.
    pub finish: fn(&[Sums], Finish, out: &mut [i8]),
    /// [`super::pack::pack_group`].
    pub pack: fn(&[u8], usize, usize, usize, &mut [u8]),
    /// A block's nibbles to values, in the order in which `multiply` reads them.
    pub unpack: fn(&[u8], &mut [u8]),
    /// [`super::passes::attend`].
    pub attend: fn(Heads, [&[i8]; 3], &mut [i8]),
    /// [`super::passes::gate`].
    pub gate: fn(&[i8], &[i8], &mut [i8]),
    /// [`super::passes::residual`].
    pub residual: fn(&mut [i8], &[i8]),
    /// [`super::passes::sum`].
    pub sum: fn(&[i8]) -> i32,
}

impl Kernel {
    /// The kernels that this CPU can run, the fastest first.
    fn available() -> Vec<Kernel> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        kernels.extend(x86::available());
        kernels.push(portable::KERNEL);
        kernels
    }

    /// The fastest.
    pub fn best() -> Kernel {
        Kernel::available()
            .first()
            .copied()
            .unwrap_or(portable::KERNEL)
    }

    /// The kernel of a name, where the CPU can run it.
    pub fn by_name(name: &str) -> Option<Kernel> {
        Kernel::available().into_iter().find(|k| k.name == name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::pack::GROUP;
    use super::*;

    proptest! {
        #[test]
        fn every_kernel_attends_like_plain_integers(
            seed in any::<u64>(),
            seq in 1usize..=5,
            count in 1usize..4,
            width in prop_oneof![1usize..140, Just(16), Just(64), Just(88), Just(128)],
            nonces in 1usize..3,
            gap in 0usize..9,
            shift in 0u32..=8,
        ) {
            let mut state = seed;
            let mut draw = || {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let v = (state >> 33) as i32;
                if v % 8 == 0 { [127, -127][(v as usize / 8) % 2] } else { (v % 255 - 127) as i8 }
            };
            let row = count * width;
            let mut part = || (0..nonces * seq * row).map(|_| draw()).collect::<Vec<i8>>();
            let (q, k, v) = (part(), part(), part());
            let heads = Heads { seq, heads: count, width, stride: row + gap, shift };
            let mut expected = vec![5i8; nonces * seq * heads.stride];
            for at in 0..nonces * seq * row {
                let (token, column) = (at / row, at % row);
                let first = token / seq * seq;
                let head = column / width * width..(column / width + 1) * width;
                let scores: Vec<i32> = (first..first + seq).map(|j| {
                    let products = head.clone().map(|c| i32::from(q[token * row + c]) * i32::from(k[j * row + c]));
                    products.sum::<i32>() >> shift
                }).collect();
                let best = *scores.iter().max().unwrap();
                let weights: Vec<i32> = scores.iter().map(|s| crate::arith::attention_weight(best, *s)).collect();
                let sum = (0..seq).map(|j| weights[j] * i32::from(v[(first + j) * row + column])).sum();
                let r = 65_536 / weights.iter().sum::<i32>();
                expected[token * heads.stride + column] = crate::arith::attention_output(sum, r) as i8;
            }
            for kernel in Kernel::available() {
                let mut a = vec![5i8; nonces * seq * heads.stride];
                (kernel.attend)(heads, [&q, &k, &v], &mut a);
                prop_assert_eq!(&a, &expected, "{}", kernel.name);
            }
        }

        #[test]
        fn every_kernel_multiplies_like_plain_integers(
            seed in any::<u64>(),
            rows in 1usize..=6,
            groups in 1usize..40,
            gap in 0usize..9,
            shift in 1u32..=16,
            width in 1usize..=WIDTH,
            fresh in any::<bool>(),
        ) {
            // Extremes often: they are where sums would overflow.
            let mut state = seed;
            let mut draw = |extremes: [i32; 2], low: i32, span: i32| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let v = (state >> 33) as i32;
                if v % 2 == 0 { extremes[(v as usize / 2) % 2] } else { low + v % span }
            };
            let stride = 4 * groups + gap;
            let x: Vec<i8> = (0..rows * stride).map(|_| draw([127, -127], -127, 255) as i8).collect();
            let nibbles: Vec<u8> = (0..groups * GROUP / 2)
                .map(|_| (draw([15, 0], 0, 16) | draw([15, 0], 0, 16) << 4) as u8)
                .collect();
            let start = if fresh { 0 } else { draw([1000, -1000], -5000, 10_000) };
            let mut expected = vec![[start; WIDTH]; rows];
            for (r, sums) in expected.iter_mut().enumerate() {
                for (c, sum) in sums.iter_mut().enumerate() {
                    for k in 0..4 * groups {
                        let four = nibbles[k / 4 * GROUP / 2 + 4 * (c % 32) + k % 4];
                        let v = if c < 32 { four & 15 } else { four >> 4 };
                        *sum += i32::from(x[r * stride + k]) * i32::from(v);
                    }
                }
            }
            let bias: Vec<i32> = (0..rows).map(|_| draw([1 << 22, -(1 << 22)], -9000, 18_000)).collect();
            for kernel in Kernel::available() {
                let mut block = vec![99; groups * GROUP];
                (kernel.unpack)(&nibbles, &mut block);
                let mut sums = vec![[if fresh { 77 } else { start }; WIDTH]; rows];
                let mut row = 0;
                while row < rows {
                    let height = kernel.height.min(rows - row);
                    let from = Rows { x: &x[row * stride..], stride };
                    (kernel.multiply)(from, &block, &mut sums[row..row + height], fresh);
                    row += height;
                }
                prop_assert_eq!(&sums, &expected, "{}", kernel.name);
                let mut out = vec![0i8; rows * (width + gap)];
                let finish = Finish { bias: &bias, shift, stride: width + gap, width };
                (kernel.finish)(&sums, finish, &mut out);
                for (r, out) in out.chunks(width + gap).enumerate() {
                    for (c, &out) in out[..width].iter().enumerate() {
                        let sum = 2 * expected[r][c] + bias[r];
                        prop_assert_eq!(i32::from(out), (sum >> shift).clamp(-127, 127), "{}", kernel.name);
                    }
                    prop_assert!(out[width..].iter().all(|&x| x == 0));
                }
            }
        }
    }
}
