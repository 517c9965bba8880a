//! `raced demo`: the network's whole story.

use std::path::PathBuf;

use clap::Parser;

use super::error::CliError;
use super::{Context, Outcome, Run};
use crate::demo::{self, Options};

/// Walk a user's whole story on a local network of four nodes; exit code 0 only if each step was seen on chain
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  raced demo --model model.gguf")]
pub struct Demo {
    /// GGUF file to serve [default: the demo model, fetched from the Python registry]
    #[arg(long, value_name = "FILE", env = "RACED_MODEL")]
    model: Option<PathBuf>,
}

impl Run for Demo {
    async fn run(self, context: Context) -> Outcome {
        let keep = context
            .home_given
            .then(|| std::path::absolute(&context.home))
            .transpose()?;
        let options = Options {
            binary: std::env::current_exe()?,
            model: self.model,
            keep,
            max_mean_distance: demo::MAX_MEAN_DISTANCE,
        };
        demo::run(options)
            .await
            .map_err(|e| CliError::failed(e.to_string()))
    }
}
