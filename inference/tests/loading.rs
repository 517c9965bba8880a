//! What loading says and refuses.

mod common;

use std::path::Path;

use common::{model_file, options};
use race_inference::llama::LlamaEngine;
use race_inference::quantise::{quantise, CoarseFormat};
use race_inference::{fixture, Engine, InferenceError, LoadOptions, LoadStage, ModelInfo};

fn load(path: &Path, options: &LoadOptions) -> Result<ModelInfo, InferenceError> {
    let engine = LlamaEngine::new()?;
    engine
        .load(path, options, &mut |_| true)
        .map(|model| model.info().clone())
}

#[test]
fn a_loaded_model_says_what_it_is() {
    let (_folder, path) = model_file(1);
    let info = load(&path, &options()).unwrap();
    assert_eq!(info.architecture, "llama");
    assert_eq!(info.format, "Q8_0");
    let class = info.engine_class.to_string();
    assert!(
        class.starts_with("llama/cpu-") && class.ends_with("/exact"),
        "{class}"
    );
    assert_eq!(info.context_length, 512);
    assert_eq!(info.trained_context_length, fixture::CONTEXT_LENGTH);
    assert_eq!(info.vocabulary_size, fixture::VOCABULARY_SIZE);
    assert_eq!(info.file_bytes, fixture::tiny_gguf(1).len() as u64);
    assert_eq!(info.memory.weights, info.file_bytes);
    // 2 layers, 512 positions, 64 wide, keys and values, half precision.
    assert_eq!(info.memory.cache, 2 * 512 * 64 * 2 * 2);
    assert!(info.file_bytes < 600_000);
}

#[test]
fn the_fixture_is_the_same_file_for_the_same_seed() {
    let (_one, first) = model_file(9);
    let (_two, second) = model_file(9);
    let (_three, other) = model_file(10);
    let digest = |path| load(path, &options()).unwrap().weights_sha256;
    assert_eq!(digest(&first), digest(&second));
    assert_ne!(digest(&first), digest(&other));
}

#[test]
fn progress_goes_through_both_stages_to_the_end_and_can_be_stopped() {
    let (_folder, path) = model_file(1);
    let engine = LlamaEngine::new().unwrap();
    let mut seen = Vec::new();
    engine
        .load(&path, &options(), &mut |progress| {
            seen.push(progress);
            true
        })
        .unwrap();
    let last = |stage| seen.iter().rfind(|p| p.stage == stage).map(|p| p.permille);
    assert_eq!(last(LoadStage::Hashing), Some(1000));
    assert_eq!(last(LoadStage::Loading), Some(1000));

    let stopped = engine.load(&path, &options(), &mut |_| false).map(|_| ());
    assert!(matches!(stopped, Err(InferenceError::Cancelled)));
}

#[test]
fn a_missing_file_a_folder_and_another_kind_of_file_are_told_apart() {
    let (folder, path) = model_file(1);
    let missing = folder.path().join("nothing.gguf");
    assert!(matches!(
        load(&missing, &options()),
        Err(InferenceError::FileMissing { .. })
    ));
    assert!(matches!(
        load(folder.path(), &options()),
        Err(InferenceError::FileMissing { .. })
    ));
    let other = folder.path().join("other.gguf");
    std::fs::write(&other, b"not a model at all").unwrap();
    assert!(matches!(
        load(&other, &options()),
        Err(InferenceError::NotGguf { .. })
    ));
    let cut = folder.path().join("cut.gguf");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(
        load(&cut, &options()),
        Err(InferenceError::LoadFailed { .. })
    ));
    assert!(matches!(
        quantise(&other, &missing, CoarseFormat::Q4_0, 1),
        Err(InferenceError::NotGguf { .. })
    ));
}

#[test]
fn a_model_that_does_not_fit_is_refused_with_both_figures() {
    let (_folder, path) = model_file(1);
    let limit = LoadOptions {
        memory_limit: Some(1000),
        ..options()
    };
    match load(&path, &limit) {
        Err(InferenceError::OutOfMemory {
            needed,
            available: 1000,
        }) => assert!(needed > 400_000),
        other => panic!("expected out of memory, got {other:?}"),
    }
}

#[test]
fn a_context_longer_than_the_model_was_trained_for_is_refused() {
    let (_folder, path) = model_file(1);
    for context in [0, fixture::CONTEXT_LENGTH + 1] {
        let asked = LoadOptions {
            context: Some(context),
            ..options()
        };
        assert!(matches!(
            load(&path, &asked),
            Err(InferenceError::BadRequest(_))
        ));
    }
}
