//! How an answer starts, streams, stops and fails.

mod common;

use std::sync::Arc;
use std::thread;

use common::{answer, greedy, load, model, model_file, options, prompt, scattered};
use race_inference::{
    fixture, CancelFlag, ChatMessage, InferenceError, LoadOptions, LoadedModel, PrefillRequest,
    StopReason, StopRules,
};

#[test]
fn the_streamed_text_and_the_whole_text_and_the_detokenised_tokens_agree() {
    let (_folder, model) = model(&options());
    // Picks of raw bytes too: the pieces of a crab, one token each.
    let crab: Vec<u32> = "🦀".bytes().map(|b| 3 + u32::from(b)).collect();
    let mut streamed = String::new();
    let mut events = 0;
    let generation = model
        .generate(
            &prompt(4),
            12,
            20,
            &StopRules::default(),
            &CancelFlag::new(),
            &mut |position, top| {
                crab.get(position)
                    .copied()
                    .unwrap_or_else(|| scattered(position, top))
            },
            &mut |event| {
                assert_eq!(event.position, events);
                assert!(position_is_quiet(event.position) == event.text.is_empty());
                events += 1;
                streamed.push_str(event.text);
            },
        )
        .unwrap();
    fn position_is_quiet(position: usize) -> bool {
        position < 3
    }
    streamed.push_str(&generation.unsent);
    assert_eq!(events, 12);
    assert!(streamed.starts_with('🦀'));
    assert_eq!(streamed, generation.text);
    assert_eq!(streamed, model.detokenise(&generation.tokens).unwrap());
}

#[test]
fn any_text_survives_tokenising() {
    let (_folder, model) = model(&options());
    for text in [
        "the race of the models",
        " héllo 🦀\n\n\ttab",
        "<|im_end|> as text",
        "",
    ] {
        let tokens = model.tokenise(text, false).unwrap();
        assert_eq!(model.detokenise(&tokens).unwrap(), text);
    }
    assert!(
        model.tokenise("the token", false).unwrap().len() < 9,
        "merges are used"
    );
}

#[test]
fn a_special_token_is_read_in_prompts_and_not_in_plain_text() {
    let (_folder, model) = model(&options());
    assert_eq!(
        model.tokenise("<|im_end|>", true).unwrap(),
        [fixture::END_TOKEN]
    );
    assert!(model.tokenise("<|im_end|>", false).unwrap().len() > 1);
    assert!(model.is_end(fixture::END_TOKEN));
    assert!(!model.is_end(300));
    assert!(!model.is_end(u32::MAX));
}

