//! The checking worker of inference: fetches what an executor served, checks it with one prefill,
//! keeps the verdict on disk until the chain has it.
//!
//! When a task is contested its accusers are asked too, after its executor: the digest on chain says whether what
//! they have is what was settled. So an executor that served its accuser alone is found out all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use race_app::address::ConsensusAddress;
use race_app::{epoch, model, node, session, settlement};
use race_proto::race::inference::v1::inference_client::InferenceClient;
use race_proto::race::inference::v1::{ArtifactsRequest, ArtifactsResponse};
use race_proto::race::settlement::v1::{Task, TaskStatus};
use race_verification::compare::{CannotCheck, Comparison, Verdict};
use race_verification::verdict::{evidence_digest, Outcome};
use race_verification::Hash;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::access;
use super::answer::{self, Place, Settled};
use super::fetch::{Fetches, FETCH_LIMIT};
use super::host::{Host, Hosted};
use super::kept::Kept;
use crate::comet::files::{self, FileError};
use crate::misbehave::Misbehaviour;
use crate::protocol::duties::ToCheck;
use crate::protocol::{duties, Identity, View};

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

/// Checks that compute at once.
const CHECKS_AT_ONCE: usize = 2;

struct Shared {
    turns: Semaphore,
    fetches: Fetches,
    kept: Arc<Kept>,
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

/// Who may have what was served: a task's executor first, then its accusers.
struct Source {
    address: ConsensusAddress,
    endpoint: String,
}

/// One task to check.
struct Job {
    task: Task,
    request: ArtifactsRequest,
    id: Hash,
    seed: Hash,
    sources: Vec<Source>,
}

/// What a check found, with the comparison behind it.
type Checked = (Verdict, Option<Comparison>);

impl Verifier {
    /// A worker with the verdicts that an earlier run found.
    ///
    /// # Errors
    /// A folder cannot be made.
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
            fetches: Fetches::default(),
            kept: Arc::new(Kept::open(home)?),
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

    /// The answers that were called false, for those who vote on it.
    pub fn kept(&self) -> Arc<Kept> {
        Arc::clone(&self.shared.kept)
    }

    /// Starts the checks that fell to this node and are not done.
    pub fn follow(&self, view: &View) {
        let current = epoch::current(&view.state).number;
        locked(&self.shared.verdicts).retain(|_, found| found.epoch.saturating_add(3) > current);
        self.shared.fetches.follow(view.height);
        self.shared.kept.retain(|session, index| {
            let task = settlement::task_of(&view.state, &self.me.chain_id, session, index);
            let status = task.map(|task| task.status());
            matches!(status, Some(TaskStatus::Settled | TaskStatus::Contested))
        });
        for ToCheck { task, accusers } in duties::to_check(view, &self.me) {
            let Ok(id) = Hash::try_from(task.id.as_slice()) else {
                continue;
            };
            let found = locked(&self.shared.verdicts).get(&hex::encode(id)).copied();
            // What the executor did not serve an accuser may.
            let again = found.is_some_and(|found| found.outcome() == Outcome::CannotCheck)
                && !accusers.is_empty();
            let known = found.is_some() && !again;
            if known || !locked(&self.shared.pending).insert(id) {
                continue;
            }
            if self.misbehaviour == Some(Misbehaviour::Forge) {
                // A forger's own model would call honest answers false: it just says "pass".
                self.shared
                    .found(&self.me, &id, task.epoch, &(Verdict::Pass, None));
                continue;
            }
            match self.job(view, task, id, &accusers) {
                Some(job) => self.check(view, job),
                None => {
                    locked(&self.shared.pending).remove(&id);
                }
            }
        }
    }

