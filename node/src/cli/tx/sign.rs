//! `raced tx sign`, and what `sign-batch` and `multisign` share with it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use prost::Message;
use race_app::address::Account;
use race_proto::cosmos::crypto::multisig::LegacyAminoPubKey;
use race_proto::cosmos::tx::signing::v1beta1::SignMode;
use race_proto::cosmos::tx::v1beta1::Tx;

use super::file;
use crate::cli::config::{ClientConfig, KeyringFlag, NodeFlag};
use crate::cli::error::CliError;
use crate::cli::{Context, Outcome};
use crate::client::AccountNumbers;
use crate::comet::files;
use crate::proto_json::message_tree;
use crate::tree::Tree;
use crate::wallet::document::{self, DocumentError};
use crate::wallet::keyring::{KeyInfo, Keyring, KeyringError, Kind};
use crate::wallet::sign::Signer;

/// For which chain and as which of an account's transactions it is signed, and where it goes.
#[derive(Debug, Args)]
pub(super) struct SigningFlags {
    /// The chain to sign for [default: client.toml, else what the node says]
    #[arg(long, value_name = "ID", env = "RACED_CHAIN_ID")]
    chain_id: Option<String>,
    #[command(flatten)]
    node: NodeFlag,
    #[command(flatten)]
    keyring: KeyringFlag,
    /// Ask no node: --chain-id, --account-number and --sequence say what it would
    #[arg(long, requires_all = ["account_number", "sequence"])]
    offline: bool,
    /// The account's number, whatever the node says
    #[arg(long, short, value_name = "N")]
    account_number: Option<u64>,
    /// The account's sequence, whatever the node says
    #[arg(long, short, value_name = "N")]
    sequence: Option<u64>,
    /// Print only the signature
    #[arg(long)]
    pub(super) signature_only: bool,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    output_document: Option<PathBuf>,
}

/// What a signature is for.
pub(super) struct Purpose {
    chain_id: String,
    account: AccountNumbers,
}

impl Purpose {
    pub(super) fn signer(&self) -> Signer<'_> {
        Signer {
            chain_id: &self.chain_id,
            account_number: self.account.number,
            sequence: self.account.sequence,
        }
    }
}

impl SigningFlags {
    pub(super) fn config(&self, context: &Context) -> Result<ClientConfig, CliError> {
        let flags = ClientConfig {
            chain_id: self.chain_id.clone(),
            node: self.node.node.clone(),
            keyring_backend: self.keyring.keyring_backend.clone(),
            ..ClientConfig::default()
        };
        Ok(flags.or(ClientConfig::read(&context.home)?))
    }

    /// Chain, number and sequence of the account that signs.
    pub(super) async fn purpose(
        &self,
        config: &ClientConfig,
        account: &Account,
    ) -> Result<Purpose, CliError> {
        if let (Some(number), Some(sequence)) = (self.account_number, self.sequence) {
            let chain_id = match (&config.chain_id, self.offline) {
                (Some(chain_id), _) => chain_id.clone(),
                (None, true) => {
                    return Err(CliError::usage("which chain is it for? give --chain-id ID"))
                }
                (None, false) => config.chain().await?.chain_id().to_owned(),
            };
            let account = AccountNumbers { number, sequence };
            return Ok(Purpose { chain_id, account });
        }
        let chain = config.chain().await?;
        let known = chain.account(account).await?;
        Ok(Purpose {
            chain_id: chain.chain_id().to_owned(),
            account: AccountNumbers {
                number: self.account_number.unwrap_or(known.number),
                sequence: self.sequence.unwrap_or(known.sequence),
            },
        })
    }

    /// Prints a document, or writes it where the flags say: always JSON, which is what files have.
    pub(super) fn put(&self, context: &Context, text: &str) -> Outcome {
        match &self.output_document {
            None => context.console.print(text),
            Some(path) => {
                files::write_atomically(path, format!("{text}\n").as_bytes(), files::PUBLIC)?;
            }
        }
        Ok(())
    }
}

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// The bytes themselves.
    Direct,
    /// A readable form of them, as Ledger devices and owners of several keys sign it.
    AminoJson,
}

