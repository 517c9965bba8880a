//! `raced beacon`: the committee's threshold key, and checking a randomness beacon's signature.

use clap::{Args, Parser, Subcommand};
use race_proto::race::beacon::v1 as beacon;
use race_randomness::bls;

use super::config::{ClientConfig, NodeFlag};
use super::error::CliError;
use super::{Context, Outcome, Run};
use crate::client::ChainClient;
use crate::tree::Tree;

/// Tag of drand and of the standard's signatures in G2.
const DEFAULT_DST: &str = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";

/// Show how the committee's key comes about, check randomness beacons
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  raced beacon status\n  raced beacon verify --public-key HEX --signature HEX --message HEX"
)]
pub struct Beacon {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the key in force and the latest key generation: who dealt, complained and confirmed
    #[command(after_help = "Example:\n  raced beacon status --node tcp://localhost:26657")]
    Status(NodeFlag),
    /// Check one BLS12-381 signature, anyone's: exit code 0 if it is right, 1 if it is not, 2 if something given cannot be read
    #[command(
        after_help = "Example:\n  raced beacon verify --public-key 8689...ea31 --signature 82f5...0a42 --message 5f8c...1f0e"
    )]
    Verify(Verify),
}

#[derive(Debug, Args)]
struct Verify {
    /// Public key: point of G1, compressed, 48 bytes
    #[arg(long, value_name = "HEX", value_parser = parse_hex)]
    public_key: Bytes,
    /// Signature: point of G2, compressed, 96 bytes
    #[arg(long, value_name = "HEX", value_parser = parse_hex)]
    signature: Bytes,
    /// The bytes that are hashed to the curve (for drand, the round's digest)
    #[arg(long, value_name = "HEX", value_parser = parse_hex)]
    message: Bytes,
    /// Domain separation tag
    #[arg(long, value_name = "TEXT", default_value = DEFAULT_DST)]
    dst: String,
}

#[derive(Debug, Clone)]
struct Bytes(Vec<u8>);

fn parse_hex(text: &str) -> Result<Bytes, hex::FromHexError> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).map(Bytes)
}

impl Run for Beacon {
    async fn run(self, context: Context) -> Outcome {
        match self.command {
            Command::Status(node) => status(node, &context).await,
            Command::Verify(given) => verify(&given, &context),
        }
    }
}

fn verify(given: &Verify, context: &Context) -> Outcome {
    let valid = bls::verify_any(
        &given.public_key.0,
        &given.signature.0,
        &given.message.0,
        given.dst.as_bytes(),
    )
    .map_err(|error| CliError::from(error).as_usage())?;
    context.print(&Tree::map([("valid", Tree::from(valid))]));
    if valid {
        return Ok(());
    }
    Err(CliError::failed(
        "the signature is not that key's for this message and tag",
    ))
}

async fn status(flag: NodeFlag, context: &Context) -> Outcome {
    let flags = ClientConfig {
        node: flag.node,
        ..ClientConfig::default()
    };
    let config = flags.or(ClientConfig::read(&context.home)?);
    // Nothing is signed: the chain's id is of no matter.
    let chain = ChainClient::new(config.node(), "")?;
    let path = "/race.beacon.v1.Query/KeyGeneration";
    let generation: beacon::QueryKeyGenerationResponse = chain
        .ask(path, &beacon::QueryKeyGenerationRequest::default())
        .await?;
    let path = "/race.beacon.v1.Query/Key";
    let request = beacon::QueryKeyRequest::default();
    let key: beacon::QueryKeyResponse = match chain.ask(path, &request).await {
        // Before the first one there is none.
        Err(error) if error.is_not_found() => beacon::QueryKeyResponse::default(),
        other => other?,
    };
    context.print(&Tree::map([
        ("key", key.key.as_ref().map_or(Tree::text("none"), in_force)),
        ("generation", progress(&generation)),
    ]));
    Ok(())
}

fn threshold(threshold: u32, shares: u32) -> Tree {
    Tree::text(format!("{threshold} of {shares} shares"))
}

fn in_force(key: &beacon::CommitteeKey) -> Tree {
    Tree::map([
        ("epoch", Tree::from(key.epoch)),
        ("group", Tree::text(hex::encode(&key.group))),
        ("signs_with", threshold(key.threshold, key.shares)),
        ("generated_for_epoch", Tree::from(key.generated_epoch)),
    ])
}

fn progress(answer: &beacon::QueryKeyGenerationResponse) -> Tree {
    let of = answer.generation.clone().unwrap_or_default();
    let status = of.status().as_str_name();
    let status = status.trim_start_matches("KEY_STATUS_").to_lowercase();
    let dropped = of.dropped.iter().map(|a| Tree::text(hex::encode_upper(a)));
    let members = of.members.iter().map(|member| standing(answer, member));
    Tree::map([
        ("epoch", Tree::from(of.epoch)),
        ("race_attempt", Tree::from(of.race_attempt)),
        ("key_attempt", Tree::from(of.key_attempt)),
        ("status", Tree::text(status)),
        ("shortfall", Tree::text(&of.shortfall)),
        ("signs_with", threshold(of.threshold, of.shares)),
        ("dealt", Tree::from(answer.deals.len() as u64)),
        ("complaints", Tree::from(answer.complaints.len() as u64)),
        ("confirmed", Tree::from(answer.confirmations.len() as u64)),
        ("members", Tree::List(members.collect())),
        ("dropped", Tree::List(dropped.collect())),
    ])
}

fn standing(answer: &beacon::QueryKeyGenerationResponse, member: &beacon::KeyMember) -> Tree {
    let address = &member.address;
    let lied = answer
        .complaints
        .iter()
        .any(|complaint| match complaint.upheld {
            true => complaint.dealer == *address,
            false => complaint.accuser == *address,
        });
    let dealt = answer.deals.iter().any(|deal| deal.dealer == *address);
    let mut confirmations = answer.confirmations.iter();
    let confirmed = confirmations.any(|confirmation| confirmation.address == *address);
    Tree::map([
        ("address", Tree::text(hex::encode_upper(address))),
        ("power", Tree::from(member.power)),
        ("shares", Tree::from(member.shares)),
        ("dealt", Tree::from(dealt)),
        ("confirmed", Tree::from(confirmed)),
        ("lied", Tree::from(lied)),
    ])
}
