use std::sync::Arc;

use race_inference::engine::{Engine as _, LoadOptions};
use race_inference::fixture;
use race_inference::llama::LlamaEngine;

use super::super::tasks::Entry;
use super::*;

const PLACE: Place<'static> = Place {
    chain_id: "c",
    session: 1,
    index: 2,
    seed: [3; 32],
};
const FORMAT: &str = "Q8_0";
const TOKENS: u32 = 16;

fn model() -> Arc<dyn LoadedModel> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    fixture::write_tiny_gguf(&path, 1).unwrap();
    let options = LoadOptions {
        threads: Some(1),
        context: Some(512),
        ..LoadOptions::default()
    };
    LlamaEngine::new()
        .unwrap()
        .load(&path, &options, &mut |_| true)
        .unwrap()
}

fn thresholds() -> Thresholds {
    Thresholds::uncalibrated(20)
}

fn request(max_tokens: u32) -> Vec<u8> {
    RequestBody {
        model_id: "tiny".into(),
        prompt: "the light of the world".into(),
        max_tokens,
        temperature_millis: 700,
        ..RequestBody::default()
    }
    .encode_to_vec()
}

/// What an executor commits to, and what it serves its checkers.
struct Settling {
    prompt_tokens: u32,
    output_tokens: u32,
    body: Vec<u8>,
    artifact: Artifact,
    text: String,
}

/// An honest answer.
fn honest(model: &dyn LoadedModel) -> Settling {
    let body = request(TOKENS);
    let answer = generate(
        &PLACE,
        model,
        Claimed {
            format: FORMAT,
            top_k: thresholds().top_k(),
        },
        &prompt(PLACE.chain_id, model, &body).unwrap(),
        TOKENS as usize,
        &CancelFlag::new(),
        &mut |_| {},
    )
    .unwrap();
    Settling {
        prompt_tokens: answer.work.prompt_tokens,
        output_tokens: answer.work.output_tokens,
        body,
        artifact: answer.artifact,
        text: answer.text,
    }
}

impl Settling {
    fn with_artifact(
        self,
        change: impl FnOnce(&mut String, &mut Hash, &mut Vec<Position>),
    ) -> Self {
        let mut format = self.artifact.format().to_owned();
        let mut prompt = *self.artifact.prompt_hash();
        let mut positions = self.artifact.positions().to_vec();
        change(&mut format, &mut prompt, &mut positions);
        let artifact = Artifact::new(format, prompt, self.artifact.stop(), positions).unwrap();
        Self { artifact, ..self }
    }

    /// The verdict when all this is settled, whether true or not.
    fn judged(&self, model: &dyn LoadedModel) -> Verdict {
        let work = Work {
            session: PLACE.session,
            index: PLACE.index,
            prompt_tokens: self.prompt_tokens,
            output_tokens: self.output_tokens,
            request_hash: artifact::request_hash(PLACE.chain_id, &self.body),
            output_hash: artifact::output_hash(
                PLACE.chain_id,
                &self.artifact.tokens(),
                self.text.as_bytes(),
            ),
            artifact_root: self.artifact.root(PLACE.chain_id),
        };
        self.judged_as(model, &record_digest(PLACE.chain_id, &work))
    }

    fn judged_as(&self, model: &dyn LoadedModel, digest: &Hash) -> Verdict {
        let settled = Settled {
            digest,
            prompt_tokens: self.prompt_tokens,
            output_tokens: self.output_tokens,
            format: FORMAT,
            thresholds: &thresholds(),
        };
        let served = ArtifactsResponse {
            body: self.body.clone(),
            artifacts: self.artifact.encode(),
            text: self.text.clone(),
        };
        check(&PLACE, model, settled, &served).unwrap().0
    }
}

fn untrue(statement: Statement) -> Verdict {
    Verdict::False(Fault::Untrue(statement))
}

#[test]
fn an_honest_answer_passes_and_comes_back_from_the_disk() {
    let model = model();
    let honest = honest(model.as_ref());
    assert_eq!(honest.judged(model.as_ref()), Verdict::Pass);

    let prompt = prompt(PLACE.chain_id, model.as_ref(), &honest.body).unwrap();
    let answer = Answer::new(
        &PLACE,
        prompt.request_hash,
        honest.prompt_tokens,
        honest.artifact.clone(),
        honest.text.clone(),
    );
    let mut served = Served {
        entry: Entry {
            session: PLACE.session,
            index: PLACE.index,
            attempt: 0,
            epoch: 1,
            prompt_tokens: honest.prompt_tokens,
            output_tokens: honest.output_tokens,
            digest: answer.digest.to_vec(),
            acknowledgement: Vec::new(),
        },
        body: honest.body,
        artifact: honest.artifact.encode(),
        text: honest.text,
    };
    assert_eq!(restore(&PLACE, &served).unwrap().work, answer.work);
    served.text.push('!');
    assert!(restore(&PLACE, &served).is_none());
}

