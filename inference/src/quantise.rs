//! Writes a coarser copy of a model file, with llama.cpp's own quantiser. For tests and
//! demonstrations of checking: a host that serves the copy under the original's name is caught.
#![allow(
    unsafe_code,
    reason = "llama.cpp's quantiser has no safe wrapper; it takes two C strings and a parameter \
              block that all outlive the call, and keeps none of them"
)]

use std::ffi::CString;
use std::path::Path;

use llama_cpp_sys_2 as sys;

use crate::error::InferenceError;
use crate::gguf::Header;
use crate::llama::backend;

/// Formats that a copy can have, finest first. Matrices whose width is no multiple of 256 get a
/// somewhat finer format than the K ones name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CoarseFormat {
    /// 8 bits, nearly lossless.
    Q8_0,
    /// 4 bits with scales.
    Q4_0,
    /// About 3.9 bits.
    Q3KM,
    /// About 2.6 bits: visibly worse answers.
    Q2K,
}

impl CoarseFormat {
    fn number(self) -> sys::llama_ftype {
        match self {
            Self::Q8_0 => sys::LLAMA_FTYPE_MOSTLY_Q8_0,
            Self::Q4_0 => sys::LLAMA_FTYPE_MOSTLY_Q4_0,
            Self::Q3KM => sys::LLAMA_FTYPE_MOSTLY_Q3_K_M,
            Self::Q2K => sys::LLAMA_FTYPE_MOSTLY_Q2_K,
        }
    }
}

/// Quantises the model at `from` to `format` and writes it to `to` (overwritten), on `threads`
/// threads. Formats that lose precision twice are allowed: the source may be quantised already.
///
/// # Errors
/// `from` is missing or not GGUF, a path is not UTF-8, or the quantiser fails.
pub fn quantise(
    from: &Path,
    to: &Path,
    format: CoarseFormat,
    threads: u32,
) -> Result<(), InferenceError> {
    Header::read(from)?;
    backend()?;
    let source = c_path(from)?;
    let target = c_path(to)?;
    // SAFETY: takes nothing and returns a plain value.
    let mut parameters = unsafe { sys::llama_model_quantize_default_params() };
    parameters.nthread = i32::try_from(threads.max(1)).unwrap_or(i32::MAX);
    parameters.ftype = format.number();
    parameters.allow_requantize = true;
    parameters.quantize_output_tensor = true;
    // SAFETY: both strings end in NUL and, like the parameters, live until the call returns; all
    // pointers in the parameters are the defaults (null). llama.cpp catches its own exceptions and
    // answers with a code.
    let code = unsafe {
        sys::llama_model_quantize(source.as_ptr(), target.as_ptr(), &raw const parameters)
    };
    if code != 0 {
        return Err(InferenceError::Engine(format!(
            "llama.cpp could not quantise {} to {format:?} (code {code})",
            from.display()
        )));
    }
    Ok(())
}

fn c_path(path: &Path) -> Result<CString, InferenceError> {
    path.to_str()
        .and_then(|text| CString::new(text).ok())
        .ok_or_else(|| {
            InferenceError::BadRequest(format!(
                "the path {} must be UTF-8 without NUL bytes",
                path.display()
            ))
        })
}
