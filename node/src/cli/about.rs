//! `raced version` and `raced completions`.

use clap::Parser;
use clap_complete::Shell;

use super::{Context, Outcome, Run};
use crate::tree::Tree;

/// The version of CometBFT that is pinned in `deploy/cometbft`.
pub const COMETBFT_VERSION: &str = "0.38.26";

/// Print the version of this program and of what it was built for
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  raced version --output json")]
pub struct Version {}

impl Run for Version {
    async fn run(self, context: Context) -> Outcome {
        let mut fields = vec![
            ("name", Tree::text("raced")),
            ("version", Tree::text(env!("CARGO_PKG_VERSION"))),
            ("cometbft_version", Tree::text(COMETBFT_VERSION)),
        ];
        // Set by the build script when it runs in a checkout.
        if let Some(commit) = option_env!("RACED_GIT_COMMIT") {
            fields.push(("git_commit", Tree::text(commit)));
        }
        context.print(&Tree::map(fields));
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
