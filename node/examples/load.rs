//! Measures a local network under a load of transfers: transactions per second, latency, and what memory and disk
//! it took.
//!
//! `load [NODES] [RATE] [SECONDS] [LOADER] [RACED]` starts the network in a temporary folder, pays 200 accounts, lets
//! LOADER (CometBFT's load tool with this chain's transfers, `make load` builds it) send RATE transfers of 1 KB a second
//! over them, and prints one line of JSON. By default one node, 1000 a second, 30 seconds, and the executables in
//! `target/bin`.
//!
//! The first epoch is so long that no race takes processor time. A transfer counts when a block holds it with code 0. Its latency is
//! from when it was signed to the votes for its block, whose median time is the next block's. Rates are over the
//! time between the headers of the first and the last block of the run.

mod measure;

use std::path::{Path, PathBuf};
use std::time::Duration;

use measure::{disk, memory, seconds};
use prost::Message as _;
use race_app::coin::DENOM;
use race_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, Output};
use race_proto::cosmos::tx::v1beta1::{TxBody, TxRaw};
use raced::client::{ChainClient, TxOptions};
use raced::localnet::run::{free_base_port, Localnet};
use raced::localnet::Plan;
use raced::node::Failure;
use raced::wallet::amount;
use raced::wallet::key::Key;
use raced::wallet::keyring::Keyring;
use raced::wallet::mnemonic::Mnemonic;
use raced::wallet::sign::any;
use serde_json::{json, Value};

const FIRST_PORT: u16 = 34_000;
/// Those that send. The mempool takes 64 of each.
const ACCOUNTS: usize = 200;
/// Length of a transfer; its memo fills it.
const SIZE: u64 = 1024;
/// Gas limit of a transfer, and its fee at twice the lowest price, nicoin.
const GAS: u64 = 100_000;
const FEE: u128 = 2_000;
/// What each account starts with, nicoin.
const FUNDS: u128 = 1_000_000_000;
/// Connections to each node.
const CONNECTIONS: u64 = 2;

/// Accounts with funds, paid by alice.
async fn funded(plan: &Plan, chain: &ChainClient) -> Result<Vec<Key>, Failure> {
    let alice = Keyring::open(&plan.client_home(), "test")?.get("alice")?.1;
    let mut keys = Vec::new();
    for _ in 0..ACCOUNTS {
        keys.push(Key::from_mnemonic(&Mnemonic::generate(), 0)?);
    }
    for some in keys.chunks(50) {
        let message = MsgMultiSend {
            inputs: vec![Input {
                address: alice.account().to_string(),
                coins: vec![amount::coin(FUNDS * some.len() as u128)],
            }],
            outputs: some
                .iter()
                .map(|key| Output {
                    address: key.account().to_string(),
                    coins: vec![amount::coin(FUNDS)],
                })
                .collect(),
        };
        let options = TxOptions::default();
        chain.send(&alice, vec![any(&message)], &options).await?;
    }
    Ok(keys)
}

/// What the loader reads.
async fn accounts(keys: &[Key], chain: &ChainClient, rpc: &str) -> Result<Value, Failure> {
    let mut accounts = Vec::new();
    for key in keys {
        let account = chain.account(&key.account()).await?;
        accounts.push(json!({
            "address": key.account().to_string(),
            "key": hex::encode(key.to_bytes()),
            "number": account.number,
            "sequence": account.sequence,
        }));
    }
    Ok(json!({
        "chain_id": chain.chain_id(),
        "denom": DENOM,
        "gas": GAS,
        "fee": FEE.to_string(),
        "rpc": rpc,
        "accounts": accounts,
    }))
}

/// When a transfer was signed, seconds since 1970; `None` for other transactions.
fn sent_at(tx: &[u8]) -> Option<f64> {
    let raw = TxRaw::decode(tx).ok()?;
    let body = TxBody::decode(raw.body_bytes.as_slice()).ok()?;
    let transfer = body.messages.first()?.type_url.ends_with(".MsgSend");
    let nanos: f64 = body.memo.trim_end_matches('.').parse().ok()?;
    transfer.then_some(nanos / 1e9)
}

