//! `raced tx bank`.

use clap::{Args, Subcommand};
use race_proto::cosmos::bank::v1beta1::MsgSend;

use super::{Sender, TxFlags};
use crate::cli::error::CliError;
use crate::cli::{Context, Outcome};
use crate::wallet::amount;
use crate::wallet::sign::any;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  raced tx bank send alice race1... 5icoin --yes")]
pub(super) struct Bank {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send coins from an account to another
    #[command(
        after_help = "Example:\n  raced tx bank send alice race1... 2.5micoin --home DIR/client --yes"
    )]
    Send(Send),
}

#[derive(Debug, Args)]
struct Send {
    /// Name or address of the key that sends
    #[arg(value_name = "FROM")]
    sender: String,
    /// Address, or name of a key, that receives
    #[arg(value_name = "TO")]
    receiver: String,
    /// How much: 5icoin, 2.5micoin, 1.5uicoin, 7nicoin
    #[arg(value_parser = amount::parse)]
    amount: u128,
    #[command(flatten)]
    tx: TxFlags,
}

impl Bank {
    pub(super) async fn run(self, context: Context) -> Outcome {
        let Command::Send(send) = self.command;
        if send.amount == 0 {
            return Err(CliError::usage("nothing to send: the amount is zero"));
        }
        let sender = Sender::new(&context, &send.tx, Some(&send.sender))?;
        let message = MsgSend {
            from_address: sender.address(),
            to_address: sender.resolve(&send.receiver)?.to_string(),
            amount: vec![amount::coin(send.amount)],
        };
        sender.execute(vec![any(&message)]).await.map(drop)
    }
}
