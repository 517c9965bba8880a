//! A local network: homes of N nodes with one genesis, and the processes that run them.
//!
//! | file | what is in it |
//! |---|---|
//! | [`setup`] | homes, keys, accounts, genesis |
//! | [`run`] | starting the nodes, `network.json`, stopping |

pub mod run;
pub mod setup;

use std::path::PathBuf;
use std::time::Duration;

use crate::misbehave::Misbehaviour;

/// What a local network is made of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The `raced` executable that the nodes run.
    pub binary: PathBuf,
    /// Where everything lies.
    pub home: PathBuf,
    /// Nodes.
    pub nodes: u16,
    /// Node i listens on `base_port + 20 i` and the ports after it.
    pub base_port: u16,
    /// The Race's preset.
    pub preset: String,
    /// Serving time of an epoch, blocks.
    pub epoch_blocks: Option<u64>,
    /// Time between blocks.
    pub block_time: Duration,
    /// Model files that every node gets.
    pub models: Vec<PathBuf>,
    /// Parameters that differ from the local defaults.
    pub params: Vec<(String, u64)>,
    /// What which node does wrong.
    pub misbehave: Vec<(u16, Misbehaviour)>,
}

/// The ports of a node, from its first.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// CometBFT's RPC.
    pub rpc: u16,
    /// CometBFT's peer-to-peer.
    pub p2p: u16,
    /// gRPC.
    pub grpc: u16,
    /// REST.
    pub rest: u16,
    /// Metrics and health.
    pub metrics: u16,
}

/// Ports between two nodes' first.
pub const PORTS_PER_NODE: u16 = 20;
/// Of them, those up to the last that a node listens on.
pub const PORTS_USED: u16 = 6;

impl Plan {
    /// The ports of node `index`.
    pub fn ports(&self, index: u16) -> Ports {
        let first = self
            .base_port
            .saturating_add(index.saturating_mul(PORTS_PER_NODE));
        Ports {
            rpc: first,
            p2p: first.saturating_add(1),
            grpc: first.saturating_add(2),
            rest: first.saturating_add(3),
            metrics: first.saturating_add(5),
        }
    }

    /// The name of node `index`.
    pub fn name(index: u16) -> String {
        format!("node{index}")
    }

    /// The home of node `index`.
    pub fn node_home(&self, index: u16) -> PathBuf {
        self.home.join(Self::name(index))
    }

    /// The home of the client: a keyring with all accounts, and configuration.
    pub fn client_home(&self) -> PathBuf {
        self.home.join("client")
    }

    /// Where `network.json` lies.
    pub fn network_file(&self) -> PathBuf {
        self.home.join("network.json")
    }
}
