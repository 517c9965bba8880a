//! `raced keys export`, `import` and `import-hex`.

use std::path::PathBuf;

use clap::Args;
use zeroize::Zeroizing;

use super::show;
use crate::cli::config::{new_passphrase, passphrase};
use crate::cli::console::Format;
use crate::cli::error::CliError;
use crate::cli::{Context, Outcome};
use crate::tree::Tree;
use crate::wallet::armor;
use crate::wallet::key::Key;
use crate::wallet::keyring::Keyring;

#[derive(Debug, Args)]
pub(super) struct Export {
    /// Name or address of the key
    name: String,
    /// Print the private key itself, in hex; needs --unsafe
    #[arg(long, requires = "confirmed")]
    unarmored_hex: bool,
    /// Who sees a private key can spend all that it holds: goes with --unarmored-hex
    #[arg(long = "unsafe", requires = "unarmored_hex")]
    confirmed: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Export {
    pub(super) fn run(self, context: &Context, keyring: &Keyring) -> Outcome {
        // Before anything is asked for.
        keyring.info(&self.name)?;
        if self.unarmored_hex {
            let question = "Print the private key, with which anyone can spend all that it holds?";
            if !self.yes && !context.console.confirm(question) {
                return Err(CliError::failed("not exported: answer y, or add --yes"));
            }
            let (info, key) = keyring.get(&self.name)?;
            let private = Zeroizing::new(hex::encode(key.to_bytes().as_slice()));
            return exported(context, &show::fields(&info), "private_key", &private);
        }
        let question = "Enter passphrase to encrypt the exported key:";
        let passphrase = new_passphrase(&context.console, question)?;
        let (info, key) = keyring.get(&self.name)?;
        let armor = armor::export(&key, &passphrase);
        exported(context, &show::fields(&info), "armor", &armor)
    }
}

/// For people the secret alone, which goes into a file.
fn exported(context: &Context, info: &[(String, Tree)], name: &str, secret: &str) -> Outcome {
    match context.format {
        Format::Text => context.console.print(secret),
        Format::Json => {
            let mut fields = info.to_vec();
            fields.push((name.to_owned(), Tree::text(secret)));
            context.print(&Tree::Map(fields));
        }
    }
    Ok(())
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// Name of the key
    name: String,
    /// What `keys export` printed, here or on another Cosmos chain
    file: PathBuf,
}

impl Import {
    pub(super) fn run(self, context: &Context, keyring: &Keyring) -> Outcome {
        let bad = |error: CliError| {
            let shown = self.file.display().to_string();
            error.while_doing(&shown)
        };
        let text = std::fs::read_to_string(&self.file);
        let text = text.map_err(|error| bad(error.into()).as_usage())?;
        let question = "Enter passphrase to decrypt your key:";
        let passphrase = passphrase(&context.console, question)?;
        let key = armor::import(&text, &passphrase).map_err(|error| {
            let wrong = error == armor::ArmorError::Passphrase;
            let error = bad(error.into());
            // A wrong passphrase is refused; anything else is a file that cannot be used.
            match wrong {
                true => error,
                false => error.as_usage(),
            }
        })?;
        context.print(&show::tree(&keyring.add(&self.name, &key)?));
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(super) struct ImportHex {
    /// Name of the key
    name: String,
    /// The private key, 64 hex digits; "-" reads it from standard input, where no other process sees it
    #[arg(value_name = "HEX")]
    hex: String,
}

impl ImportHex {
    pub(super) fn run(self, context: &Context, keyring: &Keyring) -> Outcome {
        let text = match self.hex.as_str() {
            "-" => context
                .console
                .secret("Enter the private key:")
                .unwrap_or_default(),
            _ => Zeroizing::new(self.hex),
        };
        let bytes = Zeroizing::new(hex::decode(text.trim()).unwrap_or_default());
        let key = Key::from_bytes(&bytes).map_err(|error| CliError::from(error).as_usage())?;
        context.print(&show::tree(&keyring.add(&self.name, &key)?));
        Ok(())
    }
}
