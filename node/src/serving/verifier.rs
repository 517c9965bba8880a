//! The checking worker of inference: fetches what an executor served, checks it with one prefill,
//! keeps the verdict on disk until the chain has it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use race_app::{epoch, model, node, session};
use race_proto::race::inference::v1::inference_client::InferenceClient;
use race_proto::race::inference::v1::{ArtifactsRequest, ArtifactsResponse};
use race_proto::race::settlement::v1::Task;
use race_verification::compare::{CannotCheck, Verdict};
use race_verification::verdict::{evidence_digest, Outcome};
use race_verification::Hash;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::access;
use super::answer::{self, Place, Settled};
use super::host::Host;
use crate::comet::files::{self, FileError};
use crate::misbehave::Misbehaviour;
use crate::protocol::{duties, Identity, View};

/// How long an executor may take to serve an artifact.
const FETCH_LIMIT: Duration = Duration::from_secs(10);
/// Largest artifact taken, bytes.
const MAX_ARTIFACT_BYTES: usize = 64 << 20;

/// A verdict of this node, as it will be posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// [`Outcome::code`].
    outcome: u8,
    /// Digest of the evidence.
    #[serde(with = "hex::serde")]
    pub evidence: Hash,
    /// The epoch of the task.
    epoch: u64,
}

impl Found {
    /// The outcome.
    pub fn outcome(&self) -> Outcome {
        Outcome::from_code(self.outcome).unwrap_or(Outcome::CannotCheck)
    }
}

/// Verdicts by task id, hex.
pub type Verdicts = BTreeMap<String, Found>;

/// Checks in progress at once: each holds an artifact in memory.
const CHECKS_AT_ONCE: usize = 2;

struct Shared {
    turns: Semaphore,
    file: PathBuf,
    verdicts: Mutex<Verdicts>,
    pending: Mutex<BTreeSet<Hash>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn keep(&self, task: &Hash, found: Found) {
        let mut verdicts = locked(&self.verdicts);
        verdicts.insert(hex::encode(task), found);
        let bytes = serde_json::to_vec(&*verdicts).expect("verdicts are JSON");
        if let Err(error) = files::write_atomically(&self.file, &bytes, files::PRIVATE) {
            tracing::warn!(%error, "a verdict is not on disk; it would be found again after a restart");
        }
    }
}

/// The checking worker.
pub struct Verifier {
    me: Arc<Identity>,
    host: Host,
    misbehaviour: Option<Misbehaviour>,
    shared: Arc<Shared>,
}

/// One task to check.
struct Job {
    task: Task,
    id: Hash,
    seed: Hash,
    endpoint: String,
    request: ArtifactsRequest,
}

