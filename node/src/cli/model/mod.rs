//! `raced model`: model files on this machine, and asking models of a network.

mod fetch;
mod generate;
mod info;

use clap::{Parser, Subcommand};

use super::{Context, Outcome, Run};

/// Get and describe model files; ask models of a network
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  raced model fetch smollm2")]
pub struct Model {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fetch a model file, check its digest, and print where it is
    #[command(
        after_help = "Example:\n  raced model fetch smollm2 --dest models\n  raced model fetch http://HOST/model.gguf --digest SHA256"
    )]
    Fetch(fetch::Fetch),
    /// Describe a model file, and write the proposal that registers it
    #[command(
        after_help = "The thresholds are those of the demo model; another model's are measured first\n(cargo run -p race-inference --example measure).\n\nExample:\n  raced model info model.gguf\n  raced model info model.gguf --proposal > proposal.json\n  raced tx gov submit-proposal proposal.json --from alice --home DIR/client --yes"
    )]
    Info(info::Info),
    /// Ask in an open session and stream the answer
    #[command(
        after_help = "The session's key and the next index are in HOME/sessions. The text goes to standard output,\nwhat it cost to standard error; with --output json all of it is printed at the end.\n\nExample:\n  raced model generate --session 1 \"Why is the sky blue?\" --home DIR/client"
    )]
    Generate(generate::Generate),
}

impl Run for Model {
    async fn run(self, context: Context) -> Outcome {
        match self.command {
            Command::Fetch(command) => command.run(context).await,
            Command::Info(command) => command.run(context),
            Command::Generate(command) => command.run(context).await,
        }
    }
}
