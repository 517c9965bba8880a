//! `raced tx`: transactions, laid out as on Cosmos chains.
//!
//! | file | what is in it |
//! |---|---|
//! | `bank.rs`, `authz.rs`, `feegrant.rs`, `gov.rs`, `session.rs`, `pricing.rs`, `node.rs` | what can be sent |
//! | `flags.rs`, `sender.rs` | who sends it, and how |
//! | `sign.rs`, `sign_batch.rs`, `multisign.rs` | signing transactions in files, without a node if need be |
//! | `validate.rs` | who has signed one |
//! | `file.rs` | sending, simulating and converting one |
//! | `report.rs`, `outcome.rs` | what became of it |

mod authz;
mod bank;
mod feegrant;
mod file;
mod flags;
mod gov;
mod multisign;
mod node;
mod outcome;
mod pricing;
pub(super) mod report;
mod sender;
mod session;
mod sign;
mod sign_batch;
mod time;
mod upgrade;
mod validate;

use clap::{Parser, Subcommand};

use super::{Context, Outcome, Run};

pub use flags::TxFlags;
pub use sender::Sender;

/// Send a transaction and wait until a block holds it
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  raced tx bank send alice race1... 5icoin --home DIR/client --yes"
)]
pub struct Tx {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send coins
    Bank(bank::Bank),
    /// Let others send messages in an account's name
    Authz(authz::Authz),
    /// Pay the fees of others
    Feegrant(feegrant::Feegrant),
    /// Propose, deposit and vote
    Gov(gov::Gov),
    /// Open inference sessions
    Session(session::Session),
    /// Vote on the price of compute
    Pricing(pricing::Pricing),
    /// Register and update nodes
    Node(node::Node),
    /// Sign a transaction that --generate-only printed
    #[command(
        after_help = "What is printed is the signed transaction, for `tx broadcast`; with --signature-only or --multisig the\nsignature alone, for `tx multisign`. The files are those of the Cosmos SDK's tools.\n\nExample:\n  raced tx bank send race1... race1... 5icoin --generate-only > unsigned.json\n  raced tx sign unsigned.json --from alice > signed.json\n  raced tx sign unsigned.json --from alice --offline --chain-id race-1 --account-number 7 --sequence 3"
    )]
    Sign(sign::Sign),
    /// Sign transactions one after the other, each with the next sequence
    #[command(
        name = "sign-batch",
        after_help = "A FILE has any number of transactions, such as one a line. What is printed has one a line.\n\nExample:\n  raced tx sign-batch unsigned.json --from alice > signed.json\n  raced tx sign-batch one.json two.json --append --from alice\n  raced tx sign-batch unsigned.json --from alice --offline --chain-id race-1 --account-number 7 --sequence 3"
    )]
    SignBatch(sign_batch::SignBatch),
    /// Say who must sign a transaction, who has, and whether the signatures are right
    #[command(
        name = "validate-signatures",
        after_help = "Example:\n  raced tx validate-signatures signed.json\n  raced tx validate-signatures signed.json --offline"
    )]
    ValidateSignatures(validate::ValidateSignatures),
    /// Join the signatures of several keys' owners
    #[command(
        name = "multisign",
        alias = "multi-sign",
        after_help = "Example:\n  raced keys add shared --multisig alice,bob,carol --multisig-threshold 2\n  raced tx sign unsigned.json --from alice --multisig shared > alice.json\n  raced tx sign unsigned.json --from bob --multisig shared > bob.json\n  raced tx multisign unsigned.json shared alice.json bob.json > signed.json"
    )]
    Multisign(multisign::Multisign),
    /// Send a signed transaction and wait until a block holds it
    #[command(after_help = "Example:\n  raced tx broadcast signed.json")]
    Broadcast(file::Broadcast),
    /// Run a transaction on the last state, and print what it would take
    #[command(after_help = "Example:\n  raced tx simulate unsigned.json")]
    Simulate(file::Simulate),
    /// Print the bytes of a transaction in base64
    #[command(after_help = "Example:\n  raced tx encode signed.json")]
    Encode(file::Encode),
    /// Print a transaction that is given in base64
    #[command(after_help = "Example:\n  raced tx decode CpABCo0B...")]
    Decode(file::Decode),
}

impl Run for Tx {
    async fn run(self, context: Context) -> Outcome {
        match self.command {
            Command::Bank(command) => command.run(context).await,
            Command::Authz(command) => command.run(context).await,
            Command::Feegrant(command) => command.run(context).await,
            Command::Gov(command) => command.run(context).await,
            Command::Session(command) => command.run(context).await,
            Command::Pricing(command) => command.run(context).await,
            Command::Node(command) => command.run(context).await,
            Command::Sign(command) => command.run(context).await,
            Command::SignBatch(command) => command.run(context).await,
            Command::ValidateSignatures(command) => command.run(context).await,
            Command::Multisign(command) => command.run(context).await,
            Command::Broadcast(command) => command.run(context).await,
            Command::Simulate(command) => command.run(context).await,
            Command::Encode(command) => command.run(&context),
            Command::Decode(command) => command.run(&context),
        }
    }
}