impl Verifier {
    /// A worker with the verdicts that an earlier run found.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn open(
        home: &Path,
        me: Arc<Identity>,
        host: Host,
        misbehaviour: Option<Misbehaviour>,
    ) -> Result<Self, FileError> {
        let folder = home.join("data").join("checks");
        files::create_private_dir(&folder)?;
        let file = folder.join("verdicts.json");
        let verdicts = std::fs::read(&file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let shared = Shared {
            turns: Semaphore::new(CHECKS_AT_ONCE),
            file,
            verdicts: Mutex::new(verdicts),
            pending: Mutex::default(),
        };
        Ok(Self {
            me,
            host,
            misbehaviour,
            shared: Arc::new(shared),
        })
    }

    /// What was found so far.
    pub fn verdicts(&self) -> Verdicts {
        locked(&self.shared.verdicts).clone()
    }

    /// Starts the checks that fell to this node and are not done.
    pub fn follow(&self, view: &View) {
        let current = epoch::current(&view.state).number;
        locked(&self.shared.verdicts).retain(|_, found| found.epoch.saturating_add(3) > current);
        for task in duties::to_check(view, &self.me) {
            let Ok(id) = Hash::try_from(task.id.as_slice()) else {
                continue;
            };
            let known = locked(&self.shared.verdicts).contains_key(&hex::encode(id));
            if known || !locked(&self.shared.pending).insert(id) {
                continue;
            }
            if self.misbehaviour == Some(Misbehaviour::Forge) {
                // A forger's own model would call honest answers false: it just says "pass".
                let evidence = evidence_digest(
                    &self.me.chain_id,
                    &id,
                    &self.me.address,
                    None,
                    &Verdict::Pass,
                );
                self.shared.keep(
                    &id,
                    Found {
                        outcome: Outcome::Pass.code(),
                        evidence,
                        epoch: task.epoch,
                    },
                );
                continue;
            }
            match self.job(view, task, id) {
                Some(job) => self.check(view, job),
                None => {
                    locked(&self.shared.pending).remove(&id);
                }
            }
        }
    }

    fn job(&self, view: &View, task: Task, id: Hash) -> Option<Job> {
        let pin = session::pin(&view.state, task.epoch, task.session_id)?;
        let seed = pin.seed.as_slice().try_into().ok()?;
        let executor = task.executor.as_slice().try_into().ok()?;
        let endpoint = node::get(&view.state, &executor)?.endpoints?.grpc;
        let request = access::request(
            &self.me.chain_id,
            (task.session_id, task.index),
            view.height,
            &self.me.address,
            &self.me.secrets.transport,
        );
        Some(Job {
            task,
            request,
            id,
            seed,
            endpoint,
        })
    }

    fn check(&self, view: &View, job: Job) {
        let Some(hosted) = self.host.get(&job.task.model_id) else {
            // Loaded later, maybe: asked again after the next block.
            locked(&self.shared.pending).remove(&job.id);
            return;
        };
        if model::get(&view.state, &job.task.model_id).is_none() {
            return;
        }
        let (me, shared) = (Arc::clone(&self.me), Arc::clone(&self.shared));
        let host = self.host.clone();
        tokio::spawn(async move {
            // Closed never: an error cannot happen, and would only let the check go on.
            let _turn = shared.turns.acquire().await;
            let fetched = tokio::time::timeout(FETCH_LIMIT, fetch(&job)).await;
            let late = || Err(tonic::Status::deadline_exceeded("too slow"));
            let done = match fetched.unwrap_or_else(|_| late()) {
                Ok(served) => {
                    let job = Arc::new(job);
                    let (chain_id, of) = (me.chain_id.clone(), Arc::clone(&job));
                    let first = host.begin();
                    let checked = tokio::task::spawn_blocking(move || {
                        let _held = first;
                        let place = Place {
                            chain_id: &chain_id,
                            session: of.task.session_id,
                            index: u32::try_from(of.task.index).unwrap_or(u32::MAX),
                            seed: of.seed,
                        };
                        let settled = Settled {
                            digest: &of.task.digest,
                            prompt_tokens: of.task.prompt_tokens,
                            output_tokens: of.task.output_tokens,
                            format: &hosted.spec.numeric_format,
                            thresholds: &hosted.thresholds,
                        };
                        answer::check(&place, hosted.model.as_ref(), settled, &served)
                    })
                    .await;
                    match checked {
                        Ok(Ok(found)) => Some((job.id, job.task.clone(), found)),
                        Ok(Err(error)) => {
                            tracing::warn!(%error, session = job.task.session_id, index = job.task.index, "a check failed here; trying again");
                            locked(&shared.pending).remove(&job.id);
                            None
                        }
                        Err(error) => {
                            tracing::error!(%error, "a check's thread failed");
                            locked(&shared.pending).remove(&job.id);
                            None
                        }
                    }
                }
                Err(status) => {
                    tracing::warn!(%status, endpoint = %job.endpoint, session = job.task.session_id, index = job.task.index, "the executor did not serve an artifact; trying again");
                    locked(&shared.pending).remove(&job.id);
                    None
                }
            };
            let Some((id, task, (verdict, measured))) = done else {
                return;
            };
            tracing::info!(
                session = task.session_id,
                index = task.index,
                mean_distance = measured.as_ref().map(race_verification::compare::Comparison::mean_distance),
                mean_margin = measured.as_ref().map(race_verification::compare::Comparison::mean_margin),
                verdict = ?verdict,
                "checked an answer"
            );
            let evidence =
                evidence_digest(&me.chain_id, &id, &me.address, measured.as_ref(), &verdict);
            shared.keep(
                &id,
                Found {
                    outcome: verdict.outcome().code(),
                    evidence,
                    epoch: task.epoch,
                },
            );
            locked(&shared.pending).remove(&id);
        });
    }
}

/// The verdict on a task that could not be checked in time.
pub fn unchecked(me: &Identity, task: &Hash) -> (Outcome, Hash) {
    let verdict = Verdict::CannotCheck(CannotCheck::MissingArtifact);
    (
        Outcome::CannotCheck,
        evidence_digest(&me.chain_id, task, &me.address, None, &verdict),
    )
}

async fn fetch(job: &Job) -> Result<ArtifactsResponse, tonic::Status> {
    let unavailable = |e: tonic::transport::Error| tonic::Status::unavailable(e.to_string());
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", job.endpoint))
        .map_err(unavailable)?
        .connect_timeout(FETCH_LIMIT)
        .timeout(FETCH_LIMIT);
    let channel = endpoint.connect().await.map_err(unavailable)?;
    let mut client = InferenceClient::new(channel).max_decoding_message_size(MAX_ARTIFACT_BYTES);
    Ok(client.artifacts(job.request.clone()).await?.into_inner())
}
