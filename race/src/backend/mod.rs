//! Where the function can run, by name.
//!
//! A backend computes outputs `y` for a batch of nonces; what feeds them and how they are judged
//! is the same for all ([`Race`]). To add one, implement [`Backend`] in a file of its own with its
//! [`Entry`], and add a line to `BACKENDS`.

#[cfg(any(feature = "flex", feature = "gpu"))]
pub mod burn;
#[cfg(feature = "gpu")]
mod cube;
#[cfg(feature = "cuda")]
pub mod cuda;
#[cfg(any(feature = "flex", feature = "gpu"))]
pub mod device;
#[cfg(feature = "flex")]
pub mod flex;
#[cfg(any(feature = "flex", feature = "gpu"))]
mod host;
#[cfg(feature = "gpu")]
mod kernels;
#[cfg(any(feature = "flex", feature = "gpu"))]
pub mod program;
pub mod simd;

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use crate::reference;
use crate::seed::NonceInput;
use crate::{Bytes32, Outcome, Race};

/// The function of one race, ready to run.
pub trait Backend: Send {
    /// The name of its [`Entry`].
    fn name(&self) -> &'static str;

    /// The race that was loaded.
    fn race(&self) -> &Race;

    /// How many nonces a call should bring for full speed.
    fn batch(&self) -> usize;

    /// The outputs `y` of `inputs` in their order, `d_model` entries each, before their
    /// permutation. Looks at `cancel` at least once per layer.
    ///
    /// # Errors
    /// [`BackendError::Cancelled`] when `cancel` was set, [`BackendError::Device`] when the device
    /// failed.
    fn forward(
        &mut self,
        inputs: &[NonceInput],
        cancel: &AtomicBool,
    ) -> Result<Vec<Vec<i8>>, BackendError>;

    /// The judged outcomes of `inputs`, in their order.
    ///
    /// # Errors
    /// Those of [`Backend::forward`].
    fn outcomes(
        &mut self,
        inputs: &[NonceInput],
        cancel: &AtomicBool,
    ) -> Result<Vec<Outcome>, BackendError> {
        let outputs = self.forward(inputs, cancel)?;
        let race = self.race();
        Ok(inputs
            .iter()
            .zip(&outputs)
            .map(|(input, y)| race.judge(input, y))
            .collect())
    }

    /// The outcomes of the appropriate ones among `nonces` of the participant with `node_seed`, in
    /// increasing order.
    ///
    /// # Errors
    /// Those of [`Backend::forward`].
    fn search(
        &mut self,
        node_seed: &Bytes32,
        nonces: Range<u64>,
        cancel: &AtomicBool,
    ) -> Result<Vec<Outcome>, BackendError> {
        let race = self.race();
        let inputs: Vec<_> = nonces.map(|nonce| race.input(node_seed, nonce)).collect();
        let mut outcomes = self.outcomes(&inputs, cancel)?;
        outcomes.retain(|outcome| outcome.appropriate);
        Ok(outcomes)
    }

    /// What an operator should hear and has not heard: a device that goes on with less memory, or
    /// was given up.
    fn take_notices(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// Why a backend gave no outputs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// No backend of this name is in this build.
    #[error("unknown backend {asked}; this build has {available}")]
    Unknown {
        /// The name asked for.
        asked: String,
        /// The names there are.
        available: String,
    },
    /// This machine cannot run it.
    #[error("backend {name} cannot run here: {reason}")]
    Unavailable {
        /// The backend.
        name: String,
        /// What is missing.
        reason: String,
    },
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The device failed.
    #[error("the device failed: {0}")]
    Device(String),
}

/// How a backend may use the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// CPU threads for generating weights and for computing on the CPU.
    pub threads: usize,
    /// Bytes that weights may take when expanded; above it they stay packed, two to a byte, and
    /// are expanded layer by layer in every batch.
    pub expanded_bytes: u64,
    /// Bytes that packed weights may take; above it `simd` generates each layer anew in every batch
    /// (`reference` always does).
    pub held_bytes: u64,
}

impl Default for Options {
    /// All cores; weights expanded up to 1 GiB, held packed up to 4 GiB.
    fn default() -> Self {
        Options {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            expanded_bytes: 1 << 30,
            held_bytes: 4 << 30,
        }
    }
}

/// Prepares a race on a backend; reports `(weights done, weights in all)` and looks at the flag that
/// cancels it at least once per layer.
pub type Loader = fn(
    Race,
    Options,
    &AtomicBool,
    &mut dyn FnMut(u64, u64),
) -> Result<Box<dyn Backend>, BackendError>;

/// A backend of this build.
pub struct Entry {
    /// The name it is chosen by.
    pub name: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    /// What this machine lacks for it.
    pub unavailable: fn() -> Option<String>,
    /// Prepares a race on it.
    pub load: Loader,
}

/// The backends of this build, the fastest first; the last ones are there to compare with.
const BACKENDS: &[&[Entry]] = &[
    #[cfg(feature = "cuda")]
    &[cuda::ENTRY],
    &[simd::BEST],
    #[cfg(feature = "flex")]
    &[flex::ENTRY],
    &[reference::ENTRY],
    &simd::KERNELS,
];

/// The name that means the fastest backend of the machine.
pub const FASTEST: &str = "fastest";

/// The backends of this build, the fastest first.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    BACKENDS.iter().copied().flatten()
}

/// Prepares `race` on the backend called `name`, or on the [`FASTEST`]; `progress(done, total)`
/// counts weights. Stops within a layer's weights when `cancel` is set.
///
/// # Errors
/// [`BackendError::Unknown`] when this build has none of that name, [`BackendError::Unavailable`]
/// when this machine cannot run it, [`BackendError::Cancelled`] when `cancel` was set, and the
/// loader's own.
pub fn load(
    name: &str,
    race: Race,
    options: Options,
    cancel: &AtomicBool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Box<dyn Backend>, BackendError> {
    let found = if name == FASTEST {
        entries().find(|entry| (entry.unavailable)().is_none())
    } else {
        entries().find(|entry| entry.name == name)
    };
    let entry = found.ok_or_else(|| BackendError::Unknown {
        asked: name.into(),
        available: names().join(", "),
    })?;
    if let Some(reason) = (entry.unavailable)() {
        let name = name.to_owned();
        return Err(BackendError::Unavailable { name, reason });
    }
    (entry.load)(race, options, cancel, progress)
}

/// The names of the backends of this build that this machine can run, the fastest first.
pub fn names() -> Vec<&'static str> {
    let here = entries().filter(|entry| (entry.unavailable)().is_none());
    here.map(|entry| entry.name).collect()
}
