//! A node's surroundings: its ports, where others reach it, its peers, the time, and itself when it runs.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, SystemTime};

use futures::future::join_all;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use super::{Check, Patient};
use crate::registration;
use crate::status::Status;

/// How long a peer or service may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(4);
/// A header from so far in the future means that this clock is behind: CometBFT refuses such blocks.
const FUTURE: Duration = Duration::from_secs(1);

/// The ports: free, or taken by the node itself.
pub fn ports(patient: &Patient) -> Check {
    let name = "ports";
    let config = &patient.config;
    let mut ports = vec![
        ("CometBFT's RPC, [comet] rpc", config.comet.rpc),
        ("peer-to-peer, [comet] p2p", config.comet.p2p),
        ("gRPC, [grpc] listen", config.grpc.listen),
        ("REST, [rest] listen", config.rest.listen),
    ];
    if config.metrics.enabled {
        ports.push(("metrics, [metrics] listen", config.metrics.listen));
    }
    let taken: Vec<String> = ports
        .iter()
        .filter_map(|(what, address)| {
            let error = TcpListener::bind(address).err()?;
            Some(format!("{address} ({what}): {error}"))
        })
        .collect();
    let all: Vec<_> = ports.iter().map(|(_, a)| a.port().to_string()).collect();
    let all = all.join(", ");
    match (patient.running, taken.is_empty()) {
        (None, true) => Check::ok(name, format!("{all} are free")),
        (Some(pid), false) => Check::ok(name, format!("{all}, in use while node {pid} runs")),
        (Some(pid), true) => Check::warn(
            name,
            format!("node {pid} runs and listens on none of {all}"),
            "it starts, or runs with another configuration: look at its log",
        ),
        (None, false) => Check::fail(
            name,
            taken.join("; "),
            "stop what listens there, or set other ports in config/app.toml",
        ),
    }
}

/// Where other nodes reach this one's gRPC, which it registers with.
pub fn endpoint(patient: &Patient) -> Check {
    let name = "endpoint";
    match registration::endpoint(&patient.config) {
        Some(endpoint) => Check::ok(name, format!("registers as {endpoint}")),
        None if !patient.config.race.enabled => Check::ok(name, "none, and it does not race"),
        None => Check::fail(
            name,
            format!(
                "others cannot reach gRPC on {}, so the node does not register and has no power",
                patient.config.grpc.listen
            ),
            registration::SET_EXTERNAL,
        ),
    }
}

/// Peers that the configuration names.
pub async fn peers(patient: &Patient) -> Check {
    let name = "peers";
    let peers = &patient.config.comet.persistent_peers;
    if peers.is_empty() {
        return Check::ok(name, "none configured; this node waits for others");
    }
    let reached = join_all(peers.iter().map(|peer| async move {
        let address = peer.split_once('@').map_or(peer.as_str(), |(_, a)| a);
        let connected = timeout(ANSWER_LIMIT, TcpStream::connect(address)).await;
        matches!(connected, Ok(Ok(_)))
    }))
    .await;
    let silent: Vec<_> = peers
        .iter()
        .zip(&reached)
        .filter(|(_, reached)| !**reached)
        .map(|(peer, _)| peer.as_str())
        .collect();
    let count = peers.len() - silent.len();
    let found = format!("{count} of {} accept connections", peers.len());
    match (count, silent.len()) {
        (_, 0) => Check::ok(name, found),
        (0, _) => Check::fail(
            name,
            found,
            "look whether this machine may connect outwards, and ask for other peers",
        ),
        _ => Check::warn(
            name,
            format!("{found}; silent: {}", silent.join(", ")),
            "take them out of [comet] persistent_peers if they stay away",
        ),
    }
}

