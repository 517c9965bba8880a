//! `raced keys`: the keyring, laid out and shown as on Cosmos chains.
//!
//! | file | what is in it |
//! |---|---|
//! | `add.rs` | new keys, recovered ones, watched ones, keys of several keys |
//! | `show.rs` | `list`, `show`, `parse`, and how a key is shown |
//! | `transfer.rs` | `export`, `import`, `import-hex` |

mod add;
mod show;
mod transfer;

use clap::{Args, Parser, Subcommand};

use super::config::ClientConfig;
use super::error::CliError;
use super::{Context, Outcome, Run};
use crate::wallet::keyring::Keyring;
use crate::wallet::mnemonic::Mnemonic;

/// Make, show, move and remove the keys that sign transactions
#[derive(Debug, Parser)]
#[command(
    after_help = "The backend \"file\" encrypts keys under one passphrase, which is asked for at a terminal and is read as a\nline of standard input elsewhere. \"test\" does not encrypt.\n\nExample:\n  raced keys add alice --keyring-backend file\n  raced keys show alice -a"
)]
pub struct Keys {
    #[command(subcommand)]
    command: KeysCommand,
    #[command(flatten)]
    keyring: GlobalKeyring,
}

#[derive(Debug, Args)]
struct GlobalKeyring {
    /// Where keys are kept: "file" (encrypted) or "test" (not) [default: client.toml, else test]
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
    /// Make a new key and show its mnemonic, once; or store one that is there already
    #[command(
        after_help = "Example:\n  raced keys add alice\n  raced keys add alice --recover < mnemonic.txt\n  raced keys add alice --recover --interactive\n  raced keys add bob --pubkey '{\"@type\":\"/cosmos.crypto.secp256k1.PubKey\",\"key\":\"...\"}'\n  raced keys add shared --multisig alice,bob,carol --multisig-threshold 2"
    )]
    Add(add::Add),
    /// Make a key again from its mnemonic, read from standard input
    #[command(after_help = "Example:\n  raced keys recover alice < mnemonic.txt")]
    Recover(add::Recover),
    /// List all keys
    #[command(after_help = "Example:\n  raced keys list --output json")]
    List(show::List),
    /// Show a key: its address and its public key
    #[command(
        after_help = "Several names are shown as the key of several keys that they would make.\n\nExample:\n  raced keys show alice -a\n  raced keys show alice -a --bech val"
    )]
    Show(show::Show),
    /// Remove a key for good; without its mnemonic it cannot be made again
    #[command(after_help = "Example:\n  raced keys delete alice --yes")]
    Delete(Delete),
    /// Give a key another name
    #[command(after_help = "Example:\n  raced keys rename alice treasurer --yes")]
    Rename(Rename),
    /// Show an address in all its forms: from hex, or from any bech32
    #[command(
        after_help = "Example:\n  raced keys parse race1...\n  raced keys parse 0D82B1E7C96DBFA42462FE612932E6BFF111D51B"
    )]
    Parse(show::ParseAddress),
    /// Print a new mnemonic, and store nothing
    #[command(after_help = "Example:\n  raced keys mnemonic")]
    Mnemonic,
    /// Print a private key, encrypted under a passphrase, as other Cosmos chains read it
    #[command(
        after_help = "Example:\n  raced keys export alice > alice.armor\n  raced keys export alice --unarmored-hex --unsafe --yes"
    )]
    Export(transfer::Export),
    /// Store a private key that was exported here or on another Cosmos chain
    #[command(after_help = "Example:\n  raced keys import alice alice.armor")]
    Import(transfer::Import),
    /// Store a private key given in hex
    #[command(after_help = "Example:\n  raced keys import-hex alice - < alice.hex")]
    ImportHex(transfer::ImportHex),
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
struct Rename {
    /// Name or address of the key
    #[arg(value_name = "OLD")]
    from: String,
    /// Its new name
    #[arg(value_name = "NEW")]
    to: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Run for Keys {
    async fn run(self, context: Context) -> Outcome {
        let flags = ClientConfig {
            keyring_backend: self.keyring.keyring_backend,
            ..ClientConfig::default()
        };
        let config = flags.or(ClientConfig::read(&context.home)?);
        let keyring = config.keyring(&context)?;
        match self.command {
            KeysCommand::Add(add) => add.run(&context, &keyring),
            KeysCommand::Recover(recover) => recover.run(&context, &keyring),
            KeysCommand::List(list) => list.run(&context, &keyring),
            KeysCommand::Show(show) => show.run(&context, &keyring),
            KeysCommand::Delete(delete) => delete.run(&context, &keyring),
            KeysCommand::Rename(rename) => rename.run(&context, &keyring),
            KeysCommand::Parse(parse) => parse.run(&context),
            KeysCommand::Mnemonic => {
                context.console.print(Mnemonic::generate().words());
                Ok(())
            }
            KeysCommand::Export(export) => export.run(&context, &keyring),
            KeysCommand::Import(import) => import.run(&context, &keyring),
            KeysCommand::ImportHex(import) => import.run(&context, &keyring),
        }
    }
}

impl Delete {
    fn run(self, context: &Context, keyring: &Keyring) -> Outcome {
        let info = keyring.info(&self.name)?;
        let question = format!("Remove {} ({}) for good?", info.name, info.address);
        if !self.yes && !context.console.confirm(&question) {
            return Err(CliError::failed("not removed: answer y, or add --yes"));
        }
        context.print(&show::tree(&keyring.delete(&info.name)?));
        Ok(())
    }
}

impl Rename {
    fn run(self, context: &Context, keyring: &Keyring) -> Outcome {
        let info = keyring.info(&self.from)?;
        let question = format!("Rename {} ({}) to {}?", info.name, info.address, self.to);
        if !self.yes && !context.console.confirm(&question) {
            return Err(CliError::failed("not renamed: answer y, or add --yes"));
        }
        context.print(&show::tree(&keyring.rename(&info.name, &self.to)?));
        Ok(())
    }
}
