//! Four real CometBFT nodes vote for an upgrade. Three halt at its height, and go on with a program of the
//! next version, whose state has another layout. The fourth is away then: it comes back with either program
//! and goes back over the upgrade. Then their state begins a new chain, again of four nodes, one of which
//! drops its old blocks.
//!
//! Called with a command of `raced`, this executable is the next version: it links the same library, with
//! the table of [`NEXT`]. So it has no harness of its own.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::Duration;

use race_app::testing::next::{BY_NUMBER, NEXT};
use raced::comet::genesis::Genesis;
use raced::comet::rpc::RpcClient;
use raced::config::Config;
use raced::localnet::run::{free_base_port, tail, Localnet};
use raced::localnet::Plan;
use raced::network::Network;
use serde_json::{json, Value};
use support::{app_hash, binary, LIMIT};

/// Blocks from the proposal to the upgrade: more than the vote takes.
const BLOCKS: u64 = 35;
/// Blocks before the upgrade at which a node goes away: the plan is made by then.
const AWAY: u64 = 8;
/// The node that goes away.
const LAST: u16 = 3;
/// Blocks of the new chain that are kept by a node that keeps no more than it must.
const KEPT: i64 = 10;
/// The new chain's id.
const SECOND: &str = "race-second";

fn main() -> ExitCode {
    let first = std::env::args().nth(1);
    match first.as_deref() {
        Some("start" | "export" | "rollback") => return raced::cli::main(NEXT),
        // What `cargo test` passes on: a question, and a filter.
        Some("--list") => return ExitCode::SUCCESS,
        Some(filter) if !filter.starts_with('-') && !file!().contains(filter) => {
            return ExitCode::SUCCESS
        }
        _ => {}
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(the_network_is_upgraded_and_exported());
    ExitCode::SUCCESS
}

fn next_version() -> PathBuf {
    std::env::current_exe().unwrap()
}

fn plan(home: &Path) -> Plan {
    Plan {
        binary: binary(),
        home: home.to_owned(),
        nodes: 4,
        base_port: free_base_port(4, 35_000).expect("free ports"),
        preset: "tiny".into(),
        epoch_blocks: Some(4),
        block_time: Duration::from_millis(400),
        models: Vec::new(),
        params: vec![("gov/voting_period".into(), 8_000)],
        misbehave: Vec::new(),
    }
}

fn run(program: &Path, home: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(args).arg("--home").arg(home);
    command.args(["--output", "json"]).output().unwrap()
}

/// A command that succeeds; what it printed.
fn ok(program: &Path, home: &Path, args: &[&str]) -> Value {
    let output = run(program, home, args);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {err}");
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}

/// A node that goes on no further: exit code 3 and a sentence.
async fn halts(program: &Path, home: &Path, args: &[&str], says: &str) {
    let mut command = tokio::process::Command::new(program);
    command.arg("start").args(args).arg("--home").arg(home);
    let output = tokio::time::timeout(LIMIT, command.kill_on_drop(true).output()).await;
    let output = output.expect("it went on").unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{err}");
    assert!(err.contains(says), "{err}");
    let log = String::from_utf8_lossy(&output.stdout);
    assert!(!log.contains("CONSENSUS FAILURE"), "{log}");
}

/// The app version in a header.
async fn header_version(rpc: &RpcClient, height: u64) -> String {
    let height = json!({ "height": height.to_string() });
    let block: Value = rpc.call("block", height).await.unwrap();
    let version = &block["block"]["header"]["version"]["app"];
    version.as_str().unwrap_or_default().to_owned()
}

async fn the_network_is_upgraded_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let mut localnet = Localnet::start(plan(folder.path())).await.unwrap();
    let height = vote(&localnet).await;
    let away = RpcClient::new(&localnet.network.nodes[usize::from(LAST)].rpc).unwrap();
    away.wait_for_height(height - AWAY, LIMIT).await.unwrap();
    localnet.kill(LAST).await.unwrap();
    the_others_halt(&mut localnet, height).await;
    they_go_on(&mut localnet, height).await;
    who_was_away_comes_back(&mut localnet, height).await;
    begin_again(&localnet).await;
}

/// A proposal passes; the height of its plan.
async fn vote(localnet: &Localnet) -> u64 {
    let (client, raced) = (localnet.plan.client_home(), binary());
    leave_votes(&raced, &client);
    let rpc = RpcClient::new(&localnet.network.nodes[0].rpc).unwrap();
    let height = rpc.status().await.unwrap().sync_info.latest_block_height + BLOCKS;
    let at = height.to_string();
    let propose = ["tx", "gov", "upgrade", "v2", "--height", &at];
    let paid = ["--deposit", "10icoin", "--from", "alice", "--yes"];
    ok(&raced, &client, &[&propose[..], &paid[..]].concat());
    for operator in ["node0", "node1"] {
        let vote = ["tx", "gov", "vote", "1", "yes", "--from", operator, "--yes"];
        ok(&raced, &client, &vote);
    }
    let vote = ["tx", "gov", "vote", "1", "yes", "--from", "node2"];
    let vote = run(&raced, &client, &[&vote[..], &["--generate-only"]].concat());
    let file = client.join("vote.json");
    std::fs::write(&file, vote.stdout).unwrap();
    let exec = ["tx", "authz", "exec", file.to_str().unwrap()];
    let paid = ["--from", "hot", "--fee-granter", "node2", "--yes"];
    ok(&raced, &client, &[&exec[..], &paid].concat());
    height
}

