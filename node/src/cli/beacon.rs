//! `raced beacon`: checking a randomness beacon's signature.

use clap::{Args, Parser, Subcommand};
use race_randomness::bls;

use super::error::CliError;
use super::tree::Tree;
use super::{Context, Outcome, Run};

/// Tag of drand and of the standard's signatures in G2.
const DEFAULT_DST: &str = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";

/// Check randomness beacons
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  raced beacon verify --public-key HEX --signature HEX --message HEX"
)]
pub struct Beacon {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
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
        let Command::Verify(given) = self.command;
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
}
