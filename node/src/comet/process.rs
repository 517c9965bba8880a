//! CometBFT as a child process: started, watched, stopped, and never left behind.
//!
//! - An exit that nobody asked for is reported with the last lines of the log, never
//!   repaired by a silent restart (a validator that restarts by itself hides what broke it).
//! - `HOME/run/cometbft.pid` is there exactly while the child runs.
//! - The child does not outlive us. When `raced` ends without a word (SIGKILL, a crash), a
//!   watchdog whose standard input was a pipe from us reads its end and sends the child SIGTERM;
//!   besides, CometBFT ends by itself when it loses an ABCI connection.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{kill_process, test_kill_process, Pid, Signal};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::files::{self, FileError};
use super::home::Home;
use super::index;
use super::log::{LogLine, Stuck};

/// How long [`CometProcess::stop`] waits by default before it kills.
pub const DEFAULT_STOP_LIMIT: Duration = Duration::from_secs(20);

/// Lines of the log kept for the report of an exit.
const TAIL: usize = 20;
/// How long an orphan of an earlier run may take to end by itself, and then after SIGTERM.
const ORPHAN_PATIENCE: Duration = Duration::from_secs(10);

/// What to start.
#[derive(Debug, Clone)]
pub struct StartOptions {
    /// The executable; see [`super::binary::find`].
    pub binary: PathBuf,
    /// The home, written by [`Home::write`]. CometBFT runs in this folder.
    pub home: PathBuf,
    /// Variables for the child alone, such as `CMT_LOG_LEVEL`.
    pub env: Vec<(String, String)>,
    /// The first block whose transactions are indexed again before the start; [`index::first_missing`].
    pub reindex_from: Option<u64>,
}

/// How the child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// The status. `None` when the operating system would not tell.
    pub status: Option<ExitStatus>,
    /// Whether [`CometProcess::stop`] asked for it.
    pub requested: bool,
    /// Whether it ignored SIGTERM for the whole limit and was killed.
    pub killed: bool,
    /// The last lines that it wrote.
    pub tail: Vec<String>,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.requested, self.killed) {
            (true, true) => write!(f, "CometBFT did not stop when asked and was killed")?,
            (true, false) => return write!(f, "CometBFT stopped"),
            (false, _) => write!(f, "CometBFT ended unexpectedly")?,
        }
        if let Some(status) = self.status {
            write!(f, " ({status})")?;
        }
        if !self.tail.is_empty() {
            write!(f, "; its last lines:")?;
            for line in &self.tail {
                write!(f, "\n    {line}")?;
            }
        }
        Ok(())
    }
}

/// CometBFT could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The executable would not run.
    #[error("cannot run {}: {source}", binary.display())]
    Spawn {
        /// The executable.
        binary: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The shell of the watchdog would not run.
    #[error("cannot run sh, which stops CometBFT should raced be killed: {0}")]
    Watchdog(io::Error),
    /// The pid file could not be written or read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A CometBFT of an earlier run still runs on this home and would not end.
    #[error("CometBFT of an earlier run (process {pid}) still runs on {} and does not end; stop it first", home.display())]
    AlreadyRunning {
        /// Its process id.
        pid: u32,
        /// The home.
        home: PathBuf,
    },
}

/// A running CometBFT. Dropping it asks the child to stop without waiting for it.
#[derive(Debug)]
pub struct CometProcess {
    pid: u32,
    stop: mpsc::Sender<Duration>,
    exit: watch::Receiver<Option<Exit>>,
    stuck: watch::Receiver<Option<Stuck>>,
}

