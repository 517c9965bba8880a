//! A node under faults: its two processes, and the files that set its clock and its disks off.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use raced::client::ChainClient;
use raced::comet::home::Home;
use raced::localnet::Plan;
use rustix::process::{kill_process, Pid, Signal};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::fault::Part;
use crate::support::binary;

/// How long a process may take to end once it must.
const END_LIMIT: Duration = Duration::from_secs(30);
/// What both languages say of a full disk.
const NO_SPACE: &str = "no space left on device";

/// A node.
pub struct Node {
    pub home: PathBuf,
    pub chain: ChainClient,
    /// Consensus address, upper-case hex.
    pub validator: String,
    shim: PathBuf,
    raced: Option<Child>,
}

impl Node {
    pub fn new(plan: &Plan, index: u16, home: PathBuf, chain_id: &str, validator: &str) -> Self {
        let rpc = format!("http://127.0.0.1:{}", plan.ports(index).rpc);
        std::fs::create_dir_all(home.join("faults")).unwrap();
        Self {
            chain: ChainClient::new(&rpc, chain_id).unwrap(),
            validator: validator.to_owned(),
            shim: plan.home.join("disk.so"),
            raced: None,
            home,
        }
    }

    pub fn start(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file())
            .unwrap();
        let comet = std::env::var_os("COMETBFT_SKEWED")
            .expect("COMETBFT_SKEWED: what deploy/cometbft/skewed/build.sh makes");
        let child = Command::new(binary())
            .arg("start")
            .arg("--home")
            .arg(&self.home)
            .env("RACED_COMETBFT", comet)
            // Peers are found through the links alone.
            .env("CMT_P2P_PEX", "false")
            .env("CMT_CLOCK_SKEW_FILE", self.control("clock"))
            .env("CMT_DISK_FAULTS", self.control("comet"))
            .env("DISK_FAULTS", self.control("raced"))
            .env("LD_PRELOAD", &self.shim)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        self.raced = Some(child);
    }

    fn log_file(&self) -> PathBuf {
        self.home.join("raced.log")
    }

    /// Where the log ends now.
    pub fn log_end(&self) -> u64 {
        std::fs::metadata(self.log_file()).map_or(0, |about| about.len())
    }

    /// Whether the log says after `from` that the disk is full.
    pub fn tells_of_no_space(&self, from: u64) -> bool {
        let log = std::fs::read(self.log_file()).unwrap();
        let new = &log[usize::try_from(from).unwrap()..];
        let new = String::from_utf8_lossy(new).to_lowercase();
        new.contains(NO_SPACE)
    }

    fn control(&self, name: &str) -> PathBuf {
        self.home.join("faults").join(name)
    }

    fn set(&self, name: &str, what: Option<&str>) {
        let path = self.control(name);
        match what {
            // At once for whoever reads it meanwhile.
            Some(what) => {
                let new = self.control("new");
                std::fs::write(&new, what).unwrap();
                std::fs::rename(new, path).unwrap();
            }
            None => std::fs::remove_file(path).unwrap(),
        }
    }

    /// What the disk does: `slow MS` or `full`; `None` heals it.
    pub fn set_disk(&self, part: Part, what: Option<&str>) {
        if part.has_raced() {
            self.set("raced", what);
        }
        if part.has_comet() {
            self.set("comet", what);
        }
    }

    /// How far CometBFT's clock is off.
    pub fn set_clock(&self, seconds: Option<i64>) {
        let text = seconds.map(|seconds| format!("{seconds}s"));
        self.set("clock", text.as_deref());
    }

    fn comet(&self) -> Option<Pid> {
        let text = std::fs::read_to_string(Home::new(&self.home).pid_file()).ok()?;
        Pid::from_raw(text.trim().parse().ok()?)
    }

    fn raced(&self) -> Option<Pid> {
        let pid = self.raced.as_ref()?.id()?;
        Pid::from_raw(i32::try_from(pid).ok()?)
    }

    /// Sends the processes a signal. One that has ended misses nothing.
    pub fn signal(&self, part: Part, signal: Signal) {
        let raced = self.raced().filter(|_| part.has_raced());
        let comet = self.comet().filter(|_| part.has_comet());
        for pid in raced.into_iter().chain(comet) {
            let _ = kill_process(pid, signal);
        }
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.raced.as_mut()?.try_wait().unwrap()?;
        self.raced = None;
        Some(status)
    }

    /// Whether it ends by itself.
    pub async fn ends_within(&mut self, limit: Duration) -> bool {
        let since = Instant::now();
        while self.ended().is_none() {
            if since.elapsed() > limit {
                return false;
            }
            sleep(Duration::from_millis(50)).await;
        }
        self.until_ended("its raced has ended").await;
        true
    }

    /// Waits until both processes have ended.
    pub async fn until_ended(&mut self, why: &str) {
        if let Some(mut raced) = self.raced.take() {
            let ended = timeout(END_LIMIT, raced.wait()).await;
            ended
                .unwrap_or_else(|_| panic!("{}: raced runs on: {why}", self.home.display()))
                .unwrap();
        }
        let since = Instant::now();
        while let Some(pid) = processes_of(&self.home).first() {
            let home = self.home.display();
            assert!(
                since.elapsed() < END_LIMIT,
                "{home}: process {pid} runs on: {why}"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks it to stop, and waits until it has.
    pub async fn stop(&mut self) {
        self.signal(Part::Raced, Signal::TERM);
        self.until_ended("it was asked to stop").await;
    }
}

impl Drop for Node {
    /// A stopped process would keep the SIGTERM of raced's watchdog for ever.
    fn drop(&mut self) {
        self.signal(Part::Both, Signal::KILL);
    }
}

/// The processes whose command names this folder.
pub fn processes_of(folder: &Path) -> Vec<u32> {
    let folder = folder.as_os_str().as_encoded_bytes();
    let is_of = |pid: &u32| {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        command
            .split(|byte| *byte == 0)
            .any(|argument| argument == folder)
    };
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(is_of).collect()
}
