//! The function over any burn backend whose f32 products are exact.
//!
//! The matrix products go through burn; the passes between them run on the host
//! (`host`), on as many chunks of the batch as there are threads. A device on which
//! moving activations costs more than computing them replaces the passes, not the products.
//!
//! Floats appear only here and in `host`, and only as exact integers: by the bounds proof of
//! [`crate::preset`] every partial sum of every product stays below 2^24 in any order, so an
//! f32 product with f32 accumulation (fused or not, split or not) returns the integer itself.
// Sizes are capped by `preset`: no count here passes 2^42.
#![allow(clippy::arithmetic_side_effects)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use burn::tensor::backend::Backend as Burn;
use burn::tensor::{Tensor as BurnTensor, TensorData};

use super::{host, Backend, BackendError, Options};
use crate::seed::NonceInput;
use crate::weights::{Matrix, Tensor, Weights};
use crate::{Preset, Race};

/// Nonces per thread and call: 512 rows amortise the expansion of `paper`'s layers.
const NONCES_PER_THREAD: usize = 128;
/// Nonces per product where the weights are expanded, that is, small: their activations then
/// stay in the cache between the passes.
const NONCES_PER_PRODUCT: usize = 32;

/// The products of a layer: matrices that share their input lie side by side.
#[derive(Clone, Copy)]
pub(super) enum Product {
    /// `[d_model, 3 d_attn]`.
    QueryKeyValue,
    /// `[d_attn, d_model]`.
    Out,
    /// `[d_model, 2 d_ffn]`.
    GateUp,
    /// `[d_ffn, d_model]`.
    Down,
}

impl Product {
    pub(super) const ALL: [Product; 4] = [
        Product::QueryKeyValue,
        Product::Out,
        Product::GateUp,
        Product::Down,
    ];

    fn matrices(self) -> &'static [Matrix] {
        match self {
            Product::QueryKeyValue => &[Matrix::Query, Matrix::Key, Matrix::Value],
            Product::Out => &[Matrix::Out],
            Product::GateUp => &[Matrix::Gate, Matrix::Up],
            Product::Down => &[Matrix::Down],
        }
    }

    /// The matrices of `layer` that this product takes side by side.
    pub(super) fn tensors(self, layer: usize) -> Vec<Tensor> {
        let matrices = self.matrices().iter();
        matrices
            .map(|&matrix| Tensor::Layer(layer, matrix))
            .collect()
    }
}

/// The elements of `tensors`, which have one shape and lie side by side in the result, expanded
/// on `threads` threads.
pub(super) fn expand<W>(weights: &Weights, tensors: &[Tensor], threads: usize) -> Vec<W>
where
    W: From<i8> + Clone + Send,
{
    let (rows, columns) = tensors[0].shape(weights.preset());
    let width = columns * tensors.len();
    let mut values = vec![W::from(0); rows * width];
    let share = rows.div_ceil(threads.max(1));
    std::thread::scope(|scope| {
        for (chunk, values) in values.chunks_mut(share * width).enumerate() {
            scope.spawn(move || {
                for (row, values) in values.chunks_exact_mut(width).enumerate() {
                    let row = chunk * share + row;
                    for (part, &tensor) in values.chunks_exact_mut(columns).zip(tensors) {
                        weights.expand(tensor, row, part);
                    }
                }
            });
        }
    });
    values
}

/// The expanded weights of a layer, in the order of [`Product::ALL`]; cloning shares them.
#[derive(Clone)]
struct Layer<B: Burn>([BurnTensor<B, 2>; 4]);

/// The function of one race on a burn backend.
pub struct BurnBackend<B: Burn> {
    name: &'static str,
    race: Race,
    device: B::Device,
    threads: usize,
    weights: Arc<Weights>,
    /// Every layer, when the options allow their size; empty otherwise.
    expanded: Vec<Layer<B>>,
}

