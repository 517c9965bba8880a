//! `race.inference.v1.Inference`: what developers call. Any node takes a request; the one that the
//! session's assignment seed drew executes it.

use std::pin::Pin;
use std::sync::Arc;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use race_app::address::ConsensusAddress;
use race_app::coin::{self, Nicoin};
use race_app::{node, session, settlement};
use race_inference::engine::{CancelFlag, StopReason};
use race_inference::InferenceError;
use race_proto::race::inference::v1 as pb;
use race_proto::race::inference::v1::inference_client::InferenceClient;
use race_proto::race::session::v1::{Pin as SessionPin, Session, SessionStatus};
use race_verification::record::{self, RequestTerms};
use race_verification::Hash;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use super::answer::{self, AnswerError, Claimed, Place};
use super::host::Host;
use super::tasks::{Served, Tasks};
use crate::latest::Latest;

/// Largest request body, bytes.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// Events that may wait for a slow client.
const EVENT_QUEUE: usize = 64;

/// The service of one node.
#[derive(Clone)]
pub struct Service {
    /// The chain.
    pub chain_id: String,
    /// This node.
    pub address: ConsensusAddress,
    /// Signs finished answers.
    pub transport: SigningKey,
    /// Committed state.
    pub latest: Latest,
    /// Models.
    pub host: Host,
    /// Answered requests.
    pub tasks: Arc<Tasks>,
}

type Events = Pin<Box<dyn Stream<Item = Result<pb::GenerateEvent, Status>> + Send>>;

fn event(event: pb::generate_event::Event) -> Result<pb::GenerateEvent, Status> {
    Ok(pb::GenerateEvent { event: Some(event) })
}

fn refused(error: AnswerError) -> Status {
    match error {
        AnswerError::Engine(InferenceError::Busy { .. }) => {
            Status::resource_exhausted(error.to_string())
        }
        AnswerError::Engine(InferenceError::Cancelled) => Status::cancelled(error.to_string()),
        AnswerError::Engine(InferenceError::Engine(_) | InferenceError::WorkerGone)
        | AnswerError::Artifact(_) => Status::internal(error.to_string()),
        _ => Status::invalid_argument(error.to_string()),
    }
}

/// A request whose session, index and signature were checked.
struct Admitted {
    session: Session,
    pin: SessionPin,
    seed: Hash,
    index: u32,
    attempt: u32,
    executor: ConsensusAddress,
    /// The most that may be charged.
    limit: Nicoin,
}

fn verify(key: &[u8], message: &Hash, signature: &[u8], what: &str) -> Result<(), Status> {
    let valid = <[u8; 32]>::try_from(key)
        .ok()
        .and_then(|key| VerifyingKey::from_bytes(&key).ok())
        .zip(Signature::from_slice(signature).ok())
        .is_some_and(|(key, signature)| key.verify_strict(message, &signature).is_ok());
    if valid {
        Ok(())
    } else {
        Err(Status::unauthenticated(format!(
            "the {what} is not signed by the session's key; sign it with the key that the session was opened with"
        )))
    }
}

impl Service {
    fn admit(&self, request: &pb::GenerateRequest) -> Result<Admitted, Status> {
        if request.body.len() > MAX_BODY_BYTES {
            return Err(Status::invalid_argument(format!(
                "the body has {} bytes; at most {MAX_BODY_BYTES} are taken",
                request.body.len()
            )));
        }
        let view = self.latest.view();
        let session = session::get(&view.state, request.session_id).ok_or_else(|| {
            Status::not_found(format!("there is no session {}", request.session_id))
        })?;
        if session.status() == SessionStatus::Closed || view.height > session.expiry_height {
            return Err(Status::failed_precondition(
                "the session has expired; open another",
            ));
        }
        let pin = session::newest_pin(&view.state, &session).ok_or_else(|| {
            Status::unavailable(
                "the session waits for its beacon round or for a host; try again in some blocks",
            )
        })?;
        if !settlement::is_open(&view.state, pin.epoch, view.next()) {
            return Err(Status::unavailable(
                "the session waits for the new epoch's beacon round; try again in some blocks",
            ));
        }
        if request.index >= session.max_index {
            return Err(Status::failed_precondition(format!(
                "the session's escrow pays for indices below {}; {} came",
                session.max_index, request.index
            )));
        }
        if settlement::task_of(
            &view.state,
            &self.chain_id,
            request.session_id,
            request.index,
        )
        .is_some()
        {
            return Err(Status::already_exists(
                "this index is settled; use the next one",
            ));
        }
        let index = u32::try_from(request.index)
            .map_err(|_| Status::invalid_argument("an index is below 2^32"))?;
        let executor =
            session::executor(&pin, request.index, request.attempt).ok_or_else(|| {
                Status::invalid_argument(format!("attempts are 0 to 2; {} came", request.attempt))
            })?;
        let max_fee = coin::parse(&request.max_fee)
            .map_err(|e| Status::invalid_argument(format!("max_fee: {e}")))?;
        if request.expiry_height <= view.height {
            return Err(Status::failed_precondition(format!(
                "the request expired at height {}; the chain is at {}",
                request.expiry_height, view.height
            )));
        }
        let body: pb::RequestBody = prost::Message::decode(request.body.as_slice())
            .map_err(|e| Status::invalid_argument(format!("the body does not decode: {e}")))?;
        if body.model_id != session.model_id {
            return Err(Status::invalid_argument(format!(
                "the session is for model {:?}, the request for {:?}",
                session.model_id, body.model_id
            )));
        }
        let terms = RequestTerms {
            session: request.session_id,
            index,
            request_hash: race_verification::artifact::request_hash(&self.chain_id, &request.body),
            max_tokens: body.max_tokens,
            max_fee,
            expiry_height: request.expiry_height,
        };
        let message = record::request_sign_bytes(&self.chain_id, &terms);
        verify(
            &session.session_key,
            &message,
            &request.signature,
            "request",
        )?;
        let limit = max_fee.min(coin::stored(&session.ceiling));
        let seed = pin
            .seed
            .as_slice()
            .try_into()
            .map_err(|_| Status::internal("the pin has no seed"))?;
        Ok(Admitted {
            session,
            pin,
            seed,
            index,
            attempt: request.attempt,
            executor,
            limit,
        })
    }

