//! Whole products: tile by tile, block by block, a few rows at a time.
#![allow(clippy::arithmetic_side_effects)]

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::kernel::{Finish, Kernel, Rows, Sums};
use super::pack::{Packed, DEPTH, WIDTH};
use crate::BackendError;

/// What the products of a thread are computed in.
#[derive(Default)]
pub struct Scratch {
    /// An unpacked block.
    block: Vec<u8>,
    /// The sums of all rows by one tile.
    sums: Vec<Sums>,
    /// `2^(shift - 1) - 15 sum(x)` of each row.
    bias: Vec<i32>,
    /// The shift of the requantisation.
    shift: u32,
}

/// Rows to be multiplied, one after another.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// `[rows, width]`.
    pub x: &'a [i8],
    /// Their width.
    pub width: usize,
}

impl Scratch {
    /// Prepares for products of `input` that are requantised by `shift`.
    pub fn prepare(&mut self, kernel: &Kernel, input: Input, shift: u32) {
        self.shift = shift;
        let half = 1i32 << (shift - 1);
        self.bias.clear();
        let rows = input.x.chunks_exact(input.width);
        self.bias
            .extend(rows.map(|row| half - 15 * (kernel.sum)(row)));
        self.sums.resize(self.bias.len(), [0; WIDTH]);
        self.block.resize(DEPTH * WIDTH, 0);
    }

    /// One tile of `rq(x W)`, into rows of `out` that are `stride` apart. `prepare` went before, with
    /// the same input.
    pub fn tile(
        &mut self,
        kernel: &Kernel,
        input: Input,
        matrix: &Packed,
        tile: usize,
        (out, stride): (&mut [i8], usize),
    ) {
        let count = self.sums.len();
        for (first, nibbles) in matrix.blocks(tile) {
            let block = &mut self.block[..2 * nibbles.len()];
            (kernel.unpack)(nibbles, block);
            // As even as can be: 8 rows are 4 + 4 rather than 6 + 2.
            let calls = count.div_ceil(kernel.height).max(1);
            let mut row = 0;
            for call in 0..calls {
                let height = count / calls + usize::from(call < count % calls);
                let rows = Rows {
                    x: &input.x[row * input.width + first..],
                    stride: input.width,
                };
                let sums = &mut self.sums[row..row + height];
                (kernel.multiply)(rows, block, sums, first == 0);
                row += height;
            }
        }
        let finish = Finish {
            bias: &self.bias,
            shift: self.shift,
            stride,
            width: WIDTH.min(matrix.columns() - tile * WIDTH),
        };
        (kernel.finish)(&self.sums, finish, out);
    }

    /// `rq(x W)` for some columns of W, from the first of a tile on, into `out`,
    /// `[rows, columns]`.
    ///
    /// # Errors
    /// [`BackendError::Cancelled`] when `cancel` was set.
    pub fn product(
        &mut self,
        kernel: &Kernel,
        input: Input,
        matrix: &Packed,
        columns: Range<usize>,
        out: &mut [i8],
        cancel: &AtomicBool,
    ) -> Result<(), BackendError> {
        for first in columns.clone().step_by(WIDTH) {
            if cancel.load(Ordering::Relaxed) {
                return Err(BackendError::Cancelled);
            }
            let out = (&mut out[first - columns.start..], columns.len());
            self.tile(kernel, input, matrix, first / WIDTH, out);
        }
        Ok(())
    }
}
