//! `raced tx sign-batch`.

use std::path::PathBuf;

use clap::Args;
use race_proto::cosmos::tx::v1beta1::Tx;

use super::file;
use super::sign::Signatory;
use crate::cli::error::CliError;
use crate::cli::{Context, Outcome};
use crate::tree::Tree;
use crate::wallet::batch;

#[derive(Debug, Args)]
pub(super) struct SignBatch {
    /// Transactions, one after the other in each file; "-" for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    signatory: Signatory,
    /// Make one transaction of all their messages, fees and gas limits
    #[arg(long)]
    append: bool,
    /// With --append: a note for people, at most 256 characters
    #[arg(long, alias = "memo", value_name = "TEXT", requires = "append")]
    note: Option<String>,
}

impl SignBatch {
    pub(super) async fn run(self, context: Context) -> Outcome {
        let mut batch = Vec::new();
        for path in &self.files {
            let shown = path.display().to_string();
            let text = file::text(&context, path)?;
            let found = batch::read(&text);
            let found =
                found.map_err(|error| CliError::from(error).while_doing(&shown).as_usage())?;
            let named =
                |(place, tx): (usize, Tx)| (format!("{shown}, transaction {}", place + 1), tx);
            batch.extend(found.into_iter().enumerate().map(named));
        }
        if batch.is_empty() {
            return Err(CliError::usage("there is no transaction in it"));
        }
        if self.append {
            let all = batch.into_iter().map(|(_, tx)| tx);
            let joined = batch::join(all, self.note.unwrap_or_default())
                .map_err(|error| CliError::from(error).as_usage())?;
            batch = vec![("the whole".to_owned(), joined)];
        }
        let signed = self.signatory.sign(&context, batch, true).await?;
        let lines: Vec<_> = signed.iter().map(Tree::to_line).collect();
        self.signatory.signing.put(&context, &lines.join("\n"))
    }
}
