//! `raced race`: checking vector files, measuring this machine, studying the function.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use race::backend::simd::Peak;
use race::backend::{self, BackendError, Options, FASTEST};
use race::departure::{first_departure, Departure};
use race::vectors::{VectorError, VectorFile};
use race::{Preset, Race};

use super::error::CliError;
use super::progress::{Progress, Unit};
use super::race_study::Study;
use super::{Context, Outcome, Run};
use crate::shutdown;
use crate::tree::Tree;

/// Run the Race function outside a chain: check vectors, measure this machine, study it
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  raced race bench --preset tiny --seconds 5 --output json")]
pub struct RaceCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what can compute the function, the fastest first, and what this machine lacks for the rest
    #[command(after_help = "Example:\n  raced race backends --output json")]
    Backends,
    /// Recompute vector files and name the first difference
    #[command(
        after_help = "Example:\n  raced race check race/tests/vectors/race-tiny-a.json --backend reference"
    )]
    Check(Check),
    /// Measure how many nonces a second a backend computes; Ctrl-C ends it early
    #[command(
        after_help = "Example:\n  raced race bench --preset paper --backend simd --seconds 30 --output json"
    )]
    Bench(Bench),
    /// Race for a node in a process of its own, on other nonces than the node's
    Work(super::race_work::Work),
    /// Measure how hard the function is to cut short, and the odds of a nonce
    #[command(
        after_help = "Example:\n  raced race study --preset small --nonces 1000 --skip 1,2,4 --output json"
    )]
    Study(Study),
}

#[derive(Debug, Args)]
pub(super) struct BackendFlags {
    /// What computes: see `raced race backends` [default: fastest]
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// CPU threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Memory that weights may take; above it they are generated for every batch [default: 4096]
    #[arg(long, value_name = "MIB")]
    memory: Option<u32>,
}

#[derive(Debug, Args)]
struct Check {
    /// Vector files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// When a file differs, say after which layer the backend departs from plain integers, if it does
    #[arg(long)]
    layers: bool,
    #[command(flatten)]
    backend: BackendFlags,
}

#[derive(Debug, Args)]
struct Bench {
    /// Sizes of the function: paper, small or tiny
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
        let name = self.backend.unwrap_or_else(|| FASTEST.to_owned());
        if name != FASTEST && !names.contains(&name.as_str()) {
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
        if let Some(mib) = self.memory {
            options.held_bytes = u64::from(mib) << 20;
            options.expanded_bytes = options.expanded_bytes.min(options.held_bytes);
        }
        Ok((name, options))
    }
}

impl Run for RaceCommand {
    async fn run(self, context: Context) -> Outcome {
        match self.command {
            Command::Backends => {
                context.print(&backends());
                Ok(())
            }
            Command::Check(check) => check.run(context).await,
            Command::Bench(bench) => bench.run(context).await,
            Command::Work(work) => work.run(context).await,
            Command::Study(study) => study.run(context).await,
        }
    }
}

/// The preset of `--preset NAME`.
pub(super) fn preset_named(name: &str) -> Result<&'static Preset, CliError> {
    Preset::by_name(name).map_err(|error| {
        CliError::from(error)
            .while_doing(&format!("--preset {name}"))
            .as_usage()
    })
}

/// The backends of this build.
fn backends() -> Tree {
    let row = |entry: &backend::Entry| {
        Tree::map([
            ("name", Tree::text(entry.name)),
            ("about", Tree::text(entry.about)),
            (
                "missing",
                (entry.unavailable)().map_or(Tree::text(""), Tree::text),
            ),
        ])
    };
    Tree::List(backend::entries().map(row).collect())
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
            let (checked, departure) = on_thread(move || {
                let checked = file.check(&backend, options, &mut |done, all| {
                    progress.set(done, Some(all));
                });
                let look = self.layers && matches!(checked, Err(VectorError::Differs { .. }));
                let departure = look.then(|| departure(&file, &backend, options));
                (checked, departure.transpose())
            })
            .await;
            let departure = departure.map_err(|error| CliError::from(error).while_doing(&path))?;
            let mut result = vec![
                ("file", Tree::text(&path)),
                ("agrees", Tree::from(checked.is_ok())),
                match &checked {
                    Ok(compared) => ("compared", Tree::from(*compared)),
                    Err(error) => ("difference", Tree::text(error)),
                },
            ];
            result.extend(departure.map(|departure| ("layers", Tree::text(departure))));
            results.push(Tree::map(result));
            if let (Err(error), None) = (checked, &failure) {
                failure = Some(CliError::from(error).while_doing(&path));
            }
        }
        context.print(&Tree::map([
            ("backend", Tree::text(&name)),
            ("files", Tree::List(results)),
        ]));
        failure.map_or(Ok(()), Err)
    }
}

