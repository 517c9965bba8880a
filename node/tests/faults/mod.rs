//! A network of real nodes that faults are thrown at.
//!
//! | file | what is in it |
//! |---|---|
//! | `fault.rs` | the faults, and their order from a seed |
//! | `node.rs` | a node's processes, its clock, its disks |
//! | `disk.c` | a slow or full disk for raced; `deploy/cometbft/skewed` has the one for CometBFT |
//! | `links.rs` | the links between the nodes |
//! | `twin.rs` | a double signer |
//! | `load.rs` | clients |
//! | `checks.rs` | what must hold whatever happens |

pub mod checks;
pub mod fault;
pub mod links;
pub mod load;
pub mod node;
mod twin;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use raced::client::ChainClient;
use raced::config::Config;
use raced::localnet::run::free_base_port;
use raced::localnet::{setup, Plan};
use raced::node::Failure;
use raced::wallet::key::Key;
use raced::wallet::keyring::Keyring;
use rustix::process::Signal;
use tokio::time::sleep;

use crate::support::{binary, LIMIT};
use fault::{Fault, Part};
use links::Links;
use node::Node;

/// Blocks go on this soon after a fault has healed.
pub const PROGRESS_LIMIT: Duration = Duration::from_secs(30);
/// A node that was behind has what the others had this soon after.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(90);

/// A node whose disk is full has ended this soon, or goes on once there is room.
const FULL_DISK_LIMIT: Duration = Duration::from_secs(20);

/// How long the network took after a fault.
#[derive(Debug, Clone, Copy, Default)]
pub struct Recovery {
    /// To the first two new blocks.
    pub progress: Duration,
    /// To every node having them.
    pub all: Duration,
}

/// The network.
pub struct Net {
    plan: Plan,
    chain_id: String,
    links: Links,
    p2p: Vec<String>,
    nodes: Vec<Node>,
    /// Where the log of a node whose disk is full ended before.
    log_ends: Vec<u64>,
}

impl Net {
    /// Sets a network up in a folder and starts it.
    pub async fn start(home: &Path, nodes: u16) -> Self {
        let plan = Plan {
            binary: binary(),
            home: home.to_owned(),
            nodes,
            // One more, for the double signer.
            base_port: free_base_port(nodes + 1, 21_000).expect("free ports"),
            preset: "tiny".into(),
            epoch_blocks: Some(8),
            block_time: Duration::from_millis(400),
            models: Vec::new(),
            params: Vec::new(),
            misbehave: Vec::new(),
        };
        let shim = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/disk.c");
        let compiled = Command::new("cc")
            .args(["-O1", "-shared", "-fPIC", "-o"])
            .arg(plan.home.join("disk.so"))
            .arg(shim)
            .arg("-ldl")
            .status();
        assert!(compiled.expect("cc").success(), "cc on disk.c");
        let setup = setup::create(&plan).unwrap();
        let ports: Vec<u16> = (0..nodes).map(|index| plan.ports(index).p2p).collect();
        let links = Links::between(&ports).await;
        let p2p: Vec<String> = setup.nodes.iter().map(|node| node.p2p.clone()).collect();
        let mut made = Vec::new();
        for (index, node) in (0..nodes).zip(&setup.nodes) {
            let mut config = Config::load(&node.home, [], &[]).unwrap();
            let peers = links.dialled_by(usize::from(index));
            config.comet.persistent_peers = peers
                .map(|(other, port)| {
                    let (id, _) = p2p[other].split_once('@').unwrap();
                    format!("{id}@127.0.0.1:{port}")
                })
                .collect();
            config.write(&node.home).unwrap();
            let home = node.home.clone();
            made.push(Node::new(
                &plan,
                index,
                home,
                &setup.chain_id,
                &node.validator,
            ));
        }
        let mut net = Self {
            plan,
            chain_id: setup.chain_id,
            links,
            p2p,
            log_ends: vec![0; made.len()],
            nodes: made,
        };
        net.nodes.iter_mut().for_each(Node::start);
        for node in &net.nodes {
            node.chain.wait_for_height(2, LIMIT).await.unwrap();
        }
        net
    }

    /// Clients of all nodes.
    pub fn chains(&self) -> Vec<ChainClient> {
        self.nodes.iter().map(|node| node.chain.clone()).collect()
    }

    /// The users' keys.
    pub fn users(&self) -> Result<Vec<Key>, Failure> {
        let keyring = Keyring::open(&self.plan.client_home(), "test")?;
        let keys = ["alice", "bob"].map(|name| keyring.get(name).map(|(_, key)| key));
        keys.into_iter().map(|key| Ok(key?)).collect()
    }

    /// A node that is not `node`.
    fn other(&self, node: usize) -> &ChainClient {
        &self.nodes[(node + 1) % self.nodes.len()].chain
    }

