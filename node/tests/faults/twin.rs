//! A double signer: a second machine with a copy of a validator's home, as an operator who moves a node and
//! forgets the old one has it.

use std::path::Path;
use std::time::{Duration, Instant};

use race_proto::race::bond::v1::{Bond, MsgPayBond, QueryBondsRequest, QueryBondsResponse};
use race_proto::race::evidence::v1::{
    Equivocation, QueryEquivocationsRequest, QueryEquivocationsResponse,
};
use raced::client::{ChainClient, TxOptions};
use raced::comet::home::Home;
use raced::comet::keys::NodeKey;
use raced::config::Config;
use raced::localnet::Plan;
use raced::node::OPERATOR_KEY;
use raced::wallet::amount;
use raced::wallet::keyring::{self, Keyring};
use raced::wallet::sign::any;
use tokio::time::sleep;

use super::fault::Part;
use super::node::Node;
use rustix::process::Signal;

/// How long two signers may take to contradict themselves before all: several turns to propose.
const EVIDENCE_LIMIT: Duration = Duration::from_secs(90);

/// Copies the home of a node that does not run. The copy has ports and a network identity of its own, and
/// dials everybody directly.
pub fn copy(plan: &Plan, of: &Node, index: u16, chain_id: &str, peers: Vec<String>) -> Node {
    let home = plan.home.join("twin");
    copy_folder(&of.home, &home);
    let layout = Home::new(&home);
    std::fs::remove_file(layout.node_key()).unwrap();
    NodeKey::generate()
        .write_if_absent(&layout.node_key())
        .unwrap();
    let mut config = Config::load(&home, [], &[]).unwrap();
    let ports = plan.ports(index);
    config.comet.rpc.set_port(ports.rpc);
    config.comet.p2p.set_port(ports.p2p);
    config.grpc.listen.set_port(ports.grpc);
    config.rest.listen.set_port(ports.rest);
    config.metrics.listen.set_port(ports.metrics);
    config.comet.persistent_peers = peers;
    config.race.enabled = false;
    config.write(&home).unwrap();
    Node::new(plan, index, home, chain_id, &of.validator)
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && entry.file_name() != "run" {
            copy_folder(&path, &copy);
        } else if kind.is_file() {
            std::fs::copy(&path, &copy).unwrap();
        }
    }
}

/// A node's operator pays a bond, so that there is one to lose.
pub async fn is_bonded(node: &Node, sight: &ChainClient) {
    let keyring = Keyring::open(&node.home, keyring::BACKEND).unwrap();
    let (_, key) = keyring.get(OPERATOR_KEY).unwrap();
    let message = any(&MsgPayBond {
        sender: key.account().to_string(),
        amount: Some(amount::coin(1_000)),
    });
    let paid = sight.send(&key, vec![message], &TxOptions::default()).await;
    paid.expect("a bond is paid");
    assert_ne!(bonds(sight, &node.validator).await, []);
}

async fn bonds(sight: &ChainClient, validator: &str) -> Vec<Bond> {
    let address = hex::decode(validator).unwrap();
    let path = "/race.bond.v1.Query/Bonds";
    let answer: Result<QueryBondsResponse, _> =
        sight.ask(path, &QueryBondsRequest { address }).await;
    answer.unwrap().bonds
}

/// Waits until a block has brought the evidence, ends the copy, and sees that all power and the bond are
/// gone.
pub async fn is_convicted(mut twin: Node, sight: &ChainClient) -> Equivocation {
    let since = Instant::now();
    let proven = loop {
        if let Some(proven) = proven(sight, &twin.validator).await {
            break proven;
        }
        assert!(
            since.elapsed() < EVIDENCE_LIMIT,
            "no evidence about {} came",
            twin.validator
        );
        sleep(Duration::from_millis(200)).await;
    };
    twin.signal(Part::Both, Signal::KILL);
    twin.until_ended("it was killed").await;
    std::fs::remove_dir_all(&twin.home).unwrap();
    // An update of the set that a block makes is in force two heights later.
    let height = proven.handled_height + 2;
    let limit = super::PROGRESS_LIMIT;
    sight.wait_for_height(height, limit).await.unwrap();
    let set = sight.rpc().validators(Some(height)).await.unwrap();
    let still = set.validators.iter().find(|v| v.address == twin.validator);
    assert_eq!(still, None, "power of a double signer at height {height}");
    let bonds = bonds(sight, &twin.validator).await;
    assert_eq!(bonds, [], "bond of a double signer at height {height}");
    proven
}

async fn proven(sight: &ChainClient, validator: &str) -> Option<Equivocation> {
    let request = QueryEquivocationsRequest {
        address: hex::decode(validator).unwrap(),
    };
    let path = "/race.evidence.v1.Query/Equivocations";
    let answer: QueryEquivocationsResponse = sight.ask(path, &request).await.ok()?;
    answer.equivocations.into_iter().next()
}
