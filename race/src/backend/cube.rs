//! The heavy passes on every runtime of cubecl: products of cubecl, and [`kernels`].
// Sizes are capped by `preset`, rows by the largest batch.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

use burn::tensor::backend::DeviceOps;
use burn::tensor::{DType, Shape, Tensor, TensorPrimitive};
use burn_cubecl::kernel::matmul::{matmul, MatmulStrategy};
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use burn_cubecl::{BoolElement, CubeBackend, CubeRuntime, FloatElement};
use cubecl::server::ComputeServer;
use cubecl::{calculate_cube_count_elemwise, CubeCount, CubeDim};

use super::kernels;
use super::program::Passes;
use super::BackendError;
use crate::Preset;

impl<R, F, BT> Passes for CubeBackend<R, F, i32, BT>
where
    R: CubeRuntime,
    R::Server: ComputeServer,
    R::Device: DeviceOps,
    F: FloatElement + From<i8>,
    BT: BoolElement,
{
    /// bf16 x bf16 with f32 sums on tensor cores: the operands are integers of at most 7 bits,
    /// the sums by the bounds proof below 2^24.
    fn product(x: Tensor<Self, 2>, w: Tensor<Self, 2>) -> Result<Tensor<Self, 2>, BackendError> {
        matmul(
            primitive(x),
            primitive(w),
            None,
            MatmulStrategy::default(),
            DType::F32,
        )
        .map(wrapped)
        .map_err(|error| BackendError::Device(format!("no product for this device: {error:?}")))
    }

    fn residual(
        preset: &Preset,
        n: Tensor<Self, 2>,
        update: Tensor<Self, 2>,
        shift: u32,
    ) -> Tensor<Self, 2> {
        let (n, update) = (primitive(n), primitive(update));
        let rows = n.meta.shape()[0];
        let out = empty::<R, F>(&n, rows, preset.d_model);
        kernels::residual::launch::<F, R>(
            &out.client,
            CubeCount::Static(rows as u32, 1, 1),
            CubeDim::new_1d(kernels::UNITS),
            n.into_tensor_arg(),
            update.into_tensor_arg(),
            out.clone().into_tensor_arg(),
            preset.d_model,
            shift,
        );
        wrapped(out)
    }

    fn gate(preset: &Preset, gate_up: Tensor<Self, 2>) -> Tensor<Self, 2> {
        let gate_up = primitive(gate_up);
        let rows = gate_up.meta.shape()[0];
        let out = empty::<R, F>(&gate_up, rows, preset.d_ffn);
        let values = rows * preset.d_ffn;
        let cube_dim = CubeDim::new(&out.client, values);
        kernels::gate::launch::<F, R>(
            &out.client,
            calculate_cube_count_elemwise(&out.client, values, cube_dim),
            cube_dim,
            gate_up.into_tensor_arg(),
            out.clone().into_tensor_arg(),
            preset.d_ffn,
            preset.s_ffn_in,
        );
        wrapped(out)
    }

    fn attend(preset: &Preset, qkv: Tensor<Self, 2>) -> Tensor<Self, 2> {
        let qkv = primitive(qkv);
        let rows = qkv.meta.shape()[0];
        let out = empty::<R, F>(&qkv, rows, preset.d_attn());
        kernels::attend::launch::<F, R>(
            &out.client,
            CubeCount::Static(preset.heads as u32, (rows / preset.seq) as u32, 1),
            CubeDim::new_1d(kernels::UNITS),
            qkv.into_tensor_arg(),
            out.clone().into_tensor_arg(),
            kernels::Heads {
                seq: preset.seq,
                heads: preset.heads,
                d_head: preset.d_head,
                s_qkv: preset.s_qkv,
                s_score: preset.s_score,
            },
        );
        wrapped(out)
    }
}

fn primitive<R, F, BT>(tensor: Tensor<CubeBackend<R, F, i32, BT>, 2>) -> CubeTensor<R>
where
    R: CubeRuntime,
    R::Server: ComputeServer,
    R::Device: DeviceOps,
    F: FloatElement,
    BT: BoolElement,
{
    tensor.into_primitive().tensor()
}

fn wrapped<R, F, BT>(tensor: CubeTensor<R>) -> Tensor<CubeBackend<R, F, i32, BT>, 2>
where
    R: CubeRuntime,
    R::Server: ComputeServer,
    R::Device: DeviceOps,
    F: FloatElement,
    BT: BoolElement,
{
    Tensor::from_primitive(TensorPrimitive::Float(tensor))
}

/// Activations to be written, on the device of `beside`.
fn empty<R: CubeRuntime, F: FloatElement>(
    beside: &CubeTensor<R>,
    rows: usize,
    columns: usize,
) -> CubeTensor<R> {
    empty_device_contiguous_dtype(
        beside.client.clone(),
        beside.device.clone(),
        Shape::new([rows, columns]),
        F::dtype(),
    )
}
