//! Homes, keys, accounts and genesis of a new local network.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use race_app::context::Context;
use race_app::genesis::{AppGenesis, GenesisAccount, ProfileName, GENESIS_POWER};
use race_app::node::genesis::GenesisNode;
use race_app::state::State;
use race_proto::race::node::v1::Endpoints;
use rand_core::{OsRng, RngCore as _};

use super::Plan;
use crate::cli::config::ClientConfig;
use crate::comet::genesis::{EvidenceParams, Genesis};
use crate::comet::home::{Home, ProxyApp};
use crate::comet::keys::{NodeKey, ValidatorKey};
use crate::config::{self, Config};
use crate::network;
use crate::node::{Failure, HOT_KEY, OPERATOR_KEY};
use crate::secrets::Secrets;
use crate::wallet::key::Key;
use crate::wallet::keyring::Keyring;
use crate::wallet::mnemonic::Mnemonic;

/// What users of a local network pay for gas.
pub const GAS_PRICE: &str = "0.02nicoin";
/// What its nodes accept at least.
pub const MIN_GAS_PRICE: &str = "0.01nicoin";
/// What each user's account holds, nicoin: 1,000 icoin.
const USER_FUNDS: u128 = 1_000_000_000_000;
/// What each operator's account holds, nicoin: 100 icoin.
const OPERATOR_FUNDS: u128 = 100_000_000_000;
/// Blocks between two snapshots of a local network.
const SNAPSHOT_INTERVAL: u64 = 20;
/// Users.
const USERS: [&str; 2] = ["alice", "bob"];

/// A node that was set up.
#[derive(Debug, Clone)]
pub struct NodeSetup {
    /// Its home.
    pub home: PathBuf,
    /// `id@host:port`.
    pub p2p: String,
    /// Operator's account.
    pub operator: String,
    /// Consensus address, upper-case hex.
    pub validator: String,
}

/// The whole set-up.
pub struct Setup {
    /// The chain.
    pub chain_id: String,
    /// SHA-256 of the genesis, hex.
    pub genesis_sha256: String,
    /// Nodes, in order.
    pub nodes: Vec<NodeSetup>,
    /// Funded accounts.
    pub accounts: Vec<network::Account>,
}

fn account(name: &str, keyring: &Keyring) -> Result<(network::Account, Key), Failure> {
    let mnemonic = Mnemonic::generate();
    let key = Key::from_mnemonic(&mnemonic, 0)?;
    keyring.add(name, &key)?;
    let account = network::Account {
        name: name.to_owned(),
        address: key.account().to_string(),
        mnemonic: mnemonic.words().to_owned(),
        key_type: "secp256k1".into(),
    };
    Ok((account, key))
}

