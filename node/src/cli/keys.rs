//! `raced keys`: the keyring.

use clap::{Args, Parser, Subcommand};

use super::config::{ClientConfig, KeyringFlag};
use super::error::CliError;
use super::{Context, Outcome, Run};
use crate::tree::Tree;
use crate::wallet::key::Key;
use crate::wallet::keyring::{KeyInfo, Keyring};
use crate::wallet::mnemonic::Mnemonic;

/// Make, list and remove the keys that sign transactions
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  raced keys add alice --home DIR/client\n  raced keys show alice -a"
)]
pub struct Keys {
    #[command(subcommand)]
    command: KeysCommand,
    #[command(flatten)]
    keyring: GlobalKeyring,
}

#[derive(Debug, Args)]
struct GlobalKeyring {
    /// Where keys are kept; only "test" (files that are not encrypted) is supported
    #[arg(
        long,
        env = "RACED_KEYRING_BACKEND",
        value_name = "BACKEND",
        global = true
    )]
    keyring_backend: Option<String>,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a new key and show its mnemonic, once
    #[command(
        after_help = "Example:\n  raced keys add alice\n  raced keys add alice --recover < mnemonic.txt"
    )]
    Add(Add),
    /// Make a key again from its mnemonic, read from standard input
    #[command(after_help = "Example:\n  raced keys recover alice < mnemonic.txt")]
    Recover(Recover),
    /// List all keys
    #[command(after_help = "Example:\n  raced keys list --output json")]
    List,
    /// Show a key: its address and its public key
    #[command(after_help = "Example:\n  raced keys show alice -a")]
    Show(Show),
    /// Remove a key for good; without its mnemonic it cannot be made again
    #[command(after_help = "Example:\n  raced keys delete alice --yes")]
    Delete(Delete),
    /// Print a private key in hex
    #[command(after_help = "Example:\n  raced keys export alice --unsafe")]
    Export(Export),
}

#[derive(Debug, Args)]
struct Add {
    /// Name of the key
    name: String,
    /// Read the mnemonic from standard input instead of making a new one
    #[arg(long)]
    recover: bool,
    /// Which key of the mnemonic: the last number of its path m/44'/118'/0'/0/INDEX
    #[arg(long, default_value_t = 0)]
    index: u32,
}

#[derive(Debug, Args)]
struct Recover {
    /// Name of the key
    name: String,
    /// Which key of the mnemonic: the last number of its path m/44'/118'/0'/0/INDEX
    #[arg(long, default_value_t = 0)]
    index: u32,
}

#[derive(Debug, Args)]
struct Show {
    /// Name or address of the key
    name: String,
    /// Print only the address
    #[arg(long, short, conflicts_with = "pubkey")]
    address: bool,
    /// Print only the public key, in hex
    #[arg(long, short)]
    pubkey: bool,
}

#[derive(Debug, Args)]
struct Delete {
    /// Name or address of the key
    name: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

#[derive(Debug, Args)]
struct Export {
    /// Name or address of the key
    name: String,
    /// Needed, because who sees the private key can spend all that it holds
    #[arg(long = "unsafe")]
    confirmed: bool,
    /// Taken for likeness with other chains: hex is the only form
    #[arg(long, hide = true)]
    unarmored_hex: bool,
}

impl Run for Keys {
    async fn run(self, context: Context) -> Outcome {
        let flags = KeyringFlag {
            keyring_backend: self.keyring.keyring_backend,
        };
        let keyring = open(&context, flags)?;
        match self.command {
            KeysCommand::Add(add) if !add.recover => {
                let mnemonic = Mnemonic::generate();
                let key = Key::from_mnemonic(&mnemonic, add.index)?;
                let info = keyring.add(&add.name, &key)?;
                context.note("Write the mnemonic down and keep it safe: it is shown only now, and it is all that can make this key again.");
                print(&context, &info, [("mnemonic", mnemonic.words())]);
            }
            KeysCommand::Add(Add { name, index, .. })
            | KeysCommand::Recover(Recover { name, index }) => {
                let words = context.console.ask("Enter the mnemonic:");
                let words = words.map(zeroize::Zeroizing::new).unwrap_or_default();
                let mnemonic: Mnemonic = words.parse()?;
                let info = keyring.add(&name, &Key::from_mnemonic(&mnemonic, index)?)?;
                print(&context, &info, []);
            }
            KeysCommand::List => {
                let keys = keyring.list()?;
                if keys.is_empty() {
                    context.note("no keys: make one with `raced keys add NAME`");
                }
                let keys = keys.iter().map(|info| tree(info, [])).collect();
                context.print(&Tree::List(keys));
            }
            KeysCommand::Show(show) => {
                let info = keyring.info(&show.name)?;
                match (show.address, show.pubkey) {
                    (true, _) => context.console.print(&info.address),
                    (_, true) => context.console.print(&info.public_key),
                    _ => print(&context, &info, []),
                }
            }
            KeysCommand::Delete(delete) => {
                let info = keyring.info(&delete.name)?;
                let question = format!("Remove {} ({}) for good?", info.name, info.address);
                if !delete.yes && !context.console.confirm(&question) {
                    return Err(CliError::failed("not removed: answer y, or add --yes"));
                }
                print(&context, &keyring.delete(&info.name)?, []);
            }
            KeysCommand::Export(export) => {
                if !export.confirmed {
                    return Err(CliError::failed(
                        "who sees a private key can spend all that it holds: add --unsafe to print it",
                    ));
                }
                let (info, key) = keyring.get(&export.name)?;
                let private = zeroize::Zeroizing::new(hex::encode(key.to_bytes().as_slice()));
                match context.format {
                    super::console::Format::Text => context.console.print(&private),
                    super::console::Format::Json => {
                        print(&context, &info, [("private_key", private.as_str())]);
                    }
                }
            }
        }
        Ok(())
    }
}

fn open(context: &Context, flags: KeyringFlag) -> Result<Keyring, CliError> {
    let flags = ClientConfig {
        keyring_backend: flags.keyring_backend,
        ..ClientConfig::default()
    };
    let config = flags.or(ClientConfig::read(&context.home)?);
    Ok(config.keyring(&context.home)?)
}

fn tree<const N: usize>(info: &KeyInfo, more: [(&str, &str); N]) -> Tree {
    let fields = [
        ("name", info.name.as_str()),
        ("type", &info.kind),
        ("address", &info.address),
        ("public_key", &info.public_key),
    ];
    let fields = fields.into_iter().chain(more);
    Tree::map(fields.map(|(name, value)| (name, Tree::text(value))))
}

fn print<const N: usize>(context: &Context, info: &KeyInfo, more: [(&str, &str); N]) {
    context.print(&tree(info, more));
}
