//! Starting a local network's nodes, saying where they are, stopping them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{kill_process, Pid, Signal};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::{setup, Plan};
use crate::comet::rpc::RpcClient;
use crate::network::{Network, Node, Trust, SCHEMA};
use crate::node::Failure;

/// How long nodes may take to make their first block; minutes with a genesis of a million accounts.
const READY_LIMIT: Duration = Duration::from_secs(600);
/// How long a node may take to stop before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// A running local network. Dropping it kills what is left of it.
pub struct Localnet {
    /// What it is made of.
    pub plan: Plan,
    /// Where it is.
    pub network: Network,
    children: Vec<Option<Child>>,
}

fn check_ports(plan: &Plan) -> Result<(), Failure> {
    for index in 0..plan.nodes {
        let ports = plan.ports(index);
        for (port, what) in [
            (ports.rpc, "RPC"),
            (ports.p2p, "peer-to-peer"),
            (ports.grpc, "gRPC"),
            (ports.rest, "REST"),
            (ports.metrics, "metrics"),
        ] {
            std::net::TcpListener::bind(("127.0.0.1", port)).map_err(|e| {
                format!(
                    "port {port} ({what} of {}) cannot be used: {e}; choose other ports with --base-port",
                    Plan::name(index)
                )
            })?;
        }
    }
    Ok(())
}

/// The first port at or after `from` from which a whole network of `nodes` is free.
pub fn free_base_port(nodes: u16, from: u16) -> Option<u16> {
    let step = nodes.saturating_mul(super::PORTS_PER_NODE);
    (0..200u16)
        .map(|i| from.saturating_add(i.saturating_mul(step)))
        .find(|base| {
            (0..nodes).all(|node| {
                let first = base.saturating_add(node.saturating_mul(super::PORTS_PER_NODE));
                (first..first.saturating_add(super::PORTS_USED))
                    .all(|port| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok())
            })
        })
}

/// Sets the network up, or finds the one that the home holds.
fn prepare(plan: &Plan) -> Result<Network, Failure> {
    let file = plan.network_file();
    if file.exists() {
        let network = Network::load(&file)?;
        if network.nodes.len() != usize::from(plan.nodes) {
            return Err(format!(
                "{} holds a network of {} nodes; --nodes {} was asked for: use it as it is, or another --home",
                plan.home.display(), network.nodes.len(), plan.nodes
            )
            .into());
        }
        return Ok(network);
    }
    if plan.node_home(0).exists() {
        return Err(format!(
            "{} holds half a network (no network.json); remove it or use another --home",
            plan.home.display()
        )
        .into());
    }
    let models = setup::models(&plan.models)?;
    let setup = setup::create(plan)?;
    let specs = race_app::store::ics23_specs();
    Ok(Network {
        schema: SCHEMA,
        chain_id: setup.chain_id,
        genesis_sha256: setup.genesis_sha256,
        bech32_prefix: race_app::address::PREFIX.into(),
        denom: race_app::coin::DENOM.into(),
        coin_type: 118,
        nodes: setup
            .nodes
            .iter()
            .zip(0..plan.nodes)
            .map(|(node, index)| {
                let ports = plan.ports(index);
                Node {
                    name: Plan::name(index),
                    home: node.home.display().to_string(),
                    rpc: format!("http://127.0.0.1:{}", ports.rpc),
                    grpc: format!("127.0.0.1:{}", ports.grpc),
                    rest: format!("http://127.0.0.1:{}", ports.rest),
                    metrics: format!("http://127.0.0.1:{}/metrics", ports.metrics),
                    pid: 0,
                    comet_pid: 0,
                    p2p: node.p2p.clone(),
                    operator: node.operator.clone(),
                    validator: node.validator.clone(),
                }
            })
            .collect(),
        accounts: setup.accounts,
        models,
        genesis: plan
            .node_home(0)
            .join("config")
            .join("genesis.json")
            .display()
            .to_string(),
        trust: None,
        ics23_specs: crate::network::specs(&specs),
        ics23_keys: vec!["{key}".into(), "bank".into()],
        gas_price: setup::GAS_PRICE.into(),
        min_gas_price: setup::MIN_GAS_PRICE.into(),
        block_time_ms: u64::try_from(plan.block_time.as_millis()).unwrap_or(u64::MAX),
    })
}

