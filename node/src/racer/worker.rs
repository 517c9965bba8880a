//! One worker of a race: a thread around a backend. All workers of a process share a [`Search`].

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use race::backend::{self, Backend, BackendError, Options};
use race::proof::Leaf;
use race::prover::attempt;
use race::{node_seed, Race};

use super::finds::{Finds, Log, Of};
use super::nonces::{Share, Untried};
use super::Start;
use crate::comet::files::FileError;
use crate::config;
use crate::preempt::Control;

/// A batch that takes longer is not given up for a request: on a CPU the priority of its thread has
/// let the request go first already, and the work would be lost. A backend on a device of its own
/// should size its batches below it.
const GIVEN_UP_BELOW: Duration = Duration::from_secs(1);

/// Longest that a batch should take: what is in flight is lost when the process is killed. On a slow
/// device a full batch takes minutes.
const LONGEST_BATCH: Duration = Duration::from_secs(20);

/// Where less than this is left of a window, its length decides on that of batches.
pub const ENDS_SOON: Duration = LONGEST_BATCH.saturating_mul(2);

/// How many nonces the next batch has, after one of `last` (nonces, time) and with `left` of the
/// window: as many as the backend likes, if they do not take too long, and no more than half of what
/// is left, since a batch in flight at the end is lost and the end is only expected, not known. An
/// eighth of what the backend likes is worth beginning at any time: the first batch, which measures,
/// and the last ones.
fn sized(backend: usize, last: Option<(u64, Duration)>, left: Option<Duration>) -> u64 {
    let likes = backend.max(1) as u64;
    let eighth = likes.div_ceil(8);
    let Some((nonces, taken)) = last else {
        return eighth;
    };
    let within = |time: Duration| {
        let fit = u128::from(nonces) * time.as_nanos() / taken.as_nanos().max(1);
        u64::try_from(fit).unwrap_or(u64::MAX)
    };
    let until_end = left.map_or(likes, |left| within(left / 2).max(eighth));
    within(LONGEST_BATCH).min(until_end).clamp(1, likes)
}

/// How far a search is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Nonces tried in this race by this process, also before a restart.
    pub tried: u64,
    /// Appropriate ones, those of other processes included that were merged.
    pub found: u64,
    /// Nonces a second since the first batch of this run.
    pub nonces_per_second: f64,
}

/// The search of one process in one race: what is left to try, and what was found.
pub struct Search {
    start: Start,
    state: Mutex<State>,
}

struct State {
    log: Log,
    untried: Untried,
    /// When the first batch of this run began.
    begun: Option<Instant>,
    /// Nonces tried in this run.
    tried: u64,
    /// When the window is expected to close.
    ends: Option<Instant>,
}

