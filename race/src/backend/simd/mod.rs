//! The function on CPUs with our own int8 kernels.
//!
//! A weight is `2v - 15` with `v` a nibble, an activation a signed byte, so
//! `x W = 2 (x V) - 15 sum(x)`, and `x V` is a product of unsigned and signed bytes: what CPUs
//! multiply fastest (`vpdpbusd`; `vpmaddubsw`), without saturation at these sizes. Requantisation is
//! part of the product. Threads take nonces, not columns: they meet at the end of a batch.
//!
//! | file | what is in it |
//! |---|---|
//! | `pack` | the layout of weights: nibbles in the order in which the kernels read them |
//! | `kernel` | products of a few rows by 64 columns, one file an instruction set, chosen at run time |
//! | `product` | whole products, and the row sums that they need |
//! | `passes` | embedding, attention, gate, residual and norm |
//! | `layer` | one layer over the rows of one thread |
//!
//! Weights are held as nibbles, or, where [`Options::held_bytes`] does not suffice, generated layer
//! by layer for every batch.
// Sizes are capped at 2^20 by `preset`, so no count here passes 2^42.
#![allow(clippy::arithmetic_side_effects)]

mod kernel;
mod layer;
mod pack;
mod passes;
mod product;

use std::sync::atomic::{AtomicBool, Ordering};

use self::kernel::Kernel;
use self::layer::{Rows, Workspace};
use self::pack::PackedLayer;
use super::{Backend, BackendError, Entry, Options};
use crate::seed::NonceInput;
use crate::weights::Tensor;
use crate::Race;

/// Nonces per thread and call: 512 rows amortise the unpacking of `paper`'s layers to below a
/// hundredth of their products.
const NONCES_PER_THREAD: usize = 128;

/// The backend with the best kernel of the machine.
pub const BEST: Entry = Entry {
    name: "simd",
    about: "CPU, int8 products, the best kernel of the machine",
    unavailable: || None,
    load: |race, options, cancel, progress| {
        Simd::load("simd", Kernel::best(), race, options, cancel, progress)
    },
};

/// The backend of one kernel.
macro_rules! entry {
    ($kernel:literal, $about:literal) => {
        Entry {
            name: concat!("simd-", $kernel),
            about: $about,
            unavailable: || {
                let missing = Kernel::by_name($kernel).is_none();
                missing.then(|| concat!("this CPU does not have ", $kernel).to_owned())
            },
            load: |race, options, cancel, progress| {
                let name = concat!("simd-", $kernel);
                let kernel = Kernel::by_name($kernel).ok_or_else(|| BackendError::Unavailable {
                    name: name.to_owned(),
                    reason: concat!("this CPU does not have ", $kernel).to_owned(),
                })?;
                Simd::load(name, kernel, race, options, cancel, progress)
            },
        }
    };
}

/// One backend for each kernel, to compare them.
pub const KERNELS: [Entry; 5] = [
    entry!("avx512vnni", "CPU, int8 products in 512 bits (vpdpbusd)"),
    entry!(
        "avx512vnni256",
        "CPU, int8 products in 256 bits (vpdpbusd of AVX-512)"
    ),
    entry!("avxvnni", "CPU, int8 products in 256 bits (vpdpbusd)"),
    entry!("avx2", "CPU, int8 products in 256 bits (vpmaddubsw)"),
    entry!("portable", "CPU, int8 products in plain Rust"),
];

/// The layers of a race.
enum Layers {
    /// All, packed.
    Held(Vec<PackedLayer>),
    /// None: each is generated when a batch comes to it.
    Generated,
}

/// The function of one race on the CPU.
struct Simd {
    name: &'static str,
    kernel: Kernel,
    race: Race,
    threads: usize,
    /// `vocab x d_model` and `seq x d_model`, row by row.
    embedding: passes::Embedding,
    layers: Layers,
    /// One for each thread, kept between batches.
    workspaces: Vec<Workspace>,
}

