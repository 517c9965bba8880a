//! The function wholly on one device: weights there once, activations never leaving it.
//!
//! One program for every burn backend. What burn's own operations would do in many passes over
//! memory is asked of the backend in few ([`Passes`]): kernels on a GPU, and in the tests of this
//! module the host's passes on burn's CPU backend, so that the program is checked without a GPU.
//!
//! Activations and weights are floats of the backend's own type, of which only integers of 7 bits
//! are asked (bf16 holds them); sums are f32 that hold integers below 2^24.
// Sizes are capped by `preset`: no count here passes 2^42.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::backend::Backend as Burn;
use burn::tensor::{Element, Int, Tensor as BurnTensor, TensorData};

use super::burn::{expand, Product};
use super::BackendError;
use crate::seed::NonceInput;
use crate::weights::{Tensor, Weights};
use crate::{Preset, Race};

/// The heavy passes of a layer, each over rows of one batch, `seq` rows to a nonce.
pub trait Passes: Burn<FloatElem: From<i8>, IntElem: From<i32>> {
    /// `x W`, its sums exact in f32; `x` is `[rows, inner]`, `w` is `[inner, columns]`.
    ///
    /// # Errors
    /// [`BackendError::Device`] when the device has no such product.
    fn product(
        x: BurnTensor<Self, 2>,
        w: BurnTensor<Self, 2>,
    ) -> Result<BurnTensor<Self, 2>, BackendError>;

    /// `norm(n + rq(update, shift))`; `n` activations, `update` sums, both `[rows, d_model]`.
    fn residual(
        preset: &Preset,
        n: BurnTensor<Self, 2>,
        update: BurnTensor<Self, 2>,
        shift: u32,
    ) -> BurnTensor<Self, 2>;

    /// The gated values `[rows, d_ffn]` from the sums of gate and up, `[rows, 2 d_ffn]`.
    fn gate(preset: &Preset, gate_up: BurnTensor<Self, 2>) -> BurnTensor<Self, 2>;

    /// Attention `[rows, d_attn]` from the sums of q, k and v, `[rows, 3 d_attn]`.
    fn attend(preset: &Preset, qkv: BurnTensor<Self, 2>) -> BurnTensor<Self, 2>;
}

/// The function of one race on one device.
pub struct Program<B: Passes> {
    preset: &'static Preset,
    device: B::Device,
    /// `[vocab, d_model]`.
    embedding: BurnTensor<B, 2>,
    /// `[1, seq, d_model]`.
    positions: BurnTensor<B, 3>,
    /// `[1, d_model]`.
    target: BurnTensor<B, 2, Int>,
    /// In the order of [`Product::ALL`].
    layers: Vec<[BurnTensor<B, 2>; 4]>,
}

/// The outputs of a batch, on the device.
pub struct Outputs<B: Passes> {
    /// `[nonces, d_model]`, before the permutation.
    y: BurnTensor<B, 2, Int>,
}

impl<B: Passes> Program<B> {
    /// Puts the weights of `race` on `device`, expanding them on `threads` threads.
    ///
    /// # Errors
    /// [`BackendError::Cancelled`] when `cancel` was set.
    pub fn load(
        race: &Race,
        weights: &Weights,
        device: B::Device,
        threads: usize,
        cancel: &AtomicBool,
    ) -> Result<Self, BackendError> {
        let preset = race.preset();
        let table = |tensor: Tensor| {
            let (rows, columns) = tensor.shape(preset);
            floats::<B>(
                expand(weights, &[tensor], threads),
                [rows, columns],
                &device,
            )
        };
        let embedding = table(Tensor::Embedding);
        let positions = table(Tensor::Position).unsqueeze_dim(0);
        let target = race.target().iter().map(|&x| i32::from(x)).collect();
        let target = integers::<B, 2>(target, [1, preset.d_model], &device);
        let layers = (0..preset.layers)
            .map(|layer| match cancel.load(Ordering::Relaxed) {
                true => Err(BackendError::Cancelled),
                false => Ok(Product::ALL.map(|product| {
                    let tensors = product.tensors(layer);
                    let (rows, columns) = tensors[0].shape(preset);
                    let values = expand(weights, &tensors, threads);
                    floats::<B>(values, [rows, columns * tensors.len()], &device)
                })),
            })
            .collect::<Result<_, _>>()?;
        Ok(Program {
            preset,
            device,
            embedding,
            positions,
            target,
            layers,
        })
    }

    /// The device.
    pub fn device(&self) -> &B::Device {
        &self.device
    }

