//! `raced init`: the home of a new node on an existing network.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Parser;

use super::config::ClientConfig;
use super::error::CliError;
use super::{Context, Outcome, Run};
use crate::comet::config::CometConfig;
use crate::comet::genesis::Genesis;
use crate::comet::home::{Home, ProxyApp};
use crate::comet::keys::{NodeKey, ValidatorKey};
use crate::comet::rpc::RpcClient;
use crate::config::{self, Config};
use crate::fetch::{self, FetchError, Place};
use crate::network::{Network, Trust};
use crate::node::{HOT_KEY, OPERATOR_KEY};
use crate::registration;
use crate::secrets::Secrets;
use crate::tree::Tree;
use crate::wallet::key::Key;
use crate::wallet::keyring::{self, Keyring};
use crate::wallet::mnemonic::Mnemonic;

/// Largest network file that is fetched.
const MOST_BYTES: u64 = 4 << 20;
/// Largest genesis that is fetched: CometBFT hands it to the node in one message.
const MOST_GENESIS_BYTES: u64 = 256 << 20;

/// Make the home of a new node: keys, configuration, the network's genesis; nothing that is there is replaced
#[derive(Debug, Parser)]
#[command(
    after_help = "The network's file names its genesis, peers and a header to trust, and all of it is checked.\n`raced start` then joins: from a snapshot of the state where the file names a header, else by replaying\nevery block. Caught up, the node registers under the operator's key of its home, races, and has power from\na switch on. It needs no coins. Other nodes must reach its gRPC: a node without an address for them is not\nregistered.\n\nExample:\n  raced init --home ~/.raced --network https://example.org/network.json --moniker mynode \\\n    --config grpc.listen=0.0.0.0:9090 --config grpc.external=HOST:9090\n  raced start --home ~/.raced"
)]
pub struct Init {
    /// network.json of the network to join, or its https:// URL
    #[arg(long, value_name = "FILE")]
    network: String,
    /// Certificates (PEM) of authorities to trust beside those built in, for https
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// The name that others see
    #[arg(long, default_value = "node")]
    moniker: String,
    /// Replay every block instead of joining from a snapshot
    #[arg(long)]
    replay: bool,
    /// Make no operator's key: it is kept elsewhere, and `raced tx node register` registers the node
    #[arg(long)]
    no_operator: bool,
    /// Set a key of config/app.toml, such as grpc.listen=127.0.0.1:9091
    #[arg(long = "config", value_name = "SECTION.KEY=VALUE", value_parser = super::start::key_value)]
    config: Vec<(String, String)>,
}

/// What does not come because of what was asked for is wrong usage.
fn not_fetched(error: FetchError) -> CliError {
    match error.is_usage() {
        true => CliError::from(error).as_usage(),
        false => error.into(),
    }
}

/// Checks the header to trust: a server has it, none has another, and it is young enough.
async fn check_trust(trust: &Trust, servers: &[String]) -> Result<(), CliError> {
    let mut answered = false;
    let mut last = String::new();
    for server in servers {
        let block = match RpcClient::new(server)?.block(Some(trust.height)).await {
            Ok(block) => block,
            Err(error) => {
                last = error.to_string();
                continue;
            }
        };
        if !block.block_id.hash.eq_ignore_ascii_case(&trust.hash) {
            return Err(CliError::failed(format!(
                "{server} has the block {} at height {}, the network's file says {}: one of them is wrong; ask the network's operators",
                block.block_id.hash, trust.height, trust.hash
            )));
        }
        let period = CometConfig::default().statesync.trust_period;
        let time = humantime::parse_rfc3339_weak(&block.block.header.time)?;
        if SystemTime::now().duration_since(time).unwrap_or_default() > period {
            return Err(CliError::failed(format!(
                "the header to trust, of height {}, is of {} and older than {} days: get a newer network file, or add --replay",
                trust.height, block.block.header.time, period.as_secs() / 86_400
            )));
        }
        answered = true;
    }
    match answered {
        true => Ok(()),
        false => Err(CliError::failed(format!(
            "no node of the network's file answers, so the header to trust cannot be checked ({last}); try again, or add --replay"
        ))),
    }
}

