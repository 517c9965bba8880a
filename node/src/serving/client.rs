//! The developer's side: sign a request, stream its answer, acknowledge it.

use ed25519_dalek::{Signer as _, SigningKey};
use prost::Message as _;
use race_proto::race::inference::v1 as pb;
use race_proto::race::inference::v1::inference_client::InferenceClient;
use race_verification::artifact::request_hash;
use race_verification::record::{self, RequestTerms, Work};
use race_verification::Hash;

use crate::node::Failure;

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
    /// Its text.
    pub text: String,
    /// Its end.
    pub finished: pb::Finished,
}

fn hash(bytes: &[u8], what: &str) -> Result<Hash, Failure> {
    bytes
        .try_into()
        .map_err(|_| format!("the executor's {what} is not 32 bytes").into())
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
    ) -> Result<Asked, Failure> {
        let index = u32::try_from(self.index).map_err(|_| "an index is below 2^32")?;
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
        let mut client = InferenceClient::connect(format!("http://{grpc}")).await?;
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
            .map_err(|status| status.message().to_owned())?
            .into_inner();
        let (mut text, mut tokens, mut finished, mut executor) =
            (String::new(), Vec::new(), None, None);
        while let Some(event) = stream.message().await.map_err(|s| s.message().to_owned())? {
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
        let finished = finished.ok_or("the stream ended before the answer did")?;
        // What is acknowledged is what was received: the digest is made again from it.
        let work = Work {
            session: self.session,
            index,
            prompt_tokens: finished.prompt_tokens,
            output_tokens: u32::try_from(tokens.len())?,
            request_hash: terms.request_hash,
            output_hash: race_verification::artifact::output_hash(self.chain_id, &tokens, b""),
            artifact_root: hash(&finished.artifact_root, "artifact root")?,
        };
        let digest = record::record_digest(self.chain_id, &work);
        if digest.as_slice() != finished.digest {
            return Err(
                "the executor signed another answer than it sent; it is not acknowledged".into(),
            );
        }
        let executor = executor
            .and_then(|address| address.try_into().ok())
            .ok_or("the executor did not say who it is")?;
        let message = record::acknowledgement(
            self.chain_id,
            self.session,
            index,
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
            .map_err(|status| status.message().to_owned())?;
        Ok(Asked { text, finished })
    }
}
