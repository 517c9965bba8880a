//! `race.inference.v1.Inference`: what developers call. Any node takes a request; the one that the
//! session's assignment seed drew executes it.

use std::pin::Pin;
use std::sync::Arc;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use race_app::address::ConsensusAddress;
use race_app::coin::{self, Nicoin};
use race_app::{node, session, settlement};
use race_inference::engine::CancelFlag;
use race_inference::InferenceError;
use race_proto::race::inference::v1 as pb;
use race_proto::race::session::v1::{Pin as SessionPin, Session, SessionStatus};
use race_verification::artifact::StopReason;
use race_verification::record::{self, RequestTerms};
use race_verification::Hash;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::Stream;
use tonic::{Code, Request, Response, Status};

use super::access;
use super::answer::{self, AnswerError, Claimed, Place};
use super::host::{Host, Hosted};
use super::kept::Kept;
use super::peers::Peers;
use super::running::Running;
use super::tasks::{Entry, Served, Tasks};
use crate::latest::Latest;
use crate::metrics::work::Work;

/// Answers of one session that may wait here for their acknowledgement: work that is not paid yet.
const MAX_UNACKNOWLEDGED: usize = 4;
/// Events of an answer that are no tokens.
const OTHER_EVENTS: usize = 4;
/// Marks a request that another node forwarded; it is forwarded once.
const FORWARDED: &str = "race-forwarded";

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
    /// Answers of others that this node called false.
    pub kept: Arc<Kept>,
    /// Requests being answered.
    pub running: Running,
    /// Connections to other executors.
    pub peers: Peers,
    /// Counts requests and answers.
    pub metrics: Work,
}

/// A request for the executor, which must not pass it on again: two nodes whose endpoints name each
/// other would do so for ever.
fn forward<T>(request: T, forwarded: bool) -> Result<Request<T>, Status> {
    if forwarded {
        return Err(Status::failed_precondition(
            "this node is not the executor that was drawn; the node that forwarded the request sees another state",
        ));
    }
    let mut request = Request::new(request);
    request
        .metadata_mut()
        .insert(FORWARDED, tonic::metadata::MetadataValue::from_static("1"));
    Ok(request)
}

/// The events of an answer.
pub(super) type Events = Pin<Box<dyn Stream<Item = Result<pb::GenerateEvent, Status>> + Send>>;

fn event(event: pb::generate_event::Event) -> Result<pb::GenerateEvent, Status> {
    Ok(pb::GenerateEvent { event: Some(event) })
}

/// Runs what waits for the disk or computes on a thread that may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Status::internal("the node failed at this request")))
}

