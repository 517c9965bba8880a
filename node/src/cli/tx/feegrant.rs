//! `raced tx feegrant`.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use race_app::time::{duration, milliseconds, timestamp};
use race_proto::cosmos::feegrant::v1beta1::{
    AllowedMsgAllowance, BasicAllowance, MsgGrantAllowance, MsgPruneAllowances, MsgRevokeAllowance,
    PeriodicAllowance,
};
use race_proto::Any;
use tendermint_proto::google::protobuf::Timestamp;

use super::authz::{known, other};
use super::{time, Sender, TxFlags};
use crate::cli::error::CliError;
use crate::cli::{Context, Outcome};
use crate::wallet::amount;
use crate::wallet::sign::any;

#[derive(Debug, Args)]
#[command(
    after_help = "The other account then sends with --fee-granter GRANTER, on every transaction.\n\nExample:\n  raced tx feegrant grant alice race1... --spend-limit 1icoin --yes"
)]
pub(super) struct Feegrant {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Promise to pay another account's fees
    #[command(
        alias = "grant-allowance",
        after_help = "Example:\n  raced tx feegrant grant alice race1... --spend-limit 1icoin --expiration 2027-01-31T15:04:05Z --yes\n  raced tx feegrant grant alice race1... --period 86400 --period-limit 10micoin --yes\n  raced tx feegrant grant alice race1... --allowed-messages /cosmos.gov.v1.MsgVote --yes"
    )]
    Grant(Grant),
    /// Take the promise back
    #[command(after_help = "Example:\n  raced tx feegrant revoke alice race1... --yes")]
    Revoke(Revoke),
    /// Have allowances forgotten whose time is over, at most 75
    #[command(after_help = "Example:\n  raced tx feegrant prune --from alice --yes")]
    Prune(Prune),
}

#[derive(Debug, Args)]
struct Grant {
    /// Name or address of the key that will pay
    granter: String,
    /// Address, or name of a key, whose fees it pays
    grantee: String,
    /// How much it pays in all [default: as much as there is]
    #[arg(long, value_name = "AMOUNT", value_parser = amount::parse)]
    spend_limit: Option<u128>,
    /// When it ends: 2027-01-31T15:04:05Z, or seconds since 1970 [default: never]
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    expiration: Option<Timestamp>,
    /// Length of a period; with --period-limit
    #[arg(long, value_name = "SECONDS", requires = "period_limit", value_parser = clap::value_parser!(u32).range(1..))]
    period: Option<u32>,
    /// How much it pays in a period; with --period
    #[arg(long, value_name = "AMOUNT", requires = "period", value_parser = amount::parse)]
    period_limit: Option<u128>,
    /// The only types of messages whose fees it pays [default: all]
    #[arg(long, value_name = "TYPE,TYPE,...", value_delimiter = ',')]
    allowed_messages: Vec<String>,
    #[command(flatten)]
    tx: TxFlags,
}

#[derive(Debug, Args)]
struct Revoke {
    /// Name or address of the key that pays
    granter: String,
    /// Address, or name of a key, whose fees it pays
    grantee: String,
    #[command(flatten)]
    tx: TxFlags,
}

#[derive(Debug, Args)]
struct Prune {
    #[command(flatten)]
    tx: TxFlags,
}

impl Grant {
    /// The allowance, whose first period begins now.
    fn allowance(&self, now_ms: u64) -> Result<Any, CliError> {
        if [self.spend_limit, self.period_limit].contains(&Some(0)) {
            return Err(CliError::usage(
                "--spend-limit and --period-limit must be more than zero",
            ));
        }
        let basic = BasicAllowance {
            spend_limit: self.spend_limit.map(amount::coin).into_iter().collect(),
            expiration: self.expiration,
        };
        let allowance = match (self.period, self.period_limit) {
            (Some(period), Some(limit)) => {
                let period_ms = u64::from(period) * 1000;
                let reset = now_ms.saturating_add(period_ms);
                let end = self.expiration.as_ref();
                if end.is_some_and(|end| milliseconds(Some(end)) < reset) {
                    return Err(CliError::usage(
                        "the allowance ends before its first period does: shorten --period, or leave both of its flags out",
                    ));
                }
                any(&PeriodicAllowance {
                    basic: Some(basic),
                    period: Some(duration(period_ms)),
                    period_spend_limit: vec![amount::coin(limit)],
                    period_can_spend: vec![amount::coin(limit)],
                    period_reset: Some(timestamp(reset)),
                })
            }
            _ => any(&basic),
        };
        if self.allowed_messages.is_empty() {
            return Ok(allowance);
        }
        self.allowed_messages
            .iter()
            .try_for_each(|url| known(url))?;
        Ok(any(&AllowedMsgAllowance {
            allowance: Some(allowance),
            allowed_messages: self.allowed_messages.clone(),
        }))
    }
}

impl Feegrant {
    pub(super) async fn run(self, context: Context) -> Outcome {
        match self.command {
            Command::Grant(grant) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH);
                let now = now.map_or(0, |now| now.as_secs() * 1000);
                let allowance = grant.allowance(now)?;
                let sender = Sender::new(&context, &grant.tx, Some(&grant.granter))?;
                let message = MsgGrantAllowance {
                    granter: sender.address(),
                    grantee: other(&sender, &grant.grantee)?,
                    allowance: Some(allowance),
                };
                sender.execute(vec![any(&message)]).await.map(drop)
            }
            Command::Revoke(revoke) => {
                let sender = Sender::new(&context, &revoke.tx, Some(&revoke.granter))?;
                let message = MsgRevokeAllowance {
                    granter: sender.address(),
                    grantee: other(&sender, &revoke.grantee)?,
                };
                sender.execute(vec![any(&message)]).await.map(drop)
            }
            Command::Prune(prune) => {
                let sender = Sender::new(&context, &prune.tx, None)?;
                let pruner = sender.address();
                let message = MsgPruneAllowances { pruner };
                sender.execute(vec![any(&message)]).await.map(drop)
            }
        }
    }
}