impl Init {
    /// The network's file, and the text of the genesis that it names.
    async fn files(&self) -> Result<(Network, String), CliError> {
        let authorities = self.tls_ca.as_deref().map(fetch::authorities);
        let authorities = authorities.transpose().map_err(not_fetched)?;
        let authorities = authorities.unwrap_or_default();
        let place = Place::of(&self.network).map_err(not_fetched)?;
        let text = fetch::fetch(&place, MOST_BYTES, &authorities).await;
        let network = Network::from_json(&text.map_err(not_fetched)?, &self.network)
            .map_err(|e| CliError::from(e).as_usage())?;
        let place = place.named(&network.genesis).map_err(not_fetched)?;
        let genesis = fetch::fetch(&place, MOST_GENESIS_BYTES, &authorities).await;
        Ok((network, genesis.map_err(not_fetched)?))
    }

    /// The node's configuration: what the network says, and over it what was set.
    async fn node_config(&self, network: &Network) -> Result<Config, CliError> {
        let config = Config::default()
            .overlaid(&self.config)
            .map_err(|e| CliError::from(e).as_usage())?;
        let local = network.nodes.iter().all(|n| n.p2p.contains("@127.0.0.1:"));
        let rpc_servers: Vec<String> = network.nodes.iter().map(|n| n.rpc.clone()).collect();
        let state_sync = match &network.trust {
            Some(trust) if !self.replay => {
                check_trust(trust, &rpc_servers).await?;
                config::StateSync {
                    enable: true,
                    rpc_servers,
                    trust_height: trust.height,
                    trust_hash: trust.hash.clone(),
                    ..config.state_sync
                }
            }
            _ => config.state_sync,
        };
        let config = Config {
            moniker: self.moniker.clone(),
            comet: config::Comet {
                persistent_peers: network.nodes.iter().map(|n| n.p2p.clone()).collect(),
                block_time_ms: network.block_time_ms,
                local,
                ..config.comet
            },
            state_sync,
            ..config
        };
        Ok(config.overlaid(&self.config)?)
    }
}

impl Run for Init {
    async fn run(self, context: Context) -> Outcome {
        let home = std::path::absolute(&context.home)?;
        if config::path(&home).exists() {
            return Err(CliError::failed(format!(
                "{} is initialised already; use another --home, or remove it",
                home.display()
            )));
        }
        // A mistake in them is told before anything is made.
        Config::default()
            .overlaid(&self.config)
            .map_err(|e| CliError::from(e).as_usage())?;
        let (network, genesis) = self.files().await?;
        let genesis = Genesis::from_json(&genesis, &network.genesis)?;
        if genesis.sha256()? != network.genesis_sha256 {
            return Err(CliError::failed(format!(
                "{} does not have the digest {} that the network file names; get both again",
                network.genesis, network.genesis_sha256
            )));
        }
        if genesis.chain_id != network.chain_id {
            return Err(CliError::failed(format!(
                "{} is of chain {}, the network file of {}; get both again",
                network.genesis, genesis.chain_id, network.chain_id
            )));
        }
        let config = self.node_config(&network).await?;
        let layout = Home::new(&home);
        layout.create_dirs()?;
        Secrets::create(&home)?;
        let keyring = Keyring::open(&home, keyring::BACKEND)?;
        let hot = Key::from_mnemonic(&Mnemonic::generate(), 0)?;
        keyring.add(HOT_KEY, &hot)?;
        let operator = match self.no_operator {
            true => None,
            false => {
                let operator = Key::from_mnemonic(&Mnemonic::generate(), 0)?;
                keyring.add(OPERATOR_KEY, &operator)?;
                Some(operator.account())
            }
        };
        let comet = config.comet(ProxyApp::for_home(&home));
        let (_, validator) = layout
            .write(
                &comet,
                &genesis,
                &NodeKey::generate(),
                &ValidatorKey::generate(),
            )
            .map_err(|e| CliError::failed(e.to_string()))?;
        ClientConfig {
            chain_id: Some(genesis.chain_id.clone()),
            node: Some(format!("tcp://{}", config.comet.rpc)),
            keyring_backend: Some(keyring::BACKEND.to_owned()),
            gas_prices: Some(network.gas_price),
        }
        .write(&home)?;
        // Last: its presence says that the home is complete.
        config.write(&home)?;
        let joins = match config.state_sync.enable {
            true => "state sync",
            false => "replay",
        };
        let reached_at = registration::endpoint(&config);
        let reached_at = reached_at.unwrap_or_else(|| "none, set grpc.external".to_owned());
        context.print(&Tree::map([
            ("home", Tree::text(home.display())),
            ("chain_id", Tree::text(&genesis.chain_id)),
            ("address", Tree::text(validator.address())),
            ("hot_account", Tree::text(hot.account())),
            ("operator", operator.map_or(Tree::null(), Tree::text)),
            ("joins_by", Tree::text(joins)),
            ("reached_at", Tree::text(reached_at)),
        ]));
        Ok(())
    }
}
