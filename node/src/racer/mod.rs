//! The racing worker: searches nonces while the window is open, and keeps what it finds.
//!
//! | file | what is in it |
//! |---|---|
//! | [`nonces`] | which nonces are this process's, and which of them are left |
//! | [`finds`] | the file of what was tried and found |
//! | [`worker`] | a thread around a backend |
//! | [`job`] | further processes that race for this node |
//! | [`pace`] | when a window will close |
//!
//! The pure search is the race crate's. The node's own finds file is the only state: after a crash the
//! search goes on where it ends, and since a count names its first leaves, any root that was ever
//! submitted can be opened from it.

pub mod finds;
pub mod job;
pub mod nonces;
pub mod pace;
pub mod worker;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use race::proof::{Leaf, Tree};
use race::Preset;

use crate::config;
use crate::crew::Crew;
use crate::misbehave::Misbehaviour;
use crate::preempt::{Control, Preempt};
pub use worker::Progress;
use worker::Search;

/// A race: epoch and attempt.
pub type RaceId = (u64, u32);

/// How the name of a finds file ends.
const FINDS: &str = ".finds";

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

/// How the names of a race's files begin.
fn files_of(id: RaceId) -> String {
    format!("{}-{}.", id.0, id.1)
}

/// The folder of a node's races.
pub fn folder(home: &Path) -> PathBuf {
    home.join("data").join("race")
}

struct Current {
    search: Arc<Search>,
    /// While it searches.
    crew: Option<Crew>,
    /// Whether this process has searched all that it will.
    finished: bool,
    cheated: bool,
    tree: Option<Arc<Tree>>,
}

/// The racing worker of a process.
pub struct Racer {
    folder: PathBuf,
    /// Between a race's name and `.finds`: empty for the node's own file.
    suffix: String,
    config: config::Race,
    misbehaviour: Option<Misbehaviour>,
    preempt: Preempt,
    /// Whether other processes may see a job of this node.
    posts: bool,
    current: Option<Current>,
}

impl Racer {
    /// The racer of the node of `home`; it pauses as `preempt` says.
    pub fn new(
        home: &Path,
        config: config::Race,
        misbehaviour: Option<Misbehaviour>,
        preempt: Preempt,
    ) -> Self {
        Self {
            folder: folder(home),
            suffix: String::new(),
            config,
            misbehaviour,
            preempt,
            posts: true,
            current: None,
        }
    }

    /// A racer of another process for the node whose races are in `folder`, under a name of its own.
    fn beside(folder: &Path, name: String, config: config::Race, preempt: Preempt) -> Self {
        Self {
            folder: folder.to_owned(),
            suffix: format!(".{name}"),
            config,
            misbehaviour: None,
            preempt,
            posts: false,
            current: None,
        }
    }

    fn path(&self, id: RaceId) -> PathBuf {
        let name = format!("{}-{}{}{FINDS}", id.0, id.1, self.suffix);
        self.folder.join(name)
    }

    /// Turns to a race, with what an earlier run of this node found in it.
    fn turn_to(&mut self, start: &Start) -> Option<&mut Current> {
        let known = |current: &Current| current.search.start().id == start.id;
        if !self.current.as_ref().is_some_and(known) {
            // First of all the old one lets go of its file.
            self.finish();
            self.current = None;
            match Search::open(&self.path(start.id), start.clone(), &self.config.nonces) {
                Ok(search) => {
                    self.current = Some(Current {
                        search: Arc::new(search),
                        crew: None,
                        finished: false,
                        cheated: false,
                        tree: None,
                    });
                }
                Err(error) => {
                    tracing::error!(%error, "this node does not race; trying again at the next block");
                }
            }
        }
        self.current.as_mut()
    }

    /// Starts a race unless it runs, is over, or racing is off.
    pub fn start(&mut self, start: &Start) {
        if !self.config.enabled {
            return;
        }
        let backends: Vec<String> = self.config.backends().map(str::to_owned).collect();
        let options = worker::options(&self.config);
        let (preempt, pauses) = (self.preempt.clone(), !self.config.while_serving);
        let Some(current) = self.turn_to(start) else {
            return;
        };
        if current.crew.is_some() || current.finished {
            return;
        }
        let control = Arc::new(Control::default());
        if pauses {
            preempt.governs(&control);
        }
        let mut crew = Crew::new(control);
        for backend in backends {
            let search = Arc::clone(&current.search);
            crew.spawn("racing", move |control| {
                worker::work(&search, &backend, options, control);
            });
        }
        current.crew = Some(crew);
        if self.suffix.is_empty() {
            self.posts = true;
            self.post(start, None);
        }
    }

