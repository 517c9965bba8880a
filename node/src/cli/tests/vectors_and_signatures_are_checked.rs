use std::path::{Path, PathBuf};

use race_randomness::bls::SecretKey;

use super::raced;

fn vector(home: &Path, change: impl FnOnce(&mut serde_json::Value)) -> PathBuf {
    let mut file: serde_json::Value = serde_json::from_str(include_str!(
        "../../../../race/tests/vectors/race-tiny-a.json"
    ))
    .unwrap();
    change(&mut file);
    let path = home.join("vector.json");
    std::fs::write(&path, file.to_string()).unwrap();
    path
}

#[tokio::test]
async fn a_right_vector_is_0_and_the_first_difference_of_a_wrong_one_is_named() {
    let home = tempfile::tempdir().unwrap();
    let path = vector(home.path(), |_| ());
    let file = path.to_str().unwrap();
    let check = [
        "race",
        "check",
        file,
        "--backend",
        "reference",
        "-o",
        "json",
    ];
    let done = raced(home.path(), &check).await;
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(done.json()["files"][0]["agrees"], true);

    vector(home.path(), |file| {
        let distance = file["nonces"][2]["distance"].as_u64().unwrap();
        file["nonces"][2]["distance"] = (distance + 1).into();
    });
    let done = raced(home.path(), &check).await;
    assert_eq!(done.code, 1);
    assert!(
        done.err.contains("nonces[2].distance differs"),
        "{}",
        done.err
    );
    assert_eq!(done.json()["files"][0]["agrees"], false);

    std::fs::write(&path, "{}").unwrap();
    assert_eq!(raced(home.path(), &check).await.code, 2);
}

#[tokio::test]
async fn a_benchmark_reports_what_scripts_read() {
    let home = tempfile::tempdir().unwrap();
    let args = [
        "race",
        "bench",
        "--preset",
        "tiny",
        "--backend",
        "reference",
        "--seconds",
        "1",
        "-o",
        "json",
    ];
    let done = raced(home.path(), &args).await.json();
    assert_eq!(
        (&done["preset"], &done["backend"]),
        (&"tiny".into(), &"reference".into())
    );
    assert!(done["nonces_per_s"].as_f64().unwrap() > 0.0);
    assert!(done["gflop_per_nonce"].as_f64().unwrap() > 0.0);
    assert!(done["weights_s"].as_f64().unwrap() >= 0.0);
    assert!(done["batch"].as_u64().unwrap() > 0);
    assert!(done["device"].is_string());
}

#[tokio::test]
async fn a_signature_is_right_wrong_or_none() {
    let home = tempfile::tempdir().unwrap();
    let key = SecretKey::from_key_material(&[7; 32]).unwrap();
    let public = hex::encode(key.public_key().to_bytes());
    let standard = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";
    let signature = |dst: &str| hex::encode(key.sign(b"round", dst.as_bytes()).to_bytes());
    let message = hex::encode("round");
    let flip = |text: &str| text.replacen(&text[..2], "00", 1);
    for (signature, dst, expected) in [
        (signature(standard), None, 0),
        (signature("MINE"), Some("MINE"), 0),
        (signature("MINE"), None, 1),
        (flip(&signature(standard)), None, 2),
        ("00".to_owned(), None, 2),
        ("xyz".to_owned(), None, 2),
    ] {
        let mut args = vec![
            "beacon",
            "verify",
            "--public-key",
            &public,
            "--message",
            &message,
        ];
        args.extend(["--signature", &signature]);
        args.extend(dst.into_iter().flat_map(|dst| ["--dst", dst]));
        let done = raced(home.path(), &args).await;
        assert_eq!(done.code, expected, "{}", done.err);
    }
}