fn now() -> String {
    // CometBFT waits for a genesis time in the future; the past is fine.
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// Writes a new network. Nothing is replaced: the home must be empty of nodes.
///
/// # Errors
/// A file cannot be written, a model cannot be read, or a parameter is unknown or out of bounds.
pub fn create(plan: &Plan) -> Result<Setup, Failure> {
    let client = Keyring::open(&plan.client_home(), "test")?;
    let mut suffix = [0; 4];
    OsRng.fill_bytes(&mut suffix);
    let chain_id = format!("race-local-{}", hex::encode(suffix));

    let mut accounts = Vec::new();
    let mut funded = Vec::new();
    for name in USERS {
        let (account, _) = account(name, &client)?;
        funded.push(GenesisAccount {
            address: account.address.clone(),
            amount: USER_FUNDS.to_string(),
            vesting: None,
        });
        accounts.push(account);
    }

    let mut nodes = Vec::new();
    let mut genesis_nodes = Vec::new();
    let mut node_keys = Vec::new();
    for index in 0..plan.nodes {
        let name = Plan::name(index);
        let home = plan.node_home(index);
        Home::new(&home).create_dirs()?;
        let keyring = Keyring::open(&home, "test")?;
        let (operator, operator_key) = account(&name, &client)?;
        keyring.add(OPERATOR_KEY, &operator_key)?;
        let hot = Key::from_mnemonic(&Mnemonic::generate(), 0)?;
        keyring.add(HOT_KEY, &hot)?;
        let (node_key, validator) = (NodeKey::generate(), ValidatorKey::generate());
        let secrets = Secrets::create(&home)?;
        let ports = plan.ports(index);
        let endpoints = Endpoints {
            grpc: format!("127.0.0.1:{}", ports.grpc),
            api: String::new(),
        };
        let proven = race_app::node::prove(
            validator.signing_key(),
            &secrets.duty,
            &secrets.share,
            &secrets.transport,
            &chain_id,
            &operator_key.account(),
        );
        genesis_nodes.push(GenesisNode::new(
            operator.address.clone(),
            hot.account().to_string(),
            name,
            proven,
            endpoints,
            GENESIS_POWER,
        ));
        funded.push(GenesisAccount {
            address: operator.address.clone(),
            amount: OPERATOR_FUNDS.to_string(),
            vesting: None,
        });
        nodes.push(NodeSetup {
            home,
            p2p: format!("{}@127.0.0.1:{}", node_key.id(), ports.p2p),
            operator: operator.address.clone(),
            validator: hex::encode_upper(validator.address().0),
        });
        accounts.push(operator);
        node_keys.push((node_key, validator));
    }

    let mut params: std::collections::BTreeMap<String, u64> = plan.params.iter().cloned().collect();
    if let Some(blocks) = plan.epoch_blocks {
        params.insert("epoch/serve_blocks".into(), blocks);
    }
    let app_state = AppGenesis {
        profile: ProfileName::Local,
        params,
        race_preset: plan.preset.clone(),
        accounts: funded,
        nodes: genesis_nodes,
        models: Vec::new(),
        authz: Vec::new(),
        feegrant: Vec::new(),
        carried: None,
    };
    // What InitChain would refuse is refused here, before any process is started.
    let oracle = crate::oracle::Oracle::default();
    let context = Context {
        chain_id: &chain_id,
        height: 1,
        time_ms: 1,
        oracle: &oracle,
    };
    app_state.apply(&mut State::empty(), &context)?;
    let mut genesis = Genesis::new(&chain_id, &now());
    genesis.consensus_params.evidence = EvidenceParams::for_block_time(plan.block_time);
    genesis.app_state = serde_json::to_value(&app_state)?;

    for (index, (node, (node_key, validator))) in nodes.iter().zip(&node_keys).enumerate() {
        let index = u16::try_from(index)?;
        let peers = nodes
            .iter()
            .filter(|n| n.home != node.home)
            .map(|n| n.p2p.clone())
            .collect();
        let config = node_config(plan, index, peers);
        config.write(&node.home)?;
        let comet = config.comet(ProxyApp::for_home(&node.home));
        Home::new(&node.home).write(&comet, &genesis, node_key, validator)?;
    }
    write_client(plan, &chain_id)?;
    Ok(Setup {
        chain_id,
        genesis_sha256: genesis.sha256()?,
        nodes,
        accounts,
    })
}

fn node_config(plan: &Plan, index: u16, persistent_peers: Vec<String>) -> Config {
    let ports = plan.ports(index);
    let local = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
    Config {
        moniker: Plan::name(index),
        log: "info,cometbft=warn,llama_cpp_2=error".into(),
        comet: config::Comet {
            rpc: local(ports.rpc),
            p2p: local(ports.p2p),
            persistent_peers,
            block_time_ms: u64::try_from(plan.block_time.as_millis()).unwrap_or(u64::MAX),
            local: true,
            ..config::Comet::default()
        },
        grpc: config::Grpc {
            listen: local(ports.grpc),
            ..config::Grpc::default()
        },
        // Snapshots are small here, and who joins should not wait for one.
        state_sync: config::StateSync {
            snapshot_interval: SNAPSHOT_INTERVAL,
            ..config::StateSync::default()
        },
        rest: config::Rest {
            listen: local(ports.rest),
            ..config::Rest::default()
        },
        metrics: config::Metrics {
            listen: local(ports.metrics),
            ..config::Metrics::default()
        },
        // Nodes share the machine: one thread each.
        race: config::Race {
            threads: 1,
            ..config::Race::default()
        },
        inference: config::Inference {
            models: plan.models.clone(),
            threads: 1,
            ..config::Inference::default()
        },
        ..Config::default()
    }
}

fn write_client(plan: &Plan, chain_id: &str) -> Result<(), Failure> {
    let home = plan.client_home();
    std::fs::create_dir_all(home.join("config"))?;
    ClientConfig {
        chain_id: Some(chain_id.to_owned()),
        node: Some(format!("tcp://127.0.0.1:{}", plan.ports(0).rpc)),
        keyring_backend: Some("test".into()),
        gas_prices: Some(GAS_PRICE.into()),
    }
    .write(&home)?;
    Ok(())
}

/// The model files that a network names, with their digests.
///
/// # Errors
/// A file cannot be read.
pub fn models(paths: &[PathBuf]) -> Result<Vec<network::Model>, Failure> {
    paths.iter().map(|path| model(path)).collect()
}

fn model(path: &Path) -> Result<network::Model, Failure> {
    let digest = crate::serving::host::digest(path).map_err(|e| {
        format!(
            "--model {}: {e}; give the path of a GGUF file",
            path.display()
        )
    })?;
    Ok(network::Model {
        id: crate::model_info::suggested_id(path),
        path: path.display().to_string(),
        sha256: hex::encode(digest),
    })
}