/// What the node says of itself.
pub async fn node(patient: &Patient) -> Check {
    let name = "node";
    let Some(pid) = patient.running else {
        let halted = Status::read(&patient.home).map(|status| status.halted);
        return match halted.filter(|halted| !halted.is_empty()) {
            Some(halted) => Check::warn(
                name,
                format!("does not run: {halted}"),
                "see docs/operate.md, Upgrades",
            ),
            None => Check::ok(name, "does not run"),
        };
    };
    if !patient.config.metrics.enabled {
        return Check::warn(
            name,
            format!("runs as process {pid}; [metrics] is off, so nothing more is known"),
            "set [metrics] enabled = true",
        );
    }
    let answer = match readiness(patient.config.metrics.listen).await {
        Ok(answer) => answer,
        Err(error) => {
            return Check::fail(
                name,
                format!("runs as process {pid}, and does not answer: {error}"),
                "look at its log; restart it if it stays so",
            )
        }
    };
    let reasons = answer["reasons"].as_array().into_iter().flatten();
    let reasons: Vec<_> = reasons.filter_map(|reason| reason.as_str()).collect();
    let height = &answer["height"];
    if let (Some(upgrade), true) = (answer["upgrade"].as_str(), reasons.is_empty()) {
        return Check::warn(
            name,
            format!("runs as process {pid}, ready at height {height}; {upgrade}"),
            "have the new program at hand: the node halts there by itself",
        );
    }
    match reasons.is_empty() {
        true => Check::ok(
            name,
            format!("runs as process {pid}, ready at height {height}"),
        ),
        false => Check::warn(
            name,
            format!(
                "runs as process {pid}, at height {height}: {}",
                reasons.join("; ")
            ),
            "wait if it has just started; else see docs/operate.md, Alerts",
        ),
    }
}

async fn readiness(address: SocketAddr) -> Result<serde_json::Value, reqwest::Error> {
    let client = reqwest::Client::builder()
        .timeout(ANSWER_LIMIT)
        .no_proxy()
        .build()?;
    let url = format!("http://{}/readyz", reachable(address));
    client.get(url).send().await?.json().await
}

/// An address that listens on all interfaces is reached on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// The clock: against the header times of the chain while the node runs, else what the system says.
///
/// A header's time is the median of the clocks of two thirds of the validators and more, when they voted
/// for the block before. So the last block of a chain that makes blocks is as old as the time between
/// blocks, plus the error of this clock.
pub async fn clock(patient: &Patient) -> Check {
    let name = "clock";
    let status = match timeout(ANSWER_LIMIT, patient.rpc.status()).await {
        Ok(Ok(status)) if status.sync_info.latest_block_height > 0 => status.sync_info,
        _ => return synchronised().await,
    };
    let Ok(time) = humantime::parse_rfc3339(&status.latest_block_time) else {
        return synchronised().await;
    };
    let height = status.latest_block_height;
    let todo = "synchronise it: timedatectl set-ntp true, or chrony";
    let age = match SystemTime::now().duration_since(time) {
        Ok(age) => age,
        Err(future) if future.duration() < FUTURE => Duration::ZERO,
        Err(future) => {
            let by = future.duration().as_secs_f64();
            let found = format!("behind the validators' by {by:.1} s at least (block {height})");
            return Check::fail(name, found, todo);
        }
    };
    let found = format!("block {height} is {:.1} s old", age.as_secs_f64());
    let usual = Duration::from_millis(patient.config.comet.block_time_ms);
    match status.catching_up {
        true => Check::ok(
            name,
            format!("{found}; the node is catching up, so that says little"),
        ),
        false if age > usual.saturating_mul(4).saturating_add(FUTURE * 10) => Check::warn(
            name,
            format!("{found}: the chain stands still, or this clock is ahead"),
            todo,
        ),
        false => Check::ok(name, format!("{found}, as blocks come")),
    }
}

/// Whether the system says that its clock is synchronised.
async fn synchronised() -> Check {
    let name = "clock";
    let mut command = Command::new("timedatectl");
    let asked = command.args(["show", "--property=NTPSynchronized", "--value"]);
    let answer = match timeout(ANSWER_LIMIT, asked.output()).await {
        Ok(Ok(output)) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => String::new(),
    };
    match answer.as_str() {
        "yes" => Check::ok(name, "the system says that it is synchronised"),
        "no" => Check::warn(
            name,
            "the system says that it is not synchronised",
            "timedatectl set-ntp true: a validator whose clock is off is outvoted on time",
        ),
        _ => Check::ok(
            name,
            "not measured: the node has no blocks here, and timedatectl does not answer",
        ),
    }
}
