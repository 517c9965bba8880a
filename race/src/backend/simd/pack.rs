//! The layout of weights.
//!
//! A matrix is cut into tiles of [`WIDTH`] columns, a tile into blocks of [`DEPTH`] rows. Within a
//! block, four rows at a time, each column's four nibbles lie together, as the kernels multiply
//! them: value `(column c, row 4 k + i)` of a block is number `4 c + i` of group `k`. A group of 256
//! values takes 128 bytes: the first 32 columns in the low nibbles, the others in the high ones, so
//! that unpacking is a mask and a shift.
#![allow(clippy::arithmetic_side_effects)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;

use super::kernel::Kernel;
use super::shape;
use crate::stream::Stream;
use crate::weights::{Matrix, Tensor};
use crate::{Preset, Race};

/// Columns of a tile.
pub const WIDTH: usize = 64;
/// Rows of a block: an unpacked block is 32 KiB, the first level of a cache.
pub const DEPTH: usize = 512;
/// Values of four rows of a tile.
pub const GROUP: usize = 4 * WIDTH;

/// A matrix as nibbles, tile by tile, block by block.
#[derive(Default)]
pub struct Packed {
    rows: usize,
    columns: usize,
    nibbles: Vec<u8>,
}

impl Packed {
    /// The values of a matrix of `rows x columns`, from `stream`.
    fn generate(kernel: &Kernel, rows: usize, columns: usize, mut stream: Stream) -> Self {
        let tiles = columns.div_ceil(WIDTH);
        let tile_bytes = rows * WIDTH / 2;
        let mut nibbles = vec![0; tiles * tile_bytes];
        // Some rows of the stream at a time stay in the cache while they are turned.
        let mut read = vec![0; 4 * columns / 2];
        for group in 0..rows / 4 {
            stream.fill(&mut read);
            (kernel.pack)(&read, columns, group, tile_bytes, &mut nibbles);
        }
        Packed {
            rows,
            columns,
            nibbles,
        }
    }

    /// Columns: the width of the product.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The blocks of a tile: their first row and their nibbles.
    pub fn blocks(&self, tile: usize) -> impl Iterator<Item = (usize, &[u8])> {
        let bytes = self.rows * WIDTH / 2;
        self.nibbles[tile * bytes..(tile + 1) * bytes]
            .chunks(DEPTH * WIDTH / 2)
            .enumerate()
            .map(|(block, nibbles)| (block * DEPTH, nibbles))
    }
}

/// Puts four rows of a matrix, row by row as the stream has them (low nibble first), into group
/// `group` of each tile.
#[inline(always)]
pub fn pack_group(
    rows: &[u8],
    columns: usize,
    group: usize,
    tile_bytes: usize,
    nibbles: &mut [u8],
) {
    let row_bytes = columns / 2;
    for (tile, nibbles) in nibbles.chunks_exact_mut(tile_bytes).enumerate() {
        let packed = &mut nibbles[group * GROUP / 2..(group + 1) * GROUP / 2];
        let first = tile * WIDTH / 2;
        let mut values = [[0u8; WIDTH]; 4];
        for (row, values) in values.iter_mut().enumerate() {
            let start = row * row_bytes;
            let row = &rows[start + first..start + row_bytes.min(first + WIDTH / 2)];
            for (pair, &byte) in values.chunks_exact_mut(2).zip(row) {
                pair[0] = byte & 15;
                pair[1] = byte >> 4;
            }
        }
        for (column, packed) in packed.chunks_exact_mut(4).enumerate() {
            for (packed, values) in packed.iter_mut().zip(&values) {
                *packed = values[column] | values[column + WIDTH / 2] << 4;
            }
        }
    }
}

/// Unpacks a block: 128 bytes to 256 values for each group.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn unpack_block(nibbles: &[u8], values: &mut [u8]) {
    let groups = values
        .chunks_exact_mut(GROUP)
        .zip(nibbles.chunks_exact(GROUP / 2));
    for (values, nibbles) in groups {
        let (low, high) = values.split_at_mut(GROUP / 2);
        for ((low, high), &byte) in low.iter_mut().zip(high).zip(nibbles) {
            *low = byte & 15;
            *high = byte >> 4;
        }
    }
}

/// The matrices of a layer, in the order of [`Matrix::ALL`].
pub struct PackedLayer([Packed; 7]);

impl PackedLayer {
    /// Generates a layer, its matrices shared out among `threads`.
    pub fn generate(kernel: &Kernel, race: &Race, layer: usize, threads: usize) -> Self {
        let matrices: [Mutex<Packed>; 7] = Default::default();
        let next = AtomicUsize::new(0);
        let take = || Matrix::ALL.get(next.fetch_add(1, Ordering::Relaxed));
        let work = || {
            while let Some(&matrix) = take() {
                let packed = one(kernel, race, layer, matrix);
                if let Ok(mut slot) = matrices[matrix as usize].lock() {
                    *slot = packed;
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
        PackedLayer(matrices.map(|slot| slot.into_inner().unwrap_or_default()))
    }

    /// A matrix of the layer.
    pub fn matrix(&self, matrix: Matrix) -> &Packed {
        &self.0[matrix as usize]
    }
}

fn one(kernel: &Kernel, race: &Race, layer: usize, matrix: Matrix) -> Packed {
    let preset: &Preset = race.preset();
    let (rows, columns) = shape(preset, matrix);
    let stream = Stream::new(race.seed(), Tensor::Layer(layer, matrix).stream());
    Packed::generate(kernel, rows, columns, stream)
}
