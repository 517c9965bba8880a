//! `raced race work`: a further process that races for a node.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use clap::Args;

use super::error::CliError;
use super::race::{on_thread, BackendFlags};
use super::{Context, Outcome};
use crate::config;
use crate::racer::nonces::Share;
use crate::racer::{self, job};
use crate::shutdown;
use crate::tree::Tree;

/// The command.
#[derive(Debug, Args)]
#[command(
    after_help = "It races whenever the node does, until Ctrl-C. It needs no keys and no chain: it finds each race in the node's folder data/race, and leaves what it finds there, which the node merges before it submits. On another machine, let both folders be one (a network file system) or copy files both ways.\n\nGive each process nonces of its own: the node by `nonces = \"1/2\"` below [race] in its app.toml, this one by --nonces 2/2.\n\nExample:\n  raced race work --home ~/.raced --nonces 2/2"
)]
pub struct Work {
    /// Which nonces to try, others than those of the node and of any other process: 2/4 or START..END
    #[arg(long, visible_alias = "shard", value_name = "NONCES")]
    nonces: Share,
    /// The node's folder of races [default: data/race of --home]
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
    #[command(flatten)]
    backend: BackendFlags,
}

impl Work {
    pub(super) async fn run(self, context: Context) -> Outcome {
        let folder = self.into.unwrap_or_else(|| racer::folder(&context.home));
        if !folder.is_dir() {
            return Err(CliError::usage(format!(
                "there is no folder {}; give --into the folder data/race of a node that has started",
                folder.display()
            )));
        }
        let (backend, options) = self.backend.resolve()?;
        let config = config::Race {
            backend,
            threads: options.threads,
            memory_mib: options.held_bytes >> 20,
            nonces: self.nonces,
            ..config::Race::default()
        };
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let interrupt = tokio::spawn(async move {
            shutdown::requested().await;
            asked.store(true, Ordering::Relaxed);
        });
        context.note(&format!("waiting for races in {}", folder.display()));
        on_thread(move || {
            let stopped = || stop.load(Ordering::Relaxed);
            job::follow(&folder, config, &stopped, &mut |id, progress, begins| {
                if begins {
                    let had = progress.found;
                    context.note(&format!("racing in epoch {}, {had} found before", id.0));
                    return;
                }
                context.print(&Tree::map([
                    ("epoch", Tree::from(id.0)),
                    ("attempt", Tree::from(u64::from(id.1))),
                    ("tried", Tree::from(progress.tried)),
                    ("found", Tree::from(progress.found)),
                    ("nonces_per_s", Tree::from(progress.nonces_per_second)),
                ]));
            });
        })
        .await;
        interrupt.abort();
        Ok(())
    }
}