impl<B: Burn> BurnBackend<B> {
    /// Generates the weights of `race` and puts them on `device` as far as `options` allow.
    ///
    /// # Errors
    /// [`BackendError::Cancelled`] when `cancel` was set.
    pub fn load(
        name: &'static str,
        race: Race,
        device: B::Device,
        options: Options,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, BackendError> {
        let preset = race.preset();
        let threads = options.threads.max(1);
        let weights = Weights::generate(preset, race.seed(), threads, cancel, progress)?;
        let mut backend = BurnBackend {
            name,
            race,
            device,
            threads,
            weights: Arc::new(weights),
            expanded: Vec::new(),
        };
        if 4 * preset.parameters() <= options.expanded_bytes {
            let expanded = (0..preset.layers).map(|layer| match cancel.load(Ordering::Relaxed) {
                true => Err(BackendError::Cancelled),
                false => Ok(backend.expand(layer)),
            });
            backend.expanded = expanded.collect::<Result<_, _>>()?;
        }
        Ok(backend)
    }

    fn layer(&self, layer: usize) -> Layer<B> {
        match self.expanded.get(layer) {
            Some(expanded) => expanded.clone(),
            None => self.expand(layer),
        }
    }

    fn expand(&self, layer: usize) -> Layer<B> {
        Layer(Product::ALL.map(|product| {
            let tensors = product.tensors(layer);
            let (rows, columns) = tensors[0].shape(self.race.preset());
            let values = expand(&self.weights, &tensors, self.threads);
            self.tensor(values, rows, columns * tensors.len())
        }))
    }

    fn tensor(&self, values: Vec<f32>, rows: usize, columns: usize) -> BurnTensor<B, 2> {
        BurnTensor::from_data(TensorData::new(values, [rows, columns]), &self.device)
    }

    /// `x W`, `x` being `[rows, inner]` with `inner` the rows of W; exact by the bounds proof.
    fn product(
        &self,
        layer: &Layer<B>,
        product: Product,
        x: Vec<f32>,
    ) -> Result<Vec<f32>, BackendError> {
        let weights = layer.0[product as usize].clone();
        let inner = weights.dims()[0];
        let rows = x.len() / inner;
        let sums = self.tensor(x, rows, inner).matmul(weights);
        sums.into_data()
            .into_vec::<f32>()
            .map_err(|error| BackendError::Device(format!("{error:?}")))
    }

    /// One layer over the rows `n`, `[nonces * seq, d_model]`.
    fn run_layer(&self, layer: &Layer<B>, n: &mut [i8]) -> Result<(), BackendError> {
        let preset: &Preset = self.race.preset();
        let qkv = self.product(layer, Product::QueryKeyValue, host::floats(n))?;
        let update = self.product(layer, Product::Out, host::attend(preset, &qkv))?;
        host::residual(preset, n, &update, preset.s_attn_out);
        let gate_up = self.product(layer, Product::GateUp, host::floats(n))?;
        let update = self.product(layer, Product::Down, host::gate(preset, &gate_up))?;
        host::residual(preset, n, &update, preset.s_ffn_out);
        Ok(())
    }
}

impl<B: Burn> Backend for BurnBackend<B> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn race(&self) -> &Race {
        &self.race
    }

    fn batch(&self) -> usize {
        NONCES_PER_THREAD * self.threads
    }

    fn forward(
        &mut self,
        inputs: &[NonceInput],
        cancel: &AtomicBool,
    ) -> Result<Vec<Vec<i8>>, BackendError> {
        let this = &*self;
        let preset = this.race.preset();
        let share = inputs.len().div_ceil(this.threads).max(1);
        let mut chunks: Vec<Vec<i8>> = inputs
            .chunks(share)
            .map(|inputs| host::embed(&this.weights, inputs))
            .collect();
        let block = match this.expanded.is_empty() {
            true => usize::MAX,
            false => NONCES_PER_PRODUCT * preset.seq * preset.d_model,
        };
        for layer in 0..preset.layers {
            if cancel.load(Ordering::Relaxed) {
                return Err(BackendError::Cancelled);
            }
            let layer = this.layer(layer);
            // Threads are split by nonces and meet once a layer, so that a layer that is expanded
            // for this batch is expanded once.
            std::thread::scope(|scope| {
                let running: Vec<_> = chunks
                    .iter_mut()
                    .map(|n| {
                        let layer = layer.clone();
                        scope.spawn(move || {
                            n.chunks_mut(block)
                                .try_for_each(|n| this.run_layer(&layer, n))
                        })
                    })
                    .collect();
                running.into_iter().try_for_each(|thread| {
                    thread
                        .join()
                        .unwrap_or_else(|_| Err(BackendError::Device("a product panicked".into())))
                })
            })?;
        }
        Ok(chunks
            .iter()
            .flat_map(|n| host::outputs(preset, n))
            .collect())
    }
}
