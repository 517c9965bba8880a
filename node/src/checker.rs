//! The checking worker of the Race: recomputes the opened leaves that fell to this node, all
//! participants in one batch, on a thread of its own.
//!
//! It runs after the window has closed, so it never shares the cores with the search. It goes behind
//! requests by its priority alone: its windows are short, and a missing check costs the checker.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use race::backend::{self, Options};
use race::recompute::{recompute_on, Recomputed};
use race::{Preset, Race};
use serde::{Deserialize, Serialize};

use crate::comet::files;
use crate::config;
use crate::crew::Crew;
use crate::preempt::Control;
use crate::racer::{self, worker, RaceId};

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

/// Results as they are kept on disk, with what they are results of.
#[derive(Serialize, Deserialize)]
struct Saved {
    seed: String,
    claims: Vec<(String, u64)>,
    results: Vec<SavedResult>,
}

#[derive(Serialize, Deserialize)]
struct SavedResult {
    distance: u32,
    #[serde(with = "hex::serde")]
    leaf: [u8; 32],
    #[serde(with = "hex::serde")]
    check_digest: [u8; 32],
    appropriate: bool,
}

impl Saved {
    fn new(job: &Job, results: &[Recomputed]) -> Self {
        let results = results.iter().map(|r| SavedResult {
            distance: r.distance,
            leaf: r.leaf,
            check_digest: r.check_digest,
            appropriate: r.appropriate,
        });
        Self {
            seed: hex::encode(job.seed),
            claims: Self::claims(job),
            results: results.collect(),
        }
    }

    fn claims(job: &Job) -> Vec<(String, u64)> {
        let claims = job.claims.iter();
        claims
            .map(|(key, nonce)| (hex::encode(key), *nonce))
            .collect()
    }

    /// The results, if they are those of `job`.
    fn results_of(self, job: &Job) -> Option<Vec<Recomputed>> {
        let same = self.seed == hex::encode(job.seed)
            && self.claims == Self::claims(job)
            && self.results.len() == job.claims.len();
        let recomputed = |((_, nonce), r): (&([u8; 32], u64), SavedResult)| Recomputed {
            nonce: *nonce,
            distance: r.distance,
            leaf: r.leaf,
            check_digest: r.check_digest,
            appropriate: r.appropriate,
        };
        same.then(|| {
            job.claims
                .iter()
                .zip(self.results)
                .map(recomputed)
                .collect()
        })
    }
}

/// The last results, with the race that they are of.
type Last = Option<(RaceId, Arc<Vec<Recomputed>>)>;

#[derive(Clone, Default)]
struct Results(Arc<Mutex<Last>>);

impl Results {
    fn locked(&self) -> MutexGuard<'_, Last> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, id: RaceId, results: Vec<Recomputed>) {
        *self.locked() = Some((id, Arc::new(results)));
    }
}

/// The checking worker.
pub struct Checker {
    folder: PathBuf,
    backend: String,
    config: config::Race,
    running: Option<(RaceId, Crew)>,
    results: Results,
}

impl Checker {
    /// A worker that recomputes on the first backend of `config`, and keeps results below `home`.
    pub fn new(home: &Path, config: &config::Race) -> Self {
        Self {
            folder: racer::folder(home),
            backend: config.backends().next().unwrap_or_default().to_owned(),
            config: config.clone(),
            running: None,
            results: Results::default(),
        }
    }

