//! `raced tx gov upgrade`: a proposal to upgrade, without a file.

use clap::Args;
use race_app::gov;
use race_proto::cosmos::gov::v1::MsgSubmitProposal;
use race_proto::cosmos::upgrade::v1beta1::{MsgSoftwareUpgrade, Plan};

use super::{Sender, TxFlags};
use crate::cli::{Context, Outcome};
use crate::wallet::amount;
use crate::wallet::sign::any;

#[derive(Debug, Args)]
pub(super) struct Upgrade {
    /// The app version that comes, as v2
    #[arg(value_name = "NAME")]
    name: String,
    /// The first height of the new version: all older programs halt before it
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
    height: i64,
    /// The proposal's deposit
    #[arg(long, value_parser = amount::parse)]
    deposit: u128,
    /// Where the program is, for operators: a link
    #[arg(long, default_value = "")]
    info: String,
    /// The proposal's title [default: Upgrade to NAME]
    #[arg(long)]
    title: Option<String>,
    /// The proposal's summary [default: what happens when]
    #[arg(long)]
    summary: Option<String>,
    #[command(flatten)]
    tx: TxFlags,
}

impl Upgrade {
    pub(super) async fn run(self, context: Context) -> Outcome {
        let sender = Sender::new(&context, &self.tx, None)?;
        let (name, height) = (self.name, self.height);
        let summary =
            || format!("From height {height} on, blocks are made by the program of {name}.");
        let message = MsgSubmitProposal {
            initial_deposit: vec![amount::coin(self.deposit)],
            proposer: sender.address(),
            title: self.title.unwrap_or_else(|| format!("Upgrade to {name}")),
            summary: self.summary.unwrap_or_else(summary),
            messages: vec![any(&MsgSoftwareUpgrade {
                authority: gov::authority().to_string(),
                plan: Some(Plan {
                    name,
                    height,
                    info: self.info,
                    ..Plan::default()
                }),
            })],
            ..MsgSubmitProposal::default()
        };
        sender.execute(vec![any(&message)]).await.map(drop)
    }
}
