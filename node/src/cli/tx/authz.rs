//! `raced tx authz`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use race_app::registry;
use race_proto::cosmos::authz::v1beta1::{
    GenericAuthorization, Grant as Granted, MsgExec, MsgGrant, MsgRevoke,
};
use race_proto::cosmos::bank::v1beta1::SendAuthorization;
use race_proto::Any;
use tendermint_proto::google::protobuf::Timestamp;

use super::{file, time, Sender, TxFlags};
use crate::cli::error::CliError;
use crate::cli::{Context, Outcome};
use crate::wallet::amount;
use crate::wallet::sign::any;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  raced tx authz grant race1... send --spend-limit 5icoin --from alice --yes"
)]
pub(super) struct Authz {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Let another account send messages of a type in the sender's name
    #[command(
        after_help = "Example:\n  raced tx authz grant race1... send --spend-limit 5icoin --allow-list race1... --from alice --yes\n  raced tx authz grant race1... generic --msg-type /cosmos.gov.v1.MsgVote --expiration 2027-01-31T15:04:05Z --from alice --yes"
    )]
    Grant(Grant),
    /// Send the messages of a transaction in a file, under their senders' grants
    #[command(
        after_help = "FILE is a transaction, as --generate-only prints it; its fee and signatures do not matter.\n\nExample:\n  raced tx bank send ALICE race1... 1icoin --generate-only > tx.json\n  raced tx authz exec tx.json --from hot --yes"
    )]
    Exec(Exec),
    /// Take a grant back
    #[command(
        after_help = "Example:\n  raced tx authz revoke race1... /cosmos.bank.v1beta1.MsgSend --from alice --yes"
    )]
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Grant {
    /// Address, or name of a key, that may send them
    grantee: String,
    /// "send": transfers up to a limit; "generic": any message of a type
    #[arg(value_enum, value_name = "send|generic")]
    kind: Kind,
    /// With "send": how much in all
    #[arg(long, value_name = "AMOUNT", value_parser = amount::parse)]
    spend_limit: Option<u128>,
    /// With "send": addresses, or names of keys, that alone may receive it
    #[arg(long, value_name = "TO,TO,...", value_delimiter = ',')]
    allow_list: Vec<String>,
    /// With "generic": the type, such as /cosmos.gov.v1.MsgVote
    #[arg(long, value_name = "TYPE")]
    msg_type: Option<String>,
    /// When it ends: 2027-01-31T15:04:05Z, or seconds since 1970 [default: never]
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    expiration: Option<Timestamp>,
    #[command(flatten)]
    tx: TxFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Send,
    Generic,
}

#[derive(Debug, Args)]
struct Exec {
    /// A transaction; "-" for standard input
    file: PathBuf,
    #[command(flatten)]
    tx: TxFlags,
}

#[derive(Debug, Args)]
struct Revoke {
    /// Address, or name of a key, that has it
    grantee: String,
    /// The type of its messages, such as /cosmos.bank.v1beta1.MsgSend
    #[arg(value_name = "MSG_TYPE")]
    msg_type: String,
    #[command(flatten)]
    tx: TxFlags,
}

impl Grant {
    fn authorization(&self, sender: &Sender) -> Result<Any, CliError> {
        match (self.kind, self.spend_limit, &self.msg_type) {
            (Kind::Send, Some(limit), None) => {
                if limit == 0 {
                    return Err(CliError::usage("--spend-limit must be more than zero"));
                }
                let mut allow_list = Vec::new();
                for who in &self.allow_list {
                    let address = sender.resolve(who)?.to_string();
                    if allow_list.contains(&address) {
                        return Err(CliError::usage(format!(
                            "{address} is in --allow-list twice"
                        )));
                    }
                    allow_list.push(address);
                }
                Ok(any(&SendAuthorization {
                    spend_limit: vec![amount::coin(limit)],
                    allow_list,
                }))
            }
            (Kind::Generic, None, Some(url)) if self.allow_list.is_empty() => {
                known(url)?;
                Ok(any(&GenericAuthorization { msg: url.clone() }))
            }
            (Kind::Send, ..) => Err(CliError::usage(
                "a grant to send has --spend-limit AMOUNT, and may have --allow-list; for any transfer grant: generic --msg-type /cosmos.bank.v1beta1.MsgSend",
            )),
            (Kind::Generic, ..) => Err(CliError::usage(
                "a generic grant has --msg-type TYPE, and neither --spend-limit nor --allow-list",
            )),
        }
    }
}

/// Refuses what is no type of this chain's messages.
pub(super) fn known(url: &str) -> Result<(), CliError> {
    match registry::message(url) {
        Some(_) => Ok(()),
        None => Err(CliError::usage(format!(
            "{url:?} is no message of this chain: expected a type such as /cosmos.bank.v1beta1.MsgSend"
        ))),
    }
}

impl Authz {
    pub(super) async fn run(self, context: Context) -> Outcome {
        match self.command {
            Command::Grant(grant) => {
                let sender = Sender::new(&context, &grant.tx, None)?;
                let message = MsgGrant {
                    granter: sender.address(),
                    grantee: other(&sender, &grant.grantee)?,
                    grant: Some(Granted {
                        authorization: Some(grant.authorization(&sender)?),
                        expiration: grant.expiration,
                    }),
                };
                sender.execute(vec![any(&message)]).await.map(drop)
            }
            Command::Exec(exec) => {
                let body = file::read(&context, &exec.file)?.body.unwrap_or_default();
                if body.messages.is_empty() {
                    let shown = exec.file.display();
                    return Err(CliError::usage(format!("{shown}: it has no messages")));
                }
                let sender = Sender::new(&context, &exec.tx, None)?;
                let message = MsgExec {
                    grantee: sender.address(),
                    msgs: body.messages,
                };
                sender.execute(vec![any(&message)]).await.map(drop)
            }
            Command::Revoke(revoke) => {
                known(&revoke.msg_type)?;
                let sender = Sender::new(&context, &revoke.tx, None)?;
                let message = MsgRevoke {
                    granter: sender.address(),
                    grantee: other(&sender, &revoke.grantee)?,
                    msg_type_url: revoke.msg_type,
                };
                sender.execute(vec![any(&message)]).await.map(drop)
            }
        }
    }
}

/// The other side of a grant of the sender's.
pub(super) fn other(sender: &Sender, who: &str) -> Result<String, CliError> {
    let account = sender.resolve(who)?;
    match account == sender.account() {
        true => Err(CliError::usage(format!(
            "{account} is the granter itself: a grant is to another account"
        ))),
        false => Ok(account.to_string()),
    }
}