#[test]
fn true_tokens_with_another_text_are_false() {
    let model = model();
    let other = Settling {
        text: "whatever the executor likes".into(),
        ..honest(model.as_ref())
    };
    assert_eq!(other.judged(model.as_ref()), untrue(Statement::Text));
}

#[test]
fn a_settled_record_whose_prompt_length_is_untrue_is_false() {
    let model = model();
    let honest = honest(model.as_ref());
    let longer = Settling {
        prompt_tokens: honest.prompt_tokens + 1,
        ..honest
    };
    assert_eq!(longer.judged(model.as_ref()), untrue(Statement::Prompt));
}

#[test]
fn every_statement_that_the_request_or_the_model_contradicts_is_false() {
    let model = model();
    let model = model.as_ref();
    let of_another_prompt = honest(model).with_artifact(|_, prompt, _| prompt[0] ^= 1);
    assert_eq!(of_another_prompt.judged(model), untrue(Statement::Prompt));
    let in_another_format = honest(model).with_artifact(|format, _, _| *format = "Q4_0".into());
    assert_eq!(in_another_format.judged(model), untrue(Statement::Format));
    let short_lists = honest(model).with_artifact(|_, _, positions| {
        positions.iter_mut().for_each(|p| p.top.truncate(5));
    });
    assert_eq!(short_lists.judged(model), untrue(Statement::TopK));
    let no_token_of_the_model = honest(model).with_artifact(|_, _, positions| {
        positions[0].token = fixture::VOCABULARY_SIZE;
    });
    assert_eq!(
        no_token_of_the_model.judged(model),
        untrue(Statement::Tokens)
    );
    let charged_for_more = Settling {
        output_tokens: TOKENS + 1,
        ..honest(model)
    };
    assert_eq!(charged_for_more.judged(model), untrue(Statement::Length));
    let longer_than_asked = Settling {
        body: request(TOKENS - 1),
        ..honest(model)
    };
    assert_eq!(longer_than_asked.judged(model), untrue(Statement::Length));
}

#[test]
fn what_is_not_the_settled_answer_is_held_against_nobody() {
    let model = model();
    let other = Settling {
        text: "not what was settled".into(),
        ..honest(model.as_ref())
    };
    assert_eq!(
        other.judged_as(model.as_ref(), &[0; 32]),
        Verdict::CannotCheck(CannotCheck::WrongRoot)
    );
}

#[test]
fn a_body_that_no_host_may_answer_is_refused_and_false_when_it_was_answered() {
    let model = model();
    let too_large = RequestBody {
        prompt: "a".repeat(MAX_BODY_BYTES),
        max_tokens: TOKENS,
        ..RequestBody::default()
    };
    assert!(matches!(
        body(&too_large.encode_to_vec()),
        Err(AnswerError::TooLarge(_))
    ));
    // A field of no `RequestBody`: number 15, a varint.
    let unknown_field = [request(TOKENS), vec![0x78, 1]].concat();
    assert!(matches!(
        body(&unknown_field),
        Err(AnswerError::NotCanonical)
    ));
    assert!(matches!(body(&[]), Err(AnswerError::Empty)));
    for body in [too_large.encode_to_vec(), unknown_field, Vec::new()] {
        let answered = Settling {
            body,
            ..honest(model.as_ref())
        };
        assert_eq!(answered.judged(model.as_ref()), untrue(Statement::Request));
    }
}

#[test]
fn what_the_engine_never_takes_is_judged_once() {
    let model = model();
    let long = Settling {
        body: RequestBody {
            prompt: "light ".repeat(2_000),
            max_tokens: TOKENS,
            ..RequestBody::default()
        }
        .encode_to_vec(),
        ..honest(model.as_ref())
    };
    let tokens = prompt(PLACE.chain_id, model.as_ref(), &long.body)
        .unwrap()
        .tokens;
    let long = Settling {
        prompt_tokens: tokens.len() as u32,
        ..long.with_artifact(|_, hash, _| *hash = artifact::prompt_hash(PLACE.chain_id, &tokens))
    };
    assert_eq!(
        long.judged(model.as_ref()),
        Verdict::CannotCheck(CannotCheck::Unanswerable)
    );
    let nul = Settling {
        body: RequestBody {
            messages: vec![race_proto::race::inference::v1::ChatMessage {
                role: "user".into(),
                content: "a\0b".into(),
            }],
            max_tokens: TOKENS,
            ..RequestBody::default()
        }
        .encode_to_vec(),
        ..honest(model.as_ref())
    };
    assert_eq!(
        nul.judged(model.as_ref()),
        Verdict::CannotCheck(CannotCheck::Unanswerable)
    );
}