    /// Starts the forward pass of `inputs`. A GPU works on while the caller goes on; what goes
    /// wrong there is seen by whoever reads the outputs.
    ///
    /// # Errors
    /// [`BackendError::Cancelled`] when `cancel` was set, [`BackendError::Device`] when the device
    /// refused.
    pub fn forward(
        &self,
        inputs: &[&NonceInput],
        cancel: &AtomicBool,
    ) -> Result<Outputs<B>, BackendError> {
        let preset = self.preset;
        let mut n = self.embed(inputs);
        for [qkv, out, gate_up, down] in &self.layers {
            if cancel.load(Ordering::Relaxed) {
                return Err(BackendError::Cancelled);
            }
            let a = B::attend(preset, B::product(n.clone(), qkv.clone())?);
            let update = B::product(a, out.clone())?;
            n = B::residual(preset, n, update, preset.s_attn_out);
            let h = B::gate(preset, B::product(n.clone(), gate_up.clone())?);
            let update = B::product(h, down.clone())?;
            n = B::residual(preset, n, update, preset.s_ffn_out);
        }
        let last = n
            .reshape([inputs.len(), preset.seq, preset.d_model])
            .slice([0..inputs.len(), preset.seq - 1..preset.seq])
            .reshape([inputs.len(), preset.d_model]);
        // `output` of `arith`.
        let y = last
            .int()
            .add_scalar(1)
            .bitwise_right_shift_scalar(1.into())
            .clamp(-63, 63);
        Ok(Outputs { y })
    }

    /// `norm(sign * (embedding + position))`, `[rows, d_model]`.
    fn embed(&self, inputs: &[&NonceInput]) -> BurnTensor<B, 2> {
        let (seq, width) = (self.preset.seq, self.preset.d_model);
        let (nonces, rows) = (inputs.len(), inputs.len() * seq);
        let tokens = inputs.iter().flat_map(|input| &input.tokens);
        let tokens = tokens.map(|&token| token as i32).collect();
        let tokens = integers::<B, 1>(tokens, [rows], &self.device);
        let embedded = self.embedding.clone().select(0, tokens);
        let embedded = embedded.reshape([nonces, seq, width]) + self.positions.clone();

        // Signs travel as the bits they are and are spread out on the device.
        let bytes = inputs.iter().flat_map(|input| &input.signs);
        let bytes = bytes.map(|&byte| i32::from(byte)).collect();
        let shape = [nonces * seq * width / 8, 8];
        let bytes = integers::<B, 2>(bytes, [shape[0], 1], &self.device).expand(shape);
        let places = integers::<B, 2>((0..8).collect(), [1, 8], &self.device).expand(shape);
        let negative = bytes
            .bitwise_right_shift(places)
            .bitwise_and_scalar(1.into());
        let signs = negative.mul_scalar(-2).add_scalar(1).float();
        let signs = signs.cast(B::FloatElem::dtype());

        let signed = embedded.reshape([rows, width]) * signs.reshape([rows, width]);
        // A residual whose update is nothing is the norm.
        let nothing = BurnTensor::zeros([rows, width], (&self.device, burn::tensor::DType::F32));
        B::residual(self.preset, signed, nothing, 1)
    }

    /// The squared distance to the target of each permuted output, as [`Race::judge`] measures it,
    /// for the first `inputs.len()` nonces of the batch, which `inputs` are.
    ///
    /// # Errors
    /// [`BackendError::Device`] when the device failed.
    pub fn distances(
        &self,
        outputs: &Outputs<B>,
        inputs: &[NonceInput],
    ) -> Result<Vec<i32>, BackendError> {
        let shape = [inputs.len(), self.preset.d_model];
        let permutations = inputs.iter().flat_map(|input| &input.permutation);
        let permutations = permutations.map(|&item| item as i32).collect();
        let permutations = integers::<B, 2>(permutations, shape, &self.device);
        let y = outputs.y.clone().slice_dim(0, 0..inputs.len());
        let z = y.gather(1, permutations);
        let difference = z - self.target.clone();
        let distances = (difference.clone() * difference).sum_dim(1);
        read(distances)
    }

    /// The outputs of the nonces at `places` of the batch.
    ///
    /// # Errors
    /// [`BackendError::Device`] when the device failed.
    pub fn rows(
        &self,
        outputs: &Outputs<B>,
        places: &[usize],
    ) -> Result<Vec<Vec<i8>>, BackendError> {
        let chosen = places.iter().map(|&place| place as i32).collect();
        let chosen = integers::<B, 1>(chosen, [places.len()], &self.device);
        let rows = read(outputs.y.clone().select(0, chosen))?;
        Ok(rows
            .chunks_exact(self.preset.d_model)
            // Clipped to 63.
            .map(|y| y.iter().map(|&y| y as i8).collect())
            .collect())
    }
}

fn floats<B: Passes>(
    values: Vec<B::FloatElem>,
    shape: [usize; 2],
    device: &B::Device,
) -> BurnTensor<B, 2> {
    let options = (device, B::FloatElem::dtype());
    BurnTensor::from_data(TensorData::new(values, shape), options)
}

fn integers<B: Passes, const D: usize>(
    values: Vec<i32>,
    shape: [usize; D],
    device: &B::Device,
) -> BurnTensor<B, D, Int> {
    let options = (device, B::IntElem::dtype());
    BurnTensor::from_data(TensorData::new(values, shape), options)
}

/// Waits for the device.
fn read<B: Passes>(tensor: BurnTensor<B, 2, Int>) -> Result<Vec<i32>, BackendError> {
    let failed = |error: &dyn std::fmt::Debug| BackendError::Device(format!("{error:?}"));
    let data = tensor.try_into_data().map_err(|error| failed(&error))?;
    data.convert::<i32>()
        .into_vec()
        .map_err(|error| failed(&error))
}

#[cfg(test)]
#[path = "program_tests.rs"]
mod tests;
