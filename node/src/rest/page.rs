//! The explorer's page at `/`: static files in the binary, plain HTML, CSS and ES modules that are shown
//! as they are written. All that they show they ask of REST and of the [`feed`](super::feed).
//!
//! What a chain says is put in as text, never as HTML, and the policy below lets no other script run, no
//! other host be asked and no other page frame this one.

use std::sync::OnceLock;

use axum::body::Body;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Path, content type, content.
const FILES: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("page/index.html")),
    ("/explorer/style.css", CSS, include_str!("page/style.css")),
    ("/explorer/icon.svg", SVG, include_str!("page/icon.svg")),
    ("/explorer/main.js", SCRIPT, include_str!("page/main.js")),
    ("/explorer/api.js", SCRIPT, include_str!("page/api.js")),
    ("/explorer/live.js", SCRIPT, include_str!("page/live.js")),
    ("/explorer/dom.js", SCRIPT, include_str!("page/dom.js")),
    (
        "/explorer/format.js",
        SCRIPT,
        include_str!("page/format.js"),
    ),
    ("/explorer/epoch.js", SCRIPT, include_str!("page/epoch.js")),
    ("/explorer/lists.js", SCRIPT, include_str!("page/lists.js")),
    (
        "/explorer/overview.js",
        SCRIPT,
        include_str!("page/overview.js"),
    ),
    (
        "/explorer/details.js",
        SCRIPT,
        include_str!("page/details.js"),
    ),
];

/// The digest of each file, in order: its version for caches.
fn tags() -> &'static [String] {
    static TAGS: OnceLock<Vec<String>> = OnceLock::new();
    TAGS.get_or_init(|| {
        let tag = |content: &str| format!("\"{}\"", hex::encode(&Sha256::digest(content)[..16]));
        FILES.iter().map(|(_, _, content)| tag(content)).collect()
    })
}

/// The file of a path; `None` where there is none.
pub fn file(path: &str, headers: &HeaderMap) -> Option<Response> {
    let files = FILES.iter().zip(tags());
    let (&(_, kind, content), tag) = files.into_iter().find(|((known, ..), _)| *known == path)?;
    let has_it = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag);
    let mut response = match has_it {
        true => Response::new(Body::empty()),
        false => Response::new(Body::from(content)),
    };
    if has_it {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let set = response.headers_mut();
    set.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    set.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    set.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    set.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // A node that was replaced by a newer one shows the newer page at once.
    set.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        set.insert(ETAG, tag);
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_a_browser_has_is_not_sent_again() {
        let first = file("/", &HeaderMap::new()).unwrap();
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[CONTENT_TYPE], HTML);
        let mut known = HeaderMap::new();
        known.insert(IF_NONE_MATCH, first.headers()[ETAG].clone());
        assert_eq!(
            file("/", &known).unwrap().status(),
            StatusCode::NOT_MODIFIED
        );
        assert_eq!(
            file("/explorer/style.css", &known).unwrap().status(),
            StatusCode::OK
        );
        assert!(file("/explorer/none.js", &known).is_none());
    }

    #[test]
    fn files_ask_no_other_host_and_write_no_html() {
        for (path, _, content) in FILES {
            for foreign in [
                "//cdn",
                "https://",
                "@import",
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
            ] {
                assert!(!content.contains(foreign), "{path} has {foreign}");
            }
            // The name of an XML namespace is no address.
            let plain = content.replace("http://www.w3.org/", "");
            assert!(!plain.contains("http://"), "{path} names a host");
        }
    }

    #[test]
    fn every_module_and_style_that_is_named_is_served() {
        let served = |name: &str| {
            FILES
                .iter()
                .any(|(path, ..)| *path == format!("/explorer/{name}"))
        };
        for (path, _, content) in FILES {
            let named = content.split('"').filter_map(|text| {
                text.strip_prefix("./")
                    .or_else(|| text.strip_prefix("explorer/"))
            });
            for name in named.filter(|name| name.contains('.')) {
                assert!(served(name), "{path} names {name}");
            }
        }
    }
}
