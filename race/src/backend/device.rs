//! A backend of one or more devices that run the whole function ([`Program`]).
//!
//! Each device takes its share of the nonces on a thread of its own. While it computes one batch,
//! that thread derives tokens, signs and permutation of the next; of a batch only the distances
//! and the outputs of the appropriate nonces come back.
//!
//! A device always computes batches of one size, short ones filled up: so the kernels that are
//! chosen, compiled and held against the definition when a race is loaded are those that race.
// Sizes are capped by `preset`, batches by `BATCH_MAX`.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use burn::tensor::StreamId;

use super::program::{Outputs, Passes, Program};
use super::{Backend, BackendError, Options};
use crate::reference::Reference;
use crate::seed::NonceInput;
use crate::weights::Weights;
use crate::{Bytes32, Outcome, Preset, Race};

/// The largest batch of a device: 16,384 rows in `paper` give its narrowest product 512 tiles of
/// 128 x 128, several for each of the 132 multiprocessors of the largest GPUs; more is only memory.
pub const BATCH_MAX: usize = 4096;
/// A device that cannot hold this many nonces is not worth its weights.
pub const BATCH_MIN: usize = 64;
/// Batches of each device in a call, so that deriving the first one's inputs is little of it.
const BATCHES: usize = 4;
/// cubecl keeps a stream, and memory for it, for every thread that ever came: all of ours are one.
const STREAM: StreamId = StreamId { value: 0 };

/// How many nonces a device takes at once that has `free` bytes and holds a weight or an activation
/// in `element` bytes; none when it cannot hold the weights and [`BATCH_MIN`] nonces.
pub fn batch_in(preset: &Preset, free: u64, element: u64) -> Option<usize> {
    let rows = preset.seq as u64;
    // What a layer holds at once, at most: the sums of one product and their activations, beside
    // those of the one before, whose memory the allocator may not have reused.
    let sums = 4 * (3 * preset.d_attn() + 2 * preset.d_ffn + 2 * preset.d_model) as u64;
    let activations = element * (preset.d_attn() + preset.d_ffn + 3 * preset.d_model) as u64;
    let nonce = rows * (sums + activations);
    // An eighth stays free for what the allocator rounds up and for the device's own.
    let left = (free - free / 8).checked_sub(element * preset.parameters())?;
    let mut batch = BATCH_MAX;
    while batch as u64 * nonce > left {
        batch /= 2;
    }
    (batch >= BATCH_MIN).then_some(batch)
}

/// The function of one race on one or more devices.
pub struct DeviceBackend<B: Passes> {
    name: &'static str,
    race: Race,
    units: Vec<Unit<B>>,
    notices: Vec<String>,
}

