//! The racing worker: one thread that searches nonces while the window is open.
//!
//! The pure search is the race crate's; here are the thread, the stop, and the proof's file, which
//! is on disk before its root is on chain: a node that was killed can still open its leaves.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use race::backend::{self, Options};
use race::proof::{Leaf, Tree};
use race::prover::{Progress, Search};
use race::{Preset, Race};
use serde::{Deserialize, Serialize};

use crate::comet::files;
use crate::config;
use crate::misbehave::Misbehaviour;

/// A race: epoch and attempt.
pub type RaceId = (u64, u32);

/// What a race is run with.
#[derive(Debug, Clone)]
pub struct Start {
    /// Which race.
    pub id: RaceId,
    /// Its preset.
    pub preset: &'static Preset,
    /// Its seed.
    pub seed: [u8; 32],
    /// The participant.
    pub public_key: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct SavedLeaf {
    nonce: u64,
    #[serde(with = "hex::serde")]
    hash: [u8; 32],
}

struct Running {
    id: RaceId,
    cancel: Arc<AtomicBool>,
    progress: Arc<Mutex<Progress>>,
    thread: JoinHandle<Vec<Leaf>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The racing worker of a node.
pub struct Racer {
    folder: PathBuf,
    config: config::Race,
    misbehaviour: Option<Misbehaviour>,
    running: Option<Running>,
    proof: Option<(RaceId, Arc<Tree>)>,
}

impl Racer {
    /// A racer that keeps its proofs below `home`.
    pub fn new(home: &Path, config: config::Race, misbehaviour: Option<Misbehaviour>) -> Self {
        Self {
            folder: home.join("data").join("race"),
            config,
            misbehaviour,
            running: None,
            proof: None,
        }
    }

    fn path(&self, id: RaceId) -> PathBuf {
        self.folder.join(format!("{}-{}.json", id.0, id.1))
    }

    /// How far the race in progress is.
    pub fn progress(&self) -> Option<(RaceId, Progress)> {
        self.running.as_ref().map(|r| (r.id, *locked(&r.progress)))
    }

    /// Starts a race unless it runs, was run, or racing is off.
    pub fn start(&mut self, start: Start) {
        let known = self.running.as_ref().is_some_and(|r| r.id == start.id);
        if !self.config.enabled || known || self.proof(start.id).is_some() {
            return;
        }
        self.abandon();
        let cancel = Arc::new(AtomicBool::new(false));
        let progress = Arc::new(Mutex::new(Progress { tried: 0, found: 0 }));
        let options = match self.config.threads {
            0 => Options::default(),
            threads => Options {
                threads,
                ..Options::default()
            },
        };
        let (stop, seen, name, id) = (
            Arc::clone(&cancel),
            Arc::clone(&progress),
            self.config.backend.clone(),
            start.id,
        );
        let thread = std::thread::spawn(move || search(&start, &name, options, &stop, &seen));
        self.running = Some(Running {
            id,
            cancel,
            progress,
            thread,
        });
    }

    /// Ends the race in progress, if it is `id`, and saves its proof.
    pub fn finish(&mut self, id: RaceId) {
        if self.running.as_ref().is_none_or(|r| r.id != id) {
            return;
        }
        let Some(running) = self.running.take() else {
            return;
        };
        running.cancel.store(true, Ordering::Relaxed);
        let Ok(mut leaves) = running.thread.join() else {
            tracing::error!(
                epoch = id.0,
                "the race's thread failed; nothing is submitted"
            );
            return;
        };
        if self.misbehaviour == Some(Misbehaviour::Inflate) {
            let last = leaves.last().map_or(0, |leaf| leaf.nonce);
            let made_up = leaves.len().max(8) as u64;
            leaves.extend((1..=made_up).map(|i| Leaf {
                nonce: last.saturating_add(i),
                hash: race_randomness::hash::h("race/node/made-up/v1", &[&i.to_be_bytes()]),
            }));
            tracing::warn!(made_up, "misbehaving: the proof has made-up leaves");
        }
        let saved: Vec<SavedLeaf> = leaves
            .iter()
            .map(|l| SavedLeaf {
                nonce: l.nonce,
                hash: l.hash,
            })
            .collect();
        let written = files::create_private_dir(&self.folder).and_then(|()| {
            let bytes = serde_json::to_vec(&saved).expect("leaves are JSON");
            files::write_atomically(&self.path(id), &bytes, files::PRIVATE)
        });
        if let Err(error) = written {
            tracing::error!(%error, "the proof is not on disk: a restart before its opening would void it");
        }
        match Tree::new(leaves) {
            Ok(tree) => self.proof = Some((id, Arc::new(tree))),
            Err(error) => tracing::error!(%error, "the found nonces make no tree"),
        }
    }

