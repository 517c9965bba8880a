//! Finding the `cometbft` executable.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The variable that names the executable.
pub const VARIABLE: &str = "RACED_COMETBFT";

const NAME: &str = "cometbft";
const HOW_TO_BUILD: &str = "`make build` in the repository builds it to target/bin/cometbft \
     (or `go build github.com/cometbft/cometbft/cmd/cometbft` in deploy/cometbft)";

/// No usable executable.
#[derive(Debug, thiserror::Error)]
pub enum BinaryError {
    /// A path was given and there is no executable file at it.
    #[error("{origin} names {}, which is not an executable file; {HOW_TO_BUILD}", path.display())]
    NotExecutable {
        /// `--cometbft` or `RACED_COMETBFT`.
        origin: &'static str,
        /// The path as given.
        path: PathBuf,
    },
    /// Nothing was given and nothing was found.
    #[error("cometbft was not found: looked at {}; {HOW_TO_BUILD}, or give its path with --cometbft or {VARIABLE}", list(places))]
    NotFound {
        /// Where it was looked for.
        places: Vec<PathBuf>,
    },
}

fn list(places: &[PathBuf]) -> String {
    let places: Vec<_> = places.iter().map(|p| p.display().to_string()).collect();
    places.join(", ")
}

/// The executable: `given` (the `--cometbft` flag), else `RACED_COMETBFT`, else beside the running
/// executable (or in `bin` beside its folder, as in a build tree), else on `PATH`.
///
/// # Errors
/// When a given path is not an executable file, or nothing is found.
pub fn find(given: Option<&Path>) -> Result<PathBuf, BinaryError> {
    find_with(
        given,
        std::env::var_os(VARIABLE).as_deref(),
        std::env::current_exe().ok().as_deref(),
        std::env::var_os("PATH").as_deref(),
    )
}

/// [`find`] with its surroundings as arguments.
pub(crate) fn find_with(
    given: Option<&Path>,
    variable: Option<&OsStr>,
    own_executable: Option<&Path>,
    path: Option<&OsStr>,
) -> Result<PathBuf, BinaryError> {
    let named = given.map(|path| ("--cometbft", path)).or_else(|| {
        let value = variable.filter(|value| !value.is_empty())?;
        Some((VARIABLE, Path::new(value)))
    });
    if let Some((origin, path)) = named {
        return if is_executable(path) {
            // CometBFT is started in another folder.
            Ok(std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()))
        } else {
            Err(BinaryError::NotExecutable {
                origin,
                path: path.to_path_buf(),
            })
        };
    }
    let mut places = Vec::new();
    if let Some(folder) = own_executable.and_then(Path::parent) {
        places.push(folder.join(NAME));
        // target/debug/raced and target/debug/deps/test: beside them lies target/bin.
        for above in folder.ancestors().skip(1).take(2) {
            places.push(above.join("bin").join(NAME));
        }
    }
    if let Some(path) = path {
        places.extend(
            std::env::split_paths(path)
                .filter(|folder| folder.is_absolute())
                .map(|folder| folder.join(NAME)),
        );
    }
    match places.iter().find(|place| is_executable(place)) {
        Some(place) => Ok(place.clone()),
        None => Err(BinaryError::NotFound { places }),
    }
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