    /// Whether more than two thirds of the power are with nodes that these faults are not about.
    pub async fn bears(&self, faults: &[Fault]) -> bool {
        let set = self.nodes[0].chain.rpc().validators(None).await.unwrap();
        let total: i64 = set.validators.iter().map(|v| v.voting_power).sum();
        let about = faults.iter().flat_map(Fault::nodes);
        let about: BTreeSet<&str> = about.map(|i| self.nodes[i].validator.as_str()).collect();
        let lost = set
            .validators
            .iter()
            .filter(|v| about.contains(v.address.as_str()));
        3 * lost.map(|v| v.voting_power).sum::<i64>() < total
    }

    /// Lets a fault begin.
    pub async fn strike(&mut self, fault: &Fault) {
        match fault {
            Fault::Kill { node, part } => {
                let node = &mut self.nodes[*node];
                node.signal(*part, Signal::KILL);
                node.until_ended("its other half was killed").await;
            }
            Fault::Restart { node } => self.nodes[*node].stop().await,
            Fault::Pause { node, part } => self.nodes[*node].signal(*part, Signal::STOP),
            Fault::Partition { side, link } => self.links.set(*link, |node| side.contains(&node)),
            Fault::SlowDisk { node, part, ms } => {
                self.nodes[*node].set_disk(*part, Some(&format!("slow {ms}")));
            }
            Fault::FullDisk { node, part } => {
                self.log_ends[*node] = self.nodes[*node].log_end();
                self.nodes[*node].set_disk(*part, Some("full"));
            }
            Fault::ClockJump { node, seconds } => self.nodes[*node].set_clock(Some(*seconds)),
            Fault::Equivocation { node } => self.sign_twice(*node).await,
        }
    }

    /// Ends a fault. What it stopped runs again.
    pub async fn heal(&mut self, fault: &Fault) {
        match fault {
            Fault::Kill { node, .. } | Fault::Restart { node } => self.nodes[*node].start(),
            Fault::Pause { node, part } => self.nodes[*node].signal(*part, Signal::CONT),
            Fault::Partition { .. } => self.links.heal(),
            Fault::SlowDisk { node, part, .. } => self.nodes[*node].set_disk(*part, None),
            Fault::FullDisk { node, part } => {
                let from = self.log_ends[*node];
                let node = &mut self.nodes[*node];
                // It writes with each block, so it should have noticed by now.
                let ended = node.ends_within(FULL_DISK_LIMIT).await;
                node.set_disk(*part, None);
                if ended {
                    let told = node.tells_of_no_space(from);
                    assert!(told, "{}: it ended without saying why", node.home.display());
                    node.start();
                }
            }
            Fault::ClockJump { node, .. } => self.nodes[*node].set_clock(None),
            Fault::Equivocation { .. } => {}
        }
    }

    /// A copy of a node signs beside it until the chain has proof of that.
    async fn sign_twice(&mut self, node: usize) {
        twin::is_bonded(&self.nodes[node], self.other(node)).await;
        self.nodes[node].stop().await;
        let index = self.plan.nodes;
        let peers = self.p2p.clone();
        let original = &self.nodes[node];
        let mut copy = twin::copy(&self.plan, original, index, &self.chain_id, peers);
        self.nodes[node].start();
        copy.start();
        let proven = twin::is_convicted(copy, self.other(node)).await;
        eprintln!("    node{node} signed twice at height {}", proven.height);
    }

    /// Blocks are made again, and every node has them. `since` is when the last fault healed.
    pub async fn recovers(&mut self, since: Instant) -> Recovery {
        let start = self.highest().await;
        while self.highest().await < start + 2 {
            assert!(since.elapsed() < PROGRESS_LIMIT, "no block after {start}");
            sleep(Duration::from_millis(100)).await;
        }
        let progress = since.elapsed();
        for index in 0..self.nodes.len() {
            while !self.nodes[index]
                .chain
                .height()
                .await
                .is_ok_and(|height| height >= start + 2)
            {
                let node = &mut self.nodes[index];
                if let Some(status) = node.ended() {
                    panic!("node{index} ended by itself: {status}");
                }
                assert!(
                    since.elapsed() < CATCH_UP_LIMIT,
                    "node{index} is not at {}",
                    start + 2
                );
                sleep(Duration::from_millis(100)).await;
            }
        }
        Recovery {
            progress,
            all: since.elapsed(),
        }
    }

    /// The greatest height that a node tells of.
    pub async fn highest(&self) -> u64 {
        let heights = self.nodes.iter().map(|node| async {
            let height = tokio::time::timeout(Duration::from_secs(1), node.chain.height()).await;
            height.ok().and_then(Result::ok).unwrap_or_default()
        });
        let heights = futures::future::join_all(heights).await;
        heights.into_iter().max().unwrap_or_default()
    }

    /// Stops all nodes; nothing of them is left.
    pub async fn stop(&mut self) {
        for node in &self.nodes {
            node.signal(Part::Raced, Signal::TERM);
        }
        for node in &mut self.nodes {
            node.until_ended("the network was stopped").await;
        }
    }
}
