use super::*;

const EXECUTOR: [u8; 20] = [7; 20];
const PER_TOKEN: Nicoin = 3;
const CEILING: Nicoin = 1_000;
const PROMPT: &str = "Why is the sky blue?";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn drawn() -> Drawn {
    Drawn {
        executor: EXECUTOR,
        grpc: "127.0.0.1:1".into(),
        transport: key(1).verifying_key(),
        per_token: PER_TOKEN,
        ceiling: CEILING,
    }
}

fn body() -> pb::RequestBody {
    pb::RequestBody {
        model_id: "m".into(),
        prompt: PROMPT.into(),
        max_tokens: 4,
        ..pb::RequestBody::default()
    }
}

fn terms() -> RequestTerms {
    RequestTerms {
        session: 5,
        index: 6,
        attempt: 0,
        request_hash: request_hash("c", &body().encode_to_vec()),
        max_tokens: 4,
        max_fee: 100,
        expiry_height: 9,
    }
}

/// What an executor does with a request.
struct Said {
    executor: Vec<u8>,
    prompt_tokens: u32,
    tokens: Vec<(u32, &'static str)>,
    /// The text that it commits to.
    text: &'static str,
    fee: Nicoin,
    signs_with: u8,
}

/// An honest answer.
fn honest() -> Said {
    Said {
        executor: EXECUTOR.to_vec(),
        prompt_tokens: 6,
        tokens: vec![(11, "It"), (12, " is.")],
        text: "It is.",
        fee: (6 + 2) * PER_TOKEN,
        signs_with: 1,
    }
}

/// The reading of what was said, up to what would be acknowledged.
fn read(said: &Said) -> Result<(Work, Hash), AskError> {
    let drawn = drawn();
    let key = key(2);
    let ask = Ask {
        chain_id: "c",
        session: 5,
        index: 6,
        attempt: 0,
        drawn: &drawn,
        body: body(),
        max_fee: 100,
        expiry_height: 9,
        key: &key,
    };
    let mut reading = Reading::new(&ask, terms());
    reading.accepted(&pb::Accepted {
        executor: said.executor.clone(),
        prompt_tokens: said.prompt_tokens,
    })?;
    for (id, text) in &said.tokens {
        reading.token(&pb::Token {
            id: *id,
            text: (*text).into(),
        })?;
    }
    let ids: Vec<u32> = said.tokens.iter().map(|(id, _)| *id).collect();
    let work = Work {
        session: 5,
        index: 6,
        prompt_tokens: said.prompt_tokens,
        output_tokens: ids.len() as u32,
        request_hash: terms().request_hash,
        output_hash: output_hash("c", &ids, said.text.as_bytes()),
        artifact_root: [8; 32],
    };
    let signed = record::output_sign_bytes("c", 5, 6, &work.output_hash, &work.artifact_root);
    reading.finished(&pb::Finished {
        prompt_tokens: work.prompt_tokens,
        output_tokens: work.output_tokens,
        artifact_root: work.artifact_root.to_vec(),
        digest: record::record_digest("c", &work).to_vec(),
        signature: self::key(said.signs_with).sign(&signed).to_bytes().to_vec(),
        fee: said.fee.to_string(),
        ..pb::Finished::default()
    })
}

fn why(said: &Said) -> String {
    read(said).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn an_honest_answer_is_acknowledged() {
    let (work, digest) = read(&honest()).unwrap();
    assert_eq!((work.prompt_tokens, work.output_tokens), (6, 2));
    assert_eq!(digest, record::record_digest("c", &work));
}

#[test]
fn an_answer_that_claims_more_prompt_tokens_than_the_prompt_has_bytes_is_not_acknowledged() {
    let prompt_tokens = (body().encoded_len() + TEMPLATE_TOKENS + 1) as u32;
    let why = why(&Said {
        prompt_tokens,
        fee: CEILING,
        ..honest()
    });
    assert!(why.contains("no tokenizer makes more"), "{why}");
    assert!(why.contains("not acknowledged"), "{why}");
}

#[test]
fn an_answer_costs_what_its_tokens_cost_and_no_more_than_was_offered() {
    for fee in [honest().fee - 1, honest().fee + 1] {
        assert!(why(&Said { fee, ..honest() }).contains("cost 24"));
    }
    let dear = Said {
        prompt_tokens: 60,
        fee: (60 + 2) * PER_TOKEN,
        ..honest()
    };
    assert!(why(&dear).contains("more than the 100 that were offered"));
    // The chain charges no more than the ceiling.
    assert_eq!(drawn().fee(400, 2), CEILING);
}

#[test]
fn more_tokens_than_were_asked_for_are_not_read() {
    let endless = Said {
        tokens: vec![(11, "a"); 5],
        ..honest()
    };
    assert!(why(&endless).contains("more than the 4 tokens"));
}

#[test]
fn an_answer_of_another_node_than_the_drawn_is_not_acknowledged() {
    let other = Said {
        executor: vec![9; 20],
        ..honest()
    };
    assert!(why(&other).contains("the chain drew 0707"));
    let posing = Said {
        signs_with: 3,
        ..honest()
    };
    assert!(why(&posing).contains("not signed by the key"));
}

#[test]
fn an_answer_whose_text_is_not_the_one_committed_to_is_not_acknowledged() {
    let other = Said {
        text: "It is not.",
        ..honest()
    };
    assert!(why(&other).contains("another answer than it sent"));
}
