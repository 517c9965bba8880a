//! `raced keys add` and `recover`.

use std::path::PathBuf;

use clap::Args;
use race_app::tx::signature::{PublicKey, MULTISIG};
use race_proto::cosmos::crypto::multisig::LegacyAminoPubKey;
use race_proto::Any;
use zeroize::Zeroizing;

use super::show;
use crate::cli::error::CliError;
use crate::cli::{Context, Outcome};
use crate::proto_json;
use crate::tree::Tree;
use crate::wallet::key::{HdPath, Key};
use crate::wallet::keyring::{self, KeyInfo, Keyring, Kind};
use crate::wallet::mnemonic::Mnemonic;
use crate::wallet::sign::any;

/// Which key of a mnemonic.
#[derive(Debug, Args)]
struct Derivation {
    /// Which account of the mnemonic: ACCOUNT in its path m/44'/118'/ACCOUNT'/0/INDEX
    #[arg(long, value_name = "ACCOUNT", default_value_t = 0)]
    account: u32,
    /// Which key of the account: INDEX in its path m/44'/118'/ACCOUNT'/0/INDEX
    #[arg(long, default_value_t = 0)]
    index: u32,
    /// Which chain's keys; 118 is that of Cosmos chains and of Ledger's Cosmos app
    #[arg(long, value_name = "TYPE", default_value_t = HdPath::COIN_TYPE)]
    coin_type: u32,
    /// The whole path instead
    #[arg(long, value_name = "PATH", conflicts_with_all = ["account", "index", "coin_type"])]
    hd_path: Option<HdPath>,
}

impl Derivation {
    fn key(self, mnemonic: &Mnemonic) -> Result<Key, CliError> {
        let path = match self.hd_path {
            Some(path) => Ok(path),
            None => HdPath::bip44(self.coin_type, self.account, self.index),
        };
        let path = path.map_err(|error| CliError::from(error).as_usage())?;
        Ok(Key::at(mnemonic, &path)?)
    }
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// Name of the key
    name: String,
    /// Read the mnemonic from standard input instead of making a new one
    #[arg(long)]
    recover: bool,
    /// Ask for a mnemonic (nothing makes a new one) and for a passphrase that goes with it
    #[arg(long, short)]
    interactive: bool,
    /// Read the mnemonic from this file; with --recover or --interactive
    #[arg(long, value_name = "FILE")]
    source: Option<PathBuf>,
    #[command(flatten)]
    derivation: Derivation,
    /// Do not print the mnemonic
    #[arg(long)]
    no_backup: bool,
    /// Show the key and store nothing
    #[arg(long)]
    dry_run: bool,
    /// Store the key that these keys make together, in the order of their addresses
    #[arg(long, value_name = "NAME,NAME,...", value_delimiter = ',', conflicts_with_all = ["recover", "interactive", "pubkey"])]
    multisig: Vec<String>,
    /// How many of them must sign
    #[arg(long, value_name = "K", default_value_t = 1)]
    multisig_threshold: u32,
    /// Leave them in the order in which they are given
    #[arg(long)]
    nosort: bool,
    /// Store a public key alone, to watch its account: JSON with an "@type", as `keys show -p` prints it
    #[arg(long, value_name = "JSON", conflicts_with_all = ["recover", "interactive"])]
    pubkey: Option<String>,
    /// Not supported yet
    #[arg(long)]
    ledger: bool,
}

#[derive(Debug, Args)]
pub(super) struct Recover {
    /// Name of the key
    name: String,
    #[command(flatten)]
    derivation: Derivation,
}

impl Add {
    pub(super) fn run(self, context: &Context, keyring: &Keyring) -> Outcome {
        if self.ledger {
            return Err(CliError::failed(
                "Ledger devices are not supported: keep the key in a wallet that has it, and store its public key here with --pubkey",
            ));
        }
        if !self.multisig.is_empty() {
            let key = several(
                keyring,
                &self.multisig,
                self.multisig_threshold,
                !self.nosort,
            )?;
            return self.store_public(context, keyring, &key, Kind::Multi);
        }
        if let Some(json) = &self.pubkey {
            let key = parse_public_key(json)?;
            let kind = match key.type_url == MULTISIG {
                true => Kind::Multi,
                false => Kind::Offline,
            };
            return self.store_public(context, keyring, &key, kind);
        }
        let (known, new) = match self.mnemonic(context)? {
            Some(known) => (known, false),
            None => (Mnemonic::generate(), true),
        };
        let mnemonic = match self.interactive {
            true => known.with_passphrase(&passphrase(context)?)?,
            false => known,
        };
        let key = self.derivation.key(&mnemonic)?;
        let info = match self.dry_run {
            true => KeyInfo::of(
                &self.name,
                Kind::Local,
                keyring::public_key(&key),
                key.account(),
            ),
            false => keyring.add(&self.name, &key)?,
        };
        let mut shown = show::fields(&info);
        if new && !self.no_backup {
            context.note(match mnemonic.has_passphrase() {
                false => "Write the mnemonic down and keep it safe: it is shown only now, and it is all that can make this key again.",
                true => "Write the mnemonic and its passphrase down and keep them safe: the mnemonic is shown only now, the passphrase never, and only both together can make this key again.",
            });
            shown.push(("mnemonic".to_owned(), Tree::text(mnemonic.words())));
        }
        context.print(&Tree::Map(shown));
        Ok(())
    }