    async fn peer(
        &self,
        address: &ConsensusAddress,
    ) -> Result<InferenceClient<tonic::transport::Channel>, Status> {
        let endpoint = {
            let view = self.latest.view();
            node::get(&view.state, address)
                .and_then(|node| node.endpoints)
                .map(|endpoints| endpoints.grpc)
                .filter(|grpc| !grpc.is_empty())
                .ok_or_else(|| {
                    Status::unavailable("the executor has no endpoint; retry with the next attempt")
                })?
        };
        InferenceClient::connect(format!("http://{endpoint}"))
            .await
            .map_err(|e| {
                Status::unavailable(format!(
                    "the executor at {endpoint} does not answer ({e}); retry with the next attempt"
                ))
            })
    }

    /// Runs an admitted request here. Token events go out as they come; the last event is sent once
    /// the task is on disk.
    fn execute(&self, admitted: Admitted, body: Vec<u8>) -> Result<Events, Status> {
        let hosted = self.host.get(&admitted.session.model_id).ok_or_else(|| {
            Status::unavailable(
                "this node was drawn and has not loaded the model; retry with the next attempt",
            )
        })?;
        if let Some(served) = self.tasks.get(admitted.session.id, admitted.index) {
            if served.body != body {
                return Err(Status::already_exists(
                    "this index was used for another request; use the next one",
                ));
            }
        }
        let prompt =
            answer::prompt(&self.chain_id, hosted.model.as_ref(), &body).map_err(refused)?;
        let units = u128::from(admitted.pin.units_per_token);
        let per_token = coin::stored(&admitted.pin.price_per_unit)
            .saturating_mul(units)
            .max(1);
        let payable = usize::try_from(admitted.limit / per_token).unwrap_or(usize::MAX);
        let max_tokens = payable
            .saturating_sub(prompt.tokens.len())
            .min(prompt.body.max_tokens as usize);
        if max_tokens == 0 {
            return Err(Status::failed_precondition(format!(
                "{} prompt tokens at {per_token} nicoin a token leave nothing of {} nicoin for an answer; shorten the prompt or raise max_fee and the session's ceiling",
                prompt.tokens.len(), admitted.limit
            )));
        }
        let (sender, receiver) = mpsc::channel(EVENT_QUEUE);
        let service = self.clone();
        tokio::task::spawn_blocking(move || {
            let accepted = pb::generate_event::Event::Accepted(pb::Accepted {
                executor: service.address.to_vec(),
                prompt_tokens: u32::try_from(prompt.tokens.len()).unwrap_or(u32::MAX),
            });
            if sender.blocking_send(event(accepted)).is_err() {
                return;
            }
            let place = Place {
                chain_id: &service.chain_id,
                session: admitted.session.id,
                index: admitted.index,
                seed: admitted.seed,
            };
            let claimed = Claimed {
                format: &hosted.spec.numeric_format,
                top_k: hosted.thresholds.top_k(),
            };
            let cancel = CancelFlag::new();
            let outcome = answer::generate(
                &place,
                hosted.model.as_ref(),
                claimed,
                &prompt,
                max_tokens,
                &cancel,
                &mut |token| {
                    let token = pb::Token {
                        id: token.token,
                        text: token.text.to_owned(),
                    };
                    if sender
                        .blocking_send(event(pb::generate_event::Event::Token(token)))
                        .is_err()
                    {
                        cancel.cancel();
                    }
                },
            );
            let last = outcome
                .map_err(refused)
                .and_then(|(answer, stop)| service.finish(&admitted, body, &answer, stop));
            // A client that is gone gets no last event; the task is on disk all the same.
            drop(
                sender.blocking_send(
                    last.and_then(|f| event(pb::generate_event::Event::Finished(f))),
                ),
            );
        });
        Ok(Box::pin(ReceiverStream::new(receiver)))
    }