/// The operator of the third node leaves its votes to a key without coins, and pays for them.
fn leave_votes(raced: &Path, client: &Path) {
    ok(raced, client, &["keys", "add", "hot"]);
    let (vote, exec) = ("/cosmos.gov.v1.MsgVote", "/cosmos.authz.v1beta1.MsgExec");
    let grant = ["tx", "authz", "grant", "hot", "generic", "--msg-type", vote];
    let from = ["--from", "node2", "--yes"];
    ok(raced, client, &[&grant[..], &from].concat());
    let pay = ["tx", "feegrant", "grant", "node2", "hot", "--yes"];
    let limit = ["--spend-limit", "1micoin", "--allowed-messages", exec];
    ok(raced, client, &[&pay[..], &limit].concat());
}

/// What the old program says at the height of the upgrade.
fn due(height: u64) -> String {
    format!("upgrade 'v2' is due at height {height}: install the program with app version 2")
}

async fn the_others_halt(localnet: &mut Localnet, height: u64) {
    for _ in 0..LAST {
        let ended = tokio::time::timeout(LIMIT, localnet.died()).await.unwrap();
        assert!(ended.contains("exit status: 3"), "{ended}");
    }
    for index in 0..LAST {
        let log = std::fs::read_to_string(localnet.log_file(index)).unwrap();
        assert!(
            log.contains(&due(height)),
            "{}",
            tail(&localnet.log_file(index))
        );
        // It went in order.
        for disorder in ["CONSENSUS FAILURE", "was killed", "panicked"] {
            assert!(
                !log.contains(disorder),
                "{}",
                tail(&localnet.log_file(index))
            );
        }
    }
    let home = localnet.plan.node_home(0);
    let status = run(&binary(), &home, &["status"]);
    assert!(String::from_utf8_lossy(&status.stderr).contains(&due(height)));
    halts(&binary(), &home, &[], &due(height)).await;
}

async fn they_go_on(localnet: &mut Localnet, height: u64) {
    localnet.plan.binary = next_version();
    for index in 0..LAST {
        localnet.restart(index).unwrap();
    }
    let nodes = &localnet.network.nodes[..usize::from(LAST)];
    let first = RpcClient::new(&nodes[0].rpc).unwrap();
    first.wait_for_height(height + 4, LIMIT).await.unwrap();
    let hash = app_hash(&nodes[0].rpc, height).await;
    for node in nodes {
        assert_eq!(app_hash(&node.rpc, height).await, hash, "{}", node.name);
    }
    // The header of the first block was made before it was executed.
    assert_eq!(header_version(&first, height).await, "1");
    assert_eq!(header_version(&first, height + 1).await, "2");
    let client = localnet.plan.client_home();
    let applied = ok(&binary(), &client, &["query", "upgrade", "applied", "v2"]);
    assert_eq!(applied["height"], height.to_string());
    // The new layout has every account, those of the old program, too.
    let key = BY_NUMBER.raw_key(&0);
    let found = first.abci_query("/store/auth/key", &key, None, false).await;
    assert!(!found.unwrap().value.is_empty());
}

/// The new program takes a stopped node a height back: where to, and what it says about that.
fn back(home: &Path) -> (Value, String) {
    let output = run(&next_version(), home, &["rollback", "--hard"]);
    let says = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{says}");
    (serde_json::from_slice(&output.stdout).unwrap(), says)
}

