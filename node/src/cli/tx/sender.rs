//! Who sends a transaction, and sending it.

use race_app::address::Account;
use race_proto::Any;

use super::flags::TxFlags;
use super::report::{self, Response};
use crate::cli::config::ClientConfig;
use crate::cli::error::CliError;
use crate::cli::Context;
use crate::client::{AccountNumbers, ChainClient, ClientError, Estimate, Gas, Included, TxOptions};
use crate::proto_json as proto;
use crate::tree::Tree;
use crate::wallet::amount;
use crate::wallet::key::Key;
use crate::wallet::keyring::KeyringError;
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
    key: Option<Key>,
}

impl Sender {
    /// The sender that `--from` names, or `named` (the first argument of `tx bank send`).
    ///
    /// # Errors
    /// When none is named, or it has no key here (and one is needed).
    pub fn new(context: &Context, flags: &TxFlags, named: Option<&str>) -> Result<Self, CliError> {
        let config = flags.config().or(ClientConfig::read(&context.home)?);
        let options = flags.options(&config)?;
        let from = match (named, flags.from.as_deref()) {
            (Some(named), _) => named,
            (None, Some(from)) => from,
            (None, None) => {
                return Err(CliError::usage("who sends it? give --from KEY"));
            }
        };
        let keyring = config.keyring(&context.home)?;
        let unsigned = flags.dry_run || flags.generate_only;
        let (account, key) = match keyring.get(from) {
            Ok((_, key)) => (key.account(), Some(key)),
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
                    "FROM is {account}, but --from is {same}: leave --from out"
                )));
            }
        }
        Ok(Self {
            context: context.clone(),
            flags: flags.clone(),
            config,
            options,
            account,
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
        let address = match Account::parse(who) {
            Ok(account) => return Ok(account),
            Err(error) => error,
        };
        match self.config.keyring(&self.context.home)?.get(who) {
            Ok((_, key)) => Ok(key.account()),
            Err(_) => Err(CliError::usage(format!(
                "{who:?} is neither an address ({address}) nor the name of a key"
            ))),
        }
    }

    /// The chain.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn chain(&self) -> Result<ChainClient, CliError> {
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
            let draft = self.draft(messages)?;
            self.context.print(&report::unsigned(&draft));
            return Ok(None);
        }
        let chain = self.chain().await?;
        let public_key = self.key.as_ref().map(Key::public_key);
        let estimate = chain
            .estimate(&self.account, public_key, &messages, &self.options)
            .await?;
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
            let draft = TxDraft::new(messages).paying(gas_limit, 0);
            self.context.print(&report::unsigned(&draft));
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
            account,
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
        let done = match sent {
            Ok(hash) if self.flags.no_wait => {
                self.print(&Response {
                    height: 0,
                    hash: &hash,
                    codespace: "",
                    code: 0,
                    data: &[],
                    log: "",
                    gas: None,
                    events: &[],
                });
                return Ok(None);
            }
            Ok(hash) => chain.wait_for_tx(&hash, self.options.wait).await,
            Err(error) => Err(error),
        };
        match &done {
            Ok(included) => self.print(&Response {
                height: included.height,
                hash: &included.hash,
                codespace: "",
                code: 0,
                data: &included.data,
                log: &included.log,
                gas: Some((included.gas_wanted, included.gas_used)),
                events: &included.events,
            }),
            Err(ClientError::Refused(refusal)) => self.print(&Response {
                height: refusal.height.unwrap_or(0),
                hash: &refusal.hash,
                codespace: &refusal.codespace,
                code: refusal.code,
                data: &[],
                log: &refusal.log,
                gas: Some((refusal.gas_wanted, refusal.gas_used)),
                events: &[],
            }),
            Err(_) => {}
        }
        Ok(Some(done?))
    }

    fn draft(&self, messages: Vec<Any>) -> Result<TxDraft, CliError> {
        let gas = match self.options.gas {
            Gas::Limit(limit) => limit,
            Gas::Auto { .. } => GAS_UNSEEN,
        };
        let draft = TxDraft {
            memo: self.options.memo.clone(),
            timeout_height: self.options.timeout_height,
            ..TxDraft::new(messages)
        };
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

    /// In JSON all of it; for people what they look for.
    fn print(&self, response: &Response<'_>) {
        let mut fields = report::response(response);
        if self.context.format == crate::cli::console::Format::Text {
            fields.retain(|(name, _)| name != "data" && name != "events");
            fields.retain(|(name, _)| response.code != 0 || name != "codespace");
            for (name, _) in &mut fields {
                if name == "raw_log" {
                    *name = "log".to_owned();
                }
            }
        }
        self.context.print(&Tree::Map(fields));
    }
}