impl CometProcess {
    /// Starts `cometbft start` in its own process group (so that Ctrl-C reaches `raced` alone,
    /// which then stops things in order).
    ///
    /// A CometBFT that an earlier, killed `raced` left on this home is waited for and, if it
    /// stays, ended first.
    ///
    /// # Errors
    /// See [`ProcessError`].
    pub async fn start(options: StartOptions) -> Result<Self, ProcessError> {
        let home = Home::new(&options.home);
        home.create_dirs()?;
        end_orphan(&home).await?;
        if let Some(first) = options.reindex_from {
            index::mend(&options, first).await;
        }

        let mut child = Command::new(&options.binary)
            .args(["start", "--home"])
            .arg(&options.home)
            .envs(options.env.iter().map(|(k, v)| (k, v)))
            .current_dir(&options.home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| ProcessError::Spawn {
                binary: options.binary.clone(),
                source,
            })?;
        // A child that was just spawned and not waited for has an id.
        let pid = child.id().unwrap_or_default();
        let pid_file = PidFile::write(home.pid_file(), pid)?;
        let watchdog = spawn_watchdog(pid).map_err(ProcessError::Watchdog)?;

        let tail = Tail::default();
        let (sender, stuck) = watch::channel(None);
        let sender = Arc::new(sender);
        let forward = |out, tail| forward(out, tail, Arc::clone(&sender));
        let logs = [
            child
                .stdout
                .take()
                .map(|out| forward(Box::new(out) as Output, tail.clone())),
            child
                .stderr
                .take()
                .map(|out| forward(Box::new(out) as Output, tail.clone())),
        ];
        let (stop, stop_requests) = mpsc::channel(1);
        let (exit_sender, exit) = watch::channel(None);
        tokio::spawn(async move {
            let (status, requested, killed) = watch_child(&mut child, stop_requests).await;
            // From here the pid may be another process's: first of all disarm what would signal it.
            drop_watchdog(watchdog).await;
            drop(pid_file);
            for task in logs.into_iter().flatten() {
                // The pipes closed with the child; a grandchild that holds one is not waited for.
                let _ = timeout(Duration::from_millis(300), task).await;
            }
            let report = Exit {
                status,
                requested,
                killed,
                tail: tail.lines(),
            };
            if requested && !killed {
                tracing::info!(pid, "{report}");
            } else {
                tracing::error!(pid, "{report}");
            }
            exit_sender.send_replace(Some(report));
        });
        tracing::info!(pid, home = %options.home.display(), "CometBFT started");
        Ok(Self {
            pid,
            stop,
            exit,
            stuck,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// A channel that holds `None` while it runs, and then how it ended. For `select!` loops.
    #[must_use]
    pub fn exit(&self) -> watch::Receiver<Option<Exit>> {
        self.exit.clone()
    }

    /// Waits until it makes no more blocks and does not end by itself, and returns why.
    pub async fn stuck(&self) -> Stuck {
        let mut stuck = self.stuck.clone();
        let reason = stuck.wait_for(Option::is_some).await.ok();
        let reason = reason.and_then(|reason| reason.clone());
        match reason {
            Some(reason) => reason,
            // It ended: there is nothing more to wait for.
            None => std::future::pending().await,
        }
    }

    /// Waits until it ends, for whatever reason.
    pub async fn wait(&self) -> Exit {
        let mut exit = self.exit.clone();
        let ended = exit.wait_for(Option::is_some).await;
        ended.ok().and_then(|exit| exit.clone()).unwrap_or(Exit {
            // The watching task was torn down with its runtime.
            status: None,
            requested: false,
            killed: true,
            tail: Vec::new(),
        })
    }

    /// Asks it to stop (SIGTERM), waits up to `limit`, then kills it; says which it was.
    /// Calling it again, or after it ended, returns the same report.
    pub async fn stop(&self, limit: Duration) -> Exit {
        // Full: a request is being served. Closed: it has ended.
        let _ = self.stop.try_send(limit);
        self.wait().await
    }
}

/// Waits for the child to end or for a request to end it.
async fn watch_child(
    child: &mut Child,
    mut stop_requests: mpsc::Receiver<Duration>,
) -> (Option<ExitStatus>, bool, bool) {
    let limit = tokio::select! {
        status = child.wait() => return (status.ok(), false, false),
        // None: the handle was dropped.
        limit = stop_requests.recv() => limit.unwrap_or(DEFAULT_STOP_LIMIT),
    };
    // `id` is None once the child was waited for, so this never reaches another process.
    if let Some(pid) = child.id().and_then(to_pid) {
        if let Err(error) = kill_process(pid, Signal::TERM) {
            tracing::warn!(%error, "cannot send CometBFT SIGTERM");
        }
    }
    if let Ok(status) = timeout(limit, child.wait()).await {
        return (status.ok(), true, false);
    }
    tracing::warn!(?limit, "CometBFT did not stop in time: killing it");
    if let Err(error) = child.start_kill() {
        tracing::error!(%error, "cannot kill CometBFT");
    }
    (child.wait().await.ok(), true, true)
}

/// A shell that sends `pid` SIGTERM when the pipe to its standard input closes.
fn spawn_watchdog(pid: u32) -> io::Result<Child> {
    Command::new("sh")
        .args(["-c", "read -r _; kill -TERM \"$0\""])
        .arg(pid.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        // Not killed on drop: being dropped with its pipe is what it waits for.
        .kill_on_drop(false)
        .spawn()
}

async fn drop_watchdog(mut watchdog: Child) {
    // Killed before its pipe closes, it signals nobody.
    if let Err(error) = watchdog.kill().await {
        tracing::warn!(%error, "cannot end the watchdog of CometBFT");
    }
}

/// The last lines of the log.
#[derive(Debug, Clone, Default)]
struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == TAIL {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    fn lines(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}

type Output = Box<dyn AsyncRead + Unpin + Send>;
type StuckSender = Arc<watch::Sender<Option<Stuck>>>;

fn forward(stream: Output, tail: Tail, stuck: StuckSender) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).split(b'\n');
        while let Ok(Some(bytes)) = lines.next_segment().await {
            let line = String::from_utf8_lossy(&bytes);
            let line = line.trim_end();
            if !line.is_empty() {
                tail.push(line);
                let line = LogLine::parse(line);
                line.emit();
                if let Some(reason) = line.stuck() {
                    stuck.send_replace(Some(reason));
                }
            }
        }
    })
}

/// `HOME/run/cometbft.pid`, removed when dropped.
#[derive(Debug)]
struct PidFile(PathBuf);

impl PidFile {
    fn write(path: PathBuf, pid: u32) -> Result<Self, FileError> {
        files::write_atomically(&path, format!("{pid}\n").as_bytes(), files::PUBLIC)?;
        Ok(Self(path))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "cannot remove the pid file");
        }
    }
}

