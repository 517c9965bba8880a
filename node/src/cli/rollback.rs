//! `raced rollback`: one height back, the state and CometBFT's together.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use clap::Parser;
use race_app::state::State;
use race_app::store::statesync::shelf::Shelf;
use race_app::store::{Engine, Snapshot, Store};
use race_app::upgrade::{self, Halt, Program};

use super::error::CliError;
use super::{Context, Outcome, Run};
use crate::comet::binary;
use crate::comet::home::Home;
use crate::comet::process::end_orphan;
use crate::config::Config;
use crate::home_lock::HomeLock;
use crate::joining::state_folder;
use crate::snapshots;
use crate::tree::Tree;

/// Take a stopped node one height back: the state and CometBFT's together
#[derive(Debug, Parser)]
#[command(
    after_help = "For a node that computed another app hash than the network. The block stays and is executed again at\nthe next start; with --hard it is dropped, too, and fetched again. What the validator signed last is kept,\nso it does not sign twice. Interrupted, the command is run again. It may go back over an upgrade: where\nanother program has to go on from there, it says which.\n\nExample:\n  raced rollback --home ~/.raced"
)]
pub struct Rollback {
    /// Drop the block as well
    #[arg(long)]
    hard: bool,
    /// The cometbft executable [default: beside raced, then PATH]
    #[arg(long, value_name = "FILE", env = "RACED_COMETBFT")]
    cometbft: Option<PathBuf>,
}

/// Height and app hash out of CometBFT's `Rolled back state to height 7 and hash AB12`.
fn rolled_back(output: &str) -> Option<(u64, String)> {
    let line = output.lines().find(|line| line.contains("olled back"))?;
    let (_, rest) = line.split_once(" height ")?;
    let (height, hash) = rest.split_once(" and hash ")?;
    Some((height.trim().parse().ok()?, hash.trim().to_owned()))
}

/// Why this program does not go on from a state, if it does not. Going back over an upgrade is safe all the
/// same: the program that executes each block is decided by the state before it.
fn halt(latest: Snapshot, program: &Program) -> Option<Halt> {
    let height = latest.height();
    upgrade::next(&State::new(Arc::new(latest)), height, program).err()
}

impl Run for Rollback {
    async fn run(self, context: Context) -> Outcome {
        let home = std::path::absolute(&context.home)?;
        let config = Config::load(&home, std::env::vars(), &[])
            .map_err(|error| CliError::from(error).as_usage())?;
        let _lock = HomeLock::take(&home)?;
        let binary = binary::find(self.cometbft.as_deref())?;
        // A killed node's CometBFT holds its databases for a moment.
        end_orphan(&Home::new(&home)).await?;
        let kv = Engine::from(config.store.backend).open(&state_folder(&home))?;
        let (height, oldest) = {
            let store = Store::open_keeping(kv.clone(), config.store.keep_versions)?;
            (store.latest().height(), store.oldest_height())
        };
        if height <= oldest {
            return Err(CliError::failed(format!(
                "the state is at height {height} and keeps none before it; restore a snapshot with `raced snapshot restore` instead"
            )));
        }
        // CometBFT first: it says to which height, and the state follows. Should this end in between,
        // the next run or the next start brings both together.
        let mut command = Command::new(&binary);
        command.arg("rollback").arg("--home").arg(&home);
        if self.hard {
            command.arg("--hard");
        }
        let output = command.output().map_err(|error| {
            CliError::failed(format!("cannot run {}: {error}", binary.display()))
        })?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let Some((to, hash)) = rolled_back(&text).filter(|_| output.status.success()) else {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(CliError::failed(format!(
                "CometBFT did not roll back, and nothing was changed: {} {}",
                text.trim(),
                said.trim()
            )));
        };
        if height > to {
            let app_hash = hex::encode_upper(Store::roll_back(kv.as_ref(), to)?);
            if !app_hash.eq_ignore_ascii_case(&hash) {
                context.note(&format!(
                    "at height {to} the state has the app hash {app_hash}, the network's block says {hash}: go back further, or restore a snapshot"
                ));
            }
        }
        Shelf::open(
            &snapshots::folder(&home),
            config.state_sync.snapshot_keep_recent,
        )?
        .drop_above(to)?;
        let latest = Store::open_keeping(kv, config.store.keep_versions)?.latest();
        if let Some(halt) = halt(latest, &context.program) {
            context.note(&halt.to_string());
        }
        context.print(&Tree::map([
            ("height", Tree::from(to)),
            ("app_hash", Tree::text(hash)),
        ]));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cometbft_says_is_read() {
        let said = "some warning\nRolled back both state and block to height 41 and hash 0AFF\n";
        assert_eq!(rolled_back(said), Some((41, "0AFF".to_owned())));
        let said = "Rolled back state to height 7 and hash \n";
        assert_eq!(rolled_back(said), Some((7, String::new())));
        assert_eq!(rolled_back("ERROR: failed"), None);
    }
}
