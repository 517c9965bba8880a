//! `raced tx node`: a node's registration, from the keys in its home.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use race_proto::race::bond::v1::MsgPayBond;
use race_proto::race::node::v1::{Endpoints, MsgUpdateNode};

use super::{Sender, TxFlags};
use crate::cli::error::CliError;
use crate::cli::{Context, Outcome};
use crate::comet::genesis::Genesis;
use crate::comet::home::Home;
use crate::comet::keys::ValidatorKey;
use crate::config::Config;
use crate::node::HOT_KEY;
use crate::registration::{self, Said};
use crate::secrets::Secrets;
use crate::wallet::amount;
use crate::wallet::keyring::{self, Keyring};
use crate::wallet::sign::any;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  raced tx node register --home ~/.raced --from operator --yes")]
pub(super) struct Node {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Register the node of --home, so that it may race; free, and its operator needs no coins
    #[command(
        after_help = "The node's keys prove themselves, so this runs where the node's home is. The operator is\nthe account that owns the node and is paid.\n\nExample:\n  raced keys add operator --home ~/.raced\n  raced tx node register --home ~/.raced --from operator --yes"
    )]
    Register(Registration),
    /// Tell the chain a node's new endpoints, moniker or hot account
    #[command(
        after_help = "Example:\n  raced tx node update --home ~/.raced --from operator --grpc-endpoint 203.0.113.7:9090 --yes"
    )]
    Update(Registration),
    /// Pay into the bond of the sender's node at once, instead of earning it in
    #[command(
        after_help = "The bond stays locked until 21 days after the node left the committee, and is burned when the node signs\ntwice, forges an answer or proves a race that it did not run.\n\nExample:\n  raced tx node bond 100icoin --from operator --yes\n  raced query bond bonds"
    )]
    Bond(Bond),
}

#[derive(Debug, Args)]
struct Bond {
    /// How much: 5icoin, 2.5micoin, 1.5uicoin, 7nicoin
    #[arg(value_parser = amount::parse)]
    amount: u128,
    #[command(flatten)]
    tx: TxFlags,
}

#[derive(Debug, Args)]
struct Registration {
    /// The node's home, where the operator's key is in another [default: --home]
    #[arg(long, value_name = "DIR")]
    node_home: Option<PathBuf>,
    /// Where others reach the node's gRPC, HOST:PORT [default: [grpc] listen of app.toml]
    #[arg(long, value_name = "HOST:PORT")]
    grpc_endpoint: Option<String>,
    /// The name that others see [default: of app.toml]
    #[arg(long, value_name = "NAME")]
    moniker: Option<String>,
    #[command(flatten)]
    tx: TxFlags,
}

impl Registration {
    fn home<'a>(&'a self, context: &'a Context) -> &'a Path {
        self.node_home.as_deref().unwrap_or(&context.home)
    }

    fn config(&self, context: &Context) -> Result<Config, CliError> {
        Config::load(self.home(context), std::env::vars(), &[])
            .map_err(|error| CliError::from(error).as_usage())
    }

    /// The sender; the node's own CometBFT is asked unless another is named.
    fn sender(&self, context: &Context, config: &Config) -> Result<Sender, CliError> {
        let mut tx = self.tx.clone();
        let named = crate::cli::config::ClientConfig::read(&context.home)?.node;
        if tx.node.node.is_none() && named.is_none() {
            tx.node.node = Some(format!("tcp://{}", config.comet.rpc));
        }
        Sender::new(context, &tx, None)
    }

    fn said(&self, context: &Context, config: &Config) -> Result<Said, CliError> {
        let (_, hot) = Keyring::open(self.home(context), keyring::BACKEND)?.get(HOT_KEY)?;
        let reachable = || registration::endpoint(config);
        let grpc = self.grpc_endpoint.clone().or_else(reachable);
        let grpc = grpc.ok_or_else(|| {
            CliError::usage(format!(
                "the node's gRPC listens on {}, which others cannot reach; say where they can: --grpc-endpoint HOST:PORT, or external in [grpc] of app.toml",
                config.grpc.listen
            ))
        })?;
        Ok(Said {
            hot_account: hot.account().to_string(),
            moniker: self.moniker.clone().unwrap_or(config.moniker.clone()),
            endpoints: Endpoints {
                grpc,
                api: String::new(),
            },
        })
    }

    async fn register(self, context: Context) -> Outcome {
        let config = self.config(&context)?;
        let said = self.said(&context, &config)?;
        let sender = self.sender(&context, &config)?;
        let home = self.home(&context);
        let layout = Home::new(home);
        let secrets = Secrets::load(home)?;
        let message = registration::message(
            &ValidatorKey::load(&layout.validator_key())?,
            &secrets,
            &Genesis::load(&layout.genesis())?.chain_id,
            &sender.account(),
            said,
        );
        sender.execute_free(vec![any(&message)]).await.map(drop)
    }

    async fn update(self, context: Context) -> Outcome {
        let config = self.config(&context)?;
        let said = self.said(&context, &config)?;
        let sender = self.sender(&context, &config)?;
        let message = MsgUpdateNode {
            operator: sender.address(),
            hot_account: said.hot_account,
            moniker: said.moniker,
            endpoints: Some(said.endpoints),
        };
        sender.execute(vec![any(&message)]).await.map(drop)
    }
}

impl Bond {
    async fn pay(self, context: Context) -> Outcome {
        if self.amount == 0 {
            return Err(CliError::usage("nothing to pay: the amount is zero"));
        }
        let sender = Sender::new(&context, &self.tx, None)?;
        let message = MsgPayBond {
            sender: sender.address(),
            amount: Some(amount::coin(self.amount)),
        };
        sender.execute(vec![any(&message)]).await.map(drop)
    }
}

impl Node {
    pub(super) async fn run(self, context: Context) -> Outcome {
        match self.command {
            Command::Register(registration) => registration.register(context).await,
            Command::Update(registration) => registration.update(context).await,
            Command::Bond(bond) => bond.pay(context).await,
        }
    }
}
