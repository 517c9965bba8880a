//! `raced tx broadcast`, `simulate`, `encode` and `decode`: transactions in files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use clap::Args;
use race_proto::cosmos::tx::v1beta1::{SignerInfo, Tx};

use super::outcome;
use crate::cli::config::{ClientConfig, NodeFlag};
use crate::cli::error::CliError;
use crate::cli::{Context, Outcome};
use crate::client::ChainClient;
use crate::tree::Tree;
use crate::wallet::document;

/// The text of a file, or of standard input for "-".
pub(super) fn text(context: &Context, path: &Path) -> Result<String, CliError> {
    let text = match path.as_os_str() == "-" {
        true => context.console.read_all(),
        false => std::fs::read_to_string(path),
    };
    let shown = path.display().to_string();
    text.map_err(|error| CliError::from(error).while_doing(&shown).as_usage())
}

/// The transaction in a file.
pub(super) fn read(context: &Context, path: &Path) -> Result<Tx, CliError> {
    let shown = path.display().to_string();
    let tx = document::read(&text(context, path)?);
    tx.map_err(|error| CliError::from(error).while_doing(&shown).as_usage())
}

async fn chain(context: &Context, node: NodeFlag) -> Result<ChainClient, CliError> {
    let flags = ClientConfig {
        node: node.node,
        ..ClientConfig::default()
    };
    flags.or(ClientConfig::read(&context.home)?).chain().await
}

#[derive(Debug, Args)]
pub(super) struct Broadcast {
    /// What `tx sign` or `tx multisign` printed; "-" for standard input
    file: PathBuf,
    #[command(flatten)]
    node: NodeFlag,
    /// Do not wait for a block
    #[arg(long)]
    no_wait: bool,
    /// How long to wait for a block
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
}

impl Broadcast {
    pub(super) async fn run(self, context: Context) -> Outcome {
        let tx = read(&context, &self.file)?;
        if tx.signatures.is_empty() {
            return Err(CliError::usage(format!(
                "{}: nobody has signed it: `raced tx sign` does",
                self.file.display()
            )));
        }
        let chain = chain(&context, self.node).await?;
        let sent = chain.broadcast(&document::encode(&tx)).await;
        let wait = (!self.no_wait).then(|| Duration::from_secs(self.wait));
        outcome::of(&context, &chain, sent, wait).await.map(drop)
    }
}

#[derive(Debug, Args)]
pub(super) struct Simulate {
    /// A transaction, signed or not; "-" for standard input
    file: PathBuf,
    #[command(flatten)]
    node: NodeFlag,
}

impl Simulate {
    pub(super) async fn run(self, context: Context) -> Outcome {
        let mut tx = read(&context, &self.file)?;
        let chain = chain(&context, self.node).await?;
        if tx.signatures.is_empty() {
            let signers =
                document::signers(&tx).map_err(|error| CliError::from(error).as_usage())?;
            let auth = tx.auth_info.get_or_insert_default();
            for signer in signers {
                auth.signer_infos.push(SignerInfo {
                    sequence: chain.account(&signer).await?.sequence,
                    ..SignerInfo::default()
                });
                tx.signatures.push(Vec::new());
            }
        }
        let used = chain.simulate(&document::encode(&tx)).await?;
        context.print(&Tree::map([(
            "gas_info",
            Tree::map([("gas_used", Tree::text(used))]),
        )]));
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(super) struct Encode {
    /// A transaction; "-" for standard input
    file: PathBuf,
}

impl Encode {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let tx = read(context, &self.file)?;
        context.console.print(&BASE64.encode(document::encode(&tx)));
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(super) struct Decode {
    /// The bytes in base64
    #[arg(value_name = "BYTES")]
    bytes: String,
    /// They are in hex
    #[arg(long, short = 'x')]
    hex: bool,
}

impl Decode {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let bytes = match self.hex {
            true => hex::decode(&self.bytes).map_err(CliError::from),
            false => BASE64.decode(&self.bytes).map_err(CliError::from),
        };
        let bytes = bytes.map_err(CliError::as_usage)?;
        let tx = document::decode(&bytes).map_err(|error| CliError::from(error).as_usage())?;
        context.console.print(&document::json(&tx));
        Ok(())
    }
}
