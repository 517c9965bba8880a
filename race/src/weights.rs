//! The tensors of a race: their streams, reading them row by row, and holding them as nibbles.
//!
//! A weight is one nibble of a ChaCha20 keystream, so 2.3 billion of them are 1.14 GB packed,
//! and any row can be read straight from the stream by its position.
// Sizes are capped at 2^20 by `preset`, so no count of weights or bytes can pass 2^42.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::preset::Spec;
use crate::stream::{expand, Stream};
use crate::{BackendError, Bytes32, Preset};

/// A matrix of a layer; the order is that of the stream numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matrix {
    /// Wq, `d_model x d_attn`.
    Query,
    /// Wk, `d_model x d_attn`.
    Key,
    /// Wv, `d_model x d_attn`.
    Value,
    /// Wo, `d_attn x d_model`.
    Out,
    /// Wgate, `d_model x d_ffn`.
    Gate,
    /// Wup, `d_model x d_ffn`.
    Up,
    /// Wdown, `d_ffn x d_model`.
    Down,
}

impl Matrix {
    /// All of a layer, in the order of their streams.
    pub const ALL: [Matrix; 7] = [
        Matrix::Query,
        Matrix::Key,
        Matrix::Value,
        Matrix::Out,
        Matrix::Gate,
        Matrix::Up,
        Matrix::Down,
    ];

    fn name(self) -> &'static str {
        match self {
            Matrix::Query => "wq",
            Matrix::Key => "wk",
            Matrix::Value => "wv",
            Matrix::Out => "wo",
            Matrix::Gate => "wgate",
            Matrix::Up => "wup",
            Matrix::Down => "wdown",
        }
    }
}

/// A tensor of the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tensor {
    /// `vocab x d_model`.
    Embedding,
    /// `seq x d_model`.
    Position,
    /// A matrix of a layer.
    Layer(usize, Matrix),
}

impl Tensor {
    /// Every tensor of `spec`.
    pub fn all(spec: &Spec) -> Vec<Tensor> {
        let mut tensors = vec![Tensor::Embedding, Tensor::Position];
        for layer in 0..spec.layers {
            tensors.extend(Matrix::ALL.map(|matrix| Tensor::Layer(layer, matrix)));
        }
        tensors
    }

    /// The stream number under the race seed.
    pub fn stream(self) -> u64 {
        match self {
            Tensor::Embedding => 0,
            Tensor::Position => 1,
            Tensor::Layer(layer, matrix) => 16 + 8 * layer as u64 + matrix as u64,
        }
    }

    /// Rows and columns; a matrix is applied as row-vector times matrix.
    pub fn shape(self, spec: &Spec) -> (usize, usize) {
        match self {
            Tensor::Embedding => (spec.vocab, spec.d_model),
            Tensor::Position => (spec.seq, spec.d_model),
            Tensor::Layer(_, matrix) => match matrix {
                Matrix::Query | Matrix::Key | Matrix::Value => (spec.d_model, spec.d_attn()),
                Matrix::Out => (spec.d_attn(), spec.d_model),
                Matrix::Gate | Matrix::Up => (spec.d_model, spec.d_ffn),
                Matrix::Down => (spec.d_ffn, spec.d_model),
            },
        }
    }

    /// The name vector files use: `embedding`, `position`, `layer3.wq`.
    pub fn name(self) -> String {
        match self {
            Tensor::Embedding => "embedding".into(),
            Tensor::Position => "position".into(),
            Tensor::Layer(layer, matrix) => format!("layer{layer}.{}", matrix.name()),
        }
    }

    /// The tensor of `spec` with this name, if there is one.
    pub fn by_name(spec: &Spec, name: &str) -> Option<Tensor> {
        Tensor::all(spec).into_iter().find(|t| t.name() == name)
    }
}

/// Reads the rows of a tensor from its stream, in order, without holding the tensor.
pub struct TensorReader {
    stream: Stream,
    columns: usize,
    rows_left: usize,
    nibbles: Vec<u8>,
}

impl TensorReader {
    /// A reader of `tensor` under the race seed, starting at row `first_row`.
    pub fn new(preset: &Preset, race_seed: &Bytes32, tensor: Tensor, first_row: usize) -> Self {
        let (rows, columns) = tensor.shape(preset);
        // A row is a multiple of 8 nibbles: whole words of the stream.
        let word = first_row as u64 * (columns / 8) as u64;
        TensorReader {
            stream: Stream::at_word(race_seed, tensor.stream(), word),
            columns,
            rows_left: rows.saturating_sub(first_row),
            nibbles: Vec::new(),
        }
    }

