//! What the tests of whole networks share.
#![allow(dead_code)] // each test file uses its own part

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use raced::comet::rpc::RpcClient;
use raced::localnet::{Plan, PORTS_PER_NODE};

/// How long one step of a network may take.
pub const LIMIT: Duration = Duration::from_secs(120);

/// The executable under test.
pub fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_raced"))
}

/// The app hash after a block: in the header of the next one.
pub async fn app_hash(rpc: &str, height: u64) -> String {
    let rpc = RpcClient::new(rpc).unwrap();
    rpc.wait_for_height(height + 1, LIMIT).await.unwrap();
    let block = rpc.block(Some(height + 1)).await.unwrap();
    block.block.header.app_hash
}

/// A node that is not of the local network: made by `raced init`, run by `raced start`. Killed when
/// dropped.
pub struct Joiner {
    pub home: PathBuf,
    pub rpc: String,
    first_port: u16,
    child: Option<Child>,
}

impl Joiner {
    /// One with the ports of the node `index` of the plan, which has fewer nodes.
    pub fn new(plan: &Plan, name: &str, index: u16) -> Self {
        let first_port = plan.base_port + index * PORTS_PER_NODE;
        Self {
            home: plan.home.join(name),
            rpc: format!("http://127.0.0.1:{first_port}"),
            first_port,
            child: None,
        }
    }

    /// `raced init`.
    pub fn init(&self, network: &Path, more: &[&str]) -> Output {
        let mut command = Command::new(binary());
        command.arg("init").arg("--home").arg(&self.home);
        command.arg("--network").arg(network);
        for (key, port) in [
            ("comet.rpc", self.first_port),
            ("comet.p2p", self.first_port + 1),
            ("grpc.listen", self.first_port + 2),
            ("rest.listen", self.first_port + 3),
            ("metrics.listen", self.first_port + 5),
        ] {
            command.args(["--config", &format!("{key}=127.0.0.1:{port}")]);
        }
        command.args(["--config", "race.threads=1"]).args(more);
        command.output().unwrap()
    }

    /// `raced start`.
    pub fn start(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.home.join("raced.log"))
            .unwrap();
        let child = Command::new(binary())
            .arg("start")
            .arg("--home")
            .arg(&self.home)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// Ends it without warning.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home.join("raced.log")).unwrap_or_default()
    }

    /// A command on its home while it does not run.
    pub fn command(&self, args: &[&str]) -> Output {
        let mut command = Command::new(binary());
        command.args(args).arg("--home").arg(&self.home);
        command.args(["--output", "json"]).output().unwrap()
    }
}

impl Drop for Joiner {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("{}:\n{}", self.home.display(), self.log());
        }
    }
}
