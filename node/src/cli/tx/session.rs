//! `raced tx session`.

use clap::{Args, Subcommand};
use race_proto::race::session::v1::{MsgOpenSession, MsgOpenSessionResponse};

use super::{Sender, TxFlags};
use crate::cli::{Context, Outcome};
use crate::wallet::amount;
use crate::wallet::session_key::SessionFile;
use crate::wallet::sign::any;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  raced tx session open --model smollm2-135m-instruct.q4-1 --escrow 1icoin --ceiling 100micoin --expiry-blocks 500 --from alice --yes"
)]
pub(super) struct Session {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put coins aside for answers of a model; what is not used comes back when the session expires
    #[command(
        after_help = "An answer costs (tokens of prompt and answer) x (the model's units for a token) x (the price of a\nunit): 700 tokens of a model of 135 units at 1,000 nicoin are 94.5micoin. The escrow divided by the\nceiling is how many requests the session covers. The key that signs the session's requests is made here and kept in HOME/sessions/ID.json.\n\nExample:\n  raced tx session open --model smollm2-135m-instruct.q4-1 --escrow 1icoin --ceiling 100micoin --expiry-blocks 500 --from alice --yes"
    )]
    Open(Open),
}

#[derive(Debug, Args)]
struct Open {
    /// The model's id, as `raced query model models` lists it
    #[arg(long, value_name = "ID")]
    model: String,
    /// What is put aside, such as 1icoin
    #[arg(long, value_name = "AMOUNT", value_parser = amount::parse)]
    escrow: u128,
    /// The most that one request may cost, such as 100micoin
    #[arg(long, value_name = "AMOUNT", value_parser = amount::parse)]
    ceiling: u128,
    /// How many blocks from now it stays open
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    expiry_blocks: u64,
    /// An ed25519 public key (32 bytes, hex) whose private key is elsewhere [default: a new one]
    #[arg(long, value_name = "HEX", value_parser = parse_key)]
    session_key: Option<[u8; 32]>,
    #[command(flatten)]
    tx: TxFlags,
}

fn parse_key(text: &str) -> Result<[u8; 32], String> {
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).map_err(|_| "expected 64 hex digits".to_owned())?;
    Ok(key)
}

impl Session {
    pub(super) async fn run(self, context: Context) -> Outcome {
        let Command::Open(open) = self.command;
        let sender = Sender::new(&context, &open.tx, None)?;
        let chain = sender.chain().await?;
        let generated = match open.session_key {
            Some(_) => None,
            None => Some(SessionFile::generate(
                chain.chain_id(),
                &sender.address(),
                &open.model,
            )),
        };
        let session_key = match (&open.session_key, &generated) {
            (Some(key), _) => key.to_vec(),
            (None, Some(file)) => file.signing_key()?.verifying_key().as_bytes().to_vec(),
            (None, None) => Vec::new(),
        };
        let message = MsgOpenSession {
            creator: sender.address(),
            model_id: open.model,
            escrow: Some(amount::coin(open.escrow)),
            ceiling: Some(amount::coin(open.ceiling)),
            session_key,
            integrity_level: 0,
            expiry_height: chain.height().await?.saturating_add(open.expiry_blocks),
        };
        if !sender.sends() && generated.is_some() {
            context.note("the session key is not kept: nothing is sent");
        }
        // Stored before it is sent, so that no session is ever open without its key.
        if let (true, Some(file)) = (sender.sends(), &generated) {
            file.store(&context.home)?;
        }
        let sent = sender.execute(vec![any(&message)]).await;
        let Some(file) = generated else {
            return sent.map(drop);
        };
        match sent {
            Ok(Some(included)) => {
                let id = included.response::<MsgOpenSessionResponse>(0)?.id;
                let (_, path) = file.opened(&context.home, id)?;
                context.note(&format!("session {id}: its key is in {}", path.display()));
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(error) if error.is_refusal() => {
                file.discard(&context.home)?;
                Err(error)
            }
            // It may still get into a block, and then needs its key.
            Err(error) => Err(error.with("session_key", &file.session_key)),
        }
    }
}