impl Search {
    /// Goes on where the finds file at `path` ends, or begins.
    ///
    /// # Errors
    /// The file cannot be used.
    pub fn open(path: &Path, start: Start, share: &Share) -> Result<Self, FileError> {
        let log = Log::open(path, start.of())?;
        let untried = Untried::new(share, log.finds().tried());
        Ok(Self {
            start,
            state: Mutex::new(State {
                log,
                untried,
                begun: None,
                tried: 0,
                ends: None,
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The race.
    pub fn start(&self) -> &Start {
        &self.start
    }

    /// How far it is.
    #[allow(clippy::cast_precision_loss)]
    pub fn progress(&self) -> Progress {
        let state = self.state();
        let seconds = state
            .begun
            .map_or(0.0, |begun| begun.elapsed().as_secs_f64());
        Progress {
            tried: state.log.finds().tried().len(),
            found: state.log.finds().leaves().len() as u64,
            nonces_per_second: match seconds > 0.0 {
                true => state.tried as f64 / seconds,
                false => 0.0,
            },
        }
    }

    /// The first `count` leaves, in the order of their nonces; `None` when there are fewer. They are on
    /// disk, for good, when this returns.
    pub fn leaves(&self, count: u64) -> Option<Vec<Leaf>> {
        let mut state = self.state();
        if let Err(error) = state.log.sync() {
            tracing::error!(%error, "what was found is not on disk: a crash before its opening would void the proof");
        }
        let count = usize::try_from(count).ok()?;
        let mut leaves = state.log.finds().leaves().get(..count)?.to_vec();
        leaves.sort_by_key(|leaf| leaf.nonce);
        Some(leaves)
    }

    /// Adds leaves of this race that were not found here.
    pub fn merge(&self, leaves: impl IntoIterator<Item = Leaf>) {
        self.record(&mut self.state(), leaves, 0..0);
    }

    /// The window is expected to close in `left`.
    pub fn ends_in(&self, left: Option<Duration>) {
        self.state().ends = left.map(|left| Instant::now() + left);
    }

    /// What is expected to be left of the window.
    fn left(&self) -> Option<Duration> {
        let ends = self.state().ends;
        ends.map(|ends| ends.saturating_duration_since(Instant::now()))
    }

    fn take(&self, most: u64) -> Option<Range<u64>> {
        let mut state = self.state();
        state.begun.get_or_insert_with(Instant::now);
        state.untried.take(most)
    }

    fn give_back(&self, batch: Range<u64>) {
        self.state().untried.give_back(batch);
    }

    fn done(&self, batch: Range<u64>, found: Vec<Leaf>) {
        let mut state = self.state();
        state.tried = state
            .tried
            .saturating_add(batch.end.saturating_sub(batch.start));
        self.record(&mut state, found, batch);
    }

    fn record(&self, state: &mut State, found: impl IntoIterator<Item = Leaf>, tried: Range<u64>) {
        if let Err(error) = state.log.record(found, tried) {
            tracing::error!(%error, "what was found is in memory only; writing it is tried again with the next batch");
        }
    }

    /// Tries batches until nothing is left or `control` says stop. A batch is given up for a request
    /// when the last one took less than `given_up_below`.
    ///
    /// # Errors
    /// The backend failed; what was found until then stands.
    pub fn run(
        &self,
        backend: &mut dyn Backend,
        control: &Control,
        given_up_below: Duration,
    ) -> Result<(), BackendError> {
        let participant = node_seed(&self.start.public_key);
        let mut last: Option<(u64, Duration)> = None;
        while control.may_go_on() {
            let Some(batch) = self.take(sized(backend.batch(), last, self.left())) else {
                tracing::warn!(
                    "every nonce of [race] nonces was tried; give this process a larger share"
                );
                return Ok(());
            };
            let cancel = match last.is_some_and(|(_, taken)| taken < given_up_below) {
                true => control.interrupt_flag(),
                false => control.stop_flag(),
            };
            let begun = Instant::now();
            match attempt(backend, &participant, batch.clone(), cancel) {
                Ok(found) => {
                    for notice in backend.take_notices() {
                        tracing::warn!(backend = backend.name(), "{notice}");
                    }
                    let nonces = batch.end.saturating_sub(batch.start);
                    last = Some((nonces, begun.elapsed()));
                    self.done(batch, found);
                }
                Err(BackendError::Cancelled) => self.give_back(batch),
                Err(error) => {
                    self.give_back(batch);
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

impl Start {
    /// Whose finds are meant.
    pub fn of(&self) -> Of {
        Of::new(self.preset.name, &self.seed, &self.public_key)
    }
}

/// The life of a worker: weights, then batches until it is told to stop.
pub fn work(search: &Arc<Search>, backend: &str, options: Options, control: &Control) {
    let start = search.start();
    let (epoch, attempt) = start.id;
    let mut tenth = 0;
    let mut weights = |done: u64, total: u64| {
        let now = done.saturating_mul(10).checked_div(total).unwrap_or(10);
        if now > tenth {
            tenth = now;
            tracing::info!(epoch, backend, "race weights: {}%", now.saturating_mul(10));
        }
    };
    let race = Race::new(start.preset, start.seed);
    let stop = control.stop_flag();
    let mut loaded = match backend::load(backend, race, options, stop, &mut weights) {
        Ok(loaded) => loaded,
        Err(BackendError::Cancelled) => return,
        Err(error) => {
            tracing::error!(%error, backend, "this worker does not race; see [race] backend");
            return;
        }
    };
    let before = search.progress();
    tracing::info!(
        epoch,
        attempt,
        backend,
        tried = before.tried,
        found = before.found,
        "racing"
    );
    if let Err(error) = search.run(loaded.as_mut(), control, GIVEN_UP_BELOW) {
        tracing::error!(%error, backend, "a worker of the race ends early; what was found stands");
    }
}

/// How a backend may use the machine now.
pub fn options(config: &config::Race) -> Options {
    let mut options = Options::default();
    if config.threads > 0 {
        options.threads = config.threads;
    }
    let memory = match config.memory_mib {
        0 => available_memory().map(|bytes| bytes / 2),
        mib => Some(mib.saturating_mul(1 << 20)),
    };
    if let Some(memory) = memory {
        options.expanded_bytes = options.expanded_bytes.min(memory);
        options.held_bytes = memory;
    }
    options
}

/// Bytes that programs can take without swapping, where the system says so.
pub fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib.saturating_mul(1 << 10))
}

/// Finds of other processes in the same race, from files that they write to `folder`; `own` is this
/// process's.
pub fn others(folder: &Path, own: &Path, start: &Start) -> Vec<Finds> {
    let prefix = super::files_of(start.id);
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("");
        path != own && name.starts_with(&prefix) && name.ends_with(super::FINDS)
    });
    // The same order after a restart.
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        match Finds::read(&path, &start.of()) {
            Ok(Some(finds)) => all.push(finds),
            Ok(None) => {
                tracing::warn!(path = %path.display(), "these finds are of another race or key and are not merged")
            }
            Err(error) => tracing::warn!(%error, "finds of another process cannot be read"),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_as_large_as_the_backend_likes_unless_it_takes_too_long() {
        let seconds = Duration::from_secs;
        let sized = |likes, last| sized(likes, last, None);
        assert_eq!(sized(256, None), 32);
        assert_eq!(sized(256, Some((32, seconds(1)))), 256);
        assert_eq!(sized(256, Some((32, seconds(20)))), 32);
        assert_eq!(sized(256, Some((32, seconds(40)))), 16);
        assert_eq!(sized(256, Some((1, seconds(500)))), 1);
        assert_eq!(sized(0, None), 1);
        assert_eq!(sized(4, Some((1, Duration::ZERO))), 4);
    }

    #[test]
    fn batches_halve_towards_the_end_of_the_window_down_to_an_eighth() {
        // 40 nonces a second.
        let mut last = (256, Duration::from_millis(6_400));
        let mut left = Duration::from_secs(30);
        let mut batches = Vec::new();
        while !left.is_zero() {
            let nonces = sized(256, Some(last), Some(left));
            last = (nonces, Duration::from_millis(nonces * 25));
            left = left.saturating_sub(last.1);
            batches.push(nonces);
        }
        assert_eq!(batches, [256, 256, 256, 216, 108, 54, 32, 32]);
        // An end that is late, and a device so slow that an eighth takes too long.
        assert_eq!(sized(256, Some(last), Some(left)), 32);
        assert_eq!(
            sized(256, Some((1, Duration::from_secs(2))), Some(left)),
            10
        );
    }
}
