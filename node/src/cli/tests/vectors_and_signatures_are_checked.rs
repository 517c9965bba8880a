use std::path::{Path, PathBuf};

use race_randomness::bls::SecretKey;

use super::raced;

/// A seed as `raced query beacon seed` prints it.
const SEED: &str = include_str!("../../../../randomness/light/seed.json");

#[tokio::test]
async fn a_race_seed_is_checked_without_a_node() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("seed.json");
    let file = path.to_str().unwrap();
    std::fs::write(&path, SEED).unwrap();
    let verify = ["beacon", "verify", "--seed", file, "-o", "json"];
    let done = raced(home.path(), &verify).await;
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(done.json()["valid"], true);
    let group = done.json()["group"].as_str().unwrap().to_owned();
    let trusted = [&verify[..], &["--public-key", &group]].concat();
    assert_eq!(raced(home.path(), &trusted).await.code, 0);
    let other = SecretKey::from_key_material(&[9; 32]).unwrap().public_key();
    let other = hex::encode(other.to_bytes());
    let untrusted = [&verify[..], &["--public-key", &other]].concat();
    let done = raced(home.path(), &untrusted).await;
    assert_eq!(done.code, 1);
    assert!(done.err.contains("signature"), "{}", done.err);
}

#[tokio::test]
async fn every_part_of_a_race_seed_is_bound() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("seed.json");
    let file = path.to_str().unwrap();
    let seed: serde_json::Value = serde_json::from_str(SEED).unwrap();
    let changed: [(&str, serde_json::Value, u8); 8] = [
        ("/chain_id", "race-test-2".into(), 1),
        ("/seed/epoch", "2".into(), 1),
        ("/seed/race_attempt", 2.into(), 1),
        ("/seed/signing_attempt", 2.into(), 1),
        ("/seed/transcript", seed["seed"]["seed"].clone(), 1),
        ("/seed/seed", seed["seed"]["transcript"].clone(), 1),
        ("/seed/degraded", true.into(), 1),
        ("/seed/seed", "AAAA".into(), 2),
    ];
    for (place, value, code) in changed {
        let mut seed = seed.clone();
        *seed.pointer_mut(place).unwrap() = value;
        std::fs::write(&path, seed.to_string()).unwrap();
        let done = raced(home.path(), &["beacon", "verify", "--seed", file]).await;
        assert_eq!(done.code, code, "{place}: {}", done.err);
    }
    for junk in ["", "{}", "[]", "{\"seed\": 3}"] {
        std::fs::write(&path, junk).unwrap();
        let done = raced(home.path(), &["beacon", "verify", "--seed", file]).await;
        assert_eq!(done.code, 2, "{junk}: {}", done.err);
    }
}

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
}

#[tokio::test]
async fn with_layers_a_backend_that_is_right_sends_the_reader_to_the_file() {
    let home = tempfile::tempdir().unwrap();
    let path = vector(home.path(), |file| {
        file["nonces"][0]["z_sha256"] = "00".repeat(32).into();
    });
    let file = path.to_str().unwrap();
    let check = [
        "race",
        "check",
        file,
        "--layers",
        "--backend",
        "reference",
        "-o",
        "json",
    ];
    let done = raced(home.path(), &check).await;
    assert_eq!(done.code, 1, "{}", done.err);
    let result = &done.json()["files"][0];
    let difference = result["difference"].as_str().unwrap();
    assert!(difference.starts_with("nonces[0].z_sha256 differs"));
    let layers = result["layers"].as_str().unwrap();
    assert!(layers.starts_with("reference agrees"), "{layers}");
}

#[tokio::test]
async fn a_file_that_is_no_vector_is_wrong_usage_and_says_why() {
    let home = tempfile::tempdir().unwrap();
    let path = vector(home.path(), |_| ());
    let right = std::fs::read_to_string(&path).unwrap();
    let changed = |change: fn(&mut serde_json::Value)| {
        let mut file: serde_json::Value = serde_json::from_str(&right).unwrap();
        change(&mut file);
        file.to_string().into_bytes()
    };
    for (bytes, reason) in [
        (b"{}".to_vec(), "not a vector file: missing field"),
        (b"{ \"preset\": ".to_vec(), "EOF while parsing"),
        (format!("{right}]").into_bytes(), "trailing characters"),
        (vec![0xff, 0xfe, 0xfd], "cannot read"),
        (
            changed(|file| file["preset"] = "huge".into()),
            "known presets are paper, small and tiny",
        ),
        (
            changed(|file| file["extra"] = 1.into()),
            "unknown field `extra`",
        ),
        (
            changed(|file| file["race_seed"] = "00".into()),
            "Invalid string length",
        ),
        (
            changed(|file| file["target"] = [1, 2].into()),
            "target has 2 entries; the preset has 64",
        ),
        (
            changed(|file| file["nonces"][0]["tokens"] = [1].into()),
            "nonces[0].tokens has 1 entries; the preset has 4",
        ),
        (
            changed(|file| file["tensors"]["layer9.wq"] = "00".repeat(32).into()),
            "layer9.wq is no tensor",
        ),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let done = raced(home.path(), &["race", "check", path.to_str().unwrap()]).await;
        assert_eq!(
            (done.code, done.out.as_str()),
            (2, ""),
            "{reason}: {}",
            done.err
        );
        assert!(done.err.contains("vector.json"), "{}", done.err);
        assert!(done.err.contains(reason), "{reason}: {}", done.err);
    }
}

#[tokio::test]
async fn a_study_is_a_table_for_people_and_json_for_scripts() {
    let home = tempfile::tempdir().unwrap();
    let study = [
        "race",
        "study",
        "--preset",
        "tiny",
        "--nonces",
        "20",
        "--seed",
        "3",
        "--skip",
        "1,2",
        "--backend",
        "reference",
    ];
    let shown = raced(home.path(), &study).await;
    assert_eq!(shown.code, 0, "{}", shown.err);
    for part in [
        "preset tiny, seed 3, 20 nonces",
        "outputs of two nonces",
        "without the last 2 layers",
        "one input changed by 1",
        "each nonce:",
    ] {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    let args = [&study[..], &["--output", "json"]].concat();
    let report = raced(home.path(), &args).await.json();
    assert_eq!(report["preset"], "tiny");
    assert_eq!(report["inside"]["skipped"].as_array().unwrap().len(), 2);
    assert_eq!(report["inside"]["spreads"][0]["name"], "q");
    assert_eq!(report["odds"]["own"]["distance"]["count"], 20);
    assert_eq!(report["odds"]["threshold"], 25_650);
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
