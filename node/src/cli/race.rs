//! `raced race`: checking vector files, and measuring this machine.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use race::backend::{self, BackendError, Options};
use race::vectors::{VectorError, VectorFile};
use race::{Preset, Race};

use super::error::CliError;
use super::progress::{Progress, Unit};
use super::tree::Tree;
use super::{Context, Outcome, Run};

/// Run the Race function outside a chain: check vectors, measure this machine
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  raced race bench --preset tiny --seconds 5 --output json")]
pub struct RaceCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Recompute vector files and name the first difference
    #[command(
        after_help = "Example:\n  raced race check tests/vectors/race-tiny-a.json --backend reference"
    )]
    Check(Check),
    /// Measure how many nonces a second a backend computes; Ctrl-C ends it early
    #[command(
        after_help = "Example:\n  raced race bench --preset paper --backend flex --seconds 30 --output json"
    )]
    Bench(Bench),
    /// Race for a node in a process of its own, on other nonces than the node's
    Work(super::race_work::Work),
}

#[derive(Debug, Args)]
pub(super) struct BackendFlags {
    /// What computes: see the error of an unknown name for those of this build [default: the best of this build]
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// CPU threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

#[derive(Debug, Args)]
struct Check {
    /// Vector files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    backend: BackendFlags,
}

#[derive(Debug, Args)]
struct Bench {
    /// Sizes of the function: paper or tiny
    #[arg(long, default_value = "paper", value_name = "NAME")]
    preset: String,
    #[command(flatten)]
    backend: BackendFlags,
    /// How long to measure, after the weights are there and one batch has warmed up
    #[arg(long, default_value_t = 10, value_name = "S", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
}

impl BackendFlags {
    /// The backend's name, known to this build, and how it may use the machine.
    pub(super) fn resolve(self) -> Result<(String, Options), CliError> {
        let names = backend::names();
        let name = self
            .backend
            .or_else(|| names.first().map(|name| (*name).to_owned()))
            .unwrap_or_default();
        if !names.contains(&name.as_str()) {
            let unknown = BackendError::Unknown {
                asked: name,
                available: names.join(", "),
            };
            return Err(CliError::from(unknown).as_usage());
        }
        let mut options = Options::default();
        if let Some(threads) = self.threads {
            options.threads = threads.into();
        }
        Ok((name, options))
    }
}

impl Run for RaceCommand {
    async fn run(self, context: Context) -> Outcome {
        match self.command {
            Command::Check(check) => check.run(context).await,
            Command::Bench(bench) => bench.run(context).await,
            Command::Work(work) => work.run(context).await,
        }
    }
}

/// Computes on a thread of its own, so that signals and timers go on.
pub(super) async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

impl Check {
    async fn run(self, context: Context) -> Outcome {
        let (name, options) = self.backend.resolve()?;
        // All files are read first: one that cannot be is wrong usage, whatever the others say.
        let mut files = Vec::new();
        for path in self.files {
            let shown = path.display().to_string();
            let text = std::fs::read_to_string(&path)
                .map_err(|error| CliError::usage(format!("cannot read {shown}: {error}")))?;
            let file = VectorFile::parse(&text)
                .map_err(|error| CliError::from(error).while_doing(&shown).as_usage())?;
            files.push((shown, file));
        }
        let mut results = Vec::new();
        let mut failure = None;
        for (path, file) in files {
            let progress = Progress::new(&context.console, &path, Unit::Items("weights"));
            let backend = name.clone();
            let checked = on_thread(move || {
                file.check(&backend, options, &mut |done, all| {
                    progress.set(done, Some(all));
                })
            })
            .await;
            let (agrees, more) = match &checked {
                Ok(compared) => (true, ("compared", Tree::from(*compared))),
                Err(error) => (false, ("difference", Tree::text(error))),
            };
            results.push(Tree::map([
                ("file", Tree::text(&path)),
                ("agrees", Tree::from(agrees)),
                more,
            ]));
            if let (Err(error), None) = (checked, &failure) {
                let usage = matches!(error, VectorError::Preset(_));
                let error = CliError::from(error).while_doing(&path);
                failure = Some(if usage { error.as_usage() } else { error });
            }
        }
        context.print(&Tree::map([
            ("backend", Tree::text(&name)),
            ("files", Tree::List(results)),
        ]));
        failure.map_or(Ok(()), Err)
    }
}

impl Bench {
    async fn run(self, context: Context) -> Outcome {
        let preset = Preset::by_name(&self.preset).map_err(|error| {
            CliError::from(error)
                .while_doing(&format!("--preset {}", self.preset))
                .as_usage()
        })?;
        let (name, options) = self.backend.resolve()?;
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        let interrupt = tokio::spawn(async move {
            interrupted().await;
            asked.store(true, Ordering::Relaxed);
        });
        let progress = Progress::new(&context.console, "weights", Unit::Items("weights"));
        let seconds = Duration::from_secs(self.seconds);
        let measured = on_thread(move || {
            // Any seed will do: the work is the same for all.
            let race = Race::new(preset, [7; 32]);
            measure(race, &name, options, seconds, &stop, &progress)
        })
        .await;
        interrupt.abort();
        let Some(measured) = measured? else {
            context.note("stopped before anything was measured");
            return Ok(());
        };
        context.print(&measured);
        Ok(())
    }
}

/// Resolves at Ctrl-C or SIGTERM.
async fn interrupted() {
    use tokio::signal::unix::{signal, SignalKind};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[allow(clippy::cast_precision_loss)]
fn measure(
    race: Race,
    name: &str,
    options: Options,
    seconds: Duration,
    stop: &AtomicBool,
    progress: &Progress,
) -> Result<Option<Tree>, BackendError> {
    let preset = race.preset();
    let begun = Instant::now();
    let mut backend = backend::load(name, race, options, &mut |done, all| {
        progress.set(done, Some(all));
    })?;
    let weights = begun.elapsed();
    // The first batch warms up and is left out.
    let mut start: Option<(Instant, u64)> = None;
    let mut end = None;
    race::bench::bench(backend.as_mut(), &mut |counts| {
        let now = Instant::now();
        if counts.nonces == 0 {
            return !stop.load(Ordering::Relaxed);
        }
        let (since, before) = *start.get_or_insert((now, counts.nonces));
        if counts.nonces > before {
            end = Some((now - since, counts.nonces - before));
        }
        !stop.load(Ordering::Relaxed) && (now - since < seconds || end.is_none())
    })?;
    Ok(end.map(|(taken, nonces)| {
        Tree::map([
            ("preset", Tree::text(preset.name)),
            ("backend", Tree::text(backend.name())),
            // Every backend of this build computes on the CPU.
            ("device", Tree::text("cpu")),
            (
                "nonces_per_s",
                Tree::from(nonces as f64 / taken.as_secs_f64()),
            ),
            (
                "gflop_per_nonce",
                Tree::from(preset.flop_per_nonce() as f64 / 1e9),
            ),
            ("weights_s", Tree::from(weights.as_secs_f64())),
            ("batch", Tree::from(backend.batch())),
        ])
    }))
}
