//! Measures how long a node takes to join a network by state sync, and what a large state costs before that.
//!
//! `state_sync [ACCOUNTS] [NODES] [RACED]` starts a local network whose genesis has so many accounts with coins,
//! two keys of state each, waits for a snapshot, lets a fresh node join from the network's file by `raced init` and
//! `raced start`, and prints one line of JSON. By default 10,000 accounts, one node and `target/bin/raced`.
//!
//! The first epoch is so long that no race takes processor time. Memory is the most that a process ever took; it
//! is told for the first node of the network and for the one that joins.

mod measure;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, UNIX_EPOCH};

use measure::{disk, memory, seconds};
use race_app::address::Account;
use race_app::genesis::{AppGenesis, GenesisAccount};
use race_app::store::statesync::format::Manifest;
use race_app::store::statesync::shelf::Shelf;
use raced::comet::genesis::Genesis;
use raced::comet::home::Home;
use raced::comet::rpc::RpcClient;
use raced::localnet::run::{free_base_port, tail, Localnet};
use raced::localnet::Plan;
use raced::network::Network;
use raced::node::Failure;
use raced::snapshots;
use serde_json::{json, Value};
use sha2::{Digest as _, Sha256};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

const FIRST_PORT: u16 = 37_000;
/// What each account has, nicoin.
const FUNDS: u128 = 1_000_000_000;
/// How long a step may take.
const LIMIT: Duration = Duration::from_secs(1_200);
/// Between two looks at what is waited for.
const LOOK: Duration = Duration::from_millis(100);

/// Gives the network, which was stopped, another beginning: of so many accounts more. Returns the size of its
/// genesis file.
fn enlarge(plan: &Plan, accounts: u64) -> Result<u64, Failure> {
    let file = Home::new(&plan.node_home(0)).genesis();
    let mut genesis = Genesis::load(&file)?;
    let mut state: AppGenesis = serde_json::from_value(genesis.app_state.take())?;
    state.accounts.extend((0..accounts).map(|number| {
        let digest = Sha256::digest(number.to_be_bytes());
        let mut address = [0; 20];
        address.copy_from_slice(&digest[..20]);
        GenesisAccount {
            address: Account(address).to_string(),
            amount: FUNDS.to_string(),
            vesting: None,
        }
    }));
    genesis.app_state = serde_json::to_value(&state)?;
    for node in 0..plan.nodes {
        let home = plan.node_home(node);
        std::fs::remove_dir_all(home.join("data"))?;
        genesis.write(&Home::new(&home).genesis())?;
    }
    let mut network = Network::load(&plan.network_file())?;
    network.genesis_sha256 = genesis.sha256()?;
    network.trust = None;
    network.write(&plan.network_file())?;
    Ok(std::fs::metadata(file)?.len())
}

/// The first snapshot that can be restored, and where it lies.
async fn snapshot(home: &Path, rpc: &RpcClient) -> Result<(Manifest, PathBuf), Failure> {
    let folder = snapshots::folder(home);
    let found = timeout(LIMIT, async {
        loop {
            if let Some(manifest) = Shelf::look(&folder)?.list().into_iter().next() {
                return Ok::<_, Failure>(manifest);
            }
            sleep(LOOK).await;
        }
    });
    let manifest = found.await??;
    // Offered from the second block after it on.
    rpc.wait_for_height(manifest.height + 3, LIMIT).await?;
    let at = folder.join(manifest.height.to_string());
    Ok((manifest, at))
}

/// Seconds between the headers of blocks that follow one another, from `first` to `last`.
async fn gaps(rpc: &RpcClient, first: u64, last: u64) -> Result<Vec<f64>, Failure> {
    let mut times = Vec::new();
    for height in first..=last {
        times.push(seconds(&rpc.block(Some(height)).await?.block.header.time)?);
    }
    Ok(times.windows(2).map(|pair| pair[1] - pair[0]).collect())
}

fn longest(gaps: &[f64]) -> f64 {
    gaps.iter().copied().fold(0.0, f64::max)
}

/// What a node takes, while it runs.
fn takes(home: &Path, pid: u32) -> Value {
    let comet = std::fs::read_to_string(Home::new(home).pid_file());
    let comet = comet.ok().and_then(|pid| pid.trim().parse().ok());
    let data = home.join("data");
    let state = disk(&raced::joining::state_folder(home));
    json!({
        "raced_most_mb": memory(pid, "VmHWM"),
        "raced_resident_mb": memory(pid, "VmRSS"),
        "cometbft_most_mb": comet.and_then(|pid| memory(pid, "VmHWM")),
        "state_bytes": state,
        "cometbft_bytes": disk(&data).saturating_sub(state + disk(&snapshots::folder(home))),
    })
}