    fn finish(
        &self,
        admitted: &Admitted,
        body: Vec<u8>,
        answer: &answer::Answer,
        stop: StopReason,
    ) -> Result<pb::Finished, Status> {
        let work = &answer.work;
        self.tasks
            .put(Served {
                session: admitted.session.id,
                index: admitted.index,
                attempt: admitted.attempt,
                epoch: admitted.pin.epoch,
                body,
                artifact: answer.artifact.encode(),
                prompt_tokens: work.prompt_tokens,
                output_tokens: work.output_tokens,
                digest: answer.digest.to_vec(),
                acknowledgement: Vec::new(),
            })
            .map_err(|e| Status::internal(e.to_string()))?;
        let signed = record::output_sign_bytes(
            &self.chain_id,
            work.session,
            work.index,
            &work.output_hash,
            &work.artifact_root,
        );
        let fee = settlement::fee(
            &admitted.pin,
            &admitted.session,
            work.prompt_tokens,
            work.output_tokens,
        );
        Ok(pb::Finished {
            stop_reason: if stop == StopReason::MaxTokens {
                "length"
            } else {
                "stop"
            }
            .into(),
            prompt_tokens: work.prompt_tokens,
            output_tokens: work.output_tokens,
            request_hash: work.request_hash.to_vec(),
            output_hash: work.output_hash.to_vec(),
            artifact_root: work.artifact_root.to_vec(),
            digest: answer.digest.to_vec(),
            signature: self.transport.sign(&signed).to_bytes().to_vec(),
            fee: fee.to_string(),
        })
    }
}

#[tonic::async_trait]
impl pb::inference_server::Inference for Service {
    type GenerateStream = Events;

    async fn generate(
        &self,
        request: Request<pb::GenerateRequest>,
    ) -> Result<Response<Events>, Status> {
        let request = request.into_inner();
        let admitted = self.admit(&request)?;
        if admitted.executor == self.address {
            return self.execute(admitted, request.body).map(Response::new);
        }
        let mut peer = self.peer(&admitted.executor).await?;
        let stream = peer.generate(request).await?.into_inner();
        Ok(Response::new(Box::pin(stream)))
    }

    async fn acknowledge(
        &self,
        request: Request<pb::AcknowledgeRequest>,
    ) -> Result<Response<pb::AcknowledgeResponse>, Status> {
        let request = request.into_inner();
        let (session, executor) = {
            let view = self.latest.view();
            let session = session::get(&view.state, request.session_id).ok_or_else(|| {
                Status::not_found(format!("there is no session {}", request.session_id))
            })?;
            let pin = session::newest_pin(&view.state, &session)
                .ok_or_else(|| Status::failed_precondition("the session has no pin yet"))?;
            let executor = session::executor(&pin, request.index, request.attempt);
            (session, executor)
        };
        let index = u32::try_from(request.index)
            .map_err(|_| Status::invalid_argument("an index is below 2^32"))?;
        let Some(mut served) = self.tasks.get(session.id, index) else {
            return match executor.filter(|e| *e != self.address) {
                Some(executor) => self.peer(&executor).await?.acknowledge(request).await,
                None => Err(Status::not_found("this request was not answered here")),
            };
        };
        let digest: Hash = served
            .digest
            .as_slice()
            .try_into()
            .map_err(|_| Status::internal("the task on disk is damaged"))?;
        let message = record::acknowledgement(
            &self.chain_id,
            session.id,
            index,
            served.output_tokens,
            &digest,
            &self.address,
        );
        verify(
            &session.session_key,
            &message,
            &request.acknowledgement,
            "acknowledgement",
        )?;
        served.acknowledgement = request.acknowledgement;
        self.tasks
            .put(served)
            .map_err(|e| Status::internal(e.to_string()))?;
        Ok(Response::new(pb::AcknowledgeResponse {}))
    }

    async fn artifacts(
        &self,
        request: Request<pb::ArtifactsRequest>,
    ) -> Result<Response<pb::ArtifactsResponse>, Status> {
        let request = request.into_inner();
        let served = u32::try_from(request.index)
            .ok()
            .and_then(|index| self.tasks.get(request.session_id, index))
            .filter(|served| !served.acknowledgement.is_empty())
            .ok_or_else(|| Status::not_found("this node has no such settled task"))?;
        Ok(Response::new(pb::ArtifactsResponse {
            body: served.body,
            artifacts: served.artifact,
        }))
    }
}