    /// Replaces `weights` by the next rows, at most `rows` of them; returns how many came.
    pub fn next_rows<W: From<i8> + Clone>(&mut self, rows: usize, weights: &mut Vec<W>) -> usize {
        let rows = rows.min(self.rows_left);
        self.rows_left -= rows;
        let count = rows * self.columns;
        self.nibbles.resize(count / 2, 0);
        self.stream.fill(&mut self.nibbles);
        weights.resize(count, W::from(0));
        expand(&self.nibbles, weights);
        rows
    }

    /// One row.
    pub fn row(preset: &Preset, race_seed: &Bytes32, tensor: Tensor, row: usize) -> Vec<i8> {
        let mut weights = Vec::new();
        TensorReader::new(preset, race_seed, tensor, row).next_rows(1, &mut weights);
        weights
    }
}

/// All tensors of a race, two weights to a byte.
pub struct Weights {
    preset: &'static Preset,
    /// In the order of [`Tensor::all`].
    tensors: Vec<Vec<u8>>,
}

impl Weights {
    /// Generates every tensor on `threads` threads. `progress(done, total)` is called on the
    /// calling thread after each tensor, counting weights.
    ///
    /// # Errors
    /// [`BackendError::Cancelled`] when `cancel` was set; each thread ends with its tensor.
    pub fn generate(
        preset: &'static Preset,
        race_seed: &Bytes32,
        threads: usize,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, BackendError> {
        let all = Tensor::all(preset);
        let mut tensors = vec![Vec::new(); all.len()];
        let total = preset.parameters();
        let mut done = 0;
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            // Nobody is further ahead of who is told than by the tensor in hand.
            let (send, receive) = mpsc::sync_channel(0);
            for _ in 0..threads.max(1) {
                let (send, next, all) = (send.clone(), &next, &all);
                scope.spawn(move || {
                    while !cancel.load(Ordering::Relaxed) {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(tensor) = all.get(index) else { break };
                        let (rows, columns) = tensor.shape(preset);
                        let mut nibbles = vec![0; rows * columns / 2];
                        Stream::new(race_seed, tensor.stream()).fill(&mut nibbles);
                        if send.send((index, nibbles)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(send);
            for (index, nibbles) in receive {
                done += 2 * nibbles.len() as u64;
                tensors[index] = nibbles;
                progress(done, total);
            }
        });
        match done == total {
            true => Ok(Weights { preset, tensors }),
            false => Err(BackendError::Cancelled),
        }
    }

    /// The preset whose tensors these are.
    pub fn preset(&self) -> &'static Preset {
        self.preset
    }

    /// Expands rows of `tensor` from `first_row` on into `weights`, a multiple of the columns.
    pub fn expand<W: From<i8>>(&self, tensor: Tensor, first_row: usize, weights: &mut [W]) {
        let index = match tensor {
            Tensor::Embedding => 0,
            Tensor::Position => 1,
            Tensor::Layer(layer, matrix) => 2 + Matrix::ALL.len() * layer + matrix as usize,
        };
        let (_, columns) = tensor.shape(self.preset);
        let start = first_row * columns / 2;
        let nibbles = &self.tensors[index][start..start + weights.len() / 2];
        expand(nibbles, weights);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::TINY;

    #[test]
    fn reading_rows_and_holding_nibbles_give_the_same_weights() {
        let seed = [9; 32];
        let mut seen = 0;
        let never = AtomicBool::new(false);
        let weights = Weights::generate(&TINY, &seed, 3, &never, &mut |done, total| {
            assert!(done > seen && done <= total);
            seen = done;
        });
        let weights = weights.unwrap();
        assert_eq!(seen, TINY.parameters());
        for tensor in Tensor::all(&TINY) {
            let (rows, columns) = tensor.shape(&TINY);
            let mut held = vec![0i8; rows * columns];
            weights.expand(tensor, 0, &mut held);
            let mut reader = TensorReader::new(&TINY, &seed, tensor, 0);
            let (mut read, mut block) = (Vec::new(), Vec::new());
            while reader.next_rows::<i8>(5, &mut block) > 0 {
                read.extend_from_slice(&block);
            }
            assert_eq!(read, held, "{}", tensor.name());
            let last = TensorReader::row(&TINY, &seed, tensor, rows - 1);
            assert_eq!(last, held[(rows - 1) * columns..]);
        }
    }

    #[test]
    fn every_tensor_has_its_own_stream_and_is_found_by_name() {
        let all = Tensor::all(&TINY);
        let mut streams: Vec<u64> = all.iter().map(|t| t.stream()).collect();
        streams.dedup();
        assert_eq!(streams.len(), all.len());
        assert_eq!(Tensor::Layer(3, Matrix::Down).stream(), 16 + 24 + 6);
        for tensor in all {
            assert_eq!(Tensor::by_name(&TINY, &tensor.name()), Some(tensor));
        }
        assert_eq!(Tensor::by_name(&TINY, "layer4.wq"), None);
    }
}
