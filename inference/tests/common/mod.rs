//! What the tests share: the tiny random model on disk, loaded.
#![allow(dead_code)]

use std::path::PathBuf;
use std::sync::Arc;

use race_inference::llama::LlamaEngine;
use race_inference::{
    fixture, CancelFlag, Engine, Generation, LoadOptions, LoadedModel, PositionScore,
    PrefillRequest, StopRules, TokenId, TopK,
};
use tempfile::TempDir;

/// A folder with the model of `seed` in it. Keep it while the model is in use.
pub fn model_file(seed: u64) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("tiny.gguf");
    fixture::write_tiny_gguf(&path, seed).expect("the model file");
    (folder, path)
}

/// The model of seed 1.
pub fn model(options: &LoadOptions) -> (TempDir, Arc<dyn LoadedModel>) {
    let (folder, path) = model_file(1);
    let model = load(&path, options);
    (folder, model)
}

/// Any model.
pub fn load(path: &std::path::Path, options: &LoadOptions) -> Arc<dyn LoadedModel> {
    LlamaEngine::new()
        .expect("the engine")
        .load(path, options, &mut |_| true)
        .expect("a loaded model")
}

/// Options of the tests: few threads, small context.
pub fn options() -> LoadOptions {
    LoadOptions {
        threads: Some(1),
        context: Some(512),
        ..LoadOptions::default()
    }
}

/// A prompt of `length` tokens, different at each place.
pub fn prompt(length: u32) -> Vec<TokenId> {
    (0..length).map(|i| 260 + (i * 37) % 250).collect()
}

/// A sampler that is deterministic and not greedy: the candidate at `position * 7 mod 5`.
pub fn scattered(position: usize, top: &TopK) -> TokenId {
    top.candidates()[position * 7 % 5].token
}

/// The most likely token.
pub fn greedy(_: usize, top: &TopK) -> TokenId {
    top.best().expect("a list").token
}

/// An answer of exactly `length` tokens.
pub fn answer(
    model: &dyn LoadedModel,
    prompt: &[TokenId],
    length: usize,
    mut pick: impl FnMut(usize, &TopK) -> TokenId,
) -> Generation {
    model
        .generate(
            prompt,
            length,
            20,
            &StopRules::default(),
            &CancelFlag::new(),
            &mut pick,
            &mut |_| (),
        )
        .expect("an answer")
}

/// Scores of `output` after `prompt`, with nothing else listed.
pub fn scores(
    model: &dyn LoadedModel,
    prompt: &[TokenId],
    output: &[TokenId],
) -> Vec<PositionScore> {
    model
        .prefill(&PrefillRequest {
            prompt,
            output,
            k: 20,
            listed: &[],
            cancel: &CancelFlag::new(),
        })
        .expect("scores")
}
