//! The process, as all exporters for Prometheus tell it, read from `/proc` at each scrape. Where there
//! is no `/proc` there are no such numbers.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

pub(super) fn register(registry: &mut Registry) {
    registry.register_collector(Box::new(Process));
}

#[derive(Debug)]
struct Process;

/// The number behind a name such as `VmRSS:` in a file of `/proc/self`.
fn number(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The soft limit of open files.
pub fn open_file_limit() -> Option<u64> {
    number("/proc/self/limits", "Max open files")
}

/// In which `/proc` counts processor time: `USER_HZ`, 100 a second wherever Linux runs today.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time of this process, seconds: user's and system's, which follow its name in `stat`.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = text.rsplit_once(") ")?;
    let mut fields = after_name.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) as f64 / TICKS_PER_SECOND)
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        if let Some(seconds) = cpu_seconds() {
            let metric = encoder.encode_descriptor(
                "process_cpu",
                "Processor time",
                Some(&Unit::Seconds),
                MetricType::Counter,
            )?;
            ConstCounter::new(seconds).encode(metric)?;
        }
        let resident = number("/proc/self/status", "VmRSS:").map(|kib| kib * 1024);
        let open = std::fs::read_dir("/proc/self/fd").ok();
        let open = open.and_then(|entries| u64::try_from(entries.count()).ok());
        let numbers = [
            (
                "process_resident_memory",
                "Memory in use",
                Some(Unit::Bytes),
                resident,
            ),
            ("process_open_fds", "Open files", None, open),
            (
                "process_max_fds",
                "Files that may be open",
                None,
                open_file_limit(),
            ),
        ];
        for (name, help, unit, number) in numbers {
            if let Some(number) = number {
                let metric =
                    encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
                ConstGauge::new(number as f64).encode(metric)?;
            }
        }
        Ok(())
    }
}
