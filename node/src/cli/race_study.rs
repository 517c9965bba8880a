//! `raced race study`: how hard the function is to cut short, and the odds, measured.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use clap::Args;
use race::backend::{self, BackendError, Options};
use race::study::{self, Inside, Odds, Rate, Summary};
use race::{Preset, Race};
use serde::Serialize;

use super::console::Format;
use super::error::CliError;
use super::progress::{Progress, Unit};
use super::race::{on_thread, preset_named, BackendFlags};
use super::{Context, Outcome};
use crate::shutdown;
use crate::tree::Tree;

/// How many last layers are left out where nobody says.
const SKIP: [usize; 5] = [1, 2, 3, 4, 6];

/// `raced race study`.
#[derive(Debug, Args)]
pub(super) struct Study {
    /// Sizes of the function: paper, small or tiny
    #[arg(long, default_value = "small", value_name = "NAME")]
    preset: String,
    /// Nonces whose distances are measured, on the backend
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    nonces: u32,
    /// Nonces that are looked into layer by layer, in plain integers [default: as --nonces, at most 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=4096))]
    inside: Option<u32>,
    /// Which race: another number, other weights and another target
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// How many of the last layers to leave out, one or several numbers [default: 1,2,3,4,6]
    #[arg(long, value_delimiter = ',', value_name = "K,...")]
    skip: Option<Vec<usize>>,
    #[command(flatten)]
    backend: BackendFlags,
}

/// What is printed.
#[derive(Serialize)]
struct Report {
    preset: &'static str,
    backend: String,
    seed: u64,
    inside: Inside,
    odds: Odds,
}