impl Localnet {
    /// Starts every node and waits until each makes blocks; writes `network.json`.
    ///
    /// # Errors
    /// A port is busy, the home holds something else, or a node does not come up.
    pub async fn start(plan: Plan) -> Result<Self, Failure> {
        check_ports(&plan)?;
        std::fs::create_dir_all(&plan.home)?;
        let network = prepare(&plan)?;
        let mut localnet = Self {
            children: Vec::new(),
            plan,
            network,
        };
        for index in 0..localnet.plan.nodes {
            let child = localnet.spawn(index)?;
            localnet.children.push(Some(child));
        }
        if let Err(error) = localnet.wait_ready().await {
            localnet.stop().await;
            return Err(error);
        }
        localnet.network.write(&localnet.plan.network_file())?;
        Ok(localnet)
    }

    /// The log of a node.
    pub fn log_file(&self, index: u16) -> PathBuf {
        self.plan.node_home(index).join("raced.log")
    }

    fn spawn(&self, index: u16) -> Result<Child, Failure> {
        let home = self.plan.node_home(index);
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file(index))?;
        let mut command = Command::new(&self.plan.binary);
        command.arg("start").arg("--home").arg(&home);
        for (_, kind) in self
            .plan
            .misbehave
            .iter()
            .filter(|(node, _)| *node == index)
        {
            command.arg("--misbehave").arg(kind.to_string());
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        Ok(child)
    }

    async fn wait_ready(&mut self) -> Result<(), Failure> {
        for index in 0..self.plan.nodes {
            let at = usize::from(index);
            let rpc = RpcClient::new(&self.network.nodes[at].rpc)?;
            let child = self.children[at].as_mut().ok_or("a node was not started")?;
            let pid = child.id().unwrap_or_default();
            tokio::select! {
                ready = rpc.wait_for_height(1, READY_LIMIT) => { ready?; }
                ended = child.wait() => return Err(format!(
                    "{} ended ({}) before its first block; its log's end:\n{}",
                    Plan::name(index), ended?, tail(&self.log_file(index))
                ).into()),
            }
            let node = &mut self.network.nodes[at];
            node.pid = pid;
            node.comet_pid =
                std::fs::read_to_string(Path::new(&node.home).join("run/cometbft.pid"))
                    .ok()
                    .and_then(|pid| pid.trim().parse().ok())
                    .unwrap_or_default();
            if self.network.trust.is_none() {
                let first = rpc.block(Some(1)).await?;
                self.network.trust = Some(Trust {
                    height: 1,
                    hash: first.block_id.hash,
                });
            }
        }
        Ok(())
    }

    /// Kills a node without warning, as `kill -9` would.
    ///
    /// # Errors
    /// It does not run.
    pub async fn kill(&mut self, index: u16) -> Result<(), Failure> {
        let child = self
            .children
            .get_mut(usize::from(index))
            .and_then(Option::as_mut);
        let child = child.ok_or("the node does not run")?;
        child.kill().await?;
        self.children[usize::from(index)] = None;
        Ok(())
    }

    /// Starts a node that does not run.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn restart(&mut self, index: u16) -> Result<(), Failure> {
        let child = self.spawn(index)?;
        self.children[usize::from(index)] = Some(child);
        Ok(())
    }

    /// Waits for a node that ends by itself, and names it; a dead node is left dead.
    pub async fn died(&mut self) -> String {
        loop {
            for (index, slot) in self.children.iter_mut().enumerate() {
                if let Some(status) = slot.as_mut().and_then(|c| c.try_wait().ok().flatten()) {
                    *slot = None;
                    return format!("node{index} ended ({status})");
                }
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// Stops all nodes that run.
    pub async fn stop(&mut self) {
        for child in self.children.iter().flatten() {
            let pid = child
                .id()
                .and_then(|pid| i32::try_from(pid).ok())
                .and_then(Pid::from_raw);
            if let Some(Err(error)) = pid.map(|pid| kill_process(pid, Signal::TERM)) {
                tracing::warn!(%error, "a node cannot be asked to stop");
            }
        }
        for (index, slot) in self.children.iter_mut().enumerate() {
            if let Some(mut child) = slot.take() {
                if timeout(STOP_LIMIT, child.wait()).await.is_err() {
                    tracing::warn!("node{index} did not stop in time and is killed");
                    if let Err(error) = child.kill().await {
                        tracing::error!(%error, "node{index} cannot be killed");
                    }
                }
            }
        }
    }
}

/// The last lines of a log.
pub fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
