//! `raced start` without CometBFT, whose standard output is read.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use raced::config::Config;
use raced::localnet::{setup, Plan};
use rustix::process::{kill_process, Pid, Signal};
use serde_json::Value;

/// How long one step may take.
const LIMIT: Duration = Duration::from_secs(60);

struct Node {
    process: Child,
    log: std::path::PathBuf,
}

impl Node {
    fn start(home: &Path) -> Self {
        let log = home.join("log");
        let process = Command::new(env!("CARGO_BIN_EXE_raced"))
            .args(["start", "--with-comet=false", "--home"])
            .arg(home)
            .env("RACED_LOG_FORMAT", "json")
            .stdin(Stdio::null())
            .stdout(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { process, log }
    }

    fn signal(&self, signal: Signal) {
        let id = Pid::from_child(&self.process);
        kill_process(id, signal).unwrap();
    }

    /// Waits for a message; returns its line. Every whole line before it is an object.
    fn says(&mut self, message: &str) -> Value {
        let start = Instant::now();
        loop {
            let found = self.lines().into_iter().find(|l| l["message"] == message);
            if let Some(found) = found {
                return found;
            }
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}: {:?}", self.lines());
            assert!(start.elapsed() < LIMIT, "{message}: {:?}", self.lines());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.log).unwrap();
        let (whole, _) = text.rsplit_once('\n').unwrap_or_default();
        let lines = whole.lines().map(|line| {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
            for field in ["timestamp", "level", "target"] {
                assert!(line[field].is_string(), "{line}");
            }
            line
        });
        lines.collect()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn a_running_node_takes_another_filter_at_sighup_and_every_line_is_an_object() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        binary: env!("CARGO_BIN_EXE_raced").into(),
        home: folder.path().to_owned(),
        nodes: 1,
        base_port: 1,
        preset: "tiny".into(),
        epoch_blocks: None,
        block_time: Duration::from_secs(1),
        models: Vec::new(),
        params: Vec::new(),
        misbehave: Vec::new(),
    };
    setup::create(&plan).unwrap();
    let home = plan.node_home(0);
    let mut config = Config::load(&home, [], &[]).unwrap();
    // Of the system's choice.
    for listen in [
        &mut config.grpc.listen,
        &mut config.rest.listen,
        &mut config.metrics.listen,
    ] {
        listen.set_port(0);
    }
    config.write(&home).unwrap();
    let mut node = Node::start(&home);
    node.says("REST is ready");

    config.log = "info,raced::rest=debug".to_owned();
    config.write(&home).unwrap();
    node.signal(Signal::HUP);
    let taken = node.says("the log has a new filter");
    assert!(taken["filter"]
        .as_str()
        .unwrap()
        .contains("raced::rest=debug"));
    assert_eq!(taken["target"], "raced::logging");

    config.log = "info,raced=loud".to_owned();
    config.write(&home).unwrap();
    node.signal(Signal::HUP);
    let refused = node.says("the log keeps its filter");
    assert_eq!(refused["level"], "ERROR");

    node.signal(Signal::TERM);
    let ended = node.process.wait().unwrap();
    assert_eq!(ended.code(), Some(0), "{:?}", node.lines());
    assert_eq!(node.lines().last().unwrap()["message"], "stopped");
}
