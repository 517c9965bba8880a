//! `raced beacon`: the committee's threshold key, and checking a randomness beacon's signature.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use race_proto::race::beacon::v1 as beacon;
use race_randomness::bls::{self, PublicKey, Signature};
use race_randomness::signing::SignedSeed;

use super::config::{ClientConfig, NodeFlag};
use super::error::CliError;
use super::{Context, Outcome, Run};
use crate::client::ChainClient;
use crate::proto_json;
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
    /// Check one BLS12-381 signature, anyone's, or a race seed of this network: exit code 0 if it is right, 1 if it is not, 2 if something given cannot be read
    #[command(
        after_help = "Example:\n  raced beacon verify --public-key 8689...ea31 --signature 82f5...0a42 --message 5f8c...1f0e\n  raced query beacon seed --epoch 7 --output json > seed.json && raced beacon verify --seed seed.json --public-key b93b...ee3a"
    )]
    Verify(Verify),
}

#[derive(Debug, Args)]
struct Verify {
    /// Public key: point of G1, compressed, 48 bytes. With --seed: the group key that is trusted; without it the one in the file, which whoever wrote the file has chosen
    #[arg(long, value_name = "HEX", value_parser = parse_hex, required_unless_present = "seed")]
    public_key: Option<Bytes>,
    /// Signature: point of G2, compressed, 96 bytes
    #[arg(long, value_name = "HEX", value_parser = parse_hex, required_unless_present = "seed")]
    signature: Option<Bytes>,
    /// The bytes that are hashed to the curve (for drand, the round's digest)
    #[arg(long, value_name = "HEX", value_parser = parse_hex, required_unless_present = "seed")]
    message: Option<Bytes>,
    /// Domain separation tag
    #[arg(long, value_name = "TEXT", default_value = DEFAULT_DST)]
    dst: String,
    /// A race seed as `raced query beacon seed --output json` prints it: checks the signature over the transcript, and the seed out of both. No node is asked
    #[arg(long, value_name = "FILE", conflicts_with_all = ["signature", "message", "dst"])]
    seed: Option<PathBuf>,
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
    if let Some(path) = &given.seed {
        return verify_seed(path, given.public_key.as_ref(), context);
    }
    let bytes = |given: &Option<Bytes>| given.as_ref().map_or_else(Vec::new, |b| b.0.clone());
    let valid = bls::verify_any(
        &bytes(&given.public_key),
        &bytes(&given.signature),
        &bytes(&given.message),
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

/// Checks a race seed out of a file alone.
fn verify_seed(path: &Path, trusted: Option<&Bytes>, context: &Context) -> Outcome {
    let unreadable = |reason: String| CliError::usage(format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let answer: beacon::QuerySeedResponse =
        proto_json::from_text(&text).map_err(|error| unreadable(error.to_string()))?;
    let seed = answer
        .seed
        .ok_or_else(|| unreadable("there is no seed in it".to_owned()))?;
    if seed.degraded {
        let reason = "this seed was made of members' secrets, since the committee did not sign: there is no signature to check";
        return Err(CliError::failed(reason));
    }
    let hash = |name: &str, bytes: &[u8]| -> Result<[u8; 32], CliError> {
        let length = || unreadable(format!("{name} has {} bytes, not 32", bytes.len()));
        bytes.try_into().map_err(|_| length())
    };
    let bad_point = |error: bls::BlsError| unreadable(error.to_string());
    let group = trusted.map_or(seed.group.as_slice(), |given| given.0.as_slice());
    let group = PublicKey::from_bytes(group).map_err(bad_point)?;
    let signed = SignedSeed {
        chain_id: &answer.chain_id,
        epoch: seed.epoch,
        race_attempt: seed.race_attempt.into(),
        transcript: hash("transcript", &seed.transcript)?,
        signing_attempt: seed.signing_attempt.into(),
        signature: Signature::from_bytes(&seed.signature).map_err(bad_point)?,
        seed: hash("seed", &seed.seed)?,
    };
    let verdict = signed.verify(&group);
    let key_from = match trusted {
        Some(_) => "the command line",
        None => "the file: compare it with a key that you trust",
    };
    context.print(&Tree::map([
        ("valid", Tree::from(verdict.is_ok())),
        ("epoch", Tree::from(seed.epoch)),
        ("seed", Tree::text(hex::encode(&seed.seed))),
        ("group", Tree::text(hex::encode(group.to_bytes()))),
        ("key_from", Tree::text(key_from)),
    ]));
    verdict.map_err(|error| CliError::failed(error.to_string()))
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
    let path = "/race.beacon.v1.Query/OpenRounds";
    let rounds: beacon::QueryOpenRoundsResponse = chain
        .ask(path, &beacon::QueryOpenRoundsRequest::default())
        .await?;
    let path = "/race.beacon.v1.Query/Seed";
    let seed: beacon::QuerySeedResponse =
        match chain.ask(path, &beacon::QuerySeedRequest::default()).await {
            // Before the first one there is none.
            Err(error) if error.is_not_found() => beacon::QuerySeedResponse::default(),
            other => other?,
        };
    context.print(&Tree::map([
        ("key", key.key.as_ref().map_or(Tree::text("none"), in_force)),
        ("seed", seed.seed.as_ref().map_or(Tree::text("none"), drawn)),
        (
            "rounds",
            Tree::List(rounds.rounds.iter().map(standing_of).collect()),
        ),
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

fn drawn(seed: &beacon::Seed) -> Tree {
    Tree::map([
        ("epoch", Tree::from(seed.epoch)),
        ("race_attempt", Tree::from(seed.race_attempt)),
        ("seed", Tree::text(hex::encode(&seed.seed))),
        ("degraded", Tree::from(seed.degraded)),
        ("signing_attempt", Tree::from(seed.signing_attempt)),
        ("height", Tree::from(seed.height)),
    ])
}

/// Where an open round stands, and the block at which its window ends.
fn standing_of(round: &beacon::Round) -> Tree {
    let id = round.id.unwrap_or_default();
    let purpose = id.purpose().as_str_name();
    let purpose = purpose.trim_start_matches("PURPOSE_").to_lowercase();
    let status = round.status().as_str_name();
    let status = status.trim_start_matches("ROUND_STATUS_").to_lowercase();
    let until = match round.status() {
        beacon::RoundStatus::Signing => round.sign_end,
        _ => round.reveal_end,
    };
    Tree::map([
        ("purpose", Tree::text(purpose)),
        ("epoch", Tree::from(id.epoch)),
        ("attempt", Tree::from(id.attempt)),
        ("round", Tree::from(id.round)),
        ("status", Tree::text(status)),
        ("signing_attempt", Tree::from(round.signing_attempt)),
        ("until_height", Tree::from(until)),
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