    /// Starts a job unless it runs or is done. What an earlier run of the node finished is taken from
    /// disk; what it did not is begun again.
    pub fn start(&mut self, id: RaceId, job: impl FnOnce() -> Option<Job>) {
        if self
            .running
            .as_ref()
            .is_some_and(|(running, _)| *running == id)
        {
            return;
        }
        let Some(job) = job() else { return };
        let file = self.folder.join(format!("{}-{}.checks", id.0, id.1));
        let mut crew = Crew::new(Arc::default());
        let saved = std::fs::read(&file)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Saved>(&bytes).ok());
        match saved.and_then(|saved| saved.results_of(&job)) {
            Some(results) => self.results.set(id, results),
            None => {
                let backend = self.backend.clone();
                let options = worker::options(&self.config);
                let results = self.results.clone();
                crew.spawn("checking", move |control| {
                    check(&job, &backend, options, control, &file, &results);
                });
            }
        }
        self.running = Some((id, crew));
    }

    /// The phase is over: what runs still is of no use.
    pub fn finish(&mut self) {
        if let Some((_, crew)) = &self.running {
            crew.stop();
        }
    }

    /// The results of a job, in the order of its claims.
    pub fn results(&self, id: RaceId) -> Option<Arc<Vec<Recomputed>>> {
        let results = self.results.locked();
        results
            .as_ref()
            .filter(|(of, _)| *of == id)
            .map(|(_, r)| Arc::clone(r))
    }
}

fn check(
    job: &Job,
    backend: &str,
    options: Options,
    control: &Control,
    file: &Path,
    results: &Results,
) {
    let race = Race::new(job.preset, job.seed);
    let stop = control.stop_flag();
    let done = backend::load(backend, race, options, stop, &mut |_, _| {})
        .and_then(|mut backend| recompute_on(backend.as_mut(), &job.claims, stop));
    match done {
        Ok(recomputed) => {
            let leaves = recomputed.len();
            tracing::info!(epoch = job.id.0, leaves, "opened leaves recomputed");
            let bytes =
                serde_json::to_vec(&Saved::new(job, &recomputed)).expect("results are JSON");
            let folder = file.parent().unwrap_or(file);
            let written = files::create_private_dir(folder)
                .and_then(|()| files::write_atomically(file, &bytes, files::PRIVATE));
            if let Err(error) = written {
                tracing::warn!(%error, "the recomputed leaves are not on disk; they would be computed again after a restart");
            }
            results.set(job.id, recomputed);
        }
        Err(race::BackendError::Cancelled) => {}
        Err(error) => tracing::error!(%error, "opened leaves were not recomputed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(backend: &str) -> config::Race {
        config::Race {
            backend: backend.into(),
            threads: 1,
            ..config::Race::default()
        }
    }

    fn job(nonces: std::ops::Range<u64>) -> Job {
        Job {
            id: (3, 1),
            preset: &race::preset::TINY,
            seed: [5; 32],
            claims: nonces.map(|nonce| ([nonce as u8 % 2; 32], nonce)).collect(),
        }
    }

    fn results(checker: &mut Checker, nonces: std::ops::Range<u64>) -> Arc<Vec<Recomputed>> {
        checker.start((3, 1), || Some(job(nonces.clone())));
        loop {
            if let Some(results) = checker.results((3, 1)) {
                return results;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn results_outlive_the_process_and_are_those_of_their_claims() {
        let home = tempfile::tempdir().unwrap();
        let first = results(&mut Checker::new(home.path(), &config("reference")), 0..4);
        for (result, (key, nonce)) in first.iter().zip(job(0..4).claims) {
            let alone = race::recompute(&race::preset::TINY, &[5; 32], &key, nonce);
            assert_eq!(*result, alone);
        }
        // Nothing computes in the second one: there is no such backend.
        let again = results(&mut Checker::new(home.path(), &config("none")), 0..4);
        assert_eq!(again, first);
        // Other claims under the same name are computed, not taken.
        let other = results(&mut Checker::new(home.path(), &config("reference")), 1..5);
        assert_eq!(other[0], first[1]);
        assert_eq!(other.len(), 4);
    }

    #[test]
    fn a_check_whose_phase_is_over_gives_no_results() {
        let home = tempfile::tempdir().unwrap();
        let mut checker = Checker::new(home.path(), &config("reference"));
        checker.start((3, 1), || Some(job(0..100_000)));
        checker.finish();
        // Waits for the thread.
        checker.running = None;
        assert!(checker.results((3, 1)).is_none());
    }
}
