//! The checking worker of the Race: recomputes the opened leaves that fell to this node, all
//! participants in one batch, on a thread of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use race::backend::{self, Options};
use race::recompute::{recompute_on, Recomputed};
use race::{Preset, Race};

use crate::racer::RaceId;

/// What to recompute.
pub struct Job {
    /// Which race.
    pub id: RaceId,
    /// Its preset.
    pub preset: &'static Preset,
    /// Its seed.
    pub seed: [u8; 32],
    /// (public key, nonce) of each leaf, in the order of the assignments.
    pub claims: Vec<([u8; 32], u64)>,
}

type Results = Arc<Mutex<Option<(RaceId, Arc<Vec<Recomputed>>)>>>;

/// The checking worker.
pub struct Checker {
    backend: String,
    threads: usize,
    running: Option<(RaceId, JoinHandle<()>)>,
    stop: Arc<AtomicBool>,
    results: Results,
}

impl Checker {
    /// A worker that recomputes on `backend`.
    pub fn new(backend: String, threads: usize) -> Self {
        Self {
            backend,
            threads,
            running: None,
            stop: Arc::default(),
            results: Results::default(),
        }
    }

    /// Starts a job unless it runs or is done. Recomputation repeats nothing but time: a node that
    /// was killed just starts again.
    pub fn start(&mut self, id: RaceId, job: impl FnOnce() -> Option<Job>) {
        if self
            .running
            .as_ref()
            .is_some_and(|(running, _)| *running == id)
        {
            return;
        }
        let Some(job) = job() else { return };
        self.abandon();
        self.stop = Arc::default();
        let (stop, results, name) = (
            Arc::clone(&self.stop),
            Arc::clone(&self.results),
            self.backend.clone(),
        );
        let options = match self.threads {
            0 => Options::default(),
            threads => Options {
                threads,
                ..Options::default()
            },
        };
        let thread = std::thread::spawn(move || {
            let race = Race::new(job.preset, job.seed);
            let done = backend::load(&name, race, options, &mut |_, _| {})
                .and_then(|mut backend| recompute_on(backend.as_mut(), &job.claims, &stop));
            match done {
                Ok(recomputed) => {
                    tracing::info!(
                        epoch = id.0,
                        leaves = recomputed.len(),
                        "opened leaves recomputed"
                    );
                    *results.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some((id, Arc::new(recomputed)));
                }
                Err(race::BackendError::Cancelled) => {}
                Err(error) => tracing::error!(%error, "opened leaves were not recomputed"),
            }
        });
        self.running = Some((id, thread));
    }

    /// The results of a job, in the order of its claims.
    pub fn results(&self, id: RaceId) -> Option<Arc<Vec<Recomputed>>> {
        let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results
            .as_ref()
            .filter(|(of, _)| *of == id)
            .map(|(_, r)| Arc::clone(r))
    }

    fn abandon(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some((_, thread)) = self.running.take() {
            if thread.join().is_err() {
                tracing::error!("the checking thread failed");
            }
        }
    }
}

impl Drop for Checker {
    fn drop(&mut self) {
        self.abandon();
    }
}
