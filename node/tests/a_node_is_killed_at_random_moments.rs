//! One of four real CometBFT nodes is killed over and over, wherever it is: starting, replaying, in a
//! commit, in a snapshot. It comes back each time, to the same app hash, and with all that it has told.
//!
//! `KILLS=200` kills so many times (20 by default); `KILL_SEED` repeats the moments of a printed seed.

mod support;

use std::path::Path;
use std::time::{Duration, SystemTime};

use raced::comet::rpc::RpcClient;
use raced::localnet::run::{free_base_port, Localnet};
use raced::localnet::Plan;
use rustix::process::{kill_process, Pid, Signal};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use support::{app_hash, binary, LIMIT};

const KILLED: u16 = 1;
/// A node lives at most so long.
const LONGEST_MS: u64 = 2_500;

fn plan(home: &Path) -> Plan {
    Plan {
        binary: binary(),
        home: home.to_owned(),
        nodes: 4,
        base_port: free_base_port(4, 33_000).expect("free ports"),
        preset: "tiny".into(),
        epoch_blocks: Some(8),
        block_time: Duration::from_millis(400),
        models: Vec::new(),
        params: Vec::new(),
        misbehave: Vec::new(),
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The `n`th random number of a seed.
fn random(seed: u64, n: u64) -> u64 {
    let digest = Sha256::digest([seed.to_be_bytes(), n.to_be_bytes()].concat());
    u64::from_be_bytes(digest[..8].try_into().unwrap())
}

/// What the application says is durable: height and app hash. `None` while nobody answers.
async fn told(rpc: &RpcClient) -> Option<(u64, String)> {
    let answer: Value = rpc.call("abci_info", json!({})).await.ok()?;
    let answer = &answer["response"];
    let height = answer["last_block_height"].as_str()?.parse().ok()?;
    let hash = answer["last_block_app_hash"].as_str()?;
    use base64::Engine as _;
    let hash = base64::engine::general_purpose::STANDARD
        .decode(hash)
        .ok()?;
    Some((height, hex::encode_upper(hash)))
}

/// CometBFT goes without warning as well, not only its raced.
fn kill_comet(home: &Path) {
    let pid = std::fs::read_to_string(home.join("run/cometbft.pid")).ok();
    let pid = pid.and_then(|pid| pid.trim().parse().ok());
    if let Some(pid) = pid.and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_back_with_all_that_it_told() {
    let kills = number("KILLS").unwrap_or(20);
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let seed = number("KILL_SEED").unwrap_or(now.as_secs());
    eprintln!("KILL_SEED={seed} KILLS={kills}");
    let folder = tempfile::tempdir().unwrap();
    let mut localnet = Localnet::start(plan(folder.path())).await.unwrap();
    let network = localnet.network.clone();
    let home = localnet.plan.node_home(KILLED);
    let rpc = RpcClient::new(&network.nodes[usize::from(KILLED)].rpc).unwrap();

    let mut acknowledged: Vec<(u64, String)> = Vec::new();
    for n in 0..kills {
        let moment = random(seed, 2 * n) % LONGEST_MS;
        tokio::time::sleep(Duration::from_millis(moment)).await;
        let last = tokio::time::timeout(Duration::from_millis(500), told(&rpc)).await;
        if let Ok(Some(last)) = last {
            let before = acknowledged.last().map_or(0, |(height, _)| *height);
            assert!(last.0 >= before, "kill {n}: {last:?} after {before}");
            acknowledged.push(last);
        }
        let with_comet = random(seed, 2 * n + 1).is_multiple_of(2);
        localnet.kill(KILLED).await.unwrap();
        if with_comet {
            kill_comet(&home);
        }
        localnet.restart(KILLED).unwrap();
    }
    assert!(!acknowledged.is_empty(), "it never answered");

    // It catches up with the others, and what it told is what the chain has.
    let others = &network.nodes[0].rpc;
    let status = RpcClient::new(others).unwrap().status().await.unwrap();
    let height = status.sync_info.latest_block_height;
    rpc.wait_for_height(height + 2, LIMIT).await.unwrap();
    let mine = &network.nodes[usize::from(KILLED)].rpc;
    assert_eq!(app_hash(mine, height).await, app_hash(others, height).await);
    for (height, hash) in acknowledged.into_iter().filter(|(height, _)| *height > 0) {
        assert_eq!(app_hash(others, height).await, hash, "at {height}");
        assert_eq!(app_hash(mine, height).await, hash, "at {height}");
    }
    localnet.stop().await;
}
