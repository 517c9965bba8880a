//! `raced tx pricing`.

use clap::{Args, Subcommand};
use race_proto::race::pricing::v1::MsgVotePrice;

use super::{Sender, TxFlags};
use crate::cli::{Context, Outcome};
use crate::wallet::amount;
use crate::wallet::sign::any;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  raced tx pricing vote 12nicoin --from node0 --yes")]
pub(super) struct Pricing {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Vote on the price of a unit of compute; the weighted median holds from the next epoch on
    #[command(after_help = "Example:\n  raced tx pricing vote 12nicoin --from node0 --yes")]
    Vote(Vote),
}

#[derive(Debug, Args)]
struct Vote {
    /// The price of a unit: an amount such as 1.5uicoin, or a number of nicoin
    #[arg(value_parser = parse_price)]
    price: u128,
    #[command(flatten)]
    tx: TxFlags,
}

/// A number alone is nicoin, in which the chain has prices.
fn parse_price(text: &str) -> Result<u128, amount::AmountError> {
    amount::parse(text).or_else(|error| match error {
        amount::AmountError::NoUnit(number) => amount::parse(&format!("{number}nicoin")),
        other => Err(other),
    })
}

impl Pricing {
    pub(super) async fn run(self, context: Context) -> Outcome {
        let Command::Vote(vote) = self.command;
        let sender = Sender::new(&context, &vote.tx, None)?;
        let message = MsgVotePrice {
            sender: sender.address(),
            price: vote.price.to_string(),
        };
        sender.execute(vec![any(&message)]).await.map(drop)
    }
}
