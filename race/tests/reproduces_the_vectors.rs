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
    assert_eq!(first_difference("-39", "-38"), "target_table");
    assert_eq!(
        first_difference("89152300", "89152301"),
        "tensors.layer3.wdown"
    );
    assert_eq!(first_difference("32517", "32518"), "nonces[0].distance");
    assert_eq!(first_difference("8421c65e", "8421c65f"), "nonces[0].leaf");
    assert_eq!(first_difference("8d5fd4a9", "8d5fd4aa"), "proof.root");
    assert_eq!(
        first_difference("8453844c", "8453844d"),
        "proof.openings[0]"
    );
}

#[test]
fn text_that_is_no_vector_file_is_refused() {
    assert!(matches!(
        check("{}", "reference"),
        Err(VectorError::Parse(_))
    ));
    let renamed = TINY_A.replacen("\"tiny\"", "\"huge\"", 1);
    assert!(matches!(
        check(&renamed, "reference"),
        Err(VectorError::Preset(_))
    ));
    assert!(matches!(
        check(TINY_A, "abacus"),
        Err(VectorError::Backend(_))
    ));
}
