//! `raced start`: running a node.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::Parser;
use race_app::upgrade::Halt;

use super::error::CliError;
use super::{Context, Outcome, Run};
use crate::config::Config;
use crate::logging::Log;
use crate::metrics::Metrics;
use crate::misbehave::Misbehaviour;
use crate::node::{self, Options};
use crate::status::Status;

/// Run the node of --home, with CometBFT as its child, until Ctrl-C or SIGTERM
#[derive(Debug, Parser)]
#[command(
    after_help = "Every key of config/app.toml can be overridden by --config section.key=value or by RACED_SECTION_KEY.\nExit code 3: the node halted at a height, for an upgrade or as asked; the last line says how to go on.\n\nExample:\n  raced start --home ~/.raced --config grpc.listen=127.0.0.1:9091"
)]
pub struct Start {
    /// Override a key of config/app.toml
    #[arg(long = "config", value_name = "SECTION.KEY=VALUE", value_parser = key_value)]
    config: Vec<(String, String)>,
    /// The cometbft executable [default: beside raced, then PATH]
    #[arg(long, value_name = "FILE", env = "RACED_COMETBFT")]
    cometbft: Option<PathBuf>,
    /// Whether to run CometBFT as a child
    #[arg(long, value_name = "BOOL")]
    with_comet: Option<bool>,
    /// Replay every block instead of joining from a snapshot
    #[arg(long)]
    replay: bool,
    /// Halt after the block of this height, with exit code 3
    #[arg(long, value_name = "HEIGHT", value_parser = clap::value_parser!(u64).range(1..))]
    halt_height: Option<u64>,
    /// Break the rules on purpose, on a local network
    #[arg(long, value_name = "KIND", env = "RACED_MISBEHAVE", value_parser = misbehaviour())]
    misbehave: Option<Misbehaviour>,
}

/// Takes a kind by its name, and lists all of them in the help.
fn misbehaviour() -> impl TypedValueParser<Value = Misbehaviour> {
    PossibleValuesParser::new(Misbehaviour::names()).try_map(|name| name.parse::<Misbehaviour>())
}

pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected SECTION.KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl Run for Start {
    async fn run(self, context: Context) -> Outcome {
        let mut config = self.config;
        config.extend(
            self.with_comet
                .map(|run| ("comet.run".to_owned(), run.to_string())),
        );
        if self.replay {
            config.push(("state-sync.enable".to_owned(), "false".to_owned()));
        }
        // Read here as well, so that a mistake is a usage error before anything is touched.
        let read = Config::load(&context.home, std::env::vars(), &config)
            .map_err(|error| CliError::from(error).as_usage())?;
        let metrics = Metrics::of(&context.program);
        let colours = context.console.terminal;
        let log = Log::begin(&read.log, read.log_format, colours, metrics.logged.clone())
            .map_err(|error| CliError::usage(error.to_string()))?;
        let (home, flags) = (context.home.clone(), config.clone());
        tokio::spawn(log.follow_hangups(move || {
            let read = Config::load(&home, std::env::vars(), &flags);
            read.map(|config| config.log)
                .map_err(|error| error.to_string())
        }));
        let options = Options {
            config,
            cometbft: self.cometbft,
            misbehave: self.misbehave,
            halt_height: self.halt_height,
            program: context.program,
            metrics,
        };
        node::run(&context.home, options).await.map_err(|error| {
            tracing::error!(%error, "the node ends");
            match error.downcast_ref::<Halt>() {
                Some(halt) => {
                    Status::halted(halt).write(&context.home);
                    CliError::halted(halt.to_string())
                }
                None => CliError::failed(error.to_string()),
            }
        })
    }
}