async fn who_was_away_comes_back(localnet: &mut Localnet, height: u64) {
    let (old, new, home) = (binary(), next_version(), localnet.plan.node_home(LAST));
    // Below the height the new program leaves everything as it is, and says which one goes on, also when it
    // was used to go a block back.
    let early = format!(
        "upgrade 'v2' is planned for height {height}: start the program with app version 1"
    );
    halts(&new, &home, &[], &early).await;
    let (_, says) = back(&home);
    assert!(says.contains(&early), "{says}");
    // The old one catches up to the height, from nodes that are beyond it.
    halts(&old, &home, &[], &due(height)).await;
    // From there on the new one goes on.
    let at = height.to_string();
    let asked = format!("halted after height {height} as asked");
    halts(&new, &home, &["--halt-height", &at], &asked).await;
    let outdated = format!("the state of height {height} has app version 2, this program has 1");
    halts(&old, &home, &[], &outdated).await;

    // Back over the upgrade. A block that waited to be executed goes first.
    let (mut to, mut says) = back(&home);
    if to["height"] == height {
        (to, says) = back(&home);
    }
    let nodes = localnet.network.nodes.clone();
    let (others, own) = (&nodes[0].rpc, &nodes[usize::from(LAST)].rpc);
    assert_eq!(to["height"], height - 1);
    assert_eq!(to["app_hash"], app_hash(others, height - 1).await);
    assert!(!says.contains("app version"), "{says}");
    // It is the old program's state again, and the new one migrates it again.
    halts(&old, &home, &[], &due(height)).await;
    localnet.restart(LAST).unwrap();
    app_hash(own, height).await;
    localnet.kill(LAST).await.unwrap();
    localnet.restart(LAST).unwrap();
    let first = RpcClient::new(others).unwrap();
    let latest = first.status().await.unwrap().sync_info.latest_block_height;
    for height in [height, latest] {
        assert_eq!(app_hash(own, height).await, app_hash(others, height).await);
    }
    localnet.stop().await;
}

/// The stopped network's state begins a chain on the same homes.
async fn begin_again(old: &Localnet) {
    let plan = old.plan.clone();
    let homes: Vec<_> = (0..plan.nodes).map(|index| plan.node_home(index)).collect();
    let file = plan.home.join("genesis.json");
    let mut args = vec!["export", file.to_str().unwrap(), "--chain-id", SECOND];
    for home in &homes {
        args.extend(["--node-home", home.to_str().unwrap()]);
    }
    // A program of another version would read it wrongly.
    let refused = run(&binary(), &homes[0], &args);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("app version 2"));
    let exported = ok(&next_version(), &homes[0], &args);
    // Evidence counts for so few blocks that old ones can go soon.
    let mut genesis = Genesis::load(&file).unwrap();
    genesis.consensus_params.evidence.max_age_num_blocks = KEPT;
    for home in &homes {
        std::fs::remove_dir_all(home.join("data")).unwrap();
        genesis.write(&home.join("config/genesis.json")).unwrap();
    }
    let last = &homes[usize::from(LAST)];
    let mut config = Config::load(last, [], &[]).unwrap();
    config.store.keep_blocks = 1;
    config.store.keep_versions = 5;
    config.state_sync.snapshot_interval = 0;
    config.write(last).unwrap();
    let mut network = Network::load(&plan.network_file()).unwrap();
    network.chain_id = SECOND.into();
    network.genesis_sha256 = genesis.sha256().unwrap();
    network.trust = None;
    network.write(&plan.network_file()).unwrap();

    let mut localnet = Localnet::start(plan).await.unwrap();
    let network = localnet.network.clone();
    let client = localnet.plan.client_home();
    let ask = |args: &[&str]| {
        let chain = ["--node", network.nodes[0].rpc.as_str()];
        ok(&binary(), &client, &[args, &chain[..]].concat())
    };
    // Its first block, and its coins: all that there were.
    let supply = ask(&["query", "bank", "supply-of", "nicoin", "--height", "1"]);
    assert_eq!(supply["amount"]["amount"], exported["supply"]);
    // The committee makes a key, and signs a seed of this chain.
    let rpc = RpcClient::new(&network.nodes[3].rpc).unwrap();
    let seed = tokio::time::timeout(LIMIT, async {
        loop {
            let args = [
                "query",
                "beacon",
                "seed",
                "--home",
                client.to_str().unwrap(),
                "--output",
                "json",
            ];
            // Refused as long as there is none.
            let found = Command::new(binary()).args(args).output().unwrap();
            if found.status.success() {
                return serde_json::from_slice::<Value>(&found.stdout).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    let seed = seed.await.unwrap();
    assert_eq!(seed["chain_id"], SECOND);
    let signature = seed["seed"]["signature"].as_str();
    assert!(signature.is_some_and(|bytes| !bytes.is_empty()), "{seed}");
    // The one that keeps few blocks has dropped the others, and those that are needed it has.
    let height = u64::try_from(KEPT).unwrap() + 10;
    rpc.wait_for_height(height, LIMIT).await.unwrap();
    let sync = rpc.status().await.unwrap().sync_info;
    let kept = sync.latest_block_height - sync.earliest_block_height;
    assert!(kept.abs_diff(KEPT.unsigned_abs()) <= 1, "{kept} are kept");
    let rpc = RpcClient::new(&network.nodes[0].rpc).unwrap();
    let sync = rpc.status().await.unwrap().sync_info;
    assert_eq!(sync.earliest_block_height, 1);
    let height = sync.latest_block_height;
    let hash = app_hash(&network.nodes[0].rpc, height).await;
    for node in &network.nodes {
        assert_eq!(app_hash(&node.rpc, height).await, hash, "{}", node.name);
    }
    localnet.stop().await;
}
