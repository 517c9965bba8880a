//! `raced tx multisign`.

use std::path::PathBuf;

use clap::Args;

use super::file;
use super::sign::SigningFlags;
use crate::cli::error::CliError;
use crate::cli::{Context, Outcome};
use crate::wallet::document;

#[derive(Debug, Args)]
pub(super) struct Multisign {
    /// The transaction that the owners signed
    file: PathBuf,
    /// Name or address of the key of several keys
    name: String,
    /// What `tx sign --multisig` printed for each owner
    #[arg(value_name = "SIGNATURE", required = true)]
    signatures: Vec<PathBuf>,
    #[command(flatten)]
    signing: SigningFlags,
}

impl Multisign {
    pub(super) async fn run(self, context: Context) -> Outcome {
        let mut tx = file::read(&context, &self.file)?;
        let mut parts = Vec::new();
        for path in &self.signatures {
            let shown = path.display().to_string();
            let bad = |error: CliError| error.while_doing(&shown).as_usage();
            let text = file::text(&context, path)?;
            let found = document::read_signatures(&text).map_err(|error| bad(error.into()))?;
            parts.extend(found.into_iter().map(|part| (shown.clone(), part)));
        }
        let config = self.signing.config(&context)?;
        let info = config.keyring(&context)?.info(&self.name)?;
        let purpose = self.signing.purpose(&config, &info.account()).await?;
        let joined = document::combine(&mut tx, &info.public_key, &parts, purpose.signer());
        let joined = joined.map_err(|error| CliError::from(error).as_usage())?;
        let text = match self.signing.signature_only {
            true => document::signatures_tree(vec![joined]).to_json(),
            false => document::json(&tx),
        };
        self.signing.put(&context, &text)
    }
}
