//! `raced version` and `raced completions`.

use clap::Parser;
use clap_complete::Shell;

use super::{Context, Outcome, Run};
use crate::tree::Tree;

/// The version of CometBFT that is pinned in `deploy/cometbft`.
pub const COMETBFT_VERSION: &str = "0.38.26";

/// Print the versions of this program, of its state machine and of the CometBFT that it was built for
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  raced version --output json")]
pub struct Version {}

impl Run for Version {
    async fn run(self, context: Context) -> Outcome {
        context.print(&Tree::map([
            ("name", Tree::text("raced")),
            ("version", Tree::text(env!("CARGO_PKG_VERSION"))),
            ("app_version", Tree::from(context.program.version)),
            ("cometbft_version", Tree::text(COMETBFT_VERSION)),
        ]));
        Ok(())
    }
}

/// Print a script that completes this command line in a shell
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  raced completions bash > ~/.local/share/bash-completion/completions/raced"
)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Run for Completions {
    async fn run(self, context: Context) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "raced", &mut script);
        context.console.print(&String::from_utf8_lossy(&script));
        Ok(())
    }
}
