//! `raced tx gov`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use race_proto::cosmos::gov::v1::{MsgDeposit, MsgSubmitProposal, MsgVote, VoteOption};
use serde::Deserialize;

use super::upgrade::Upgrade;
use super::{Sender, TxFlags};
use crate::cli::error::CliError;
use crate::cli::{Context, Outcome};
use crate::proto_json as proto;
use crate::wallet::amount;
use crate::wallet::sign::any;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  raced tx gov vote 1 yes --from alice --yes")]
pub(super) struct Gov {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Propose messages that governance executes when the vote passes
    #[command(
        after_help = "FILE is JSON:\n  {\"messages\": [{\"@type\": \"/race.model.v1.MsgRegisterModel\", ...}], \"deposit\": \"10icoin\",\n   \"title\": \"...\", \"summary\": \"...\", \"metadata\": \"\"}\nAn \"authority\" that is left out is governance's own account.\n\nExample:\n  raced tx gov submit-proposal proposal.json --from alice --yes"
    )]
    SubmitProposal(SubmitProposal),
    /// Propose to upgrade the chain's program at a height
    #[command(
        after_help = "Example:\n  raced tx gov upgrade v2 --height 250000 --deposit 10icoin --info https://example.org/v2 --from alice --yes"
    )]
    Upgrade(Box<Upgrade>),
    /// Vote on a proposal
    #[command(after_help = "Example:\n  raced tx gov vote 1 yes --from alice --yes")]
    Vote(Vote),
    /// Add to a proposal's deposit
    #[command(after_help = "Example:\n  raced tx gov deposit 1 10icoin --from alice --yes")]
    Deposit(Deposit),
}

#[derive(Debug, Args)]
struct SubmitProposal {
    /// The proposal, JSON
    file: PathBuf,
    #[command(flatten)]
    tx: TxFlags,
}

#[derive(Debug, Args)]
struct Vote {
    /// Which proposal
    #[arg(value_name = "ID")]
    proposal: u64,
    /// What of it
    #[arg(value_enum)]
    option: Choice,
    #[command(flatten)]
    tx: TxFlags,
}

#[derive(Debug, Args)]
struct Deposit {
    /// Which proposal
    #[arg(value_name = "ID")]
    proposal: u64,
    /// How much: 5icoin, 2.5micoin, 1.5uicoin, 7nicoin
    #[arg(value_parser = amount::parse)]
    amount: u128,
    #[command(flatten)]
    tx: TxFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Choice {
    Yes,
    No,
    Abstain,
    #[value(name = "no_with_veto", alias = "no-with-veto")]
    NoWithVeto,
}

impl From<Choice> for VoteOption {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Yes => Self::Yes,
            Choice::No => Self::No,
            Choice::Abstain => Self::Abstain,
            Choice::NoWithVeto => Self::NoWithVeto,
        }
    }
}

/// A proposal's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProposalFile {
    #[serde(default)]
    messages: Vec<serde_json::Value>,
    deposit: String,
    title: String,
    summary: String,
    #[serde(default)]
    metadata: String,
    #[serde(default)]
    expedited: bool,
}

impl ProposalFile {
    fn message(self, proposer: String) -> Result<MsgSubmitProposal, CliError> {
        let deposit = amount::parse(&self.deposit)
            .map_err(|error| CliError::from(error).while_doing("deposit"))?;
        let mut messages = Vec::new();
        for (place, message) in self.messages.into_iter().enumerate() {
            let message = proto::any_from_json(message).map_err(|error| {
                CliError::from(error).while_doing(&format!("messages[{place}]"))
            })?;
            messages.push(message);
        }
        Ok(MsgSubmitProposal {
            messages,
            initial_deposit: Vec::from_iter((deposit > 0).then(|| amount::coin(deposit))),
            proposer,
            metadata: self.metadata,
            title: self.title,
            summary: self.summary,
            expedited: self.expedited,
        })
    }
}

impl Gov {
    pub(super) async fn run(self, context: Context) -> Outcome {
        match self.command {
            Command::SubmitProposal(submit) => {
                let shown = submit.file.display().to_string();
                let bad = |error: CliError| error.while_doing(&shown).as_usage();
                let text = std::fs::read_to_string(&submit.file);
                let text = text.map_err(|error| bad(error.into()))?;
                let file: ProposalFile =
                    serde_json::from_str(&text).map_err(|error| bad(error.into()))?;
                let sender = Sender::new(&context, &submit.tx, None)?;
                let message = file.message(sender.address()).map_err(bad)?;
                sender.execute(vec![any(&message)]).await.map(drop)
            }
            Command::Upgrade(upgrade) => upgrade.run(context).await,
            Command::Vote(vote) => {
                let sender = Sender::new(&context, &vote.tx, None)?;
                let message = MsgVote {
                    proposal_id: vote.proposal,
                    voter: sender.address(),
                    option: VoteOption::from(vote.option).into(),
                    metadata: String::new(),
                };
                sender.execute(vec![any(&message)]).await.map(drop)
            }
            Command::Deposit(deposit) => {
                let sender = Sender::new(&context, &deposit.tx, None)?;
                let message = MsgDeposit {
                    proposal_id: deposit.proposal,
                    depositor: sender.address(),
                    amount: vec![amount::coin(deposit.amount)],
                };
                sender.execute(vec![any(&message)]).await.map(drop)
            }
        }
    }
}