/// Sets `cancel` once nobody reads from `sender`, until the set is dropped: also while a request waits
/// or its prompt is computed, when nothing is sent that could fail.
fn cancel_when_left<T: Send + 'static>(
    sender: &mpsc::Sender<T>,
    cancel: &CancelFlag,
) -> JoinSet<()> {
    let (sender, cancel) = (sender.clone(), cancel.clone());
    let mut watch = JoinSet::new();
    watch.spawn(async move {
        sender.closed().await;
        cancel.cancel();
    });
    watch
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
        let body = answer::body(&request.body).map_err(refused)?;
        if body.model_id != session.model_id {
            return Err(Status::invalid_argument(format!(
                "the session is for model {:?}, the request for {:?}",
                session.model_id, body.model_id
            )));
        }
        let terms = RequestTerms {
            session: request.session_id,
            index,
            attempt: request.attempt,
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

    /// Answers a request here, or passes it on to the executor that was drawn.
    async fn take(&self, request: Request<pb::GenerateRequest>) -> Result<Events, Status> {
        let forwarded = request.metadata().contains_key(FORWARDED);
        let request = request.into_inner();
        let admitted = self.admit(&request)?;
        if admitted.executor == self.address {
            let service = self.clone();
            return blocking(move || service.execute(admitted, request.body)).await;
        }
        let endpoint = self.endpoint(&admitted.executor)?;
        self.peers
            .generate(&endpoint, forward(request, forwarded)?)
            .await
    }

    /// Where an executor is asked, `host:port`.
    fn endpoint(&self, address: &ConsensusAddress) -> Result<String, Status> {
        let view = self.latest.view();
        node::get(&view.state, address)
            .and_then(|node| node.endpoints)
            .map(|endpoints| endpoints.grpc)
            .filter(|grpc| !grpc.is_empty())
            .ok_or_else(|| {
                Status::unavailable("the executor has no endpoint; retry with the next attempt")
            })
    }

    /// Answers of a session that wait for their acknowledgement are so many that no more is made.
    fn check_paid(&self, session: u64) -> Result<(), Status> {
        let view = self.latest.view();
        // What can no longer be settled can no longer be asked for.
        let open = |epoch| settlement::is_open(&view.state, epoch, view.next());
        let unpaid = self.tasks.unacknowledged(session, open);
        match unpaid.first() {
            Some(first) if unpaid.len() >= MAX_UNACKNOWLEDGED => {
                Err(Status::failed_precondition(format!(
                    "{} answers of this session are not acknowledged; ask for index {first} again, which costs nothing more, and acknowledge it",
                    unpaid.len()
                )))
            }
            _ => Ok(()),
        }
    }

    /// Runs an admitted request here. Token events go out as they come; the last event is sent once
    /// the task is on disk. Waits for the disk and for the tokenizer.
    fn execute(&self, admitted: Admitted, body: Vec<u8>) -> Result<Events, Status> {
        let hosted = self.host.get(&admitted.session.model_id).ok_or_else(|| {
            Status::unavailable(
                "this node was drawn and has not loaded the model; retry with the next attempt",
            )
        })?;
        let session = admitted.session.id;
        let turn = self.running.begin(session, admitted.index)?;
        if let Some(served) = self.tasks.read(session, admitted.index) {
            return self.replay(&admitted, &hosted, &served, &body);
        }
        self.check_paid(session)?;
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
        // A request that only waits, of a session that has paid nothing here yet, does not stop the race.
        let trusted = self.tasks.has_paid(session) || hosted.model.activity().is_idle();
        let mut first = trusted.then(|| self.host.begin());
        // Room for the whole answer: a client that does not read holds up nobody.
        let context = hosted.model.info().context_length as usize;
        let (sender, receiver) =
            mpsc::channel(max_tokens.min(context).saturating_add(OTHER_EVENTS));
        let cancel = CancelFlag::new();
        let watch = cancel_when_left(&sender, &cancel);
        let service = self.clone();
        tokio::task::spawn_blocking(move || {
            let _held = (turn, watch, service.metrics.begin());
            let accepted = pb::generate_event::Event::Accepted(pb::Accepted {
                executor: service.address.to_vec(),
                prompt_tokens: u32::try_from(prompt.tokens.len()).unwrap_or(u32::MAX),
            });
            if sender.try_send(event(accepted)).is_err() {
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
            let outcome = answer::generate(
                &place,
                hosted.model.as_ref(),
                claimed,
                &prompt,
                max_tokens,
                &cancel,
                &mut |token| {
                    first.get_or_insert_with(|| service.host.begin());
                    let token = pb::Token {
                        id: token.token,
                        text: token.text.to_owned(),
                    };
                    let token = event(pb::generate_event::Event::Token(token));
                    if sender.try_send(token).is_err() {
                        cancel.cancel();
                    }
                },
            );
            let last = outcome
                .map_err(refused)
                .and_then(|answer| service.finish(&admitted, body, &answer));
            // A client that is gone gets no last event; the task is on disk all the same.
            let last = last.and_then(|f| event(pb::generate_event::Event::Finished(f)));
            drop(sender.try_send(last));
        });
        Ok(Box::pin(ReceiverStream::new(receiver)))
    }

    /// The answer to a request that was answered before, from disk: the same tokens, the same end.
    fn replay(
        &self,
        admitted: &Admitted,
        hosted: &Hosted,
        served: &Served,
        body: &[u8],
    ) -> Result<Events, Status> {
        if served.body != body {
            return Err(Status::already_exists(
                "this index was used for another request; use the next one",
            ));
        }
        let entry = &served.entry;
        let view = self.latest.view();
        let pin = session::pin(&view.state, entry.epoch, entry.session)
            .filter(|_| settlement::is_open(&view.state, entry.epoch, view.next()))
            .ok_or_else(|| {
                Status::failed_precondition(
                    "this request was answered in an epoch that is settled; use the next index",
                )
            })?;
        let place = Place {
            chain_id: &self.chain_id,
            session: entry.session,
            index: entry.index,
            seed: admitted.seed,
        };
        let damaged = || Status::internal("the stored answer is damaged");
        let answer = answer::restore(&place, served).ok_or_else(damaged)?;
        let mut events = vec![event(pb::generate_event::Event::Accepted(pb::Accepted {
            executor: self.address.to_vec(),
            prompt_tokens: entry.prompt_tokens,
        }))];
        let mut text = race_inference::text::Utf8Stream::default();
        for id in answer.artifact.tokens() {
            let bytes = hosted.model.token_bytes(id).map_err(|_| damaged())?;
            let text = text.push(&bytes);
            events.push(event(pb::generate_event::Event::Token(pb::Token {
                id,
                text,
            })));
        }
        let end = self.finished(&pin, &admitted.session, &answer);
        events.push(event(pb::generate_event::Event::Finished(end)));
        Ok(Box::pin(tokio_stream::iter(events)))
    }

    fn finish(
        &self,
        admitted: &Admitted,
        body: Vec<u8>,
        answer: &answer::Answer,
    ) -> Result<pb::Finished, Status> {
        let work = &answer.work;
        self.tasks
            .put(&Served {
                entry: Entry {
                    session: admitted.session.id,
                    index: admitted.index,
                    attempt: admitted.attempt,
                    epoch: admitted.pin.epoch,
                    prompt_tokens: work.prompt_tokens,
                    output_tokens: work.output_tokens,
                    digest: answer.digest.to_vec(),
                    acknowledgement: Vec::new(),
                },
                body,
                artifact: answer.artifact.encode(),
                text: answer.text.clone(),
            })
            .map_err(|e| Status::internal(e.to_string()))?;
        self.metrics
            .answered(work.prompt_tokens, work.output_tokens);
        Ok(self.finished(&admitted.pin, &admitted.session, answer))
    }

    /// Keeps an acknowledgement. Waits for the disk.
    fn keep(&self, entry: &Entry, acknowledgement: Vec<u8>) -> Result<(), Status> {
        let damaged = || Status::internal("the stored answer is damaged");
        let mut served = self
            .tasks
            .read(entry.session, entry.index)
            .ok_or_else(damaged)?;
        served.entry.acknowledgement = acknowledgement;
        self.tasks
            .put(&served)
            .map_err(|e| Status::internal(e.to_string()))
    }

    /// The end of an answer, signed.
    fn finished(
        &self,
        pin: &SessionPin,
        session: &Session,
        answer: &answer::Answer,
    ) -> pb::Finished {
        let work = &answer.work;
        let signed = record::output_sign_bytes(
            &self.chain_id,
            work.session,
            work.index,
            &work.output_hash,
            &work.artifact_root,
        );
        let stopped = match answer.artifact.stop() {
            StopReason::EndOfText | StopReason::StopSequence => "stop",
            StopReason::MaxTokens | StopReason::Ceiling => "length",
            StopReason::Cancelled => "cancelled",
        };
        pb::Finished {
            stop_reason: stopped.into(),
            prompt_tokens: work.prompt_tokens,
            output_tokens: work.output_tokens,
            request_hash: work.request_hash.to_vec(),
            output_hash: work.output_hash.to_vec(),
            artifact_root: work.artifact_root.to_vec(),
            digest: answer.digest.to_vec(),
            signature: self.transport.sign(&signed).to_bytes().to_vec(),
            fee: settlement::fee(pin, session, work.prompt_tokens, work.output_tokens).to_string(),
        }
    }
}

#[tonic::async_trait]
impl pb::inference_server::Inference for Service {
    type GenerateStream = Events;

    async fn generate(
        &self,
        request: Request<pb::GenerateRequest>,
    ) -> Result<Response<Events>, Status> {
        let taken = self.take(request).await;
        let code = taken.as_ref().map_or_else(Status::code, |_| Code::Ok);
        self.metrics.requested(code);
        taken.map(Response::new)
    }

    async fn acknowledge(
        &self,
        request: Request<pb::AcknowledgeRequest>,
    ) -> Result<Response<pb::AcknowledgeResponse>, Status> {
        let forwarded = request.metadata().contains_key(FORWARDED);
        let request = request.into_inner();
        let index = u32::try_from(request.index)
            .map_err(|_| Status::invalid_argument("an index is below 2^32"))?;
        let session = {
            let view = self.latest.view();
            session::get(&view.state, request.session_id).ok_or_else(|| {
                Status::not_found(format!("there is no session {}", request.session_id))
            })?
        };
        let signed_for = |executor: &ConsensusAddress, prompt, output, digest: &[u8]| {
            let digest = Hash::try_from(digest)
                .map_err(|_| Status::invalid_argument("a digest has 32 bytes"))?;
            let message = record::acknowledgement(
                &self.chain_id,
                session.id,
                index,
                prompt,
                output,
                &digest,
                executor,
            );
            let (key, signature) = (&session.session_key, &request.acknowledgement);
            verify(key, &message, signature, "acknowledgement")
        };
        if let Some(entry) = self.tasks.entry(session.id, index) {
            let (prompt, output) = (entry.prompt_tokens, entry.output_tokens);
            signed_for(&self.address, prompt, output, &entry.digest)?;
            if !entry.is_acknowledged() {
                let service = self.clone();
                blocking(move || service.keep(&entry, request.acknowledgement)).await?;
            }
            return Ok(Response::new(pb::AcknowledgeResponse {}));
        }
        let executor = {
            let view = self.latest.view();
            session::newest_pin(&view.state, &session)
                .and_then(|pin| session::executor(&pin, request.index, request.attempt))
                .filter(|executor| *executor != self.address)
                .ok_or_else(|| Status::not_found("this request was not answered here"))?
        };
        let (prompt, output) = (request.prompt_tokens, request.output_tokens);
        signed_for(&executor, prompt, output, &request.digest)?;
        let endpoint = self.endpoint(&executor)?;
        self.peers
            .acknowledge(&endpoint, forward(request, forwarded)?)
            .await
    }

    async fn artifacts(
        &self,
        request: Request<pb::ArtifactsRequest>,
    ) -> Result<Response<pb::ArtifactsResponse>, Status> {
        let request = request.into_inner();
        let missing = || Status::not_found("this node has no such settled task");
        let entry = u32::try_from(request.index)
            .ok()
            .and_then(|index| self.tasks.entry(request.session_id, index))
            .filter(Entry::is_acknowledged);
        {
            let view = self.latest.view();
            let (session, index) = (request.session_id, request.index);
            // Of another's answer, which this node called false, the chain knows the epoch.
            let epoch = entry.as_ref().map(|entry| entry.epoch).or_else(|| {
                let task = settlement::task_of(&view.state, &self.chain_id, session, index)?;
                Some(task.epoch)
            });
            let pin = session::pin(&view.state, epoch.ok_or_else(missing)?, session);
            let transport = |asker: &ConsensusAddress| {
                let keys = node::get(&view.state, asker)?.keys?;
                Some(keys.transport)
            };
            access::check(
                &self.chain_id,
                &request,
                pin.as_ref(),
                view.height,
                transport,
            )?;
        }
        let service = self.clone();
        let served = blocking(move || {
            let served = match entry {
                Some(entry) => service
                    .tasks
                    .read(entry.session, entry.index)
                    .map(|served| pb::ArtifactsResponse {
                        body: served.body,
                        artifacts: served.artifact,
                        text: served.text,
                    }),
                None => service.kept.get(request.session_id, request.index),
            };
            served.ok_or_else(missing)
        })
        .await?;
        Ok(Response::new(served))
    }
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
