//! `raced init`: the home of a new node on an existing network.

use std::path::PathBuf;

use clap::Parser;

use super::config::ClientConfig;
use super::error::CliError;
use super::{Context, Outcome, Run};
use crate::comet::genesis::Genesis;
use crate::comet::home::{Home, ProxyApp};
use crate::comet::keys::{NodeKey, ValidatorKey};
use crate::config::{self, Config};
use crate::network::Network;
use crate::node::HOT_KEY;
use crate::secrets::Secrets;
use crate::tree::Tree;
use crate::wallet::key::Key;
use crate::wallet::keyring::{self, Keyring};
use crate::wallet::mnemonic::Mnemonic;

/// Make the home of a new node: keys, configuration, the network's genesis; nothing that is there is replaced
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  raced init --home ~/.raced --network network.json --moniker mynode\n  raced start --home ~/.raced\n  raced keys add operator --home ~/.raced\n  raced tx node register --home ~/.raced --from operator --yes"
)]
pub struct Init {
    /// network.json of the network to join
    #[arg(long, value_name = "FILE")]
    network: PathBuf,
    /// The name that others see
    #[arg(long, default_value = "node")]
    moniker: String,
    /// Set a key of config/app.toml, such as grpc.listen=127.0.0.1:9091
    #[arg(long = "config", value_name = "SECTION.KEY=VALUE", value_parser = super::start::key_value)]
    config: Vec<(String, String)>,
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
        let config = Config::default()
            .overlaid(&self.config)
            .map_err(|e| CliError::from(e).as_usage())?;
        let network = Network::load(&self.network).map_err(|e| CliError::from(e).as_usage())?;
        let genesis = Genesis::load(network.genesis.as_ref())?;
        if genesis.sha256()? != network.genesis_sha256 {
            return Err(CliError::failed(format!(
                "{} does not have the digest {} that the network file names; get both again",
                network.genesis, network.genesis_sha256
            )));
        }
        let layout = Home::new(&home);
        layout.create_dirs()?;
        Secrets::create(&home)?;
        let keyring = Keyring::open(&home, keyring::BACKEND)?;
        let hot = Key::from_mnemonic(&Mnemonic::generate(), 0)?;
        keyring.add(HOT_KEY, &hot)?;
        let local = network.nodes.iter().all(|n| n.p2p.contains("@127.0.0.1:"));
        let config = Config {
            moniker: self.moniker,
            comet: config::Comet {
                persistent_peers: network.nodes.iter().map(|n| n.p2p.clone()).collect(),
                block_time_ms: network.block_time_ms,
                local,
                ..config.comet
            },
            ..config
        }
        // What was set goes before what the network says.
        .overlaid(&self.config)?;
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
        context.print(&Tree::map([
            ("home", Tree::text(home.display())),
            ("chain_id", Tree::text(&genesis.chain_id)),
            ("address", Tree::text(validator.address())),
            ("hot_account", Tree::text(hot.account())),
        ]));
        Ok(())
    }
}
