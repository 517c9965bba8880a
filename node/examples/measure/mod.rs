//! What the measurements of networks share: memory of processes, bytes on disk, times in headers.

use std::path::Path;
use std::time::UNIX_EPOCH;

use raced::node::Failure;

/// Bytes on disk of a folder.
pub fn disk(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = std::fs::read_dir(path) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => disk(&entry.path()),
            // A file that is gone again takes none.
            meta => meta.map_or(0, |meta| meta.blocks() * 512),
        })
        .sum()
}

/// A line of `/proc/PID/status`, such as `VmRSS` or `VmHWM`, MB.
pub fn memory(pid: u32, line: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let found = status.lines().find_map(|text| text.strip_prefix(line))?;
    let kilobytes: u64 = found.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024)
}

/// A header's time, seconds since 1970.
pub fn seconds(time: &str) -> Result<f64, Failure> {
    let time = humantime::parse_rfc3339(time)?;
    Ok(time.duration_since(UNIX_EPOCH)?.as_secs_f64())
}