impl<B: Passes> DeviceBackend<B> {
    /// Generates the weights of `race`, puts them on each of `devices` and holds a batch of each
    /// against the definition. A device comes with its name and its batch.
    ///
    /// # Errors
    /// [`BackendError::Device`] when no device computes the definition's integers,
    /// [`BackendError::Cancelled`] when `cancel` was set.
    pub fn load(
        name: &'static str,
        race: Race,
        devices: Vec<(String, B::Device, usize)>,
        options: Options,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, BackendError> {
        let threads = options.threads.max(1);
        let weights = Weights::generate(race.preset(), race.seed(), threads, cancel, progress)?;
        let samples = Sample::take(&race, threads, cancel)?;
        let share = threads.div_ceil(devices.len().max(1));
        let units = STREAM.executes(|| {
            let load = |(label, device, batch)| {
                Ok(Unit {
                    label,
                    program: Program::load(&race, &weights, device, share, cancel)?,
                    batch,
                    samples: samples.clone(),
                    notices: Vec::new(),
                })
            };
            let units = devices.into_iter().map(load);
            units.collect::<Result<_, BackendError>>()
        })?;
        let mut backend = DeviceBackend {
            name,
            race,
            units,
            notices: Vec::new(),
        };
        backend.on_each(|unit, _| {
            unit.verify(cancel)
                .or_else(|error| unit.shrink(error, cancel))?;
            Ok(Vec::<()>::new())
        })?;
        Ok(backend)
    }

    /// Gives every device its share, `work(unit, (part, parts))`, and appends what they return in
    /// order. A device that fails is given up, and the work done again by the others.
    fn on_each<T: Send>(
        &mut self,
        work: impl Fn(&mut Unit<B>, (u64, u64)) -> Result<Vec<T>, BackendError> + Sync,
    ) -> Result<Vec<T>, BackendError> {
        loop {
            let parts = self.units.len() as u64;
            let work = &work;
            let results: Vec<Result<Vec<T>, BackendError>> = std::thread::scope(|scope| {
                let running: Vec<_> = (0..parts)
                    .zip(&mut self.units)
                    .map(|(part, unit)| {
                        scope.spawn(move || STREAM.executes(|| work(unit, (part, parts))))
                    })
                    .collect();
                running
                    .into_iter()
                    .map(|thread| thread.join().unwrap_or_else(|_| Err(panicked())))
                    .collect()
            });
            if results.iter().all(Result::is_ok) && parts > 0 {
                return Ok(results.into_iter().flatten().flatten().collect());
            }
            let mut last = BackendError::Device("no device is left".into());
            let mut kept = Vec::new();
            for (unit, result) in std::mem::take(&mut self.units).into_iter().zip(results) {
                match result {
                    Ok(_) => kept.push(unit),
                    Err(BackendError::Cancelled) => {
                        kept.push(unit);
                        last = BackendError::Cancelled;
                    }
                    Err(error) => {
                        self.notices
                            .push(format!("{} is given up: {error}", unit.label));
                        self.notices.extend(unit.notices);
                        if last != BackendError::Cancelled {
                            last = error;
                        }
                    }
                }
            }
            self.units = kept;
            if self.units.is_empty() || last == BackendError::Cancelled {
                return Err(last);
            }
        }
    }
}

fn panicked() -> BackendError {
    BackendError::Device("its thread panicked".into())
}

/// The range that falls to part `part` of `parts`.
fn share(range: &Range<u64>, (part, parts): (u64, u64)) -> Range<u64> {
    let length = range.end.saturating_sub(range.start);
    // The first `length % parts` shares are one longer.
    let start = |part: u64| range.start + length / parts * part + part.min(length % parts);
    start(part)..start(part + 1)
}

/// A nonce and its outputs by the definition.
#[derive(Clone)]
struct Sample {
    input: NonceInput,
    y: Vec<i8>,
}

impl Sample {
    /// Two of them: neighbours in a batch must differ.
    fn take(race: &Race, threads: usize, cancel: &AtomicBool) -> Result<Vec<Self>, BackendError> {
        let inputs: Vec<_> = (0..2).map(|nonce| race.input(&[0; 32], nonce)).collect();
        let outputs = Reference::new(race.clone(), threads).outputs(&inputs, cancel)?;
        let samples = inputs.into_iter().zip(outputs);
        Ok(samples.map(|(input, y)| Sample { input, y }).collect())
    }
}

/// One device.
struct Unit<B: Passes> {
    label: String,
    program: Program<B>,
    batch: usize,
    samples: Vec<Sample>,
    notices: Vec<String>,
}

impl<B: Passes> Unit<B> {
    /// Starts a batch, at most `self.batch` inputs.
    fn begin(
        &self,
        inputs: &[NonceInput],
        cancel: &AtomicBool,
    ) -> Result<Outputs<B>, BackendError> {
        let fill = self.samples.iter().cycle().map(|sample| &sample.input);
        let batch: Vec<&NonceInput> = inputs.iter().chain(fill).take(self.batch).collect();
        self.program.forward(&batch, cancel)
    }

    /// Waits for a batch and reads all of its outputs.
    fn outputs(
        &self,
        outputs: &Outputs<B>,
        inputs: &[NonceInput],
    ) -> Result<Vec<Vec<i8>>, BackendError> {
        let places: Vec<usize> = (0..inputs.len()).collect();
        self.program.rows(outputs, &places)
    }

    /// Waits for a batch and reads the outcomes of its appropriate nonces.
    fn hits(
        &self,
        race: &Race,
        outputs: &Outputs<B>,
        inputs: &[NonceInput],
    ) -> Result<Vec<Outcome>, BackendError> {
        let distances = self.program.distances(outputs, inputs)?;
        let threshold = i64::from(race.preset().threshold);
        let places: Vec<usize> = (0..inputs.len())
            .filter(|&place| i64::from(distances[place]) <= threshold)
            .collect();
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let outputs = self.program.rows(outputs, &places)?;
        let judged = places.iter().zip(&outputs).map(|(&place, y)| {
            let outcome = race.judge(&inputs[place], y);
            match i64::from(outcome.distance) == i64::from(distances[place]) {
                true => Ok(outcome),
                false => Err(wrong()),
            }
        });
        judged.collect()
    }

