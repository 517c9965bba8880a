//! The real CometBFT, with the key-value application that is built into it.

use std::path::Path;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::process::{runs, watchdogs_of};
use super::{cometbft, single_node, Owned};
use crate::comet::genesis::Genesis;
use crate::comet::home::ProxyApp;
use crate::comet::keys::NodeKey;
use crate::comet::process::{CometProcess, StartOptions};
use crate::comet::rpc::{Order, RpcClient};

/// Generous: other tests share the machine.
const LIMIT: Duration = Duration::from_secs(120);

fn options(home: &Path) -> StartOptions {
    StartOptions {
        binary: cometbft(),
        home: home.to_path_buf(),
        env: Vec::new(),
        reindex_from: None,
    }
}

#[tokio::test]
async fn a_node_makes_blocks_answers_every_call_and_stops_without_a_trace() {
    let folder = tempfile::tempdir().expect("folder");
    let app = ProxyApp::BuiltIn("kvstore".to_owned());
    let (home, config, validator) = single_node(folder.path(), app);
    let comet = CometProcess::start(options(home.root()))
        .await
        .expect("start");
    let client = RpcClient::new(&config.rpc_url().expect("url")).expect("client");
    let early = async { comet.wait().await };
    tokio::select! {
        exit = early => panic!("{exit}"),
        height = client.wait_for_height(3, LIMIT) => { height.expect("blocks"); }
    }

    let status = client.status().await.expect("status");
    assert_eq!(status.node_info.network, "race-test-1");
    assert_eq!(status.node_info.moniker, "solo");
    assert!(status.node_info.version.starts_with("0.38."));
    let node_key = NodeKey::load(&home.node_key()).expect("node key");
    assert_eq!(status.node_info.id, node_key.id());
    assert_eq!(
        status.validator_info.address,
        validator.address().to_string()
    );
    assert_eq!(status.validator_info.voting_power, 10);
    assert!(client.net_info().await.expect("net info").peers.is_empty());

    let tx = b"name=satoshi";
    let sent = client.broadcast_tx_sync(tx).await.expect("broadcast");
    assert_eq!(sent.code, 0, "{}", sent.log);
    let hash: [u8; 32] = Sha256::digest(tx).into();
    assert_eq!(sent.hash, hex::encode_upper(hash));
    let started = Instant::now();
    let found = loop {
        if let Some(found) = client.tx(&hash, true).await.expect("tx") {
            break found;
        }
        assert!(started.elapsed() < LIMIT, "the transaction is in no block");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(found.tx, tx);
    assert!(found.proof.is_some());
    let block = client.block(Some(found.height)).await.expect("block");
    assert_eq!(block.block.data.txs, [tx.to_vec()]);
    let results = client
        .block_results(Some(found.height))
        .await
        .expect("results");
    assert_eq!(results.txs_results, std::slice::from_ref(&found.tx_result));
    let query = format!("tx.height = {}", found.height);
    let search = client
        .tx_search(&query, 1, 10, Order::Descending)
        .await
        .expect("search");
    assert_eq!(
        (search.total_count, search.txs[0].tx.as_slice()),
        (1, tx.as_slice())
    );
    let answer = client
        .abci_query("", b"name", None, false)
        .await
        .expect("query");
    assert_eq!(answer.value, b"satoshi");
    let set = client.validators(None).await.expect("validators");
    assert_eq!(
        set.validators[0].pub_key.to_ed25519(),
        Some(validator.public_key().to_bytes())
    );

    let watchdog = watchdogs_of(comet.pid());
    assert_eq!(watchdog.len(), 1, "a watchdog while it runs");
    let exit = comet.stop(LIMIT).await;
    assert!(exit.requested && !exit.killed, "{exit}");
    assert!(!home.pid_file().exists());
    assert!(!runs(comet.pid()) && !runs(watchdog[0]));
}

#[tokio::test]
async fn a_home_that_cometbft_refuses_is_reported_with_its_own_words() {
    let folder = tempfile::tempdir().expect("folder");
    let app = ProxyApp::BuiltIn("kvstore".to_owned());
    let (home, _, _) = single_node(folder.path(), app);
    let mut genesis = Genesis::load(&home.genesis()).expect("genesis");
    genesis.validators[0].power = -5;
    genesis.write(&home.genesis()).expect("write");
    let comet = CometProcess::start(options(home.root()))
        .await
        .expect("start");
    let exit = tokio::time::timeout(LIMIT, comet.wait())
        .await
        .expect("ends");
    assert!(!exit.requested);
    assert!(!exit.status.expect("status").success());
    assert!(!exit.tail.is_empty(), "nothing of CometBFT's own words");
}

/// What a kill between a block's commit and its index leaves behind, made larger: no index at all.
#[tokio::test]
async fn transactions_that_were_not_indexed_are_found_after_a_start() {
    let folder = tempfile::tempdir().expect("folder");
    let app = ProxyApp::BuiltIn("kvstore".to_owned());
    let (home, config, _) = single_node(folder.path(), app);
    let client = RpcClient::new(&config.rpc_url().expect("url")).expect("client");
    let comet = CometProcess::start(options(home.root()))
        .await
        .expect("start");
    client.wait_for_height(1, LIMIT).await.expect("blocks");
    let tx = b"name=satoshi";
    let hash: [u8; 32] = Sha256::digest(tx).into();
    client.broadcast_tx_sync(tx).await.expect("broadcast");
    let mut height = 0;
    while height == 0 {
        let found = client.tx(&hash, false).await.expect("tx");
        height = found.map_or(0, |found| found.height);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    client
        .wait_for_height(height + 2, LIMIT)
        .await
        .expect("blocks");
    comet.stop(LIMIT).await;
    std::fs::remove_dir_all(home.root().join("data/tx_index.db")).expect("an index");

    let reindex_from = Some(height);
    let comet = CometProcess::start(StartOptions {
        reindex_from,
        ..options(home.root())
    });
    let comet = comet.await.expect("start");
    client
        .wait_for_height(height + 3, LIMIT)
        .await
        .expect("blocks");
    let found = client.tx(&hash, false).await.expect("tx");
    assert_eq!(found.expect("found").height, height);
    comet.stop(LIMIT).await;
}

/// The variable that makes the test below the process that is to be killed.
const HELPER: &str = "RACED_TEST_HOLD_COMET_IN";

/// CometBFT waits for ever for an application that never was there: only the watchdog ends it.
#[tokio::test]
async fn cometbft_ends_when_raced_is_killed() {
    if let Some(home) = std::env::var_os(HELPER) {
        let _held = CometProcess::start(options(Path::new(&home))).await;
        std::future::pending::<()>().await;
    }
    let folder = tempfile::tempdir().expect("folder");
    let socket = folder.path().join("run/nobody.sock");
    let (home, _, _) = single_node(folder.path(), ProxyApp::Unix(socket));
    let (_, name) = concat!(module_path!(), "::cometbft_ends_when_raced_is_killed")
        .split_once("::")
        .expect("a path");
    let mut command = std::process::Command::new(std::env::current_exe().expect("self"));
    command.args(["--exact", name, "--nocapture"]);
    let raced = Owned::spawn(command.env(HELPER, home.root()));
    let started = Instant::now();
    let pause = Duration::from_millis(20);
    let pid: u32 = loop {
        let text = std::fs::read_to_string(home.pid_file()).unwrap_or_default();
        match text.trim().parse() {
            Ok(pid) if !watchdogs_of(pid).is_empty() => break pid,
            _ => assert!(started.elapsed() < LIMIT, "CometBFT was not started"),
        }
        tokio::time::sleep(pause).await;
    };
    assert!(runs(pid));
    drop(raced); // SIGKILL
    while runs(pid) || !watchdogs_of(pid).is_empty() {
        assert!(started.elapsed() < LIMIT, "CometBFT outlived raced");
        tokio::time::sleep(pause).await;
    }
}
