//! Getting a network's files: `network.json`, and the genesis that it names.
//!
//! A file comes from a path or over https; over http only from this machine, since whoever is on the way could
//! send another network. Certificates are verified against Mozilla's authorities, which are built in, and those
//! that the operator names.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Url};

/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// How long a server may send nothing.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(600);
/// Most redirects, each to https again.
const REDIRECTS: usize = 3;

/// Why a file did not come.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no URL that is fetched.
    #[error("{url} cannot be fetched: {reason}; give a path or an https:// URL")]
    Url {
        /// As given.
        url: String,
        /// Why.
        reason: String,
    },
    /// It would come unprotected from elsewhere.
    #[error("{0}: http is taken from this machine only, since others on the way could change what comes; give an https:// URL, or get the file in a way that you trust and give its path")]
    Unprotected(Url),
    /// The certificates to trust cannot be used.
    #[error("{}: {reason}; it must be a PEM file of certificates", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The server has a certificate that is not trusted.
    #[error("{url}: {reason}; for a certificate of an authority of your own give its file with --tls-ca")]
    Untrusted {
        /// The URL.
        url: Url,
        /// What is wrong with it.
        reason: String,
    },
    /// The server does not answer, or not in time.
    #[error("{url}: {reason}; try again, or give the path of the file")]
    Failed {
        /// The URL.
        url: Url,
        /// Why.
        reason: String,
    },
    /// It is too large.
    #[error("{place} has more than {most} bytes, so it is not what it is taken for")]
    TooLarge {
        /// Where.
        place: String,
        /// The limit.
        most: u64,
    },
    /// It is no text.
    #[error("{0} is no text, so it is not what it is taken for")]
    NoText(String),
}

impl FetchError {
    /// Whether what was given can never be fetched.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Read { .. } | Self::Url { .. } | Self::Unprotected(_) | Self::Authorities { .. }
        )
    }
}

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On this machine.
    File(PathBuf),
    /// On a server.
    Url(Url),
}

impl Place {
    /// A path or a URL.
    ///
    /// # Errors
    /// [`FetchError::Url`], [`FetchError::Unprotected`].
    pub fn of(text: &str) -> Result<Self, FetchError> {
        if !text.contains("://") {
            return Ok(Self::File(text.into()));
        }
        let malformed = |reason: String| FetchError::Url {
            url: text.to_owned(),
            reason,
        };
        let url = Url::parse(text).map_err(|error| malformed(error.to_string()))?;
        checked(url)
    }

    /// What the file at this place names: a place of its own, or one relative to this.
    ///
    /// # Errors
    /// As of [`Place::of`].
    pub fn named(&self, name: &str) -> Result<Self, FetchError> {
        match self {
            _ if name.contains("://") => Self::of(name),
            Self::Url(url) => {
                let joined = url.join(name).map_err(|error| FetchError::Url {
                    url: name.to_owned(),
                    reason: error.to_string(),
                })?;
                checked(joined)
            }
            Self::File(file) => {
                let path = Path::new(name);
                let near = file.parent().map(|folder| folder.join(path));
                let near = near.filter(|near| !path.exists() && near.exists());
                Ok(Self::File(near.unwrap_or_else(|| path.to_owned())))
            }
        }
    }
}

fn checked(url: Url) -> Result<Place, FetchError> {
    match url.scheme() {
        "https" => Ok(Place::Url(url)),
        "http" if is_here(&url) => Ok(Place::Url(url)),
        "http" => Err(FetchError::Unprotected(url)),
        scheme => Err(FetchError::Url {
            reason: format!("{scheme} is not supported"),
            url: url.into(),
        }),
    }
}

/// Whether the server is on this machine.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Reads the certificates of further authorities.
///
/// # Errors
/// [`FetchError::Read`], [`FetchError::Authorities`].
pub fn authorities(path: &Path) -> Result<Vec<Certificate>, FetchError> {
    let pem = std::fs::read(path).map_err(|source| FetchError::Read {
        path: path.to_owned(),
        source,
    })?;
    let refused = |reason: String| FetchError::Authorities {
        path: path.to_owned(),
        reason,
    };
    let found = Certificate::from_pem_bundle(&pem).map_err(|e| refused(reasons(&e)))?;
    match found.is_empty() {
        true => Err(refused("there is no certificate in it".to_owned())),
        false => Ok(found),
    }
}

/// The text at a place, of at most `most` bytes; servers may have certificates of `authorities`, too.
///
/// # Errors
/// See [`FetchError`].
pub async fn fetch(
    place: &Place,
    most: u64,
    authorities: &[Certificate],
) -> Result<String, FetchError> {
    match place {
        Place::File(path) => std::fs::read_to_string(path).map_err(|source| FetchError::Read {
            path: path.clone(),
            source,
        }),
        Place::Url(url) => from_server(url, most, authorities).await,
    }
}

async fn from_server(
    url: &Url,
    most: u64,
    authorities: &[Certificate],
) -> Result<String, FetchError> {
    let failed = |error: reqwest::Error| {
        let (url, reason) = (url.clone(), reasons(&error));
        match reason.contains("certificate") {
            true => FetchError::Untrusted { url, reason },
            false => FetchError::Failed { url, reason },
        }
    };
    let too_large = || FetchError::TooLarge {
        place: url.to_string(),
        most,
    };
    let protected = url.scheme() == "https";
    let mut client = Client::builder()
        .connect_timeout(CONNECT_LIMIT)
        .read_timeout(SILENCE_LIMIT)
        .timeout(LIMIT)
        .https_only(protected)
        .redirect(match protected {
            true => Policy::limited(REDIRECTS),
            false => Policy::none(),
        });
    for authority in authorities {
        client = client.add_root_certificate(authority.clone());
    }
    let request = client.build().map_err(failed)?.get(url.clone());
    let mut response = request.send().await.map_err(failed)?;
    if !response.status().is_success() {
        return Err(FetchError::Failed {
            url: url.clone(),
            reason: format!("the server answered {}", response.status()),
        });
    }
    if response.content_length().is_some_and(|bytes| bytes > most) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(part) = response.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&part);
        if bytes.len() as u64 > most {
            return Err(too_large());
        }
    }
    String::from_utf8(bytes).map_err(|_| FetchError::NoText(url.to_string()))
}

/// An error with all that it comes from: of a refused certificate only the innermost says why.
fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests;
