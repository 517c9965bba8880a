//! Digest of a file, with progress.

use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::InferenceError;
use crate::gguf;

const CHUNK: usize = 1 << 20;

/// SHA-256 and length of the file at `path`. `on_progress` gets bytes done and total; `false` ends
/// it with [`InferenceError::Cancelled`].
pub(crate) fn file_sha256(
    path: &Path,
    mut on_progress: impl FnMut(u64, u64) -> bool,
) -> Result<([u8; 32], u64), InferenceError> {
    let io = |source| InferenceError::Io {
        path: path.to_path_buf(),
        source,
    };
    let mut file = gguf::open(path)?;
    let total = file.metadata().map_err(io)?.len();
    let mut digest = Sha256::new();
    let mut chunk = vec![0u8; CHUNK];
    let mut done = 0u64;
    loop {
        let read = file.read(&mut chunk).map_err(io)?;
        if read == 0 {
            return Ok((digest.finalize().into(), done));
        }
        digest.update(&chunk[..read]);
        done = done.saturating_add(read as u64);
        if !on_progress(done, total) {
            return Err(InferenceError::Cancelled);
        }
    }
}
