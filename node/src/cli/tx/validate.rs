//! `raced tx validate-signatures`.

use std::path::PathBuf;

use clap::Args;

use super::file;
use crate::cli::config::{ClientConfig, NodeFlag};
use crate::cli::error::CliError;
use crate::cli::{Context, Outcome};
use crate::tree::Tree;
use crate::wallet::document::{self, DocumentError};
use crate::wallet::sign::Signer;
use crate::wallet::signatures;

#[derive(Debug, Args)]
pub(super) struct ValidateSignatures {
    /// A signed transaction; "-" for standard input
    file: PathBuf,
    /// The chain that it is for [default: client.toml, else what the node says]
    #[arg(long, value_name = "ID", env = "RACED_CHAIN_ID")]
    chain_id: Option<String>,
    #[command(flatten)]
    node: NodeFlag,
    /// Ask no node: say only who signed, not whether the signatures are right
    #[arg(long)]
    offline: bool,
}

impl ValidateSignatures {
    pub(super) async fn run(self, context: Context) -> Outcome {
        let shown = self.file.display().to_string();
        let bad = |error: DocumentError| CliError::from(error).while_doing(&shown).as_usage();
        let tx = file::read(&context, &self.file)?;
        let signers = document::signers(&tx).map_err(bad)?;
        let signed = signatures::accounts(&tx).map_err(bad)?;
        let chain = match self.offline {
            true => None,
            false => {
                let flags = ClientConfig {
                    chain_id: self.chain_id,
                    node: self.node.node,
                    ..ClientConfig::default()
                };
                let config = flags.or(ClientConfig::read(&context.home)?);
                Some(config.chain().await?)
            }
        };
        let mut wrong = signed.len() != signers.len();
        let mut signatures = Vec::new();
        for (place, account) in signed.iter().enumerate() {
            let mut state = "OK".to_owned();
            if signers.get(place) != Some(account) {
                state = "ERROR: signature does not match its respective signer".to_owned();
            } else if let Some(chain) = &chain {
                let known = chain.account(account).await?;
                let signer = Signer {
                    chain_id: chain.chain_id(),
                    account_number: known.number,
                    sequence: known.sequence,
                };
                if let Err(error) = signatures::verify(&tx, place, signer) {
                    state = format!("ERROR: {error}");
                }
            }
            wrong |= state != "OK";
            signatures.push(Tree::map([
                ("address", Tree::text(account)),
                ("state", Tree::text(state)),
            ]));
        }
        context.print(&Tree::map([
            (
                "signers",
                Tree::List(signers.iter().map(Tree::text).collect()),
            ),
            ("signatures", Tree::List(signatures)),
        ]));
        match wrong {
            false => Ok(()),
            true => Err(CliError::failed(format!(
                "signatures validation failed: {} of {} signatures are there, in the order of the signers each must be OK",
                signed.len(),
                signers.len()
            ))),
        }
    }
}
