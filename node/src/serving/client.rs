//! The developer's side: sign a request, stream its answer, acknowledge it.
//!
//! An acknowledgement pays, so nothing of an executor is believed that can be held against the
//! chain: who was drawn, with which key it signs, and the session's pinned price ([`Drawn`]); nor what
//! the request itself bounds: the fee, the tokens of the answer, and the tokens of the prompt, which
//! are at most its bytes and what a chat template adds. The chain's word is that of the node
//! that was asked for it.

use std::time::Duration;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use prost::Message as _;
use race_app::coin::{self, Nicoin};
use race_proto::race::inference::v1 as pb;
use race_proto::race::inference::v1::inference_client::InferenceClient;
use race_proto::race::{node::v1 as node, session::v1 as session};
use race_verification::artifact::output_hash;
use race_verification::artifact::request_hash;
use race_verification::record::{self, RequestTerms, Work};
use race_verification::Hash;

use crate::client::{ChainClient, ClientError};

/// Tokens that a chat template may add to a conversation: its frame, and a system message of its own.
const TEMPLATE_TOKENS: usize = 256;
/// Tokens that it may add to each message.
const MESSAGE_TOKENS: usize = 16;
/// How long an executor may take to take an acknowledgement.
const ACKNOWLEDGE_LIMIT: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nothing listens there.
    #[error("the node at {grpc} does not answer: {source}")]
    Unreachable {
        /// `host:port`.
        grpc: String,
        /// Why.
        source: tonic::transport::Error,
    },
    /// The node refused.
    #[error("{message}")]
    Refused {
        /// How.
        code: tonic::Code,
        /// Why, and what to do.
        message: String,
        /// Whether a part of the answer had come.
        begun: bool,
    },
    /// What came does not fit together.
    #[error("{0}; the answer is not acknowledged, and costs nothing")]
    Unfit(String),
}

impl AskError {
    /// Whether the next executor may be asked: this one is not there, and nothing came.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Refused {
                    code: tonic::Code::Unavailable,
                    begun: false,
                    ..
                }
        )
    }
}

fn refused(begun: bool) -> impl Fn(tonic::Status) -> AskError {
    move |status| AskError::Refused {
        code: status.code(),
        message: status.message().to_owned(),
        begun,
    }
}

/// What the chain says of a request: who answers it, and at which price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// The executor's consensus address.
    pub executor: [u8; 20],
    /// Where it is asked, `host:port`.
    pub grpc: String,
    /// The key that it signs answers with.
    pub transport: VerifyingKey,
    /// What a token costs under the session's pin, nicoin.
    pub per_token: Nicoin,
    /// The most that a request of the session costs, nicoin.
    pub ceiling: Nicoin,
}

impl Drawn {
    /// Asks the chain about a request of a session that has a pin.
    ///
    /// # Errors
    /// The chain does not answer or knows no such request.
    pub async fn ask(
        chain: &ChainClient,
        session_id: u64,
        index: u64,
        attempt: u32,
    ) -> Result<Self, ClientError> {
        let of: session::QuerySessionResponse = chain
            .ask(
                "/race.session.v1.Query/Session",
                &session::QuerySessionRequest { id: session_id },
            )
            .await?;
        let drawn: session::QueryExecutorResponse = chain
            .ask(
                "/race.session.v1.Query/Executor",
                &session::QueryExecutorRequest {
                    session_id,
                    index,
                    attempt,
                },
            )
            .await?;
        let node: node::QueryNodeResponse = chain
            .ask(
                "/race.node.v1.Query/Node",
                &node::QueryNodeRequest {
                    address: drawn.address.clone(),
                    ..node::QueryNodeRequest::default()
                },
            )
            .await?;
        Self::new(of, drawn, node).ok_or_else(|| ClientError::Malformed {
            what: format!("who answers request {index} of session {session_id}"),
            reason: "a key, an address or an amount is missing; ask another node".to_owned(),
        })
    }

    fn new(
        of: session::QuerySessionResponse,
        drawn: session::QueryExecutorResponse,
        node: node::QueryNodeResponse,
    ) -> Option<Self> {
        let (session, pin) = of.session.zip(of.pin)?;
        let key: [u8; 32] = node.node?.keys?.transport.try_into().ok()?;
        let price: Nicoin = pin.price_per_unit.parse().ok()?;
        Some(Self {
            executor: drawn.address.try_into().ok()?,
            grpc: drawn.grpc,
            transport: VerifyingKey::from_bytes(&key).ok()?,
            per_token: price.saturating_mul(pin.units_per_token.into()),
            ceiling: session.ceiling.parse().ok()?,
        })
    }