#[test]
fn a_conversation_becomes_the_prompt_that_the_models_template_says() {
    let (_folder, model) = model(&options());
    let prompt = model
        .chat_prompt(&[ChatMessage::new("user", "hi")])
        .unwrap();
    assert_eq!(
        prompt,
        "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    );
    assert!(matches!(
        model.chat_prompt(&[]),
        Err(InferenceError::BadRequest(_))
    ));
    assert!(matches!(
        model.chat_prompt(&[ChatMessage::new("user", "a\0b")]),
        Err(InferenceError::BadRequest(_))
    ));
}

#[test]
fn the_end_token_ends_the_answer_and_is_part_of_it() {
    let (_folder, model) = model(&options());
    let mut pick = |position: usize, top: &_| {
        if position == 3 {
            fixture::END_TOKEN
        } else {
            greedy(position, top)
        }
    };
    let generation = answer(&*model, &prompt(4), 10, &mut pick);
    assert_eq!(generation.stop_reason, StopReason::End);
    assert_eq!(generation.tokens.len(), 4);
    assert_eq!(generation.artifacts.len(), 4);
    assert_eq!(generation.tokens[3], fixture::END_TOKEN);
    assert_eq!(
        generation.text,
        model.detokenise(&generation.tokens[..3]).unwrap()
    );

    let rules = StopRules {
        ignore_end: true,
        ..StopRules::default()
    };
    let generation = model
        .generate(
            &prompt(4),
            10,
            20,
            &rules,
            &CancelFlag::new(),
            &mut pick,
            &mut |_| (),
        )
        .unwrap();
    assert_eq!(generation.stop_reason, StopReason::MaxTokens);
    assert_eq!(generation.tokens.len(), 10);
}

#[test]
fn a_stop_string_cuts_the_text_and_is_never_streamed() {
    let (_folder, model) = model(&options());
    let whole = answer(&*model, &prompt(4), 20, greedy).text;
    let stop: String = whole.chars().skip(12).take(5).collect();
    let rules = StopRules {
        strings: vec!["not in it".into(), stop.clone()],
        ..StopRules::default()
    };
    let mut streamed = String::new();
    let generation = model
        .generate(
            &prompt(4),
            20,
            20,
            &rules,
            &CancelFlag::new(),
            &mut greedy,
            &mut |event| {
                streamed.push_str(event.text);
            },
        )
        .unwrap();
    assert_eq!(generation.stop_reason, StopReason::StopString(1));
    assert_eq!(Some(generation.text.as_str()), whole.split(&stop).next());
    assert_eq!(streamed, generation.text);
    assert!(generation.unsent.is_empty());
    assert!(generation.tokens.len() < 20);
}

#[test]
fn a_cancelled_answer_keeps_what_it_had_and_the_model_goes_on() {
    let (_folder, model) = model(&options());
    let cancel = CancelFlag::new();
    let generation = model
        .generate(
            &prompt(4),
            100,
            20,
            &StopRules::default(),
            &cancel,
            &mut greedy,
            &mut |event| {
                if event.position == 4 {
                    cancel.cancel();
                }
            },
        )
        .unwrap();
    assert_eq!(generation.stop_reason, StopReason::Cancelled);
    assert_eq!(generation.tokens.len(), 5);
    assert!(model.activity().is_idle());
    assert_eq!(
        answer(&*model, &prompt(4), 5, greedy).tokens,
        generation.tokens
    );

    let output = [300, 301];
    let request = PrefillRequest {
        prompt: &output,
        output: &output,
        k: 1,
        listed: &[],
        cancel: &cancel,
    };
    assert!(matches!(
        model.prefill(&request),
        Err(InferenceError::Cancelled)
    ));
}

#[test]
fn a_full_queue_says_busy_and_a_waiting_request_is_served_when_its_turn_comes() {
    let (_folder, model) = model(&LoadOptions {
        queue: 1,
        ..options()
    });
    let mut waiting = None;
    // While the first answer is under way (this thread is inside its `pick`), one more may wait.
    let first = answer(&*model, &prompt(4), 2, |position, top| {
        if position == 0 {
            let second = Arc::clone(&model);
            waiting = Some(thread::spawn(move || {
                answer(&*second, &prompt(4), 2, greedy)
            }));
            while model.activity().open < 2 {
                thread::yield_now();
            }
            let third = model.generate(
                &prompt(4),
                2,
                20,
                &StopRules::default(),
                &CancelFlag::new(),
                &mut greedy,
                &mut |_| (),
            );
            assert!(matches!(third, Err(InferenceError::Busy { capacity: 1 })));
        }
        greedy(position, top)
    });
    assert_eq!(waiting.expect("the pick ran").join().unwrap(), first);
    assert!(model.activity().is_idle());
}

#[test]
fn a_request_cancelled_while_it_waits_returns_at_once_without_an_answer() {
    let (_folder, model) = model(&options());
    answer(&*model, &prompt(4), 1, |position, top| {
        let cancel = CancelFlag::new();
        cancel.cancel();
        // The worker is waiting for this very pick: only the flag can end the inner call.
        let inner = model
            .generate(
                &prompt(4),
                2,
                20,
                &StopRules::default(),
                &cancel,
                &mut greedy,
                &mut |_| (),
            )
            .unwrap();
        assert_eq!(inner.stop_reason, StopReason::Cancelled);
        assert!(inner.tokens.is_empty());
        greedy(position, top)
    });
}

#[test]
fn requests_that_cannot_be_served_are_refused_before_anything_is_computed() {
    let (_folder, model) = model(&options());
    let ask = |prompt: &[u32], max: usize, k: usize| {
        model.generate(
            prompt,
            max,
            k,
            &StopRules::default(),
            &CancelFlag::new(),
            &mut greedy,
            &mut |_| (),
        )
    };
    assert!(matches!(
        ask(&[], 5, 20),
        Err(InferenceError::BadRequest(_))
    ));
    assert!(matches!(
        ask(&[300], 5, 0),
        Err(InferenceError::BadRequest(_))
    ));
    assert!(matches!(
        ask(&[300], 5, 513),
        Err(InferenceError::BadRequest(_))
    ));
    assert!(matches!(
        ask(&[512], 5, 20),
        Err(InferenceError::UnknownToken {
            token: 512,
            vocabulary: 512
        })
    ));
    assert!(matches!(
        ask(&prompt(500), 13, 20),
        Err(InferenceError::ContextTooLong {
            prompt: 500,
            output: 13,
            context: 512
        })
    ));
    assert!(ask(&prompt(500), 12, 20).is_ok(), "exactly full is fine");
    assert!(ask(&[300], 0, 20).unwrap().tokens.is_empty());
}

#[test]
fn a_pick_outside_the_vocabulary_is_an_error_and_the_model_goes_on() {
    let (_folder, model) = model(&options());
    let result = model.generate(
        &prompt(4),
        5,
        20,
        &StopRules::default(),
        &CancelFlag::new(),
        &mut |_, _| 9999,
        &mut |_| (),
    );
    assert!(matches!(
        result,
        Err(InferenceError::UnknownToken { token: 9999, .. })
    ));
    assert_eq!(answer(&*model, &prompt(4), 3, greedy).tokens.len(), 3);
}

#[test]
fn a_check_with_the_wrong_number_of_lists_or_no_output_is_refused() {
    let (_folder, model) = model(&options());
    let cancel = CancelFlag::new();
    let ask = |output: &[u32], listed: &[Vec<u32>]| {
        model.prefill(&PrefillRequest {
            prompt: &[300],
            output,
            k: 2,
            listed,
            cancel: &cancel,
        })
    };
    assert!(matches!(ask(&[], &[]), Err(InferenceError::BadRequest(_))));
    assert!(matches!(
        ask(&[301, 302], &[vec![1]]),
        Err(InferenceError::BadRequest(_))
    ));
    assert!(matches!(
        ask(&[301], &[vec![600]]),
        Err(InferenceError::UnknownToken { token: 600, .. })
    ));
    assert!(matches!(
        ask(&[700], &[]),
        Err(InferenceError::UnknownToken { token: 700, .. })
    ));
}

#[test]
fn two_models_answer_at_once_and_end_with_their_handles() {
    let (_folder, path) = model_file(5);
    let models: Vec<Arc<dyn LoadedModel>> = (0..2).map(|_| load(&path, &options())).collect();
    let handles: Vec<_> = models
        .into_iter()
        .map(|model| thread::spawn(move || answer(&*model, &prompt(8), 20, greedy).tokens))
        .collect();
    let answers: Vec<_> = handles
        .into_iter()
        .map(|handle| handle.join().unwrap())
        .collect();
    assert_eq!(answers[0], answers[1]);
}
