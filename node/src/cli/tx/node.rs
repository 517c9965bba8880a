//! `raced tx node`: not supported yet. A node registers itself when it starts.

use clap::{Args, Subcommand};

use crate::cli::absent::not_supported;
use crate::cli::{Context, Outcome};

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  raced version")]
pub(super) struct Node {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Register a node (not supported yet)
    #[command(after_help = "Example:\n  raced version")]
    Register(Anything),
    /// Change a node's endpoints (not supported yet)
    #[command(after_help = "Example:\n  raced version")]
    Update(Anything),
}

#[derive(Debug, Args)]
struct Anything {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    anything: Vec<String>,
}

impl Node {
    #[allow(clippy::unused_async)]
    pub(super) async fn run(self, _: Context) -> Outcome {
        let (name, _ignored) = match self.command {
            Command::Register(given) => ("register", given.anything),
            Command::Update(given) => ("update", given.anything),
        };
        Err(not_supported(&format!("tx node {name}")))
    }
}