    /// What so many tokens cost.
    fn fee(&self, prompt_tokens: u32, output_tokens: u32) -> Nicoin {
        Nicoin::from(prompt_tokens)
            .saturating_add(output_tokens.into())
            .saturating_mul(self.per_token)
            .min(self.ceiling)
    }
}

/// A request of a session.
pub struct Ask<'a> {
    /// The chain.
    pub chain_id: &'a str,
    /// The session.
    pub session: u64,
    /// The request's index; each is used once.
    pub index: u64,
    /// 0, or up to 2 when earlier executors did not answer.
    pub attempt: u32,
    /// What the chain says of this index and attempt.
    pub drawn: &'a Drawn,
    /// What is asked.
    pub body: pb::RequestBody,
    /// The most to pay, nicoin.
    pub max_fee: Nicoin,
    /// The last height at which it may be settled.
    pub expiry_height: u64,
    /// The session's key.
    pub key: &'a SigningKey,
}

/// A finished answer.
pub struct Asked {
    /// Who gave it: consensus address.
    pub executor: [u8; 20],
    /// Its text.
    pub text: String,
    /// Its end.
    pub finished: pb::Finished,
    /// Why its acknowledgement did not arrive, if it did not: until it does, the executor is not paid, and
    /// soon answers nothing more of this session.
    pub unacknowledged: Option<String>,
}

fn unfit(text: impl Into<String>) -> AskError {
    AskError::Unfit(text.into())
}

/// An answer as it comes, held against what was asked and what the chain says.
struct Reading<'a> {
    chain_id: &'a str,
    drawn: &'a Drawn,
    terms: RequestTerms,
    /// More tokens than any tokenizer makes of the prompt.
    prompt_limit: usize,
    begun: bool,
    text: String,
    tokens: Vec<u32>,
}

impl<'a> Reading<'a> {
    fn new(ask: &Ask<'a>, terms: RequestTerms) -> Self {
        let added = ask.body.messages.len().saturating_mul(MESSAGE_TOKENS);
        Self {
            chain_id: ask.chain_id,
            drawn: ask.drawn,
            terms,
            prompt_limit: ask
                .body
                .encoded_len()
                .saturating_add(added)
                .saturating_add(TEMPLATE_TOKENS),
            begun: false,
            text: String::new(),
            tokens: Vec::new(),
        }
    }

    fn check_prompt(&self, tokens: u32) -> Result<(), AskError> {
        if tokens as usize > self.prompt_limit {
            return Err(unfit(format!(
                "the executor counts {tokens} prompt tokens, and no tokenizer makes more than {} of this prompt",
                self.prompt_limit
            )));
        }
        Ok(())
    }

    fn accepted(&mut self, accepted: &pb::Accepted) -> Result<(), AskError> {
        if accepted.executor != self.drawn.executor {
            return Err(unfit(format!(
                "node {} answers, and the chain drew {}",
                hex::encode(&accepted.executor),
                hex::encode(self.drawn.executor)
            )));
        }
        self.begun = true;
        self.check_prompt(accepted.prompt_tokens)
    }

    fn token(&mut self, token: &pb::Token) -> Result<(), AskError> {
        if !self.begun {
            return Err(unfit("the executor did not say who it is"));
        }
        if self.tokens.len() >= self.terms.max_tokens as usize {
            return Err(unfit(format!(
                "the executor sends more than the {} tokens that were asked for",
                self.terms.max_tokens
            )));
        }
        self.text.push_str(&token.text);
        self.tokens.push(token.id);
        Ok(())
    }

