//! `raced keys list`, `show` and `parse`.

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use clap::{Args, ValueEnum};
use race_app::address::{CONSENSUS_PREFIX, OPERATOR_PREFIX, PREFIX};
use race_app::tx::signature::PublicKey;

use super::add::several;
use crate::cli::console::Format;
use crate::cli::error::CliError;
use crate::cli::{Context, Outcome};
use crate::tree::Tree;
use crate::wallet::keyring::{KeyInfo, Keyring, Kind};

/// The fields of a key, named as `gaiad` names them.
pub(super) fn fields(info: &KeyInfo) -> Vec<(String, Tree)> {
    let fields = [
        ("name", Tree::text(&info.name)),
        ("type", Tree::text(info.kind)),
        ("address", Tree::text(&info.address)),
        ("pubkey", Tree::text(info.public_key_json())),
    ];
    fields.map(|(name, tree)| (name.to_owned(), tree)).into()
}

/// A key.
pub(super) fn tree(info: &KeyInfo) -> Tree {
    Tree::Map(fields(info))
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only the names
    #[arg(long, short = 'n')]
    list_names: bool,
}

impl List {
    pub(super) fn run(self, context: &Context, keyring: &Keyring) -> Outcome {
        let keys = keyring.list()?;
        if keys.is_empty() {
            context.note("no keys: make one with `raced keys add NAME`");
        }
        if self.list_names && context.format == Format::Text {
            keys.iter()
                .for_each(|info| context.console.print(&info.name));
            return Ok(());
        }
        let shown = |info: &KeyInfo| match self.list_names {
            true => Tree::text(&info.name),
            false => tree(info),
        };
        context.print(&Tree::List(keys.iter().map(shown).collect()));
        Ok(())
    }
}

/// Whose address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    /// The account's.
    Acc,
    /// The operator's, as staking shows it.
    Val,
    /// The form of consensus addresses.
    Cons,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Names or addresses of keys
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// Print only the address
    #[arg(long, short, conflicts_with = "pubkey")]
    address: bool,
    /// Print only the public key, JSON with an "@type"
    #[arg(long, short)]
    pubkey: bool,
    /// The form of the address
    #[arg(long, value_enum, value_name = "acc|val|cons", default_value = "acc")]
    bech: Role,
    /// Of several names: how many must sign
    #[arg(long, value_name = "K", default_value_t = 1)]
    multisig_threshold: u32,
}

impl Show {
    pub(super) fn run(self, context: &Context, keyring: &Keyring) -> Outcome {
        let mut info = match self.names.as_slice() {
            [name] => keyring.info(name)?,
            names => {
                let key = several(keyring, names, self.multisig_threshold, false)?;
                let account = PublicKey::unpack(&key);
                let account = account
                    .map_err(|error| CliError::usage(error.log))?
                    .account();
                KeyInfo::of("multi", Kind::Multi, key, account)
            }
        };
        let prefix = match self.bech {
            Role::Acc => PREFIX,
            Role::Val => OPERATOR_PREFIX,
            Role::Cons => CONSENSUS_PREFIX,
        };
        info.address = info.account().with_prefix(prefix);
        match (self.address, self.pubkey) {
            (true, _) => context.console.print(&info.address),
            (_, true) => context.console.print(&info.public_key_json()),
            _ => context.print(&tree(&info)),
        }
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(super) struct ParseAddress {
    /// The address, hex or bech32
    address: String,
}

impl ParseAddress {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let text = self.address.trim();
        if let Ok(parsed) = CheckedHrpstring::new::<Bech32>(text) {
            let bytes: Vec<u8> = parsed.byte_iter().collect();
            context.print(&Tree::map([
                ("human", Tree::text(parsed.hrp().to_lowercase())),
                ("bytes", Tree::text(hex::encode_upper(bytes))),
            ]));
            return Ok(());
        }
        let neither = || CliError::usage(format!("{text:?} is neither bech32 nor hex"));
        let bytes = hex::decode(text).ok().filter(|bytes| !bytes.is_empty());
        let bytes = bytes.ok_or_else(neither)?;
        // The SDK's list: an address and a public key of each role.
        let roles = [PREFIX, OPERATOR_PREFIX, CONSENSUS_PREFIX];
        let mut formats = Vec::new();
        for prefix in roles
            .iter()
            .flat_map(|role| [(*role).to_owned(), format!("{role}pub")])
        {
            let prefix = Hrp::parse(&prefix)?;
            let form = bech32::encode::<Bech32>(prefix, &bytes).map_err(|_| neither())?;
            formats.push(Tree::text(form));
        }
        context.print(&Tree::map([("formats", Tree::List(formats))]));
        Ok(())
    }
}
