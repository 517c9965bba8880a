//! The developer's side: sign a request, stream its answer, acknowledge it.

use ed25519_dalek::{Signer as _, SigningKey};
use prost::Message as _;
use race_proto::race::inference::v1 as pb;
use race_proto::race::inference::v1::inference_client::InferenceClient;
use race_verification::artifact::request_hash;
use race_verification::record::{self, RequestTerms, Work};
use race_verification::Hash;

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
    /// What is asked.
    pub body: pb::RequestBody,
    /// The most to pay, nicoin.
    pub max_fee: u128,
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
}

fn unfit(text: impl Into<String>) -> AskError {
    AskError::Unfit(text.into())
}

fn hash(bytes: &[u8], what: &str) -> Result<Hash, AskError> {
    bytes
        .try_into()
        .map_err(|_| unfit(format!("the executor's {what} is not 32 bytes")))
}

impl Ask<'_> {
    /// Asks the node at `grpc` (`host:port`), hands out text as it comes, checks what was signed
    /// and acknowledges it.
    ///
    /// # Errors
    /// The node refused, the stream broke, or the end does not fit the answer.
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
        let (mut text, mut tokens, mut finished, mut executor) =
            (String::new(), Vec::new(), None, None);
        loop {
            let begun = executor.is_some();
            let Some(event) = stream.message().await.map_err(refused(begun))? else {
                break;
            };
            match event.event {
                Some(pb::generate_event::Event::Token(token)) => {
                    on_text(&token.text);
                    text.push_str(&token.text);
                    tokens.push(token.id);
                }
                Some(pb::generate_event::Event::Finished(end)) => finished = Some(end),
                Some(pb::generate_event::Event::Accepted(accepted)) => {
                    executor = Some(accepted.executor)
                }
                None => {}
            }
        }
        let finished = finished.ok_or_else(|| unfit("the stream ended before the answer did"))?;
        if race_app::coin::parse(&finished.fee).map_or(true, |fee| fee > self.max_fee) {
            return Err(AskError::Unfit(format!(
                "the executor asks {} nicoin, more than the {} that were offered",
                finished.fee, self.max_fee
            )));
        }
        // What is acknowledged is what was received: the digest is made again from it.
        let work = Work {
            session: self.session,
            index,
            prompt_tokens: finished.prompt_tokens,
            output_tokens: u32::try_from(tokens.len()).unwrap_or(u32::MAX),
            request_hash: terms.request_hash,
            output_hash: race_verification::artifact::output_hash(self.chain_id, &tokens, b""),
            artifact_root: hash(&finished.artifact_root, "artifact root")?,
        };
        let digest = record::record_digest(self.chain_id, &work);
        if digest.as_slice() != finished.digest {
            return Err(unfit("the executor signed another answer than it sent"));
        }
        let executor = executor
            .and_then(|address| <[u8; 20]>::try_from(address).ok())
            .ok_or_else(|| unfit("the executor did not say who it is"))?;
        let message = record::acknowledgement(
            self.chain_id,
            self.session,
            index,
            work.prompt_tokens,
            work.output_tokens,
            &digest,
            &executor,
        );
        client
            .acknowledge(pb::AcknowledgeRequest {
                session_id: self.session,
                index: self.index,
                attempt: self.attempt,
                acknowledgement: self.key.sign(&message).to_bytes().to_vec(),
            })
            .await
            .map_err(refused(true))?;
        Ok(Asked {
            executor,
            text,
            finished,
        })
    }
}
