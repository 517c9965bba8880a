//! The machine under a node.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use race::preset::Preset;
use tokio::process::Command;
use tokio::time::timeout;

use super::{Check, Patient};
use crate::comet::genesis::Genesis;
use crate::comet::home::Home;
use crate::metrics::process::open_file_limit;
use crate::racer::worker::available_memory;

const GIB: u64 = 1 << 30;
/// Writes that are timed, each as large as a small block's batch, and how long they may take together.
const WRITES: usize = 30;
const WRITE_BYTES: usize = 64 << 10;
const WRITES_LIMIT: Duration = Duration::from_secs(3);
/// A commit has two syncs, its own and CometBFT's; half a second between blocks would go to slower ones.
const SLOW_SYNC: Duration = Duration::from_millis(50);
/// How long the driver's tool may take.
const GPU_LIMIT: Duration = Duration::from_secs(15);
/// Where a driver's library lies, below the folders of libraries.
const LIBCUDA: &str = "libcuda.so.1";

/// Free space, and how long a durable write takes.
pub fn disk(patient: &Patient) -> Vec<Check> {
    let folder = [patient.home.join("data"), patient.home.clone()];
    let folder = folder.iter().find(|folder| folder.is_dir());
    let Some(folder) = folder else {
        let found = format!("{} is no folder", patient.home.display());
        return vec![Check::fail("disk space", found, "make it: raced init")];
    };
    vec![space(folder), speed(folder)]
}

fn space(folder: &Path) -> Check {
    let name = "disk space";
    let free = match rustix::fs::statvfs(folder) {
        Ok(stat) => stat.f_bavail.saturating_mul(stat.f_frsize),
        Err(error) => return Check::warn(name, format!("not measured: {error}"), "look with df"),
    };
    let found = format!("{:.1} GiB free", free as f64 / GIB as f64);
    let todo = "free some, or move the home: a node whose disk is full stops";
    match free {
        _ if free < GIB => Check::fail(name, found, todo),
        _ if free < 10 * GIB => Check::warn(name, found, todo),
        _ => Check::ok(name, found),
    }
}

fn speed(folder: &Path) -> Check {
    let name = "disk speed";
    let path = folder.join(format!("doctor-{}.tmp", std::process::id()));
    let measured = measure(&path);
    // What is left of a measurement that failed is no more than a file that cannot be removed.
    drop(std::fs::remove_file(&path));
    match measured {
        Err(error) => Check::fail(
            name,
            format!("{} cannot be written: {error}", folder.display()),
            "make the folder writable for the user that runs the node",
        ),
        Ok(median) => {
            let found = format!(
                "{:.1} ms to write and sync {} KiB, the median of some",
                median.as_secs_f64() * 1e3,
                WRITE_BYTES >> 10
            );
            match median > SLOW_SYNC {
                true => Check::warn(name, found, "use a local SSD: every block waits for syncs"),
                false => Check::ok(name, found),
            }
        }
    }
}

fn measure(path: &Path) -> std::io::Result<Duration> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    let bytes = vec![0xa5; WRITE_BYTES];
    let begin = Instant::now();
    let mut times = Vec::new();
    while times.len() < WRITES && begin.elapsed() < WRITES_LIMIT {
        let since = Instant::now();
        file.write_all(&bytes)?;
        file.sync_data()?;
        times.push(since.elapsed());
    }
    times.sort();
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}

/// The preset of the chain that the node is on.
fn preset(patient: &Patient) -> Option<&'static Preset> {
    let genesis = Genesis::load(&Home::new(&patient.home).genesis()).ok()?;
    Preset::by_name(genesis.app_state.get("race_preset")?.as_str()?).ok()
}

/// Memory against what the race's weights take when they are held: two of them in a byte.
pub fn memory(patient: &Patient) -> Check {
    let name = "memory";
    let Some(available) = available_memory() else {
        return Check::warn(
            name,
            "not measured on this system",
            "see that a race fits into it",
        );
    };
    let shown = |bytes: u64| format!("{:.1} GiB", bytes as f64 / GIB as f64);
    let Some(preset) = preset(patient) else {
        return Check::ok(name, format!("{} available", shown(available)));
    };
    let held = preset.parameters() / 2;
    let found = format!(
        "{} available; the weights of the preset {} take {}",
        shown(available),
        preset.name,
        shown(held)
    );
    if !patient.config.race.enabled {
        return Check::ok(name, format!("{found}; this node does not race"));
    }
    let allowed = match patient.config.race.memory_mib {
        0 => available / 2,
        mib => mib.saturating_mul(1 << 20),
    };
    match allowed {
        _ if available < GIB / 2 => Check::fail(
            name,
            found,
            "free some: a node that is out of memory is killed",
        ),
        _ if allowed < held => Check::warn(
            name,
            format!("{found}, more than a race may ({})", shown(allowed)),
            "more memory, or a higher [race] memory_mib: else weights are generated for every batch",
        ),
        _ => Check::ok(name, found),
    }
}

/// The limit of open files, which the node's service inherits from its manager and not from here.
pub fn open_files() -> Check {
    let name = "open files";
    let todo =
        "raise it: LimitNOFILE=65536 in the service, ulimit -n in a shell (this shell's is measured)";
    match open_file_limit() {
        None => Check::ok(name, "not limited, or not measured on this system"),
        Some(limit) if limit < 1024 => Check::fail(name, format!("at most {limit}"), todo),
        Some(limit) if limit < 4096 => Check::warn(name, format!("at most {limit}"), todo),
        Some(limit) => Check::ok(name, format!("at most {limit}")),
    }
}

/// GPU and driver, as far as the race needs them.
pub async fn gpu(patient: &Patient) -> Check {
    let name = "gpu";
    let wanted = patient.config.race.backends().any(|name| name == "cuda");
    let built = race::backend::names().contains(&"cuda");
    match driver().await {
        Some(found) if !built => Check::warn(
            name,
            format!("{found}; this build races on the CPU"),
            "build with --features cuda to race on it",
        ),
        Some(found) => Check::ok(name, found),
        None if wanted => Check::fail(
            name,
            "[race] backend names cuda, and there is no NVIDIA driver",
            "install the driver, or set [race] backend = \"fastest\"",
        ),
        None => Check::ok(name, "none: the race runs on the CPU"),
    }
}

/// What the driver says of its devices, or that its library is there.
async fn driver() -> Option<String> {
    let query = "--query-gpu=name,driver_version,memory.total";
    let mut command = Command::new("nvidia-smi");
    let asked = command.args([query, "--format=csv,noheader"]).output();
    if let Ok(Ok(output)) = timeout(GPU_LIMIT, asked).await {
        let text = String::from_utf8_lossy(&output.stdout);
        let devices: Vec<_> = text.lines().map(str::trim).collect();
        if output.status.success() && !devices.is_empty() {
            return Some(devices.join("; "));
        }
    }
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"];
    let there = |folder: &&str| Path::new(folder).join(LIBCUDA).exists();
    let folder = folders.iter().find(|folder| there(folder))?;
    Some(format!(
        "{folder}/{LIBCUDA}, and nvidia-smi does not answer"
    ))
}