fn to_pid(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// Ends a CometBFT that an earlier run left on this home.
///
/// # Errors
/// It does not end.
pub async fn end_orphan(home: &Home) -> Result<(), ProcessError> {
    let path = home.pid_file();
    let pid = std::fs::read_to_string(&path)
        .ok()
        .and_then(|text| text.trim().parse::<u32>().ok());
    let Some(pid) = pid.filter(|pid| is_cometbft_of(*pid, home.root())) else {
        return Ok(()); // no file, or one that outlived its process; it is overwritten
    };
    // Its raced is gone, so it should be ending by itself.
    if ended_within(pid, home.root(), Duration::from_secs(3)).await {
        return Ok(());
    }
    tracing::warn!(
        pid,
        "CometBFT of an earlier run still runs on this home: stopping it"
    );
    for signal in [Signal::TERM, Signal::KILL] {
        if let Some(process) = to_pid(pid) {
            // Gone already is what we want.
            let _ = kill_process(process, signal);
        }
        if ended_within(pid, home.root(), ORPHAN_PATIENCE).await {
            return Ok(());
        }
    }
    Err(ProcessError::AlreadyRunning {
        pid,
        home: home.root().to_path_buf(),
    })
}

async fn ended_within(pid: u32, home: &Path, limit: Duration) -> bool {
    let poll = async {
        while is_cometbft_of(pid, home) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(limit, poll).await.is_ok()
}

/// Whether the process runs and is `cometbft start` on this home. Where `/proc` is missing the
/// answer is no: CometBFT's own database lock then refuses a second one.
fn is_cometbft_of(pid: u32, home: &Path) -> bool {
    let alive = to_pid(pid).is_some_and(|pid| test_kill_process(pid).is_ok());
    let Ok(command) = std::fs::read(format!("/proc/{pid}/cmdline")) else {
        return false;
    };
    let arguments: Vec<_> = command.split(|byte| *byte == 0).collect();
    alive
        && arguments.contains(&b"start".as_slice())
        && arguments.contains(&home.as_os_str().as_encoded_bytes())
}