    /// Computes a batch of samples and compares every output.
    fn verify(&self, cancel: &AtomicBool) -> Result<(), BackendError> {
        let samples = || self.samples.iter().cycle().take(self.batch);
        let inputs: Vec<NonceInput> = samples().map(|sample| sample.input.clone()).collect();
        let outputs = self.outputs(&self.begin(&inputs, cancel)?, &inputs)?;
        match outputs.iter().eq(samples().map(|sample| &sample.y)) {
            true => Ok(()),
            false => Err(wrong()),
        }
    }

    /// Goes on with half the batch after a failure, as long as that is worth it.
    fn shrink(&mut self, mut error: BackendError, cancel: &AtomicBool) -> Result<(), BackendError> {
        loop {
            let half = self.batch / 2;
            let reason = match error {
                BackendError::Device(reason) if half >= BATCH_MIN => reason,
                error => return Err(error),
            };
            B::memory_cleanup(self.program.device());
            self.batch = half;
            self.notices.push(format!(
                "{} failed and goes on with batches of {half} nonces: {reason}",
                self.label
            ));
            match self.verify(cancel) {
                Ok(()) => return Ok(()),
                Err(again) => error = again,
            }
        }
    }

    fn forward(
        &mut self,
        inputs: &[NonceInput],
        cancel: &AtomicBool,
    ) -> Result<Vec<Vec<i8>>, BackendError> {
        let mut done = Vec::with_capacity(inputs.len());
        while done.len() < inputs.len() {
            let batch = &inputs[done.len()..];
            let batch = &batch[..batch.len().min(self.batch)];
            let begun = self.begin(batch, cancel);
            match begun.and_then(|outputs| self.outputs(&outputs, batch)) {
                Ok(outputs) => done.extend(outputs),
                Err(error) => self.shrink(error, cancel)?,
            }
        }
        Ok(done)
    }

    fn search(
        &mut self,
        race: &Race,
        node_seed: &Bytes32,
        mut nonces: Range<u64>,
        cancel: &AtomicBool,
    ) -> Result<Vec<Outcome>, BackendError> {
        let derive = |nonces: &Range<u64>, batch: usize| -> Vec<NonceInput> {
            let nonces = nonces.clone().take(batch);
            nonces.map(|nonce| race.input(node_seed, nonce)).collect()
        };
        let mut found = Vec::new();
        let mut inputs = derive(&nonces, self.batch);
        while !inputs.is_empty() {
            let begun = self.begin(&inputs, cancel);
            // The device computes; meanwhile what comes next.
            let rest = nonces.start + inputs.len() as u64..nonces.end;
            let next = derive(&rest, self.batch);
            match begun.and_then(|outputs| self.hits(race, &outputs, &inputs)) {
                Ok(hits) => {
                    found.extend(hits);
                    (nonces, inputs) = (rest, next);
                }
                Err(error) => {
                    self.shrink(error, cancel)?;
                    inputs = derive(&nonces, self.batch);
                }
            }
        }
        Ok(found)
    }
}

fn wrong() -> BackendError {
    BackendError::Device(
        "it computed other integers than the definition; update its driver, or race without it"
            .into(),
    )
}

impl<B: Passes> Backend for DeviceBackend<B> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn race(&self) -> &Race {
        &self.race
    }

    fn batch(&self) -> usize {
        BATCHES * self.units.iter().map(|unit| unit.batch).sum::<usize>()
    }

    fn forward(
        &mut self,
        inputs: &[NonceInput],
        cancel: &AtomicBool,
    ) -> Result<Vec<Vec<i8>>, BackendError> {
        self.on_each(|unit, part| {
            let share = share(&(0..inputs.len() as u64), part);
            unit.forward(&inputs[share.start as usize..share.end as usize], cancel)
        })
    }

    fn search(
        &mut self,
        node_seed: &Bytes32,
        nonces: Range<u64>,
        cancel: &AtomicBool,
    ) -> Result<Vec<Outcome>, BackendError> {
        let race = self.race.clone();
        self.on_each(|unit, part| unit.search(&race, node_seed, share(&nonces, part), cancel))
    }

    fn take_notices(&mut self) -> Vec<String> {
        let mut notices = std::mem::take(&mut self.notices);
        for unit in &mut self.units {
            notices.append(&mut unit.notices);
        }
        notices
    }
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
