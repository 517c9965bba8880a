//! `raced localnet`: a whole network on this machine.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use super::error::CliError;
use super::{Context, Outcome, Run};
use crate::localnet::run::Localnet;
use crate::localnet::Plan;
use crate::misbehave::Misbehaviour;
use crate::shutdown;

/// Run a local network of several nodes until Ctrl-C; a second run on the same --home resumes it
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  raced localnet --nodes 4 --home target/localnet --base-port 26600\n  raced query epoch current --home target/localnet/client"
)]
pub struct LocalnetCommand {
    /// Nodes
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=100))]
    nodes: u16,
    /// First port: node i listens on it + 20 i and the ports after
    #[arg(long, default_value_t = 26600, value_parser = clap::value_parser!(u16).range(1024..))]
    base_port: u16,
    /// Preset of the Race
    #[arg(long, default_value = "tiny")]
    preset: String,
    /// Serving time of an epoch, blocks
    #[arg(long)]
    epoch_blocks: Option<u64>,
    /// Time between blocks, such as 1s or 500ms
    #[arg(long, default_value = "1s", value_parser = humantime::parse_duration)]
    block_time: Duration,
    /// Model file that every node gets; may be given several times
    #[arg(long = "model", value_name = "FILE")]
    models: Vec<PathBuf>,
    /// Chain parameter that differs from the local default; see raced query params params
    #[arg(long = "param", value_name = "KEY=VALUE", value_parser = param)]
    params: Vec<(String, u64)>,
    #[arg(long, value_name = "NODE=KIND", value_parser = misbehave, help = misbehave_help())]
    misbehave: Vec<(u16, Misbehaviour)>,
}

fn param(text: &str) -> Result<(String, u64), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    let value = value
        .parse()
        .map_err(|_| format!("`{value}` is no whole number"))?;
    Ok((key.to_owned(), value))
}

fn misbehave_help() -> String {
    let kinds: Vec<_> = Misbehaviour::names().collect();
    format!("Let a node break the rules: {}", kinds.join(", "))
}

fn misbehave(text: &str) -> Result<(u16, Misbehaviour), String> {
    let (node, kind) = text
        .split_once('=')
        .ok_or("expected NODE=KIND, for instance node3=forge")?;
    let index = node.strip_prefix("node").unwrap_or(node);
    let index = index
        .parse()
        .map_err(|_| format!("`{node}` is no node; expected node0, node1, ..."))?;
    Ok((index, kind.parse()?))
}

impl Run for LocalnetCommand {
    async fn run(self, context: Context) -> Outcome {
        if !context.home_given {
            return Err(CliError::usage("say where the network lies: --home DIR"));
        }
        if let Some((node, _)) = self.misbehave.iter().find(|(node, _)| *node >= self.nodes) {
            return Err(CliError::usage(format!(
                "there is no node{node} among {} nodes",
                self.nodes
            )));
        }
        race::Preset::by_name(&self.preset).map_err(|e| CliError::from(e).as_usage())?;
        let models: Result<Vec<_>, _> = self.models.iter().map(std::path::absolute).collect();
        let plan = Plan {
            binary: std::env::current_exe()?,
            home: std::path::absolute(&context.home)?,
            nodes: self.nodes,
            base_port: self.base_port,
            preset: self.preset,
            epoch_blocks: self.epoch_blocks,
            block_time: self.block_time,
            models: models?,
            params: self.params,
            misbehave: self.misbehave,
        };
        tracing_subscriber::fmt()
            .with_env_filter("warn")
            .with_writer(std::io::stderr)
            .init();
        context.note(&format!(
            "starting {} nodes in {}",
            plan.nodes,
            plan.home.display()
        ));
        let failed = |error: crate::node::Failure| CliError::failed(error.to_string());
        let mut localnet = tokio::select! {
            started = Localnet::start(plan) => started.map_err(failed)?,
            _ = shutdown::requested() => return Ok(()),
        };
        for node in &localnet.network.nodes {
            context.note(&format!(
                "{}: explorer {}/, RPC {}, gRPC {}, log {}/raced.log",
                node.name, node.rest, node.rpc, node.grpc, node.home
            ));
        }
        context.note(&format!(
            "ready: {}",
            localnet.plan.network_file().display()
        ));
        loop {
            tokio::select! {
                // A node that was killed from outside is left dead.
                died = localnet.died() => context.note(&died),
                _ = shutdown::requested() => break,
            }
        }
        context.note("stopping");
        localnet.stop().await;
        Ok(())
    }
}