/// Who signs, what, and for which chain.
#[derive(Debug, Args)]
pub(super) struct Signatory {
    /// Name or address of the key that signs
    #[arg(long, value_name = "KEY", env = "RACED_FROM")]
    from: String,
    /// What is signed [default: direct; amino-json for several keys]
    #[arg(long, value_enum, value_name = "direct|amino-json")]
    sign_mode: Option<Mode>,
    /// Sign as one of the owners of this account of several keys (its name or address), and print only the
    /// signature
    #[arg(long, value_name = "KEY")]
    multisig: Option<String>,
    #[command(flatten)]
    pub(super) signing: SigningFlags,
}

impl Signatory {
    /// Signs transactions, each with where it came from, with one sequence after the other; returns what
    /// is to be printed of each. A signature of the key is replaced if `again` says so.
    pub(super) async fn sign(
        &self,
        context: &Context,
        batch: Vec<(String, Tx)>,
        again: bool,
    ) -> Result<Vec<Tree>, CliError> {
        let bad =
            |shown: &str, error: DocumentError| CliError::from(error).while_doing(shown).as_usage();
        let config = self.signing.config(context)?;
        let keyring = config.keyring(context)?;
        let own = keyring.info(&self.from)?;
        let whole = self.multisig.as_deref();
        let whole = whole
            .map(|whole| shared(&keyring, whole, &own))
            .transpose()?;
        if whole.is_some() && self.sign_mode == Some(Mode::Direct) {
            return Err(CliError::usage(
                "owners of several keys sign amino JSON: leave --sign-mode direct out",
            ));
        }
        let account = whole.unwrap_or(own.account());
        // Before a node is asked or a passphrase typed.
        for (shown, tx) in &batch {
            let signers = document::signers(tx).map_err(|error| bad(shown, error))?;
            if !signers.contains(&account) {
                return Err(bad(shown, DocumentError::NotASigner { account, signers }));
            }
        }
        let mut purpose = self.signing.purpose(&config, &account).await?;
        let (_, key) = keyring.get(&own.name)?;
        let mut printed = Vec::with_capacity(batch.len());
        for (shown, mut tx) in batch {
            let signed = match whole {
                Some(whole) => document::sign_part(&tx, &key, whole, purpose.signer()),
                None => {
                    let mode = match self.sign_mode {
                        Some(Mode::AminoJson) => SignMode::LegacyAminoJson,
                        Some(Mode::Direct) | None => SignMode::Direct,
                    };
                    document::sign(&mut tx, &key, mode, purpose.signer(), again)
                }
            };
            let signed = signed.map_err(|error| bad(&shown, error))?;
            printed.push(match whole.is_some() || self.signing.signature_only {
                true => document::signatures_tree(vec![signed]),
                false => message_tree(&tx),
            });
            purpose.account.sequence += 1;
        }
        Ok(printed)
    }
}

#[derive(Debug, Args)]
pub(super) struct Sign {
    /// What --generate-only printed, or a transaction that others have signed; "-" for standard input
    file: PathBuf,
    #[command(flatten)]
    signatory: Signatory,
    /// Replace the signature of this key if there is one
    #[arg(long)]
    overwrite: bool,
}

impl Sign {
    pub(super) async fn run(self, context: Context) -> Outcome {
        let shown = self.file.display().to_string();
        let tx = file::read(&context, &self.file)?;
        let batch = vec![(shown, tx)];
        let signed = self.signatory.sign(&context, batch, self.overwrite).await?;
        let text: String = signed.iter().map(Tree::to_json).collect();
        self.signatory.signing.put(&context, &text)
    }
}

/// The account of several keys that is called `name`, or whose address that is; `own` must be one of
/// its keys, as far as they are known here.
fn shared(keyring: &Keyring, name: &str, own: &KeyInfo) -> Result<Account, CliError> {
    let info = match (keyring.info(name), Account::parse(name)) {
        (Ok(info), _) => info,
        // Its owners need not have stored it.
        (Err(KeyringError::Unknown { .. }), Ok(account)) => return Ok(account),
        (Err(error), _) => return Err(error.into()),
    };
    let keys = LegacyAminoPubKey::decode(info.public_key.value.as_slice());
    let keys = keys.map(|key| key.public_keys).unwrap_or_default();
    if info.kind != Kind::Multi || !keys.contains(&own.public_key) {
        return Err(CliError::usage(format!(
            "{} is none of the keys of {}",
            own.name, info.name
        )));
    }
    Ok(info.account())
}
