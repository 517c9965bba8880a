//! Four real nodes whose users send all that the mempools take, while an epoch with its race passes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use race_app::testing::{Signing, TestNode, Wallet};
use race_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, MsgSend, Output};
use race_proto::cosmos::tx::signing::v1beta1::SignMode;
use race_proto::race::epoch::v1 as epoch;
use raced::client::{ChainClient, TxOptions};
use raced::demo::sight::Sight;
use raced::localnet::run::{free_base_port, Localnet};
use raced::localnet::Plan;
use raced::wallet::amount;
use raced::wallet::key::Key;
use raced::wallet::keyring::Keyring;
use raced::wallet::mnemonic::Mnemonic;
use raced::wallet::sign::{any, Signer, TxDraft};

const NODES: u16 = 4;
/// Accounts that flood, a few at each node.
const SENDERS: u8 = 40;
const FUNDS: u128 = 1_000_000_000;
/// A registration is in one of this many blocks after the one that may be proposed already.
const BLOCKS: u64 = 3;

fn plan(home: PathBuf) -> Plan {
    Plan {
        binary: PathBuf::from(env!("CARGO_BIN_EXE_raced")),
        home,
        nodes: NODES,
        base_port: free_base_port(NODES, 37_000).expect("free ports"),
        preset: "tiny".into(),
        epoch_blocks: Some(8),
        block_time: Duration::from_millis(500),
        models: Vec::new(),
        // So few that the test is short and the users' part is always full.
        params: vec![("tx/pending_of_users".into(), 100)],
        misbehave: Vec::new(),
    }
}

/// Sends transfers to itself until told to stop; what is refused is tried again.
async fn flood(chain: ChainClient, key: Key, stop: Arc<AtomicBool>, refused: Arc<AtomicU64>) {
    let message = MsgSend {
        from_address: key.account().to_string(),
        to_address: key.account().to_string(),
        amount: vec![amount::coin(1)],
    };
    let draft = TxDraft::new(vec![any(&message)]).paying(100_000, 2_000);
    let account = chain.account(&key.account()).await.unwrap();
    let mut sequence = account.sequence;
    while !stop.load(Ordering::SeqCst) {
        let signer = Signer {
            chain_id: chain.chain_id(),
            account_number: account.number,
            sequence,
        };
        match chain.broadcast(&draft.sign(&key, signer)).await {
            Ok(_) => sequence += 1,
            Err(error) => {
                sequence = error.expected_sequence().unwrap_or(sequence);
                refused.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn senders(localnet: &Localnet, chain: &ChainClient) -> Vec<Key> {
    let keyring = Keyring::open(&localnet.plan.client_home(), "test").unwrap();
    let alice = keyring.get("alice").unwrap().1;
    let key = |n: u8| Key::from_mnemonic(&Mnemonic::from_entropy([n; 32]), 0).unwrap();
    let keys: Vec<_> = (0..SENDERS).map(key).collect();
    let message = MsgMultiSend {
        inputs: vec![Input {
            address: alice.account().to_string(),
            coins: vec![amount::coin(FUNDS * u128::from(SENDERS))],
        }],
        outputs: keys
            .iter()
            .map(|key| Output {
                address: key.account().to_string(),
                coins: vec![amount::coin(FUNDS)],
            })
            .collect(),
    };
    let options = TxOptions::default();
    let sent = chain.send(&alice, vec![any(&message)], &options).await;
    sent.unwrap();
    keys
}

/// Registers a newcomer; how many blocks it was from the last one at that time to the one that has it.
async fn register(chain: &ChainClient, name: &str) -> u64 {
    let node = TestNode::named(name);
    let message = Wallet::message(&node.registration(chain.chain_id()));
    let signing = Signing {
        chain_id: chain.chain_id().to_owned(),
        number: 0,
        sequence: 0,
        fee: 0,
        gas: 0,
        memo: String::new(),
        timeout_height: 0,
        mode: SignMode::Direct,
    };
    let tx = node.operator.sign(vec![message], &signing);
    let handed = chain.height().await.unwrap();
    let hash = chain.broadcast(&tx).await.unwrap();
    let limit = Duration::from_secs(60);
    let included = chain.wait_for_tx(&hash, limit).await.unwrap();
    included.height - handed
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_passes_as_it_should_and_newcomers_register_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut localnet = Localnet::start(plan(folder.path().to_owned()))
        .await
        .unwrap();
    let network = localnet.network.clone();
    let chains: Vec<_> = network
        .nodes
        .iter()
        .map(|node| ChainClient::new(&node.rpc, &network.chain_id).unwrap())
        .collect();
    let keys = senders(&localnet, &chains[0]).await;
    let height = chains[0].height().await.unwrap();
    for chain in &chains {
        let limit = Duration::from_secs(30);
        chain.wait_for_height(height + 1, limit).await.unwrap();
    }
    let (stop, refused) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
    let floods: Vec<_> = keys
        .into_iter()
        .zip(chains.iter().cycle())
        .map(|(key, chain)| tokio::spawn(flood(chain.clone(), key, stop.clone(), refused.clone())))
        .collect();

    for (name, chain) in ["newcomer 0", "newcomer 1", "newcomer 2"]
        .iter()
        .zip(&chains)
    {
        let blocks = register(chain, name).await;
        assert!(blocks <= 1 + BLOCKS, "{name}: after {blocks} blocks");
    }
    let sight = Sight {
        chain: chains[0].clone(),
    };
    let mut attempts = BTreeMap::new();
    let second = loop {
        let now = sight.epoch().await.unwrap();
        attempts.insert(now.number, (now.race_attempt, now.key_attempt));
        if now.number > 1 {
            break now.number;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    stop.store(true, Ordering::SeqCst);
    for flood in floods {
        flood.await.unwrap();
    }
    assert!(
        refused.load(Ordering::SeqCst) > 0,
        "the users' part was full"
    );
    assert_eq!(attempts[&1], (1, 1), "no race and no key was tried twice");
    let committee: epoch::QueryCommitteeResponse = sight
        .ask(
            "/race.epoch.v1.Query/Committee",
            &epoch::QueryCommitteeRequest { epoch: second },
        )
        .await
        .unwrap();
    let proved = committee.members.iter().filter(|member| member.count > 0);
    assert_eq!(proved.count(), usize::from(NODES), "everyone's race counts");
    localnet.stop().await;
}
