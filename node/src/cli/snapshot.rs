//! `raced snapshot`: the snapshots of a node's state, and carrying one in a file.

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use race_app::chain;
use race_app::state::State;
use race_app::store::statesync::file;
use race_app::store::statesync::format::Manifest;
use race_app::store::statesync::restore::Blocks;
use race_app::store::statesync::shelf::Shelf;
use race_app::store::{set_aside, Engine};

use super::error::CliError;
use super::{Context, Outcome, Run};
use crate::comet::genesis::Genesis;
use crate::comet::home::Home;
use crate::config::Config;
use crate::home_lock::HomeLock;
use crate::joining::state_folder;
use crate::snapshots;
use crate::tree::Tree;

/// List the snapshots of a node's state, write one to a file, restore one from a file
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  raced snapshot list --home ~/.raced")]
pub struct Snapshot {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the snapshots that the node of --home offers
    #[command(after_help = "Example:\n  raced snapshot list --home ~/.raced --output json")]
    List,
    /// Write a snapshot to a new file
    #[command(
        after_help = "Without --height the newest snapshot is written; of a node that does not run, one of its latest\nheight is taken first.\n\nExample:\n  raced snapshot export state.snapshot --home ~/.raced"
    )]
    Export(Export),
    /// Restore the state of a stopped node from a file
    #[command(
        after_help = "For a node whose CometBFT still has its blocks: started again, it replays those after the snapshot.\nA node without blocks joins by state sync instead (raced init, raced start). The file must prove itself;\nCometBFT compares the app hash with its headers at the next start.\n\nExample:\n  raced snapshot restore state.snapshot --home ~/.raced --replace"
    )]
    Restore(Restore),
}

#[derive(Debug, clap::Args)]
struct Export {
    /// The file to write; it must not exist
    file: PathBuf,
    /// Which snapshot
    #[arg(long)]
    height: Option<u64>,
}

#[derive(Debug, clap::Args)]
struct Restore {
    /// A file that `raced snapshot export` wrote
    file: PathBuf,
    /// The app hash that it must have, hex
    #[arg(long, value_name = "HEX")]
    app_hash: Option<String>,
    /// Move the state that is there aside
    #[arg(long)]
    replace: bool,
}

fn config(home: &Path) -> Result<Config, CliError> {
    Config::load(home, std::env::vars(), &[]).map_err(|error| CliError::from(error).as_usage())
}

fn shown(manifest: &Manifest) -> Tree {
    Tree::map([
        ("height", Tree::from(manifest.height)),
        (
            "app_hash",
            Tree::text(hex::encode_upper(&manifest.app_hash)),
        ),
        ("chunks", Tree::from(manifest.chunks.len() as u64)),
        ("bytes", Tree::from(manifest.bytes)),
    ])
}

impl Run for Snapshot {
    async fn run(self, context: Context) -> Outcome {
        let home = std::path::absolute(&context.home)?;
        match self.command {
            Command::List => {
                config(&home)?;
                let shelf = Shelf::look(&snapshots::folder(&home))?;
                context.print(&Tree::List(shelf.list().iter().map(shown).collect()));
                Ok(())
            }
            Command::Export(export) => export.run(&context, &home),
            Command::Restore(restore) => restore.run(&context, &home),
        }
    }
}

impl Export {
    fn run(&self, context: &Context, home: &Path) -> Outcome {
        let config = config(home)?;
        let folder = snapshots::folder(home);
        // Only while no node works there.
        let lock = HomeLock::take(home).ok().filter(|_| self.height.is_none());
        let shelf = match &lock {
            Some(_) => Shelf::open(&folder, config.state_sync.snapshot_keep_recent)?,
            None => Shelf::look(&folder)?,
        };
        if lock.is_some() {
            let engine = Engine::from(config.store.backend);
            let store = engine.open_store(&state_folder(home), config.store.keep_versions)?;
            let latest = store.latest();
            if latest.height() > 0 {
                shelf.take(&latest)?;
            }
        }
        let newest = || shelf.list().last().map(|manifest| manifest.height);
        let height = self.height.or_else(newest).ok_or_else(|| {
            CliError::failed(format!(
                "{} has no snapshot; the node takes one every [state-sync] snapshot-interval blocks",
                home.display()
            ))
        })?;
        let manifest = file::export(&shelf, height, &self.file)?;
        context.print(&shown(&manifest));
        Ok(())
    }
}

impl Restore {
    fn run(&self, context: &Context, home: &Path) -> Outcome {
        let config = config(home)?;
        let _lock = HomeLock::take(home)?;
        if !home.join("data/blockstore.db").exists() {
            return Err(CliError::failed(format!(
                "{} has no blocks, and CometBFT cannot start from a state alone: `raced start` joins by state sync instead, or replays every block",
                home.display()
            )));
        }
        let state = state_folder(home);
        if state.exists() && !self.replace {
            return Err(CliError::failed(format!(
                "{} is there; add --replace to move it aside",
                state.display()
            )));
        }
        // Restored beside and renamed: whatever happens, the node has the old state or the new one.
        let fresh = state.with_extension("restore");
        if fresh.exists() {
            std::fs::remove_dir_all(&fresh)?;
        }
        let restored = self.restore_to(&fresh, home, &config);
        if restored.is_err() {
            // Nothing of it is of use; the next try removes it if this cannot.
            let _ = std::fs::remove_dir_all(&fresh);
        }
        let (height, app_hash) = restored?;
        let aside = match state.exists() {
            true => Some(set_aside(&state)?),
            false => None,
        };
        std::fs::rename(&fresh, &state)?;
        std::fs::File::open(home.join("data"))?.sync_all()?;
        context.print(&Tree::map([
            ("height", Tree::from(height)),
            ("app_hash", Tree::text(hex::encode_upper(app_hash))),
            (
                "old_state",
                aside.map_or(Tree::null(), |aside| Tree::text(aside.display())),
            ),
        ]));
        Ok(())
    }

    fn restore_to(
        &self,
        folder: &Path,
        home: &Path,
        config: &Config,
    ) -> Result<(u64, [u8; 32]), CliError> {
        let engine = Engine::from(config.store.backend);
        let store = engine.open_store(folder, config.store.keep_versions)?;
        let snapshot = file::restore(&self.file, &store, Blocks::Later)?;
        let found = hex::encode_upper(snapshot.app_hash());
        if let Some(expected) = &self.app_hash {
            if !found.eq_ignore_ascii_case(expected) {
                return Err(CliError::failed(format!(
                    "{} has the app hash {found}, not {expected}",
                    self.file.display()
                )));
            }
        }
        let genesis = Genesis::load(&Home::new(home).genesis())?;
        let (height, app_hash) = (snapshot.height(), snapshot.app_hash());
        let chain_id = chain::id(&State::new(std::sync::Arc::new(snapshot)));
        if chain_id != genesis.chain_id {
            return Err(CliError::failed(format!(
                "{} is of chain {chain_id}, this home of {}",
                self.file.display(),
                genesis.chain_id
            )));
        }
        Ok((height, app_hash))
    }
}