    /// The job of checking a task, if anybody may be asked for it now.
    fn job(&self, view: &View, task: Task, id: Hash, accusers: &[ConsensusAddress]) -> Option<Job> {
        let pin = session::pin(&view.state, task.epoch, task.session_id)?;
        let seed = pin.seed.as_slice().try_into().ok()?;
        let executor = task.executor.as_slice().try_into().ok()?;
        let source = |address: ConsensusAddress| {
            let endpoint = node::get(&view.state, &address)?.endpoints?.grpc;
            Some(Source { address, endpoint })
        };
        let sources: Vec<Source> = std::iter::once(executor)
            .chain(accusers.iter().copied())
            .filter(|address| self.shared.fetches.may_ask(address, &id))
            .filter_map(source)
            .collect();
        let request = access::request(
            &self.me.chain_id,
            (task.session_id, task.index),
            view.height,
            &self.me.address,
            &self.me.secrets.transport,
        );
        (!sources.is_empty()).then_some(Job {
            task,
            request,
            id,
            seed,
            sources,
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
            let job = Arc::new(job);
            if let Some(checked) = shared.check(&me, &host, &hosted, &job).await {
                say(&job.task, &checked);
                shared.found(&me, &job.id, job.task.epoch, &checked);
            }
            locked(&shared.pending).remove(&job.id);
        });
    }
}

fn say(task: &Task, (verdict, measured): &Checked) {
    let measured = measured.as_ref();
    tracing::info!(
        session = task.session_id,
        index = task.index,
        mean_distance = measured.map(Comparison::mean_distance),
        mean_margin = measured.map(Comparison::mean_margin),
        verdict = ?verdict,
        "checked an answer"
    );
}

impl Shared {
    /// Asks one source after the other until one has what was settled. `None`: nobody had anything, or the check
    /// could not be done here; it is tried again.
    async fn check(
        &self,
        me: &Arc<Identity>,
        host: &Host,
        hosted: &Hosted,
        job: &Arc<Job>,
    ) -> Option<Checked> {
        let (session, index) = (job.task.session_id, job.task.index);
        let mut last = None;
        for source in &job.sources {
            let endpoint = &source.endpoint;
            let fetch = || fetch(endpoint, &job.request);
            let fetched = match self.fetches.ask(&source.address, &job.id, fetch).await {
                None => continue,
                Some(Ok(fetched)) => fetched,
                Some(Err(status)) => {
                    tracing::warn!(%status, %endpoint, session, index, "an artifact was not served; trying again");
                    continue;
                }
            };
            // Closed never: an error cannot happen, and would only let the check go on.
            let _turn = self.turns.acquire().await;
            drop(fetched.turn);
            let served = Arc::new(fetched.served);
            let checked = computed(me, host, hosted, job, &served).await?;
            match checked.0.outcome() {
                Outcome::CannotCheck => self.fetches.withheld(&source.address, &job.id),
                Outcome::False => self.keep_served(&job.task, &served),
                Outcome::Pass => {}
            }
            let told = checked.0.outcome() != Outcome::CannotCheck;
            last = Some(checked);
            if told {
                break;
            }
        }
        last
    }

    fn keep_served(&self, task: &Task, served: &ArtifactsResponse) {
        if let Err(error) = self.kept.put(task.session_id, task.index, served) {
            tracing::warn!(%error, "what was called false is not on disk; nobody can get it here");
        }
    }

    fn found(&self, me: &Identity, id: &Hash, epoch: u64, (verdict, measured): &Checked) {
        let evidence = evidence_digest(&me.chain_id, id, &me.address, measured.as_ref(), verdict);
        let found = Found {
            outcome: verdict.outcome().code(),
            evidence,
            epoch,
        };
        self.keep(id, found);
    }
}

/// Checks what was served, off the runtime; `None` when that could not be done here.
async fn computed(
    me: &Arc<Identity>,
    host: &Host,
    hosted: &Hosted,
    job: &Arc<Job>,
    served: &Arc<ArtifactsResponse>,
) -> Option<Checked> {
    let (me, hosted) = (Arc::clone(me), hosted.clone());
    let (of, served) = (Arc::clone(job), Arc::clone(served));
    let first = host.begin();
    let checked = tokio::task::spawn_blocking(move || {
        let _held = first;
        let place = Place {
            chain_id: &me.chain_id,
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
    let (session, index) = (job.task.session_id, job.task.index);
    match checked {
        Ok(Ok(checked)) => Some(checked),
        Ok(Err(error)) => {
            tracing::warn!(%error, session, index, "a check failed here; trying again");
            None
        }
        Err(error) => {
            tracing::error!(%error, "a check's thread failed");
            None
        }
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

async fn fetch(
    endpoint: &str,
    request: &ArtifactsRequest,
) -> Result<ArtifactsResponse, tonic::Status> {
    let unavailable = |e: tonic::transport::Error| tonic::Status::unavailable(e.to_string());
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{endpoint}"))
        .map_err(unavailable)?
        .connect_timeout(FETCH_LIMIT)
        .timeout(FETCH_LIMIT);
    let channel = endpoint.connect().await.map_err(unavailable)?;
    let mut client = InferenceClient::new(channel).max_decoding_message_size(MAX_ARTIFACT_BYTES);
    Ok(client.artifacts(request.clone()).await?.into_inner())
}