    /// The proof of a race, from memory or disk.
    pub fn proof(&mut self, id: RaceId) -> Option<Arc<Tree>> {
        if let Some((known, tree)) = &self.proof {
            if *known == id {
                return Some(Arc::clone(tree));
            }
        }
        let bytes = std::fs::read(self.path(id)).ok()?;
        let saved: Vec<SavedLeaf> = serde_json::from_slice(&bytes).ok()?;
        let leaves = saved
            .into_iter()
            .map(|l| Leaf {
                nonce: l.nonce,
                hash: l.hash,
            })
            .collect();
        let tree = Arc::new(Tree::new(leaves).ok()?);
        self.proof = Some((id, Arc::clone(&tree)));
        Some(tree)
    }

    /// Ends any race in progress without a proof, and forgets proofs of epochs before `epoch`.
    pub fn prune(&mut self, epoch: u64) {
        if self.running.as_ref().is_some_and(|r| r.id.0 < epoch) {
            self.abandon();
        }
        let Ok(entries) = std::fs::read_dir(&self.folder) else {
            return;
        };
        for path in entries.flatten().map(|e| e.path()) {
            let name = path
                .file_stem()
                .and_then(|s| s.to_str())
                .unwrap_or_default();
            let of = name.split('-').next().and_then(|e| e.parse::<u64>().ok());
            if of.is_some_and(|of| of < epoch) && std::fs::remove_file(&path).is_err() {
                tracing::warn!(path = %path.display(), "an old proof was not removed");
            }
        }
    }

    /// Stops without a proof.
    pub fn abandon(&mut self) {
        if let Some(running) = self.running.take() {
            running.cancel.store(true, Ordering::Relaxed);
            if running.thread.join().is_err() {
                tracing::error!("the race's thread failed");
            }
        }
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        self.abandon();
    }
}

fn search(
    start: &Start,
    backend: &str,
    options: Options,
    cancel: &AtomicBool,
    seen: &Mutex<Progress>,
) -> Vec<Leaf> {
    let (epoch, attempt) = start.id;
    let race = Race::new(start.preset, start.seed);
    let mut tenth = 0;
    let mut weights = |done: u64, total: u64| {
        let now = done.saturating_mul(10).checked_div(total).unwrap_or(10);
        if now > tenth {
            tenth = now;
            tracing::info!(epoch, "race weights: {}%", now.saturating_mul(10));
        }
    };
    let mut backend = match backend::load(backend, race, options, &mut weights) {
        Ok(backend) => backend,
        Err(error) => {
            tracing::error!(%error, "this node does not race; see [race] backend");
            return Vec::new();
        }
    };
    tracing::info!(epoch, attempt, backend = backend.name(), "racing");
    let mut search = Search::new(&start.public_key, 0..u64::MAX);
    let ending = search.run(backend.as_mut(), cancel, &mut |progress| {
        *locked(seen) = progress
    });
    let progress = search.progress();
    match ending {
        Ok(_) => tracing::info!(
            epoch,
            tried = progress.tried,
            found = progress.found,
            "race window used"
        ),
        Err(error) => {
            tracing::error!(%error, found = progress.found, "the race stopped early; submitting what was found")
        }
    }
    search.found().to_vec()
}
