//! Vectors of an independent implementation, reproduced bit for bit on every backend of the build.

use race::backend::{self, Options};
use race::vectors::{VectorError, VectorFile};

const TINY_A: &str = include_str!("vectors/race-tiny-a.json");
const TINY_B: &str = include_str!("vectors/race-tiny-b.json");
const PAPER_A: &str = include_str!("vectors/race-paper-a.json");

fn check(json: &str, backend: &str) -> Result<usize, VectorError> {
    VectorFile::parse(json)?.check(backend, Options::default(), &mut |_, _| ())
}

#[test]
fn every_backend_reproduces_tiny() {
    for name in backend::names() {
        // 5 quantities, 16 tensors, 7 per nonce, 3 of the proof and 3 openings.
        assert_eq!(check(TINY_A, name).unwrap(), 5 + 16 + 7 * 18 + 3 + 3);
        assert_eq!(check(TINY_B, name).unwrap(), 5 + 16 + 7 * 10 + 3 + 3);
    }
}

#[test]
fn the_reference_reproduces_paper() {
    assert_eq!(check(PAPER_A, "reference").unwrap(), 5 + 16 + 7 * 5);
}

#[cfg(feature = "flex")]
#[test]
fn flex_reproduces_paper() {
    assert_eq!(check(PAPER_A, "flex").unwrap(), 5 + 16 + 7 * 5);
}

/// Replaces the first `from` in the file, so that one quantity is wrong.
fn first_difference(from: &str, to: &str) -> String {
    assert!(TINY_A.contains(from), "{from} is not in the file");
    match check(&TINY_A.replacen(from, to, 1), "reference") {
        Err(VectorError::Differs { quantity, .. }) => quantity,
        other => panic!("expected a difference, got {other:?}"),
    }
}

#[test]
fn a_wrong_file_is_refused_by_the_name_of_its_first_wrong_quantity() {
    assert_eq!(first_difference("344320", "344321"), "parameters");
    assert_eq!(first_difference("b24d4e38", "b24d4e39"), "node_seed");
    assert_eq!(first_difference("25650", "25651"), "threshold");
    assert_eq!(first_difference("-39", "-38"), "target_table[0]");
    assert_eq!(
        first_difference("89152300", "89152301"),
        "tensors.layer3.wdown"
    );
    assert_eq!(first_difference("32517", "32518"), "nonces[0].distance");
    assert_eq!(first_difference("8421c65e", "8421c65f"), "nonces[0].leaf");
    assert_eq!(first_difference("8d5fd4a9", "8d5fd4aa"), "proof.root");
    assert_eq!(
        first_difference("8453844c", "8453844d"),
        "proof.openings[0].path[0]"
    );
}

#[test]
fn text_that_is_no_vector_file_is_refused() {
    assert!(matches!(
        check("{}", "reference"),
        Err(VectorError::Parse(_))
    ));
    assert!(matches!(
        check(&format!("{TINY_A} {{}}"), "reference"),
        Err(VectorError::Parse(_))
    ));
    assert!(matches!(
        check(&TINY_A.replacen("b24d4e38", "b24d4e", 1), "reference"),
        Err(VectorError::Parse(_))
    ));
    let renamed = TINY_A.replacen("\"tiny\"", "\"huge\"", 1);
    assert!(matches!(
        check(&renamed, "reference"),
        Err(VectorError::Preset { name, .. }) if name == "huge"
    ));
    assert!(matches!(
        check(TINY_A, "abacus"),
        Err(VectorError::Backend(_))
    ));
}

/// Changes the file as JSON and reads it.
fn changed(change: impl FnOnce(&mut serde_json::Value)) -> VectorError {
    let mut file = serde_json::from_str(TINY_A).unwrap();
    change(&mut file);
    check(&file.to_string(), "reference").unwrap_err()
}

#[test]
fn a_list_of_the_wrong_length_is_refused_before_anything_is_computed() {
    for (name, list) in [
        ("target_table", "/target_table"),
        ("target", "/target"),
        ("nonces[2].tokens", "/nonces/2/tokens"),
    ] {
        let error = changed(|file| {
            let list = file.pointer_mut(list).unwrap().as_array_mut().unwrap();
            list.pop();
        });
        assert!(error.is_malformed());
        assert!(error.to_string().starts_with(name), "{error}");
    }
    let error = changed(|file| {
        let hash = file["tensors"]["embedding"].clone();
        file["tensors"]["layer4.wq"] = hash;
    });
    assert!(matches!(error, VectorError::Tensor(name) if name == "layer4.wq"));
}

#[test]
fn a_wrong_entry_of_a_list_is_named() {
    let wrong = |quantity: &str, change: fn(&mut serde_json::Value)| {
        let error = changed(change);
        assert!(!error.is_malformed());
        assert!(
            error
                .to_string()
                .starts_with(&format!("{quantity} differs")),
            "{error}"
        );
    };
    wrong("target[63]", |file| file["target"][63] = 1.into());
    wrong("tensors.layer0.wq", |file| {
        file["tensors"]["layer0.wq"] = "00".repeat(32).into();
    });
    wrong("nonces[1].tokens[2]", |file| {
        file["nonces"][1]["tokens"][2] = 83.into();
    });
    wrong("nonces[4].z_sha256", |file| {
        file["nonces"][4]["z_sha256"] = "00".repeat(32).into();
    });
    wrong("proof.appropriate[1]", |file| {
        file["proof"]["appropriate"][1] = 33.into();
    });
    wrong("the number of proof.appropriate", |file| {
        let list = file["proof"]["appropriate"].as_array_mut().unwrap();
        list.pop();
    });
    wrong("proof.openings[0].nonce", |file| {
        file["proof"]["openings"][0]["nonce"] = 27.into();
    });
    wrong("proof.openings[0].leaf", |file| {
        file["proof"]["openings"][0]["leaf"] = "00".repeat(32).into();
    });
    wrong("proof.openings[0].path[1]", |file| {
        file["proof"]["openings"][0]["path"][1]["min"] = 104.into();
    });
}
