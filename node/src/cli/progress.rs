//! How far something is: a bar on a terminal, a line now and then elsewhere.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::console::Console;

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes, shown in KiB, MiB...
    Bytes,
    /// Anything else.
    Items(&'static str),
}

/// The progress of one thing. Its end takes the bar away.
pub struct Progress {
    console: Console,
    label: String,
    unit: Unit,
    bar: Option<ProgressBar>,
    last_line: Mutex<Instant>,
}

impl Progress {
    /// Begins; nothing is shown before the first [`set`](Self::set).
    #[must_use]
    pub fn new(console: &Console, label: &str, unit: Unit) -> Self {
        Self {
            console: console.clone(),
            label: label.to_owned(),
            unit,
            bar: console.terminal.then(|| bar(label, unit)),
            last_line: Mutex::new(Instant::now()),
        }
    }

    /// `done` of `total`, where that is known.
    pub fn set(&self, done: u64, total: Option<u64>) {
        if let Some(bar) = &self.bar {
            bar.set_length(total.unwrap_or(done));
            bar.set_position(done);
            return;
        }
        let Ok(mut last) = self.last_line.lock() else {
            return;
        };
        if last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            self.console.note(&self.line(done, total));
        }
    }

    fn line(&self, done: u64, total: Option<u64>) -> String {
        let show = |count: u64| match self.unit {
            Unit::Bytes => indicatif::BinaryBytes(count).to_string(),
            Unit::Items(name) => format!("{count} {name}"),
        };
        let label = &self.label;
        match total {
            Some(total) if total > 0 => {
                let percent = u128::from(done) * 100 / u128::from(total);
                format!("{label}: {} of {} ({percent} %)", show(done), show(total))
            }
            _ => format!("{label}: {}", show(done)),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(label: &str, unit: Unit) -> ProgressBar {
    let template = match unit {
        Unit::Bytes => "{prefix} [{bar:32}] {binary_bytes}/{binary_total_bytes} {eta}",
        Unit::Items(_) => "{prefix} [{bar:32}] {percent} % {eta}",
    };
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.with_style(style.progress_chars("=> "))
        .with_prefix(label.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_the_count_the_total_and_the_share() {
        let (console, _) = Console::captured("");
        let bytes = Progress::new(&console, "model", Unit::Bytes);
        assert_eq!(
            bytes.line(1 << 20, Some(4 << 20)),
            "model: 1.00 MiB of 4.00 MiB (25 %)"
        );
        let items = Progress::new(&console, "search", Unit::Items("nonces"));
        assert_eq!(items.line(7, None), "search: 7 nonces");
    }
}
