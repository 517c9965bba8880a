//! Who sends a transaction, and sending it.

use race_app::address::Account;
use race_proto::Any;

use super::flags::TxFlags;
use super::outcome;
use crate::cli::config::ClientConfig;
use crate::cli::error::CliError;
use crate::cli::Context;
use crate::client::{AccountNumbers, ChainClient, ClientError, Estimate, Gas, Included, TxOptions};
use crate::proto_json as proto;
use crate::tree::Tree;
use crate::wallet::amount;
use crate::wallet::document;
use crate::wallet::key::Key;
use crate::wallet::keyring::{Keyring, KeyringError};
use crate::wallet::sign::TxDraft;

/// The gas limit of a transaction that is only printed, when none is given: the SDK's default.
const GAS_UNSEEN: u64 = 200_000;
/// The gas limit of a free message, which its handler bounds.
const GAS_FREE: u64 = 100_000_000;

/// The sender of one transaction: an account, its key where it is needed, and how to send.
pub struct Sender {
    context: Context,
    flags: TxFlags,
    config: ClientConfig,
    options: TxOptions,
    account: Account,
    public_key: Option<[u8; 33]>,
    /// Only when it will sign: a key at rest may need its passphrase.
    key: Option<Key>,
}

impl Sender {
    /// The sender that `--from` names, or `named` (the first argument of `tx bank send`).
    ///
    /// # Errors
    /// When none is named, or it has no key here (and one is needed).
    pub fn new(context: &Context, flags: &TxFlags, named: Option<&str>) -> Result<Self, CliError> {
        let config = flags.config().or(ClientConfig::read(&context.home)?);
        let mut options = flags.options(&config)?;
        let from = match (named, flags.from.as_deref()) {
            (Some(named), _) => named,
            (None, Some(from)) => from,
            (None, None) => {
                return Err(CliError::usage("who sends it? give --from KEY"));
            }
        };
        let keyring = config.keyring(context)?;
        let unsigned = flags.dry_run || flags.generate_only;
        let (account, public_key) = match keyring.info(from) {
            Ok(info) => (info.account(), info.secp256k1()),
            Err(error @ (KeyringError::Unknown { .. } | KeyringError::Name(_))) => {
                match Account::parse(from) {
                    Ok(account) if unsigned => (account, None),
                    _ => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        };
        if let (Some(_), Some(other)) = (named, flags.from.as_deref()) {
            let same = keyring.info(other).map(|info| info.address);
            let same = same.unwrap_or_else(|_| other.to_owned());
            if same != account.to_string() {
                return Err(CliError::usage(format!(
                    "the sender is {account}, but --from is {same}: leave --from out"
                )));
            }
        }
        let payers = [
            (
                "--fee-granter",
                &flags.fee_granter,
                &mut options.fee_granter,
            ),
            ("--fee-payer", &flags.fee_payer, &mut options.fee_payer),
        ];
        for (flag, who, payer) in payers {
            let who = who.as_deref().map(|who| resolve(&keyring, who));
            *payer = who.transpose().map_err(|error| error.while_doing(flag))?;
        }
        if let (Some(payer), false) = (
            options.fee_payer,
            unsigned || options.fee_payer == Some(account),
        ) {
            return Err(CliError::usage(format!(
                "{payer} pays the fee, so it must sign, too: make the transaction with --generate-only, and let both sign it with `tx sign --sign-mode amino-json`"
            )));
        }
        let key = match unsigned {
            true => None,
            false => Some(keyring.get(from)?.1),
        };
        Ok(Self {
            context: context.clone(),
            flags: flags.clone(),
            config,
            options,
            account,
            public_key,
            key,
        })
    }

    /// The account that sends.
    #[must_use]
    pub fn address(&self) -> String {
        self.account.to_string()
    }

    /// As [`address`](Self::address).
    #[must_use]
    pub const fn account(&self) -> Account {
        self.account
    }

    /// An account by its address, or by the name of a key in the keyring.
    ///
    /// # Errors
    /// When it is neither.
    pub fn resolve(&self, who: &str) -> Result<Account, CliError> {
        resolve(&self.config.keyring(&self.context)?, who)
    }

    /// The chain.
    ///
    /// # Errors
    /// When it does not answer, or must not be asked.
    pub async fn chain(&self) -> Result<ChainClient, CliError> {
        if self.flags.offline {
            return Err(CliError::usage(
                "this transaction cannot be made without asking a node: leave --offline out",
            ));
        }
        self.config.chain().await
    }

    /// Whether it will be signed and sent, and not only shown.
    #[must_use]
    pub fn sends(&self) -> bool {
        !self.flags.dry_run && !self.flags.generate_only
    }

    /// Does what the flags say with a transaction of these messages, and prints it; returns what
    /// the chain did when it was sent and waited for.
    ///
    /// # Errors
    /// When it is refused, before a block or in it, or not confirmed.
    pub async fn execute(&self, messages: Vec<Any>) -> Result<Option<Included>, CliError> {
        if self.flags.generate_only {
            self.generate(&self.draft(messages)?);
            return Ok(None);
        }
        let chain = self.chain().await?;
        let mut estimate = chain
            .estimate(&self.account, self.public_key, &messages, &self.options)
            .await?;
        estimate.account = self.numbers(estimate.account);
        self.finish(&chain, messages, &estimate).await
    }

    /// [`execute`](Self::execute) for a message that is free and that an account may send which
    /// is not on chain yet.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub async fn execute_free(&self, messages: Vec<Any>) -> Result<Option<Included>, CliError> {
        let gas_limit = match self.options.gas {
            Gas::Limit(limit) => limit,
            Gas::Auto { .. } => GAS_FREE,
        };
        if self.flags.generate_only {
            self.generate(&self.options.draft(messages).paying(gas_limit, 0));
            return Ok(None);
        }
        let chain = self.chain().await?;
        let account = match chain.account(&self.account).await {
            Err(ClientError::NoAccount(_)) => AccountNumbers {
                number: 0,
                sequence: 0,
            },
            other => other?,
        };
        let estimate = Estimate {
            gas_used: None,
            gas_limit,
            fee: 0,
            account: self.numbers(account),
        };
        self.finish(&chain, messages, &estimate).await
    }

    /// Shows, confirms, sends and waits, as the flags say.
    async fn finish(
        &self,
        chain: &ChainClient,
        messages: Vec<Any>,
        estimate: &Estimate,
    ) -> Result<Option<Included>, CliError> {
        let (Some(key), false) = (&self.key, self.flags.dry_run) else {
            let used = estimate.gas_used.map_or(Tree::null(), Tree::text);
            self.context.print(&Tree::map([
                ("gas_used", used),
                ("gas_limit", Tree::text(estimate.gas_limit)),
                ("fee", Tree::text(format!("{}nicoin", estimate.fee))),
            ]));
            return Ok(None);
        };
        if !self.flags.yes {
            self.confirm(chain, &messages, estimate.fee)?;
        }
        let sent = chain
            .submit_estimated(key, &messages, &self.options, estimate)
            .await;
        outcome::of(
            &self.context,
            chain,
            sent,
            (!self.flags.no_wait).then_some(self.options.wait),
        )
        .await
    }

    /// Prints a transaction for `tx sign`: always JSON, which is what its file has.
    fn generate(&self, draft: &TxDraft) {
        let text = document::json(&draft.transaction());
        self.context.console.print(&text);
    }

    /// What the flags say of the account goes before what the node says.
    fn numbers(&self, account: AccountNumbers) -> AccountNumbers {
        AccountNumbers {
            number: self.flags.account_number.unwrap_or(account.number),
            sequence: self.flags.sequence.unwrap_or(account.sequence),
        }
    }

    fn draft(&self, messages: Vec<Any>) -> Result<TxDraft, CliError> {
        let gas = match self.options.gas {
            Gas::Limit(limit) => limit,
            Gas::Auto { .. } => GAS_UNSEEN,
        };
        let draft = self.options.draft(messages);
        Ok(draft.paying(gas, self.options.fee(gas)?))
    }

    fn confirm(&self, chain: &ChainClient, messages: &[Any], fee: u128) -> Result<(), CliError> {
        let shown = Tree::List(messages.iter().map(proto::any_tree).collect());
        self.context.note(&shown.to_text());
        let question = format!(
            "Send this to {} for a fee of {}?",
            chain.chain_id(),
            amount::show(fee)
        );
        if self.context.console.confirm(&question) {
            return Ok(());
        }
        Err(CliError::failed("not sent: answer y, or add --yes"))
    }
}

/// An account by its address, or by the name of a key.
fn resolve(keyring: &Keyring, who: &str) -> Result<Account, CliError> {
    let address = match Account::parse(who) {
        Ok(account) => return Ok(account),
        Err(error) => error,
    };
    match keyring.info(who) {
        Ok(info) => Ok(info.account()),
        Err(_) => Err(CliError::usage(format!(
            "{who:?} is neither an address ({address}) nor the name of a key"
        ))),
    }
}
