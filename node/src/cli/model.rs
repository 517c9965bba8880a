//! `raced model`: model files on this machine.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::error::CliError;
use super::progress::{Progress, Unit};
use super::tree::Tree;
use super::{Context, Outcome, Run};
use crate::model_fetch::{self, FetchError};

/// Get model files
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
    Fetch(Fetch),
}

#[derive(Debug, Args)]
struct Fetch {
    /// A known name (smollm2), an http:// URL, or the path of a file to check
    source: String,
    /// SHA-256 of the file, 64 hex digits; needed with a URL
    #[arg(long, value_name = "HEX")]
    digest: Option<String>,
    /// Folder to keep it in [default: HOME/models when a home is named, else the user's cache]
    #[arg(long, value_name = "DIR")]
    dest: Option<PathBuf>,
}

impl Run for Model {
    async fn run(self, context: Context) -> Outcome {
        let Command::Fetch(fetch) = self.command;
        let home = context.home_given.then_some(context.home.as_path());
        let folder = fetch.dest.unwrap_or_else(|| model_fetch::models_dir(home));
        let progress = Progress::new(&context.console, &fetch.source, Unit::Bytes);
        let report = |now: model_fetch::Progress| progress.set(now.done, now.total);
        let fetched =
            model_fetch::fetch(&fetch.source, fetch.digest.as_deref(), &folder, &report).await;
        drop(progress);
        let fetched = fetched.map_err(|error| {
            let usage = matches!(
                error,
                FetchError::UnknownSource { .. }
                    | FetchError::DigestNeeded { .. }
                    | FetchError::MalformedDigest(_)
            );
            let error = CliError::from(error);
            if usage {
                error.as_usage()
            } else {
                error
            }
        })?;
        context.print(&Tree::map([
            ("path", Tree::text(fetched.path.display())),
            ("sha256", Tree::text(fetched.sha256)),
            ("bytes", Tree::from(fetched.bytes)),
            ("cached", Tree::from(fetched.cached)),
        ]));
        Ok(())
    }
}