/// A fresh node joins; how long that took.
async fn join(plan: &Plan, network: &RpcClient) -> Result<Value, Failure> {
    let home = plan.home.join("joining");
    let ports = plan.ports(plan.nodes);
    let begin = Instant::now();
    let mut init = Command::new(&plan.binary);
    init.arg("init").arg("--home").arg(&home);
    init.arg("--network").arg(plan.network_file());
    for (key, port) in [
        ("comet.rpc", ports.rpc),
        ("comet.p2p", ports.p2p),
        ("grpc.listen", ports.grpc),
        ("rest.listen", ports.rest),
        ("metrics.listen", ports.metrics),
    ] {
        init.args(["--config", &format!("{key}=127.0.0.1:{port}")]);
    }
    let made = init.stdout(Stdio::null()).status().await?;
    if !made.success() {
        return Err(format!("raced init ended with {made}").into());
    }
    let init_s = begin.elapsed().as_secs_f64();

    let begin = Instant::now();
    let log = home.join("raced.log");
    let file = std::fs::File::create(&log)?;
    let mut start = Command::new(&plan.binary);
    start.arg("start").arg("--home").arg(&home);
    start.stdout(file.try_clone()?).stderr(file);
    let mut child = start.kill_on_drop(true).spawn()?;
    let rpc = RpcClient::new(&format!("http://127.0.0.1:{}", ports.rpc))?;
    let joining = async {
        let (mut first, mut height_s) = (0, 0.0);
        loop {
            sleep(LOOK).await;
            let Ok(status) = rpc.status().await else {
                continue;
            };
            let sync = status.sync_info;
            if first == 0 && sync.latest_block_height > 0 {
                (first, height_s) = (sync.earliest_block_height, begin.elapsed().as_secs_f64());
            }
            let there = network.status().await?.sync_info.latest_block_height;
            if first > 0 && !sync.catching_up && sync.latest_block_height >= there {
                return Ok::<_, Failure>((first, height_s, begin.elapsed().as_secs_f64()));
            }
        }
    };
    let joined = tokio::select! {
        joined = timeout(LIMIT, joining) => joined,
        ended = child.wait() => {
            return Err(format!("the node ended ({}):\n{}", ended?, tail(&log)).into());
        }
    };
    let (first, height_s, caught_up_s) =
        joined.map_err(|_| format!("the node did not join:\n{}", tail(&log)))??;
    let mut figures = takes(&home, child.id().unwrap_or_default());
    figures["init_s"] = init_s.into();
    figures["first_block"] = first.into();
    figures["first_height_s"] = height_s.into();
    figures["caught_up_s"] = caught_up_s.into();
    child.kill().await?;
    Ok(figures)
}

async fn measure(localnet: &Localnet, begin: Instant) -> Result<Value, Failure> {
    let plan = &localnet.plan;
    let first_block_s = begin.elapsed().as_secs_f64();
    let rpc = RpcClient::new(&localnet.network.nodes[0].rpc)?;
    let home = plan.node_home(0);
    let (manifest, at) = snapshot(&home, &rpc).await?;
    let finished = at.metadata()?.modified()?.duration_since(UNIX_EPOCH)?;
    // A block's commit is near the time of the next header.
    let after = rpc.block(Some(manifest.height + 1)).await?.block;
    let taken_s = finished.as_secs_f64() - seconds(&after.header.time)?;
    let latest = rpc.status().await?.sync_info.latest_block_height;
    let before = gaps(&rpc, 2, manifest.height).await?;
    let meanwhile = gaps(&rpc, manifest.height, latest).await?;
    let joined = join(plan, &rpc).await?;
    Ok(json!({
        "first_block_s": first_block_s,
        "snapshot": {
            "height": manifest.height,
            "bytes": manifest.bytes,
            "chunks": manifest.chunks.len(),
            "taken_s": taken_s,
            "longest_block_before_s": longest(&before),
            "longest_block_meanwhile_s": longest(&meanwhile),
        },
        "network_node": takes(&home, localnet.network.nodes[0].pid),
        "joining_node": joined,
    }))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let accounts = next("10000").parse()?;
    let nodes: u16 = next("1").parse()?;
    let binary = std::path::absolute(PathBuf::from(next("target/bin/raced")))?;
    let folder = tempfile::tempdir()?;
    let plan = Plan {
        binary,
        home: folder.path().to_owned(),
        nodes,
        base_port: free_base_port(nodes + 1, FIRST_PORT).ok_or("no free ports")?,
        preset: "tiny".into(),
        epoch_blocks: None,
        block_time: Duration::from_secs(1),
        models: Vec::new(),
        params: vec![("epoch/first_serve_blocks".into(), 100_000)],
        misbehave: Vec::new(),
    };
    Localnet::start(plan.clone()).await?.stop().await;
    let genesis_bytes = enlarge(&plan, accounts)?;
    let begin = Instant::now();
    let mut localnet = Localnet::start(plan).await?;
    let measured = measure(&localnet, begin).await;
    localnet.stop().await;
    let mut figures = measured?;
    figures["accounts"] = accounts.into();
    figures["nodes"] = nodes.into();
    figures["genesis_bytes"] = genesis_bytes.into();
    println!("{figures}");
    Ok(())
}
