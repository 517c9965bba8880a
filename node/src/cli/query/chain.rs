//! Queries that CometBFT answers: `tx` and `block`.

use clap::{Arg, ArgMatches, Command};
use prost::Message;
use race_proto::cosmos::tx::v1beta1::Tx;
use serde_json::{json, Value};

use super::Connection;
use crate::cli::error::CliError;
use crate::cli::tx::report;
use crate::cli::{Context, Outcome};
use crate::comet::rpc;
use crate::proto_json as proto;
use crate::tree::Tree;

pub(super) fn commands() -> [Command; 2] {
    let tx = Command::new("tx")
        .about("A transaction by its hash: where it is, what it did")
        .after_help("Example:\n  raced query tx 9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08")
        .arg(
            Arg::new("hash")
                .required(true)
                .value_name("HASH")
                .value_parser(hash)
                .help("SHA-256 of the transaction, 64 hex digits"),
        );
    let block = Command::new("block")
        .about("A block by its height, or the last")
        .after_help("Example:\n  raced query block 12 --output json")
        .arg(
            Arg::new("block")
                .value_name("HEIGHT")
                .value_parser(clap::value_parser!(u64))
                .help("Its height [default: the last]"),
        );
    [tx, block]
}

fn hash(text: &str) -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes)
        .map_err(|_| "expected 64 hex digits".to_owned())?;
    Ok(bytes)
}

/// Runs the query when it is one of these.
pub(super) async fn run(
    name: &str,
    given: &ArgMatches,
    connection: &Connection,
    context: &Context,
) -> Option<Outcome> {
    match name {
        "tx" => Some(tx(given.get_one("hash")?, connection, context).await),
        "block" => {
            let height = given.get_one("block").copied().or(connection.height);
            Some(block(height, connection, context).await)
        }
        _ => None,
    }
}

async fn tx(hash: &[u8; 32], connection: &Connection, context: &Context) -> Outcome {
    let found = connection.chain.rpc().tx(hash, false).await?;
    let found = found
        .ok_or_else(|| CliError::failed(format!("tx not found: {}", hex::encode_upper(hash))))?;
    let result = &found.tx_result;
    let mut fields = report::response(&report::Response {
        height: found.height,
        hash: &found.hash,
        codespace: &result.codespace,
        code: result.code,
        data: &result.data,
        log: &result.log,
        gas: Some((result.gas_wanted, result.gas_used)),
        events: &result.events,
    });
    fields.push(("tx".to_owned(), decoded(&found)));
    context.print(&Tree::Map(fields));
    Ok(())
}

/// The transaction itself; its bytes when they are none.
fn decoded(found: &rpc::Tx) -> Tree {
    let Ok(tx) = Tx::decode(found.tx.as_slice()) else {
        return Tree::Bytes(found.tx.clone());
    };
    let body = tx.body.unwrap_or_default();
    let auth_info = tx.auth_info.unwrap_or_default();
    let signer = auth_info.signer_infos.iter().map(|signer| {
        let key = signer.public_key.as_ref();
        Tree::map([
            ("public_key", key.map_or(Tree::null(), proto::any_tree)),
            ("sequence", Tree::text(signer.sequence)),
        ])
    });
    let fee = auth_info.fee.unwrap_or_default();
    Tree::map([
        ("body", report::body(&body)),
        (
            "auth_info",
            Tree::map([
                ("signer_infos", Tree::List(signer.collect())),
                ("fee", report::fee(&fee)),
            ]),
        ),
        (
            "signatures",
            Tree::List(tx.signatures.into_iter().map(Tree::Bytes).collect()),
        ),
    ])
}

async fn block(height: Option<u64>, connection: &Connection, context: &Context) -> Outcome {
    let params = height.map_or(json!({}), |height| json!({ "height": height.to_string() }));
    let block: Value = connection.chain.rpc().call("block", params).await?;
    context.print(&Tree::from(block));
    Ok(())
}
