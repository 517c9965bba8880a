//! `raced model fetch`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::error::CliError;
use crate::cli::progress::{Progress, Unit};
use crate::cli::{Context, Outcome};
use crate::model_fetch::{self, FetchError};
use crate::model_info;
use crate::tree::Tree;

#[derive(Debug, Args)]
pub(super) struct Fetch {
    /// A known name (smollm2), an https:// URL, or the path of a file to check
    source: String,
    /// SHA-256 of the file, 64 hex digits; needed with a URL
    #[arg(long, value_name = "HEX")]
    digest: Option<String>,
    /// Folder to keep it in [default: HOME/models when a home is named, else the user's cache]
    #[arg(long, value_name = "DIR")]
    dest: Option<PathBuf>,
}

impl Fetch {
    pub(super) async fn run(self, context: Context) -> Outcome {
        let home = context.home_given.then_some(context.home.as_path());
        let folder = self.dest.unwrap_or_else(|| model_fetch::models_dir(home));
        let progress = Progress::new(&context.console, &self.source, Unit::Bytes);
        let report = |now: model_fetch::Progress| progress.set(now.done, now.total);
        let fetched =
            model_fetch::fetch(&self.source, self.digest.as_deref(), &folder, &report).await;
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
        let id = model_info::suggested_id(&fetched.path);
        context.print(&Tree::map([
            ("path", Tree::text(fetched.path.display())),
            ("sha256", Tree::text(fetched.sha256)),
            ("suggested_id", Tree::text(id)),
            ("bytes", Tree::from(fetched.bytes)),
            ("cached", Tree::from(fetched.cached)),
        ]));
        Ok(())
    }
}
