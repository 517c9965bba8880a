//! Texts that make a tokenizer recurse.

mod common;

use common::{load, model, options};
use race_inference::llama::MAX_TEXT_BYTES;
use race_inference::{fixture, ChatMessage, InferenceError};

/// Far less stack than the threads that serve requests have.
const SMALL_STACK: usize = 256 << 10;

#[test]
fn a_long_word_is_read_on_any_thread_also_where_the_tokenizer_recurses_for_each_letter() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recursing.gguf");
    std::fs::write(&path, fixture::tiny_gguf_split_as(1, "gpt-4o")).unwrap();
    let model = load(&path, &options());
    let word = "a".repeat(MAX_TEXT_BYTES);
    let tokens = std::thread::Builder::new()
        .stack_size(SMALL_STACK)
        .spawn({
            let (model, word) = (model.clone(), word.clone());
            move || model.tokenise(&word, true)
        })
        .unwrap()
        .join()
        .unwrap()
        .unwrap();
    assert_eq!(model.detokenise(&tokens).unwrap(), word);
}

#[test]
fn a_text_that_no_stack_would_hold_is_refused() {
    let (_folder, model) = model(&options());
    let text = "a".repeat(MAX_TEXT_BYTES + 1);
    let refused =
        |error| matches!(error, InferenceError::BadRequest(why) if why.contains("at most"));
    assert!(refused(model.tokenise(&text, true).unwrap_err()));
    let message = ChatMessage::new("user", text);
    assert!(refused(model.chat_prompt(&[message]).unwrap_err()));
}