    fn post(&self, start: &Start, left: Option<Duration>) {
        if let Err(error) = job::post(&self.folder, start, left) {
            tracing::warn!(%error, "other racing processes are not told of the race");
        }
    }

    /// The window of the race in progress is expected to close in `left`: batches are cut so that
    /// little is in flight then.
    pub fn ends_in(&mut self, left: Option<Duration>) {
        let searches = |c: &&Current| c.crew.is_some() && !c.finished;
        let Some(current) = self.current.as_ref().filter(searches) else {
            return;
        };
        current.search.ends_in(left);
        if self.posts && left.is_some_and(|left| left < worker::ENDS_SOON) {
            self.post(current.search.start(), left);
        }
    }

    /// Ends the search, if there is one. What a batch in flight still finds is not submitted.
    pub fn finish(&mut self) {
        // Also the job of a run that was killed.
        if std::mem::take(&mut self.posts) {
            job::withdraw(&self.folder);
        }
        let Some(current) = self.current.as_mut().filter(|c| !c.finished) else {
            return;
        };
        current.finished = true;
        if let Some(crew) = &current.crew {
            crew.stop();
            let ((epoch, attempt), progress) =
                (current.search.start().id, current.search.progress());
            let (tried, found) = (progress.tried, progress.found);
            tracing::info!(epoch, attempt, tried, found, "race window used");
        }
    }

    /// How far the search in progress is.
    pub fn progress(&self) -> Option<(RaceId, Progress)> {
        let current = self.current.as_ref()?;
        let searches = current.crew.is_some() && !current.finished;
        searches.then(|| (current.search.start().id, current.search.progress()))
    }

    /// How many leaves there are to submit in a race, with those that other processes found until now.
    pub fn found(&mut self, start: &Start) -> u64 {
        let (folder, own) = (self.folder.clone(), self.path(start.id));
        let inflates = self.misbehaviour == Some(Misbehaviour::Inflate);
        let Some(current) = self.turn_to(start) else {
            return 0;
        };
        for finds in worker::others(&folder, &own, start) {
            current.search.merge(finds.leaves().iter().copied());
        }
        let found = current.search.progress().found;
        if inflates && !current.cheated {
            current.cheated = true;
            let made_up = found.max(8);
            // Where no honest nonce is ever tried.
            current.search.merge((1..=made_up).map(|i| Leaf {
                nonce: u64::MAX.saturating_sub(i),
                hash: race_randomness::hash::h("race/node/made-up/v1", &[&i.to_be_bytes()]),
            }));
            tracing::warn!(made_up, "misbehaving: the proof has made-up leaves");
        }
        current.search.progress().found
    }

    /// The proof over the first `count` leaves of a race, from memory or disk; they are on disk for good
    /// when it is returned. `None` when there are fewer.
    pub fn proof(&mut self, start: &Start, count: u64) -> Option<Arc<Tree>> {
        let current = self.turn_to(start)?;
        if let Some(tree) = current.tree.as_ref().filter(|tree| tree.count() == count) {
            return Some(Arc::clone(tree));
        }
        match Tree::new(current.search.leaves(count)?) {
            Ok(tree) => {
                let tree = Arc::new(tree);
                current.tree = Some(Arc::clone(&tree));
                Some(tree)
            }
            Err(error) => {
                tracing::error!(%error, "the found nonces make no tree");
                None
            }
        }
    }

    /// Ends a race of an epoch before `epoch`, and removes what is left of it.
    pub fn prune(&mut self, epoch: u64) {
        let old = |current: &Current| current.search.start().id.0 < epoch;
        if self.current.as_ref().is_some_and(old) {
            self.finish();
            self.current = None;
        }
        let Ok(entries) = std::fs::read_dir(&self.folder) else {
            return;
        };
        for path in entries.flatten().map(|e| e.path()) {
            let name = path
                .file_name()
                .and_then(|s| s.to_str())
                .unwrap_or_default();
            let of = name.split('-').next().and_then(|e| e.parse::<u64>().ok());
            if of.is_some_and(|of| of < epoch) && std::fs::remove_file(&path).is_err() {
                tracing::warn!(path = %path.display(), "an old proof was not removed");
            }
        }
    }
}

#[cfg(test)]
mod tests;