    /// The digest of the answer that was received, if its end says the same.
    fn finished(&self, end: &pb::Finished) -> Result<(Work, Hash), AskError> {
        if !self.begun {
            return Err(unfit("the executor did not say who it is"));
        }
        self.check_prompt(end.prompt_tokens)?;
        let output_tokens = u32::try_from(self.tokens.len()).unwrap_or(u32::MAX);
        let fee = self.drawn.fee(end.prompt_tokens, output_tokens);
        if coin::parse(&end.fee) != Ok(fee) {
            return Err(unfit(format!(
                "the executor asks {} nicoin; {} prompt and {output_tokens} answer tokens cost {fee} at the session's price",
                end.fee, end.prompt_tokens
            )));
        }
        if fee > self.terms.max_fee {
            return Err(unfit(format!(
                "the answer costs {fee} nicoin, more than the {} that were offered",
                self.terms.max_fee
            )));
        }
        // What is acknowledged is what was received: the digest is made again from it.
        let work = Work {
            session: self.terms.session,
            index: self.terms.index,
            prompt_tokens: end.prompt_tokens,
            output_tokens,
            request_hash: self.terms.request_hash,
            output_hash: output_hash(self.chain_id, &self.tokens, self.text.as_bytes()),
            artifact_root: Hash::try_from(end.artifact_root.as_slice())
                .map_err(|_| unfit("the executor's artifact root is not 32 bytes"))?,
        };
        let digest = record::record_digest(self.chain_id, &work);
        if digest.as_slice() != end.digest {
            return Err(unfit(
                "the executor committed to another answer than it sent",
            ));
        }
        let signed = record::output_sign_bytes(
            self.chain_id,
            work.session,
            work.index,
            &work.output_hash,
            &work.artifact_root,
        );
        let valid = Signature::from_slice(&end.signature)
            .is_ok_and(|s| self.drawn.transport.verify_strict(&signed, &s).is_ok());
        if !valid {
            return Err(unfit(
                "the answer is not signed by the key that the executor registered",
            ));
        }
        Ok((work, digest))
    }
}

impl Ask<'_> {
    /// Asks the node at `grpc` (`host:port`), hands out text as it comes, checks what was signed
    /// and acknowledges it. Nothing is read beyond what the request allows.
    ///
    /// # Errors
    /// The node refused, the stream broke, or the answer does not fit. An answer whose
    /// acknowledgement did not arrive is returned.
    pub async fn run(
        self,
        grpc: &str,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Asked, AskError> {
        let index = u32::try_from(self.index).map_err(|_| unfit("an index is below 2^32"))?;
        let body = self.body.encode_to_vec();
        let terms = RequestTerms {
            session: self.session,
            index,
            attempt: self.attempt,
            request_hash: request_hash(self.chain_id, &body),
            max_tokens: self.body.max_tokens,
            max_fee: self.max_fee,
            expiry_height: self.expiry_height,
        };
        let signature = self
            .key
            .sign(&record::request_sign_bytes(self.chain_id, &terms));
        let mut client = InferenceClient::connect(format!("http://{grpc}"))
            .await
            .map_err(|source| AskError::Unreachable {
                grpc: grpc.to_owned(),
                source,
            })?;
        let mut stream = client
            .generate(pb::GenerateRequest {
                session_id: self.session,
                index: self.index,
                attempt: self.attempt,
                max_fee: self.max_fee.to_string(),
                expiry_height: self.expiry_height,
                body,
                signature: signature.to_bytes().to_vec(),
            })
            .await
            .map_err(refused(false))?
            .into_inner();
        let mut reading = Reading::new(&self, terms);
        let finished = loop {
            let message = stream.message().await.map_err(refused(reading.begun))?;
            let Some(event) = message else {
                return Err(unfit("the stream ended before the answer did"));
            };
            match event.event {
                Some(pb::generate_event::Event::Accepted(accepted)) => {
                    reading.accepted(&accepted)?
                }
                Some(pb::generate_event::Event::Token(token)) => {
                    reading.token(&token)?;
                    on_text(&token.text);
                }
                Some(pb::generate_event::Event::Finished(end)) => break end,
                None => {}
            }
        };
        let (work, digest) = reading.finished(&finished)?;
        let executor = self.drawn.executor;
        let message = record::acknowledgement(
            self.chain_id,
            self.session,
            index,
            work.prompt_tokens,
            work.output_tokens,
            &digest,
            &executor,
        );
        let mut request = tonic::Request::new(pb::AcknowledgeRequest {
            session_id: self.session,
            index: self.index,
            attempt: self.attempt,
            acknowledgement: self.key.sign(&message).to_bytes().to_vec(),
            prompt_tokens: work.prompt_tokens,
            output_tokens: work.output_tokens,
            digest: digest.to_vec(),
        });
        request.set_timeout(ACKNOWLEDGE_LIMIT);
        let taken = client.acknowledge(request).await;
        Ok(Asked {
            executor,
            text: reading.text,
            finished,
            unacknowledged: taken.err().map(|status| status.message().to_owned()),
        })
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
