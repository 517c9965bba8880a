//! What is wrong with a node, before it runs and while it does: one check for everything that has kept
//! operators' nodes from working, each with what was found and what to do.
//!
//! | file | what it looks at |
//! |---|---|
//! | [`files`] | configuration, keys, genesis, models, the `cometbft` executable |
//! | [`machine`] | disk, memory, open files, GPU |
//! | [`network`] | ports, endpoint, peers, clock, and the node itself when it runs |
//!
//! A check changes nothing but a file of its own, which it removes, and takes seconds at most.

pub mod files;
pub mod machine;
pub mod network;

use std::path::{Path, PathBuf};

use crate::comet::rpc::RpcClient;
use crate::config::Config;
use crate::node::pid_file;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Ok,
    /// The node works, and could be better off.
    Warn,
    /// The node does not work, or loses by it.
    Fail,
}

impl State {
    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// A check that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// How it ended.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What to do; empty when nothing is to be done.
    pub todo: String,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        let found = found.into();
        Self {
            name,
            state: State::Ok,
            found,
            todo: String::new(),
        }
    }

    fn warn(name: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            state: State::Warn,
            todo: todo.into(),
            ..Self::ok(name, found)
        }
    }

    fn fail(name: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            state: State::Fail,
            ..Self::warn(name, found, todo)
        }
    }
}

/// What is examined.
pub struct Patient {
    /// The node's home.
    pub home: PathBuf,
    /// Its configuration.
    pub config: Config,
    /// The process id of the node, when it runs.
    pub running: Option<u32>,
    /// CometBFT of the node.
    pub rpc: RpcClient,
}

impl Patient {
    fn new(home: &Path, config: Config) -> Result<Self, String> {
        let rpc = RpcClient::new(&format!("http://{}", config.comet.rpc));
        Ok(Self {
            home: home.to_owned(),
            running: running(home),
            rpc: rpc.map_err(|error| error.to_string())?,
            config,
        })
    }
}

/// The process of the node of `home`, if it lives.
fn running(home: &Path) -> Option<u32> {
    let pid = std::fs::read_to_string(pid_file(home)).ok()?;
    let pid: u32 = pid.trim().parse().ok()?;
    let process = rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)?;
    // A node of another user lives as well, and may not be asked.
    let lives = match rustix::process::test_kill_process(process) {
        Ok(()) => true,
        Err(error) => error == rustix::io::Errno::PERM,
    };
    lives.then_some(pid)
}

/// Examines the node of `home`; its configuration was read with `variables` and `flags` over the file.
pub async fn examine(
    home: &Path,
    variables: impl IntoIterator<Item = (String, String)>,
    flags: &[(String, String)],
) -> Vec<Check> {
    let (config, mut checks) = files::configuration(home, variables, flags);
    let patient = match config.map(|config| Patient::new(home, config)) {
        Some(Ok(patient)) => patient,
        // Without a configuration there is nothing that the rest could look at.
        Some(Err(_)) | None => return checks,
    };
    checks.extend(files::keys(&patient));
    checks.push(files::genesis(&patient));
    checks.push(files::blocks(&patient));
    checks.push(files::cometbft(&patient).await);
    checks.extend(files::models(&patient).await);
    checks.extend(machine::disk(&patient));
    checks.push(machine::memory(&patient));
    checks.push(machine::open_files());
    checks.push(machine::gpu(&patient).await);
    checks.push(network::ports(&patient));
    checks.push(network::endpoint(&patient));
    checks.push(network::peers(&patient).await);
    checks.push(network::node(&patient).await);
    checks.push(network::clock(&patient).await);
    checks
}