impl Simd {
    fn load(
        name: &'static str,
        kernel: Kernel,
        race: Race,
        options: Options,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Box<dyn Backend>, BackendError> {
        let preset = race.preset();
        let threads = options.threads.max(1);
        let embedding = passes::Embedding::generate(preset, race.seed());
        let total = preset.parameters();
        let mut done = total - preset.layers as u64 * preset.layer_parameters();
        progress(done, total);
        let layers = if total / 2 > options.held_bytes {
            Layers::Generated
        } else {
            let mut layers = Vec::with_capacity(preset.layers);
            for layer in 0..preset.layers {
                if cancel.load(Ordering::Relaxed) {
                    return Err(BackendError::Cancelled);
                }
                layers.push(PackedLayer::generate(&kernel, &race, layer, threads));
                done += preset.layer_parameters();
                progress(done, total);
            }
            Layers::Held(layers)
        };
        let workspaces = (0..threads).map(|_| Workspace::default()).collect();
        Ok(Box::new(Simd {
            name,
            kernel,
            race,
            threads,
            embedding,
            layers,
            workspaces,
        }))
    }
}

impl Backend for Simd {
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
        let Simd {
            kernel,
            race,
            threads,
            embedding,
            layers,
            workspaces,
            ..
        } = self;
        let (kernel, preset) = (&*kernel, race.preset());
        let share = inputs.len().div_ceil(*threads).max(1);
        let mut rows: Vec<Rows> = inputs
            .chunks(share)
            .map(|inputs| Rows::new(preset, embedding.rows(preset, inputs)))
            .collect();
        // A thread's rows through some layers.
        let through = |layers: &[PackedLayer], rows: &mut Rows, space: &mut Workspace| {
            layers
                .iter()
                .try_for_each(|layer| layer::run(kernel, preset, layer, rows, space, cancel))
        };
        let mut together = |layers: &[PackedLayer]| {
            std::thread::scope(|scope| {
                let work = rows.iter_mut().zip(workspaces.iter_mut());
                let running: Vec<_> = work
                    .map(|(rows, space)| scope.spawn(move || through(layers, rows, space)))
                    .collect();
                running.into_iter().try_for_each(|thread| {
                    let panicked = || BackendError::Device("a product panicked".to_owned());
                    thread.join().unwrap_or_else(|_| Err(panicked()))
                })
            })
        };
        match layers {
            Layers::Held(layers) => together(layers)?,
            Layers::Generated => {
                for layer in 0..preset.layers {
                    if cancel.load(Ordering::Relaxed) {
                        return Err(BackendError::Cancelled);
                    }
                    let layer = PackedLayer::generate(kernel, race, layer, *threads);
                    together(std::slice::from_ref(&layer))?;
                }
            }
        }
        Ok(rows.iter().flat_map(|rows| rows.outputs(preset)).collect())
    }
}

/// The shape of a matrix of any layer.
fn shape(preset: &crate::Preset, matrix: crate::weights::Matrix) -> (usize, usize) {
    Tensor::Layer(0, matrix).shape(preset)
}

/// Products alone, over one unpacked block that stays in the cache: what a kernel could do at best.
/// The caller holds the clock.
#[derive(Clone)]
pub struct Peak {
    kernel: Kernel,
    x: Vec<i8>,
    block: Vec<u8>,
    sums: Vec<kernel::Sums>,
}

impl Peak {
    /// The peak of the kernel behind the backend called `name`; none when it is none of these.
    pub fn of(name: &str) -> Option<Self> {
        let kernel = match name.strip_prefix("simd-") {
            Some(kernel) => Kernel::by_name(kernel)?,
            None => (name == BEST.name).then(Kernel::best)?,
        };
        Some(Peak {
            x: vec![1; kernel.height * pack::DEPTH],
            block: vec![1; pack::DEPTH * pack::WIDTH],
            sums: vec![[0; pack::WIDTH]; kernel.height],
            kernel,
        })
    }

    /// Multiplies `times`; returns the operations, two per multiply-add.
    pub fn run(&mut self, times: u32) -> u64 {
        for _ in 0..times {
            let rows = kernel::Rows {
                x: &self.x,
                stride: pack::DEPTH,
            };
            (self.kernel.multiply)(rows, &self.block, &mut self.sums, true);
        }
        let once = 2 * self.sums.len() * pack::DEPTH * pack::WIDTH;
        u64::from(times) * once as u64
    }
}