/// What the blocks say.
async fn blocks(chain: &ChainClient, first: u64, last: u64) -> Result<Value, Failure> {
    let (mut executed, mut failed, mut largest) = (0_u64, 0_u64, 0_u64);
    let mut latencies = Vec::new();
    let begin = seconds(&chain.rpc().block(Some(first)).await?.block.header.time)?;
    let mut end = begin;
    for height in first + 1..=last {
        let block = chain.rpc().block(Some(height)).await?.block;
        let next = chain.rpc().block(Some(height + 1)).await?.block;
        let results = chain.rpc().block_results(Some(height)).await?;
        let voted = seconds(&next.header.time)?;
        end = seconds(&block.header.time)?;
        let mut transfers = 0;
        for (tx, result) in block.data.txs.iter().zip(&results.txs_results) {
            let Some(sent) = sent_at(tx) else { continue };
            transfers += 1;
            match result.code {
                0 => latencies.push(voted - sent),
                _ => failed += 1,
            }
        }
        largest = largest.max(transfers);
    }
    latencies.sort_by(f64::total_cmp);
    executed += latencies.len() as u64;
    let at = |share: f64| {
        let place = (latencies.len() as f64 * share) as usize;
        latencies.get(place).copied().unwrap_or_default()
    };
    let spent = end - begin;
    Ok(json!({
        "tx_per_s": executed as f64 / spent,
        "latency_mean_s": latencies.iter().sum::<f64>() / executed.max(1) as f64,
        "latency_p50_s": at(0.5),
        "latency_p99_s": at(0.99),
        "executed": executed,
        "failed": failed,
        "largest_block": largest,
        "block_time_s": spent / (last - first) as f64,
        "seconds": spent,
    }))
}

async fn measure(
    localnet: &Localnet,
    (rate, time): (u64, u64),
    loader: &Path,
) -> Result<Value, Failure> {
    let network = &localnet.network;
    let chain = ChainClient::new(&network.nodes[0].rpc, &network.chain_id)?;
    let keys = funded(&localnet.plan, &chain).await?;
    // Every node has to know the accounts before it takes their transactions.
    let height = chain.height().await?;
    for node in &network.nodes {
        let chain = ChainClient::new(&node.rpc, &network.chain_id)?;
        let wait = Duration::from_secs(30);
        chain.wait_for_height(height + 1, wait).await?;
    }
    let plan = localnet.plan.home.join("accounts.json");
    let accounts = accounts(&keys, &chain, &network.nodes[0].rpc).await?;
    std::fs::write(&plan, accounts.to_string())?;
    let endpoints: Vec<_> = network
        .nodes
        .iter()
        .map(|node| format!("{}/websocket", node.rpc.replacen("http", "ws", 1)))
        .collect();
    let connections = CONNECTIONS * endpoints.len() as u64;
    let (first, before) = (chain.height().await?, disk(&localnet.plan.home));
    let ended = tokio::process::Command::new(loader)
        .env("RACE_LOAD_ACCOUNTS", &plan)
        .args(["--endpoints", &endpoints.join(",")])
        .args(["--connections", &CONNECTIONS.to_string()])
        .args(["--rate", &rate.div_ceil(connections).to_string()])
        .args(["--time", &time.to_string()])
        .args(["--size", &SIZE.to_string()])
        // CometBFT passes what it checks on every 20 ms, so a connection that awaits each answer sends 50 a second.
        .args(["--broadcast-tx-method", "async"])
        .stdout(std::io::stderr())
        .status()
        .await?;
    if !ended.success() {
        return Err(format!("{} ended with {ended}", loader.display()).into());
    }
    let last = chain.height().await?;
    let wait = Duration::from_secs(60);
    chain.wait_for_height(last + 2, wait).await?;
    let mut figures = blocks(&chain, first, last).await?;
    let pids = |pid: fn(&raced::network::Node) -> u32| -> Vec<_> {
        let nodes = network.nodes.iter();
        nodes.map(|node| memory(pid(node), "VmRSS")).collect()
    };
    let took = disk(&localnet.plan.home).saturating_sub(before) as f64;
    let executed = figures["executed"].as_f64().unwrap_or_default().max(1.0);
    figures["nodes"] = network.nodes.len().into();
    figures["asked_tx_per_s"] = rate.into();
    figures["disk_bytes_per_tx_and_node"] = (took / executed / network.nodes.len() as f64).into();
    figures["raced_resident_mb"] = json!(pids(|node| node.pid));
    figures["cometbft_resident_mb"] = json!(pids(|node| node.comet_pid));
    Ok(figures)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let nodes = next("1").parse()?;
    let load = (next("1000").parse()?, next("30").parse()?);
    let loader = std::path::absolute(PathBuf::from(next("target/bin/race-load")))?;
    let binary = std::path::absolute(PathBuf::from(next("target/bin/raced")))?;
    let folder = tempfile::tempdir()?;
    let plan = Plan {
        binary,
        home: folder.path().to_owned(),
        nodes,
        base_port: free_base_port(nodes, FIRST_PORT).ok_or("no free ports")?,
        preset: "tiny".into(),
        epoch_blocks: None,
        block_time: Duration::from_secs(1),
        models: Vec::new(),
        params: vec![
            ("tx/max_memo_characters".into(), SIZE),
            ("epoch/first_serve_blocks".into(), 100_000),
        ],
        misbehave: Vec::new(),
    };
    let mut localnet = Localnet::start(plan).await?;
    let measured = measure(&localnet, load, &loader).await;
    localnet.stop().await;
    println!("{}", measured?);
    Ok(())
}