    /// The mnemonic that is there already; `None` when a new one is wanted.
    fn mnemonic(&self, context: &Context) -> Result<Option<Mnemonic>, CliError> {
        let Some(file) = &self.source else {
            return match (self.recover, self.interactive) {
                (true, _) => typed(context).map(Some),
                (false, true) => {
                    let question = "Enter the mnemonic, or nothing to make a new one:";
                    let words = context.console.secret(question).unwrap_or_default();
                    let known = (!words.trim().is_empty()).then(|| words.parse());
                    Ok(known.transpose()?)
                }
                (false, false) => Ok(None),
            };
        };
        if !self.recover && !self.interactive {
            return Err(CliError::usage(
                "--source names the file of a mnemonic: add --recover or --interactive",
            ));
        }
        let bad = |error: CliError| error.while_doing(&file.display().to_string());
        let text = std::fs::read_to_string(file).map(Zeroizing::new);
        let text = text.map_err(|error| bad(error.into()).as_usage())?;
        let known: Mnemonic = text.parse().map_err(|error| bad(CliError::from(error)))?;
        Ok(Some(known))
    }

    fn store_public(&self, context: &Context, keyring: &Keyring, key: &Any, kind: Kind) -> Outcome {
        let info = match self.dry_run {
            true => KeyInfo::of(&self.name, kind, key.clone(), account(key)?.account()),
            false => keyring.add_public(&self.name, key)?,
        };
        context.print(&show::tree(&info));
        Ok(())
    }
}

impl Recover {
    pub(super) fn run(self, context: &Context, keyring: &Keyring) -> Outcome {
        let key = self.derivation.key(&typed(context)?)?;
        context.print(&show::tree(&keyring.add(&self.name, &key)?));
        Ok(())
    }
}

fn typed(context: &Context) -> Result<Mnemonic, CliError> {
    let words = context.console.secret("Enter the mnemonic:");
    Ok(words.unwrap_or_default().parse()?)
}

/// The passphrase of a mnemonic, typed twice unless it is empty.
fn passphrase(context: &Context) -> Result<Zeroizing<String>, CliError> {
    let ask = |question| context.console.secret(question).unwrap_or_default();
    let first = ask("Enter the mnemonic's passphrase; most have none: nothing. Without it the mnemonic makes another key:");
    if !first.is_empty() && ask("Repeat the passphrase:") != first {
        return Err(CliError::failed(
            "the passphrases differ: nothing was stored",
        ));
    }
    Ok(first)
}

fn account(key: &Any) -> Result<PublicKey, CliError> {
    PublicKey::unpack(key).map_err(|error| CliError::usage(error.log))
}

/// Reads a public key as JSON.
fn parse_public_key(json: &str) -> Result<Any, CliError> {
    let bad = |error: CliError| error.while_doing("--pubkey").as_usage();
    let json = serde_json::from_str(json).map_err(|error| bad(error.into()))?;
    let key = proto_json::any_from_json(json).map_err(|error| bad(error.into()))?;
    account(&key).map_err(bad)?;
    Ok(key)
}

/// The key that the keys of these names make together.
pub(super) fn several(
    keyring: &Keyring,
    names: &[String],
    threshold: u32,
    sort: bool,
) -> Result<Any, CliError> {
    let keys = names.iter().map(|name| keyring.info(name));
    let mut keys = keys.collect::<Result<Vec<_>, _>>()?;
    if sort {
        keys.sort_by_key(KeyInfo::account);
    }
    let key = any(&LegacyAminoPubKey {
        threshold,
        public_keys: keys.into_iter().map(|info| info.public_key).collect(),
    });
    account(&key)?;
    Ok(key)
}
