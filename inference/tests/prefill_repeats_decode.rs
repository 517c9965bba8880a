//! The heart of the proof of logits: one prefill over an answer sees what decoding saw.

mod common;

use common::{answer, greedy, load, model, model_file, options, prompt, scattered, scores};
use race_inference::quantise::{quantise, CoarseFormat};
use race_inference::{Arithmetic, CancelFlag, LoadOptions, PrefillRequest};

#[test]
fn in_the_exact_class_prefill_gives_the_very_lists_that_decoding_recorded() {
    let (_folder, model) = model(&options());
    assert_eq!(model.info().engine_class.arithmetic, Arithmetic::Exact);
    for length in [1, 5, 62, 63, 64, 130] {
        let prompt = prompt(length);
        let generation = answer(&*model, &prompt, 80, scattered);
        assert_eq!(generation.tokens.len(), 80);
        let scores = scores(&*model, &prompt, &generation.tokens);
        assert_eq!(scores.len(), 80);
        for (artifact, score) in generation.artifacts.iter().zip(&scores) {
            assert_eq!(artifact.top, score.top);
            assert_eq!(artifact.top.get(artifact.token), Some(score.given));
        }
    }
}

#[test]
fn the_exact_class_does_not_depend_on_the_number_of_threads_or_the_batch_within_it() {
    let (_folder, path) = model_file(3);
    // Longer than 512 positions, where llama.cpp may split attention among threads.
    let long = prompt(530);
    let with = |threads, batch| {
        let model = load(
            &path,
            &LoadOptions {
                threads: Some(threads),
                context: Some(1024),
                physical_batch: Some(batch),
                ..options()
            },
        );
        assert_eq!(model.info().engine_class.arithmetic, Arithmetic::Exact);
        answer(&*model, &long, 5, scattered).artifacts
    };
    let reference = with(1, 63);
    for (threads, batch) in [(2, 63), (1, 17), (1, 1)] {
        assert!(
            reference == with(threads, batch),
            "{threads} threads, batches of {batch}"
        );
    }
}

#[test]
fn a_long_answer_on_several_threads_is_scored_exactly() {
    let (_folder, model) = model(&LoadOptions {
        threads: Some(2),
        context: Some(1024),
        ..options()
    });
    let prompt = prompt(510);
    let generation = answer(&*model, &prompt, 8, scattered);
    let scores = scores(&*model, &prompt, &generation.tokens);
    for (artifact, score) in generation.artifacts.iter().zip(&scores) {
        assert_eq!(artifact.top, score.top);
    }
}

#[test]
fn a_large_batch_is_reported_as_another_class() {
    let (_folder, model) = model(&LoadOptions {
        arithmetic: Arithmetic::Fast,
        ..options()
    });
    let class = model.info().engine_class.to_string();
    assert!(
        class.starts_with("llama/cpu-") && class.ends_with("/fast"),
        "{class}"
    );
}

#[test]
fn the_same_request_gives_the_same_answer_whatever_was_asked_before() {
    let (_folder, model) = model(&options());
    let first = answer(&*model, &prompt(20), 30, greedy);
    answer(&*model, &prompt(100), 10, greedy);
    assert_eq!(first, answer(&*model, &prompt(20), 30, greedy));
}

#[test]
fn listed_tokens_get_the_log_probabilities_that_the_lists_say() {
    let (_folder, model) = model(&options());
    let prompt = prompt(9);
    let generation = answer(&*model, &prompt, 6, greedy);
    let listed: Vec<Vec<u32>> = generation
        .artifacts
        .iter()
        .map(|artifact| {
            artifact
                .top
                .candidates()
                .iter()
                .rev()
                .map(|c| c.token)
                .chain([0])
                .collect()
        })
        .collect();
    let scores = model
        .prefill(&PrefillRequest {
            prompt: &prompt,
            output: &generation.tokens,
            k: 3,
            listed: &listed,
            cancel: &CancelFlag::new(),
        })
        .unwrap();
    for (artifact, score) in generation.artifacts.iter().zip(&scores) {
        assert_eq!(score.top.candidates(), &artifact.top.candidates()[..3]);
        let mut expected: Vec<i32> = artifact
            .top
            .candidates()
            .iter()
            .rev()
            .map(|c| c.logprob)
            .collect();
        let (others, special) = score.listed.split_at(20);
        assert_eq!(others, expected);
        // An end token is never likely in this model.
        expected.sort_unstable();
        assert!(special[0] < expected[0]);
    }
}

#[test]
fn another_models_answer_and_a_coarser_copy_score_visibly_differently() {
    let (folder, path) = model_file(1);
    let honest = load(&path, &options());
    let coarse_path = folder.path().join("coarse.gguf");
    quantise(&path, &coarse_path, CoarseFormat::Q2K, 1).unwrap();
    let coarse = load(&coarse_path, &options());
    assert_eq!(
        coarse.info().tokenizer_digest,
        honest.info().tokenizer_digest
    );
    assert_ne!(coarse.info().weights_sha256, honest.info().weights_sha256);
    assert!(coarse.info().file_bytes < honest.info().file_bytes);

    let prompt = prompt(16);
    let forged = answer(&*coarse, &prompt, 32, greedy);
    let scores = scores(&*honest, &prompt, &forged.tokens);
    let distance: i64 = forged
        .artifacts
        .iter()
        .zip(&scores)
        .map(|(artifact, score)| {
            i64::from((artifact.top.get(artifact.token).unwrap() - score.given).abs())
        })
        .sum();
    // In the exact class an honest answer has distance zero; a tenth of a nat a token is far off.
    assert!(distance / 32 > 1000, "mean distance {}", distance / 32);
}
