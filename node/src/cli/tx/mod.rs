//! `raced tx`: transactions, laid out as on Cosmos chains.

mod bank;
mod flags;
mod gov;
mod node;
mod pricing;
pub(super) mod report;
mod sender;
mod session;
mod upgrade;

use clap::{Parser, Subcommand};

use super::{Context, Outcome, Run};

pub use flags::TxFlags;
pub use sender::Sender;

/// Send a transaction and wait until a block holds it
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  raced tx bank send alice race1... 5icoin --home DIR/client --yes"
)]
pub struct Tx {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send coins
    Bank(bank::Bank),
    /// Propose, deposit and vote
    Gov(gov::Gov),
    /// Open inference sessions
    Session(session::Session),
    /// Vote on the price of compute
    Pricing(pricing::Pricing),
    /// Register and update nodes
    Node(node::Node),
}

impl Run for Tx {
    async fn run(self, context: Context) -> Outcome {
        match self.command {
            Command::Bank(command) => command.run(context).await,
            Command::Gov(command) => command.run(context).await,
            Command::Session(command) => command.run(context).await,
            Command::Pricing(command) => command.run(context).await,
            Command::Node(command) => command.run(context).await,
        }
    }
}
