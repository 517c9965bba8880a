//! `raced demo`: a user's whole story on a local network of four, each step seen on chain.
//!
//! | file | what is in it |
//! |---|---|
//! | [`story`] | the steps, in order |
//! | [`sight`] | asking the chain, and waiting for what must be seen |

pub mod sight;
pub mod story;

use std::path::PathBuf;
use std::time::Duration;

use crate::localnet::run::{free_base_port, Localnet};
use crate::localnet::Plan;
use crate::misbehave::Misbehaviour;
use crate::model_fetch;
use crate::node::Failure;
use crate::shutdown;

/// Nodes of the demo's network.
const NODES: u16 = 4;
/// The node that forges.
pub const FORGER: u16 = 3;
/// Where free ports are looked for.
const FIRST_PORT: u16 = 31_000;

/// How to run it.
#[derive(Debug)]
pub struct Options {
    /// The `raced` executable that the nodes run.
    pub binary: PathBuf,
    /// A model file instead of the demo model.
    pub model: Option<PathBuf>,
    /// Where the network lies, kept afterwards; a temporary folder otherwise.
    pub keep: Option<PathBuf>,
    /// Mean log-probability distance, in 1e-4 nats, up to which an answer of the model passes.
    pub max_mean_distance: u32,
}

/// Between what honest hosts of any engine class show on the demo model (at most 0.17 nats in the
/// mean over an answer) and what the mildest coarser copy shows (at least 0.56); measured by the
/// inference crate's example `measure`.
pub const MAX_MEAN_DISTANCE: u32 = 2_500;

/// Prints a step as it happens.
pub fn say(text: &str) {
    println!("{text}");
}

/// Walks the story; stops the network whatever happens.
///
/// # Errors
/// A step was not seen on chain.
pub async fn run(options: Options) -> Result<(), Failure> {
    let model = match options.model {
        Some(path) => std::path::absolute(path)?,
        None => {
            let folder = model_fetch::models_dir(None);
            say("Fetching the demo model (98 MB) unless it is there");
            let fetched = model_fetch::fetch("smollm2", None, &folder, &|_| {}).await.map_err(|e| {
                format!("{e}\nThe demo needs a language model; without a network give a GGUF file: raced demo --model FILE")
            })?;
            fetched.path
        }
    };
    let temporary = tempfile::Builder::new().prefix("raced-demo-").tempdir()?;
    let home = options.keep.unwrap_or_else(|| temporary.path().to_owned());
    let base_port =
        free_base_port(NODES, FIRST_PORT).ok_or("no free ports were found for four nodes")?;
    let plan = Plan {
        binary: options.binary,
        home,
        nodes: NODES,
        base_port,
        preset: "tiny".into(),
        epoch_blocks: Some(20),
        block_time: Duration::from_secs(1),
        models: vec![model],
        params: vec![("gov/voting_period".into(), 25_000)],
        misbehave: vec![(FORGER, Misbehaviour::Forge)],
    };
    say(&format!("Starting four nodes in {}", plan.home.display()));
    let mut localnet = tokio::select! {
        started = Localnet::start(plan) => started?,
        signal = shutdown::requested() => return Err(format!("stopped by {signal}").into()),
    };
    let network = localnet.network.clone();
    let plan = localnet.plan.clone();
    let outcome = tokio::select! {
        told = story::tell(&plan, &network, options.max_mean_distance) => told,
        died = localnet.died() => Err(format!("{died}; its log's end:\n{}", tail_of(&died, &plan)).into()),
        signal = shutdown::requested() => Err(format!("stopped by {signal}").into()),
    };
    say("Stopping the network");
    localnet.stop().await;
    outcome
}

fn tail_of(died: &str, plan: &Plan) -> String {
    let index = died
        .strip_prefix("node")
        .and_then(|rest| rest.chars().next())
        .and_then(|c| c.to_digit(10));
    let index = index
        .and_then(|i| u16::try_from(i).ok())
        .unwrap_or_default();
    crate::localnet::run::tail(&plan.node_home(index).join("raced.log"))
}
