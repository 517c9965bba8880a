//! The function wholly on NVIDIA GPUs, through burn's cubecl backend.
//!
//! A build with this backend starts on machines without CUDA: libraries are opened at run time, and
//! [`missing`] says in words what is not there before anything is asked of them.

use std::sync::atomic::AtomicBool;

use burn::tensor::bf16;
use burn_cubecl::CubeBackend;
use cubecl::cuda::{install, CudaDevice, CudaRuntime};
use cudarc::driver::{CudaContext, DriverError};

use super::device::{batch_in, DeviceBackend, BATCH_MIN};
use super::{Backend, BackendError, Entry, Options};
use crate::{Preset, Race};

const NAME: &str = "cuda";

/// Its entry in the registry.
pub const ENTRY: Entry = Entry {
    name: NAME,
    about: "NVIDIA GPUs, wholly on the device",
    unavailable: missing,
    load,
};

/// Weights and activations are bf16: integers of 7 bits are exact in it, and tensor cores multiply
/// it with f32 sums.
type Cuda = CubeBackend<CudaRuntime, bf16, i32, u8>;

/// What this machine lacks to run the backend, as a sentence; none when it can.
pub fn missing() -> Option<String> {
    if !library::driver() {
        return Some(
            "libcuda is not found: CUDA needs an NVIDIA GPU and its driver, 570 or later".into(),
        );
    }
    if !library::compiler() {
        return Some(
            "libnvrtc is not found: install the CUDA toolkit's NVRTC, and name its folder in LD_LIBRARY_PATH where the system does not look there".into(),
        );
    }
    let headers = install::cuda_path().map(|path| path.join("include"));
    match headers {
        Some(path) if path.join("cuda_runtime.h").exists() => {}
        Some(path) => {
            return Some(format!(
                "CUDA's headers are not in {}: set CUDA_PATH to the toolkit's folder",
                path.display()
            ))
        }
        None => {
            return Some(
                "CUDA's headers are not found: install the CUDA toolkit, or set CUDA_PATH to its folder".into(),
            )
        }
    }
    match CudaContext::device_count() {
        Ok(0) => Some("the NVIDIA driver shows no GPU: see CUDA_VISIBLE_DEVICES".into()),
        Ok(_) => None,
        Err(error) => Some(format!("the NVIDIA driver does not start: {error}")),
    }
}

/// Prepares `race` on every GPU that the driver shows and that can hold it.
///
/// # Errors
/// [`BackendError::Device`] when there is none, or none computes the definition's integers;
/// [`BackendError::Cancelled`] when `cancel` was set.
fn load(
    race: Race,
    options: Options,
    cancel: &AtomicBool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Box<dyn Backend>, BackendError> {
    let mut devices = Vec::new();
    let mut refused = String::new();
    let count = CudaContext::device_count().map_err(driver)?;
    for index in 0..usize::try_from(count).unwrap_or(0) {
        match device(race.preset(), index).map_err(driver)? {
            Ok((label, batch)) => devices.push((label, CudaDevice::new(index), batch)),
            Err(reason) => refused = reason,
        }
    }
    if devices.is_empty() {
        return Err(BackendError::Device(refused));
    }
    let backend = DeviceBackend::<Cuda>::load(NAME, race, devices, options, cancel, progress)?;
    Ok(Box::new(backend))
}

/// The name and batch of a GPU, or why it cannot hold `preset`.
fn device(preset: &Preset, index: usize) -> Result<Result<(String, usize), String>, DriverError> {
    let context = CudaContext::new(index)?;
    let label = format!("GPU {index} ({})", context.name()?);
    let (free, _) = context.mem_get_info()?;
    let batch = batch_in(preset, free as u64, size_of::<bf16>() as u64);
    Ok(batch.map(|batch| (label.clone(), batch)).ok_or_else(|| {
        format!(
            "{label} has {} MiB free, too little for the weights of {} and {BATCH_MIN} nonces",
            free >> 20,
            preset.name
        )
    }))
}

fn driver(error: DriverError) -> BackendError {
    BackendError::Device(format!("the NVIDIA driver: {error}"))
}

/// Asking whether a library can be opened runs what it does when it is opened.
#[allow(unsafe_code)]
mod library {
    /// Whether libcuda can be opened.
    pub fn driver() -> bool {
        // SAFETY: the NVIDIA driver's library may be opened by any program at any time.
        unsafe { cudarc::driver::sys::is_culib_present() }
    }

    /// Whether libnvrtc can be opened.
    pub fn compiler() -> bool {
        // SAFETY: as above.
        unsafe { cudarc::nvrtc::sys::is_culib_present() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::TINY;

    #[test]
    fn without_cuda_the_backend_says_what_is_missing_and_is_not_offered() {
        let offered = crate::backend::names().contains(&NAME);
        assert_eq!(offered, missing().is_none());
        if let Some(reason) = missing() {
            let race = Race::new(&TINY, [1; 32]);
            let (options, never) = (Options::default(), AtomicBool::new(false));
            let error = crate::backend::load(NAME, race, options, &never, &mut |_, _| ()).err();
            let name = NAME.to_owned();
            assert_eq!(error, Some(BackendError::Unavailable { name, reason }));
        }
    }
}
