//! Measures how many transfers a local network of four nodes executes.
//!
//! `transfers [SECONDS] [ACCOUNTS] [RACED]` starts the network in a temporary folder, lets the
//! accounts send to one another for so long, and prints one line of JSON. RACED is the executable
//! that the nodes run (default: `raced` beside the folder of this example).
//!
//! A transfer counts when a block holds it with code 0, and the time is that between the headers
//! of the first and the last block of the run.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use prost::Message as _;
use race_app::address::Account;
use race_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, MsgSend, Output};
use race_proto::cosmos::tx::v1beta1::{TxBody, TxRaw};
use raced::client::{ChainClient, ClientError, TxOptions};
use raced::localnet::run::{free_base_port, Localnet};
use raced::localnet::Plan;
use raced::node::Failure;
use raced::wallet::amount;
use raced::wallet::key::Key;
use raced::wallet::keyring::Keyring;
use raced::wallet::mnemonic::Mnemonic;
use raced::wallet::sign::{any, Signer, TxDraft};

const NODES: u16 = 4;
const FIRST_PORT: u16 = 34_000;
/// Gas limit of a transfer, and its fee at twice the lowest price, nicoin.
const GAS: u64 = 100_000;
const FEE: u128 = 2_000;
/// What each account starts with, nicoin.
const FUNDS: u128 = 1_000_000_000;

/// Sends transfers until `end`; returns how many the mempool took.
async fn transfers(
    chain: ChainClient,
    from: Key,
    to: Account,
    end: Instant,
) -> Result<u64, ClientError> {
    let account = chain.account(&from.account()).await?;
    let message = MsgSend {
        from_address: from.account().to_string(),
        to_address: to.to_string(),
        amount: vec![amount::coin(1)],
    };
    let draft = TxDraft::new(vec![any(&message)]).paying(GAS, FEE);
    let (mut sequence, mut taken) = (account.sequence, 0);
    while Instant::now() < end {
        let signer = Signer {
            chain_id: chain.chain_id(),
            account_number: account.number,
            sequence,
        };
        match chain.broadcast(&draft.sign(&from, signer)).await {
            Ok(_) => {
                sequence += 1;
                taken += 1;
            }
            Err(error) => match error.expected_sequence() {
                Some(expected) => sequence = expected,
                // The mempool has enough of this account for now.
                None if matches!(error, ClientError::Refused(_)) => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                None => return Err(error),
            },
        }
    }
    Ok(taken)
}

/// Accounts with funds, paid by alice.
async fn funded(plan: &Plan, chain: &ChainClient, count: usize) -> Result<Vec<Key>, Failure> {
    let alice = Keyring::open(&plan.client_home(), "test")?.get("alice")?.1;
    let mut keys = Vec::new();
    for _ in 0..count {
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

fn is_transfer(tx: &[u8]) -> bool {
    let body = TxRaw::decode(tx).and_then(|raw| TxBody::decode(raw.body_bytes.as_slice()));
    body.is_ok_and(|body| {
        body.messages
            .iter()
            .all(|message| message.type_url.ends_with(".MsgSend"))
    })
}

async fn time_of(chain: &ChainClient, height: u64) -> Result<f64, Failure> {
    let block = chain.rpc().block(Some(height)).await?.block;
    let time = humantime::parse_rfc3339(&block.header.time)?;
    Ok(time.duration_since(std::time::UNIX_EPOCH)?.as_secs_f64())
}

async fn measure(
    localnet: &Localnet,
    seconds: u64,
    accounts: usize,
) -> Result<serde_json::Value, Failure> {
    let network = &localnet.network;
    let mut chains = Vec::new();
    for node in &network.nodes {
        chains.push(ChainClient::new(&node.rpc, &network.chain_id)?);
    }
    let keys = funded(&localnet.plan, &chains[0], accounts).await?;
    // Every node has to know the accounts before it takes their transactions.
    let height = chains[0].height().await?;
    for chain in &chains {
        chain
            .wait_for_height(height + 1, Duration::from_secs(30))
            .await?;
    }
    let first = chains[0].height().await?;
    let end = Instant::now() + Duration::from_secs(seconds);
    let senders: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(index, key)| {
            let to = keys[(index + 1) % keys.len()].account();
            let chain = chains[index % chains.len()].clone();
            tokio::spawn(transfers(chain, key.clone(), to, end))
        })
        .collect();
    let mut taken = 0;
    for sender in senders {
        taken += sender.await??;
    }
    let last = chains[0].height().await?;
    // The results of a block are there once the next one is.
    chains[0]
        .wait_for_height(last + 1, Duration::from_secs(60))
        .await?;
    let (mut executed, mut failed) = (0_u64, 0_u64);
    for height in first + 1..=last {
        let block = chains[0].rpc().block(Some(height)).await?.block;
        let results = chains[0].rpc().block_results(Some(height)).await?;
        for (tx, result) in block.data.txs.iter().zip(&results.txs_results) {
            if is_transfer(tx) {
                executed += u64::from(result.code == 0);
                failed += u64::from(result.code != 0);
            }
        }
    }
    let spent = time_of(&chains[0], last).await? - time_of(&chains[0], first).await?;
    let blocks = last.saturating_sub(first);
    Ok(serde_json::json!({
        "tx_per_s": (executed as f64 / spent * 10.0).round() / 10.0,
        "block_time_ms": (spent / blocks as f64 * 1e3).round(),
        "txs": executed,
        "failed": failed,
        "taken": taken,
        "blocks": blocks,
        "seconds": (spent * 10.0).round() / 10.0,
        "accounts": accounts,
        "nodes": NODES,
    }))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().unwrap_or("30".into()).parse()?;
    let accounts = arguments.next().unwrap_or("40".into()).parse()?;
    let binary = match arguments.next() {
        Some(path) => PathBuf::from(path),
        // target/debug/examples/transfers -> target/debug/raced
        None => {
            let own = std::env::current_exe()?;
            let folder = own.ancestors().nth(2).ok_or("no folder above")?;
            folder.join("raced")
        }
    };
    let folder = tempfile::tempdir()?;
    let plan = Plan {
        binary: std::path::absolute(binary)?,
        home: folder.path().to_owned(),
        nodes: NODES,
        base_port: free_base_port(NODES, FIRST_PORT).ok_or("no free ports")?,
        preset: "tiny".into(),
        epoch_blocks: None,
        block_time: Duration::from_secs(1),
        models: Vec::new(),
        params: Vec::new(),
        misbehave: Vec::new(),
    };
    let mut localnet = Localnet::start(plan).await?;
    let measured = measure(&localnet, seconds, accounts).await;
    localnet.stop().await;
    println!("{}", measured?);
    Ok(())
}