/// What the backend does layer by layer, in a sentence.
fn departure(file: &VectorFile, name: &str, options: Options) -> Result<String, VectorError> {
    let (race, inputs) = file.race_and_inputs()?;
    let never = AtomicBool::new(false);
    let found = first_departure(&race, &inputs, options.threads, &mut |race| {
        backend::load(name, race, options, &never, &mut |_, _| ())
    })?;
    Ok(match found {
        Some(Departure { layer, nonce }) => format!(
            "{name} departs from plain integers in layer {layer}, seen first in nonce {nonce}"
        ),
        None => format!("{name} agrees with plain integers in every layer: look at the file"),
    })
}

impl Bench {
    async fn run(self, context: Context) -> Outcome {
        let preset = preset_named(&self.preset)?;
        let (name, options) = self.backend.resolve()?;
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        let interrupt = tokio::spawn(async move {
            shutdown::requested().await;
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
    let loaded = backend::load(name, race, options, stop, &mut |done, all| {
        progress.set(done, Some(all));
    });
    let mut backend = match loaded {
        Ok(backend) => backend,
        Err(BackendError::Cancelled) => return Ok(None),
        Err(error) => return Err(error),
    };
    let weights = begun.elapsed();
    let peak = Peak::of(backend.name()).map(|peak| peak_of(peak, options.threads));
    // The first batch warms up and is left out.
    let mut start: Option<(Instant, u64)> = None;
    let mut end = None;
    race::bench::bench(backend.as_mut(), stop, &mut |counts| {
        let now = Instant::now();
        if counts.nonces == 0 {
            return true;
        }
        let (since, before) = *start.get_or_insert((now, counts.nonces));
        if counts.nonces > before {
            end = Some((now - since, counts.nonces - before));
        }
        now - since < seconds || end.is_none()
    })?;
    Ok(end.map(|(taken, nonces)| {
        let rate = nonces as f64 / taken.as_secs_f64();
        let gflop = preset.flop_per_nonce() as f64 / 1e9;
        let nibbles = preset.parameters() as f64 / 2.0;
        let mut rows = vec![
            ("preset", Tree::text(preset.name)),
            ("backend", Tree::text(backend.name())),
            (
                "device",
                Tree::text(if backend.name() == "cuda" {
                    "gpu"
                } else {
                    "cpu"
                }),
            ),
            ("threads", Tree::from(options.threads)),
            ("nonces_per_s", Tree::from(rate)),
            ("gflop_per_nonce", Tree::from(gflop)),
            ("gflop_per_s", Tree::from(rate * gflop)),
            ("weights_s", Tree::from(weights.as_secs_f64())),
            ("batch", Tree::from(backend.batch())),
        ];
        // The reference holds none, and `simd` none above its memory: there is no rate to tell.
        let held = preset.parameters() / 2 <= options.held_bytes;
        if held && weights > Duration::from_millis(1) {
            let rate = nibbles / weights.as_secs_f64() / 1e9;
            rows.push(("weights_gb_per_s", Tree::from(rate)));
        }
        if let Some(peak) = peak {
            rows.push(("kernel_peak_gflop_per_s", Tree::from(peak)));
            rows.push(("efficiency", Tree::from(rate * gflop / peak)));
        }
        Tree::map(rows)
    }))
}

/// What the products alone reach in a second, in GFLOP/s.
#[allow(clippy::cast_precision_loss)]
fn peak_of(peak: Peak, threads: usize) -> f64 {
    let begun = Instant::now();
    let one = |mut peak: Peak| {
        let mut operations = 0;
        while begun.elapsed() < Duration::from_secs(1) {
            operations += peak.run(1_000);
        }
        operations
    };
    let operations: u64 = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| one(peak.clone())))
            .collect();
        let done = running.into_iter().map(|thread| thread.join().unwrap_or(0));
        done.sum()
    });
    operations as f64 / begun.elapsed().as_secs_f64() / 1e9
}
