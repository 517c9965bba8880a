use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

use super::*;

/// An authority, and a certificate of it for localhost with its key; valid for a hundred years. README.md
/// beside them says how they were made.
const AUTHORITY: &[u8] = include_bytes!("tests/authority.pem");
const CERTIFICATE: &[u8] = include_bytes!("tests/localhost.pem");
const KEY: &[u8] = include_bytes!("tests/localhost.key");

/// Answers a request, whatever it is for.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: String) {
    let mut request = [0; 4096];
    // A client that refuses the certificate sends nothing.
    if stream.read(&mut request).await.is_ok_and(|read| read > 0) {
        drop(stream.write_all(answer.as_bytes()).await);
        drop(stream.shutdown().await);
    }
}

/// A server with TLS that gives `response` to all who ask; its port.
async fn serve(response: String) -> u16 {
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()],
            PrivateKeyDer::from_pem_slice(KEY).unwrap(),
        )
        .unwrap();
    let tls = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = tls.accept(stream).await {
                answer(stream, response.clone()).await;
            }
        }
    });
    port
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}")
}

async fn get(url: &str, most: u64) -> Result<String, FetchError> {
    let trusted = Certificate::from_pem_bundle(AUTHORITY).unwrap();
    fetch(&Place::of(url)?, most, &trusted).await
}

#[tokio::test]
async fn a_file_comes_over_https_from_a_server_that_is_trusted() {
    let port = serve(ok("{}")).await;
    let url = format!("https://localhost:{port}/network.json");
    assert_eq!(get(&url, 2).await.unwrap(), "{}");
    // Without its authority it is a stranger.
    let place = Place::of(&url).unwrap();
    let refused = fetch(&place, 2, &[]).await.unwrap_err();
    assert!(matches!(refused, FetchError::Untrusted { .. }), "{refused}");
    assert!(refused.to_string().contains("--tls-ca"), "{refused}");
    // So it is under a name that its certificate does not have.
    let refused = get(&format!("https://127.0.0.1:{port}/"), 2).await;
    assert!(matches!(refused, Err(FetchError::Untrusted { .. })));
}

#[tokio::test]
async fn what_is_too_large_is_refused_whether_or_not_the_server_says_so() {
    let honest = "HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n{}".to_owned();
    for response in [honest, ok(&"x".repeat(100))] {
        let port = serve(response).await;
        let refused = get(&format!("https://localhost:{port}/"), 99).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("more than 99 bytes"), "{refused}");
    }
}

#[tokio::test]
async fn a_redirect_never_leads_out_of_https() {
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = plain.local_addr().unwrap();
    let port = serve(format!(
        "HTTP/1.1 302 Found\r\nlocation: http://{to}/\r\nconnection: close\r\n\r\n"
    ))
    .await;
    let refused = get(&format!("https://localhost:{port}/"), 99).await;
    assert!(matches!(refused, Err(FetchError::Failed { .. })));
}

#[tokio::test]
async fn http_is_taken_from_this_machine_alone() {
    for url in [
        "http://example.org/network.json",
        "http://10.0.0.1/network.json",
        "http://localhost.example.org/",
        "ftp://127.0.0.1/network.json",
        "https://",
    ] {
        let refused = Place::of(url).unwrap_err();
        assert!(refused.is_usage(), "{refused}");
        assert!(refused.to_string().contains("https"), "{refused}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        answer(stream, ok("{}")).await;
    });
    assert_eq!(get(&url, 2).await.unwrap(), "{}");
}

#[test]
fn what_a_file_names_is_looked_for_beside_it() {
    let server = Place::of("https://example.org/race/network.json").unwrap();
    let named = |name| server.named(name).unwrap();
    let url = |text| Place::of(text).unwrap();
    assert_eq!(
        named("genesis.json"),
        url("https://example.org/race/genesis.json")
    );
    assert_eq!(
        named("https://example.net/genesis.json"),
        url("https://example.net/genesis.json")
    );
    // A server cannot name files of this machine.
    assert_eq!(
        named("/etc/genesis.json"),
        url("https://example.org/etc/genesis.json")
    );
    assert!(server.named("http://example.net/genesis.json").is_err());

    let folder = tempfile::tempdir().unwrap();
    let file = Place::File(folder.path().join("network.json"));
    let near = folder.path().join("genesis-of-a-test.json");
    std::fs::write(&near, "{}").unwrap();
    assert_eq!(
        file.named("genesis-of-a-test.json").unwrap(),
        Place::File(near)
    );
}