impl Study {
    pub(super) async fn run(self, context: Context) -> Outcome {
        let preset = preset_named(&self.preset)?;
        let skip = self.layers_to_skip(preset)?;
        let (backend, options) = self.backend.resolve()?;
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        let race = Race::new(preset, seed);
        let inside = self.inside.unwrap_or(self.nonces.min(64));

        let cancel = Arc::new(AtomicBool::new(false));
        let asked = cancel.clone();
        let interrupt = tokio::spawn(async move {
            shutdown::requested().await;
            asked.store(true, Ordering::Relaxed);
        });
        let bars = [("layers", "layers"), ("distances", "nonces")]
            .map(|(label, unit)| Progress::new(&context.console, label, Unit::Items(unit)));
        let measured = on_thread(move || {
            let counts = [inside, self.nonces].map(u64::from);
            let (inside, odds) = measure(race, counts, &skip, &backend, options, &cancel, &bars)?;
            Ok(Report {
                preset: preset.name,
                backend,
                seed: self.seed,
                inside,
                odds,
            })
        })
        .await;
        interrupt.abort();
        match measured {
            Ok(report) => match context.format {
                Format::Text => context.console.print(&report.table()),
                Format::Json => context.print(&Tree::from(serde_json::to_value(report)?)),
            },
            Err(BackendError::Cancelled) => context.note("stopped before all was measured"),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn layers_to_skip(&self, preset: &Preset) -> Result<Vec<usize>, CliError> {
        let layers = preset.layers;
        match &self.skip {
            Some(skip) => match skip.iter().find(|&&skip| skip > layers) {
                Some(skip) => Err(CliError::usage(format!(
                    "--skip {skip}: {} has {layers} layers",
                    preset.name
                ))),
                None => Ok(skip.clone()),
            },
            None => Ok(SKIP.into_iter().filter(|&skip| skip <= layers).collect()),
        }
    }
}

fn measure(
    race: Race,
    [inside, nonces]: [u64; 2],
    skip: &[usize],
    backend: &str,
    options: Options,
    cancel: &AtomicBool,
    [layers, distances]: &[Progress; 2],
) -> Result<(Inside, Odds), BackendError> {
    let inputs = study::inputs(&race, inside);
    let inside = Inside::look(
        &race,
        &inputs,
        skip,
        options.threads,
        cancel,
        &mut |done, all| layers.set(done, Some(all)),
    )?;
    let inputs = study::inputs(&race, nonces);
    let mut backend = backend::load(backend, race, options, cancel, &mut |_, _| ())?;
    let odds = Odds::measure(backend.as_mut(), &inputs, cancel, &mut |done, all| {
        distances.set(done, Some(all));
    })?;
    Ok((inside, odds))
}

impl Report {
    fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write_inside(&mut text);
        let _ = self.write_odds(&mut text);
        text
    }

    fn write_inside(&self, text: &mut String) -> std::fmt::Result {
        let inside = &self.inside;
        let (preset, seed, nonces) = (self.preset, self.seed, inside.nonces);
        writeln!(text, "preset {preset}, seed {seed}, {nonces} nonces\n")?;
        let heads = [
            "activation",
            "clip",
            "deviation",
            "least",
            "most",
            "clipped",
        ];
        let [name, rest @ ..] = heads;
        writeln!(text, "{name:<14}{}", cells(&rest.map(str::to_owned)))?;
        for spread in &inside.spreads {
            let row = [
                spread.clip.to_string(),
                format!("{:.1}", spread.deviation),
                format!("{:.1}", spread.least),
                format!("{:.1}", spread.most),
                format!("{:.4} %", 100.0 * spread.clipped),
            ];
            writeln!(text, "{:<14}{}", spread.name, cells(&row))?;
        }
        writeln!(text, "\n{:<42}mean correlation", "")?;
        let between = &inside.between_nonces;
        writeln!(text, "{:<42}{}", "outputs of two nonces", shown(between))?;
        for skipped in &inside.skipped {
            let what = match skipped.layers {
                1 => "output without the last layer".to_owned(),
                layers => format!("output without the last {layers} layers"),
            };
            writeln!(text, "{what:<42}{}", shown(&skipped.correlation))?;
        }
        writeln!(
            text,
            "\n{:>14}  {:<28}one input changed by 1",
            "after layers", "two tokens of a nonce"
        )?;
        let both = inside.between_tokens.iter().zip(&inside.after_a_change);
        for (tokens, changed) in both.filter(|(tokens, _)| shown_after(tokens.layers)) {
            writeln!(
                text,
                "{:>14}  {:<28}{}",
                tokens.layers,
                shown(&tokens.correlation),
                shown(&changed.correlation)
            )?;
        }
        Ok(())
    }

    fn write_odds(&self, text: &mut String) -> std::fmt::Result {
        let Odds {
            threshold,
            own,
            permuted,
        } = &self.odds;
        let backend = &self.backend;
        writeln!(
            text,
            "\ndistances, threshold {threshold}, backend {backend}"
        )?;
        for (name, rate) in [("each nonce", own), ("other permutations", permuted)] {
            let Rate {
                distance,
                quantiles,
                appropriate,
                odds,
                error,
            } = rate;
            let count = distance.count;
            let one_in = match odds {
                odds if *odds > 0.0 => format!(", 1 in {:.0}", 1.0 / odds),
                _ => String::new(),
            };
            let (mean, deviation) = (distance.mean, distance.deviation);
            writeln!(
                text,
                "  {name}: {appropriate} of {count} appropriate: {odds:.5} +- {error:.5}{one_in}"
            )?;
            writeln!(text, "    mean {mean:.0}, deviation {deviation:.0}")?;
            let bounds: Vec<String> = quantiles
                .iter()
                .map(|(share, bound)| format!("{} % {bound}", 100.0 * share))
                .collect();
            writeln!(text, "    at most: {}", bounds.join(", "))?;
        }
        Ok(())
    }
}

/// Which layers get a line: all early ones, where much changes, then fewer.
fn shown_after(layers: usize) -> bool {
    layers <= 8 || layers.is_power_of_two()
}

fn shown(summary: &Summary) -> String {
    format!("{:.3} +- {:.3}", summary.mean, summary.deviation)
}

fn cells(row: &[String]) -> String {
    row.iter().map(|cell| format!("{cell:>12}")).collect()
}
