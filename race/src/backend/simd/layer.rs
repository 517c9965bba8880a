//! One layer over the rows of one thread.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

use std::sync::atomic::{AtomicBool, Ordering};

use super::kernel::{Heads, Kernel};
use super::pack::{PackedLayer, WIDTH};
use super::product::{Input, Scratch};
use crate::arith::output;
use crate::weights::Matrix;
use crate::{BackendError, Preset};

/// The activations of one thread's nonces, `[nonces * seq, d_model]`.
pub struct Rows {
    n: Vec<i8>,
    count: usize,
}

/// What a layer is computed in, kept from layer to layer.
#[derive(Default)]
pub struct Workspace {
    scratch: Scratch,
    /// `[rows, d_head * heads_together]` each.
    q: Vec<i8>,
    k: Vec<i8>,
    v: Vec<i8>,
    /// `[rows, d_attn]`.
    a: Vec<i8>,
    /// `[rows, d_model]`.
    update: Vec<i8>,
    /// `[rows, WIDTH]` each.
    gate: Vec<i8>,
    up: Vec<i8>,
    /// `[rows, d_ffn]`.
    h: Vec<i8>,
}

impl Rows {
    /// The first activations of some nonces.
    pub fn new(preset: &Preset, n: Vec<i8>) -> Self {
        let count = n.len() / preset.d_model;
        Rows { n, count }
    }

    /// The outputs, `d_model` entries per nonce, from the last position of each.
    pub fn outputs<'a>(&'a self, preset: &'a Preset) -> impl Iterator<Item = Vec<i8>> + 'a {
        let width = preset.d_model;
        self.n.chunks_exact(preset.seq * width).map(move |tokens| {
            let last = &tokens[(preset.seq - 1) * width..];
            last.iter().map(|&x| output(i32::from(x)) as i8).collect()
        })
    }
}

/// Heads whose q, k and v are computed together: the fewest that are whole tiles, so that they are
/// still in the cache when they are attended to.
fn heads_together(preset: &Preset) -> usize {
    (1..preset.heads)
        .find(|n| preset.heads.is_multiple_of(*n) && (n * preset.d_head).is_multiple_of(WIDTH))
        .unwrap_or(preset.heads)
}

/// Takes the rows through a layer.
///
/// # Errors
/// [`BackendError::Cancelled`] when `cancel` was set, at the latest after one tile of a product.
pub fn run(
    kernel: &Kernel,
    preset: &Preset,
    layer: &PackedLayer,
    rows: &mut Rows,
    space: &mut Workspace,
    cancel: &AtomicBool,
) -> Result<(), BackendError> {
    let (count, width) = (rows.count, preset.d_model);
    let Workspace {
        scratch,
        q,
        k,
        v,
        a,
        update,
        gate,
        up,
        h,
    } = space;
    let together = heads_together(preset);
    let attended = together * preset.d_head;
    for x in [&mut *q, &mut *k, &mut *v] {
        x.resize(count * attended, 0);
    }
    a.resize(count * preset.d_attn(), 0);
    update.resize(count * width, 0);
    h.resize(count * preset.d_ffn, 0);
    gate.resize(count * WIDTH, 0);
    up.resize(count * WIDTH, 0);

    let n = Input { x: &rows.n, width };
    let shift = preset.s_qkv;
    scratch.prepare(kernel, n, shift);
    let heads = Heads {
        seq: preset.seq,
        heads: together,
        width: preset.d_head,
        stride: preset.d_attn(),
        shift: preset.s_score,
    };
    for first in (0..preset.d_attn()).step_by(attended) {
        for (matrix, out) in [
            (Matrix::Query, &mut *q),
            (Matrix::Key, &mut *k),
            (Matrix::Value, &mut *v),
        ] {
            let columns = first..first + attended;
            let matrix = layer.matrix(matrix);
            scratch.product(kernel, n, matrix, columns, out, cancel)?;
        }
        (kernel.attend)(heads, [q, k, v], &mut a[first..]);
    }
    let a = Input {
        x: a,
        width: preset.d_attn(),
    };
    let (out, shift) = (layer.matrix(Matrix::Out), preset.s_attn_out);
    scratch.prepare(kernel, a, shift);
    scratch.product(kernel, a, out, 0..width, update, cancel)?;
    residual(kernel, &mut rows.n, update, width);

    let n = Input { x: &rows.n, width };
    let (gate_matrix, up_matrix) = (layer.matrix(Matrix::Gate), layer.matrix(Matrix::Up));
    let shift = preset.s_ffn_in;
    scratch.prepare(kernel, n, shift);
    for tile in 0..preset.d_ffn.div_ceil(WIDTH) {
        if cancel.load(Ordering::Relaxed) {
            return Err(BackendError::Cancelled);
        }
        scratch.tile(kernel, n, gate_matrix, tile, (gate, WIDTH));
        scratch.tile(kernel, n, up_matrix, tile, (up, WIDTH));
        let columns = WIDTH.min(preset.d_ffn - tile * WIDTH);
        let parts = gate.chunks_exact(WIDTH).zip(up.chunks_exact(WIDTH));
        for ((g, u), h) in parts.zip(h.chunks_exact_mut(preset.d_ffn)) {
            let h = &mut h[tile * WIDTH..][..columns];
            (kernel.gate)(&g[..columns], &u[..columns], h);
        }
    }
    let h = Input {
        x: h,
        width: preset.d_ffn,
    };
    let (down, shift) = (layer.matrix(Matrix::Down), preset.s_ffn_out);
    scratch.prepare(kernel, h, shift);
    scratch.product(kernel, h, down, 0..width, update, cancel)?;
    residual(kernel, &mut rows.n, update, width);
    Ok(())
}

fn residual(kernel: &Kernel, n: &mut [i8], update: &[i8], width: usize) {
    let rows = n.chunks_exact_mut(width).zip(update.chunks_exact(width));
    for (n, update) in rows {
        (kernel.residual)(n, update);
    }
}
