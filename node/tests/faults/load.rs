//! Clients who send coins all the time, through any node, and remember what they were told.
//!
//! A transaction is *acknowledged* when a node has told its client the block that holds it. One that a
//! mempool took and no block holds yet may be lost with its node; that is no lie, and nothing is checked.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use race_proto::cosmos::bank::v1beta1::MsgSend;
use raced::client::{ChainClient, Gas, TxOptions};
use raced::wallet::amount;
use raced::wallet::key::Key;
use raced::wallet::sign::any;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::fault::Dice;

/// What a transfer may use.
const GAS: u64 = 120_000;
/// How long a client waits for a node to take a transaction.
const ANSWER_LIMIT: Duration = Duration::from_secs(4);
/// How long a client waits for its block.
const BLOCK_LIMIT: Duration = Duration::from_secs(12);

/// What a client was told: hash and height.
pub type Acknowledged = (String, u64);

#[derive(Default)]
struct Told {
    submitted: AtomicU64,
    acknowledged: Mutex<Vec<Acknowledged>>,
}

/// The clients. They end with it.
pub struct Load {
    told: Arc<Told>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn start(nodes: &[ChainClient], keys: &[Key], seed: u64) -> Self {
        let told = Arc::new(Told::default());
        let clients = keys.iter().enumerate().map(|(number, key)| {
            let to = keys[(number + 1) % keys.len()].account().to_string();
            let dice = Dice::new(seed + 1 + number as u64);
            let told = Arc::clone(&told);
            tokio::spawn(send(nodes.to_vec(), key.clone(), to, dice, told))
        });
        let clients = clients.collect();
        Self { told, clients }
    }

    /// How many transactions a mempool took.
    pub fn submitted(&self) -> u64 {
        self.told.submitted.load(Ordering::Relaxed)
    }

    /// What was acknowledged so far.
    pub fn acknowledged(&self) -> Vec<Acknowledged> {
        self.told.acknowledged.lock().unwrap().clone()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for client in &self.clients {
            client.abort();
        }
    }
}

async fn send(nodes: Vec<ChainClient>, key: Key, to: String, mut dice: Dice, told: Arc<Told>) {
    let nodes: Vec<&ChainClient> = nodes.iter().collect();
    let options = TxOptions {
        gas: Gas::Limit(GAS),
        ..TxOptions::default()
    };
    let message = any(&MsgSend {
        from_address: key.account().to_string(),
        to_address: to,
        amount: vec![amount::coin(1)],
    });
    loop {
        sleep(Duration::from_millis(100)).await;
        let node = dice.one_of(&nodes);
        let submitted = node.submit(&key, std::slice::from_ref(&message), &options);
        let Ok(Ok(hash)) = timeout(ANSWER_LIMIT, submitted).await else {
            continue; // no answer, or a refusal: this node is not to be had now
        };
        told.submitted.fetch_add(1, Ordering::Relaxed);
        let included = node.wait_for_tx(&hash, BLOCK_LIMIT);
        if let Ok(Ok(included)) = timeout(BLOCK_LIMIT, included).await {
            let mut acknowledged = told.acknowledged.lock().unwrap();
            acknowledged.push((included.hash, included.height));
        }
    }
}
