//! `raced export`: a genesis file out of a node's state, for a new chain.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use clap::Parser;
use race_app::export::export;
use race_app::genesis::GENESIS_POWER;
use race_app::node::genesis::GenesisNode;
use race_app::state::State;
use race_app::store::{Engine, StoreError};
use race_app::upgrade;
use race_proto::race::node::v1::Endpoints;

use super::error::CliError;
use super::{Context, Outcome, Run};
use crate::comet::genesis::{ConsensusParams, Genesis, VersionParams};
use crate::comet::home::Home;
use crate::comet::keys::ValidatorKey;
use crate::config::Config;
use crate::home_lock::HomeLock;
use crate::joining::state_folder;
use crate::node::{HOT_KEY, OPERATOR_KEY};
use crate::registration;
use crate::secrets::Secrets;
use crate::tree::Tree;
use crate::wallet::keyring::{self, Keyring};

/// Write the state of a stopped node as the genesis file of a new chain
#[derive(Debug, Parser)]
#[command(
    after_help = "Carried over: coins (what sessions, unfinished tasks, deposits and unreleased rewards hold goes to whom\nit belongs), treasury and training fund, issuance, parameters, models, the Race's preset, the next\nproposal's id. Everything else starts anew: sequences and public keys (hence the new chain id), nodes and\ntheir power, epochs, sessions, proposals, price, reputations.\n\nThe first nodes are those of the homes given: their keys prove themselves for the new chain. Entries of\nother operators are merged into app_state.nodes of the file.\n\nExample:\n  raced export genesis.json --home ~/.raced --chain-id race-2 --node-home ~/.raced"
)]
pub struct Export {
    /// The file to write; it must not exist
    file: PathBuf,
    /// The id of the new chain
    #[arg(long, value_name = "ID")]
    chain_id: String,
    /// The home of a first node of the new chain; may be given several times
    #[arg(long = "node-home", value_name = "DIR")]
    node_homes: Vec<PathBuf>,
    /// A past height that the state still has [default: the latest]
    #[arg(long)]
    height: Option<u64>,
}

fn config(home: &Path) -> Result<Config, CliError> {
    Config::load(home, std::env::vars(), &[]).map_err(|error| CliError::from(error).as_usage())
}

/// A home's node as one of the first of a chain.
fn first_node(home: &Path, chain_id: &str) -> Result<GenesisNode, CliError> {
    let config = config(home)?;
    let keyring = Keyring::open(home, keyring::BACKEND)?;
    let (_, operator) = keyring.get(OPERATOR_KEY)?;
    let (_, hot) = keyring.get(HOT_KEY)?;
    let secrets = Secrets::load(home)?;
    let grpc = registration::endpoint(&config).ok_or_else(|| {
        CliError::usage(format!(
            "{}: others cannot reach gRPC on {}; set external in [grpc] of app.toml",
            home.display(),
            config.grpc.listen
        ))
    })?;
    let proven = race_app::node::prove(
        ValidatorKey::load(&Home::new(home).validator_key())?.signing_key(),
        &secrets.duty,
        &secrets.share,
        &secrets.transport,
        chain_id,
        &operator.account(),
    );
    let endpoints = Endpoints {
        grpc,
        api: String::new(),
    };
    Ok(GenesisNode::new(
        operator.account().to_string(),
        hot.account().to_string(),
        config.moniker,
        proven,
        endpoints,
        GENESIS_POWER,
    ))
}

impl Run for Export {
    async fn run(self, context: Context) -> Outcome {
        let home = std::path::absolute(&context.home)?;
        let config = config(&home)?;
        let nodes = self.node_homes.iter();
        let nodes: Vec<GenesisNode> = nodes
            .map(|home| first_node(home, &self.chain_id))
            .collect::<Result<_, _>>()?;
        let old = Genesis::load(&Home::new(&home).genesis())?;
        if old.chain_id == self.chain_id {
            return Err(CliError::usage(format!(
                "--chain-id {}: the new chain needs an id of its own, else the old one's transactions are valid on it",
                self.chain_id
            )));
        }
        let _lock = HomeLock::take(&home)?;
        let engine = Engine::from(config.store.backend);
        let store = engine.open_store(&state_folder(&home), config.store.keep_versions)?;
        let snapshot = match self.height {
            Some(height) => store.at(height)?,
            None => store.latest(),
        };
        let (height, app_hash) = (snapshot.height(), snapshot.app_hash());
        let state = State::new(Arc::new(snapshot));
        let (found, own) = (upgrade::version(&state), context.program.version);
        if height > 0 && found != own {
            return Err(CliError::failed(
                StoreError::OtherVersion { height, found, own }.to_string(),
            ));
        }
        let app_state = export(&state, height, nodes)?;
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let genesis = Genesis {
            consensus_params: ConsensusParams {
                version: VersionParams { app: own },
                ..old.consensus_params
            },
            app_state: serde_json::to_value(&app_state)?,
            ..Genesis::new(&self.chain_id, &now)
        };
        if self.file.exists() {
            return Err(CliError::usage(format!(
                "{} is there already; name a new file",
                self.file.display()
            )));
        }
        genesis.write(&self.file)?;
        if app_state.nodes.is_empty() {
            context.note(
                "the file has no nodes yet: add --node-home, or merge entries into app_state.nodes",
            );
        }
        let supply = app_state.carried.map(|carried| carried.supply);
        context.print(&Tree::map([
            ("chain_id", Tree::text(&self.chain_id)),
            ("from_height", Tree::from(height)),
            ("from_app_hash", Tree::text(hex::encode_upper(app_hash))),
            ("accounts", Tree::from(app_state.accounts.len() as u64)),
            ("nodes", Tree::from(app_state.nodes.len() as u64)),
            ("supply", Tree::text(supply.unwrap_or_default())),
            ("genesis_sha256", Tree::text(genesis.sha256()?)),
        ]));
        Ok(())
    }
}
