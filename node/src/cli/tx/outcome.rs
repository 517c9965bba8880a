//! What became of a transaction that was handed to a node.

use std::time::Duration;

use super::report::{self, Response};
use crate::cli::console::Format;
use crate::cli::error::CliError;
use crate::cli::Context;
use crate::client::{ChainClient, ClientError, Included};
use crate::tree::Tree;

/// Waits for the block of a transaction that was sent, at most for `wait` (not at all for `None`), and
/// prints what happened.
///
/// # Errors
/// When it was refused, before a block or in it, or not confirmed.
pub(super) async fn of(
    context: &Context,
    chain: &ChainClient,
    sent: Result<String, ClientError>,
    wait: Option<Duration>,
) -> Result<Option<Included>, CliError> {
    let done = match (sent, wait) {
        (Ok(hash), None) => {
            print(
                context,
                &Response {
                    height: 0,
                    hash: &hash,
                    codespace: "",
                    code: 0,
                    data: &[],
                    log: "",
                    gas: None,
                    events: &[],
                },
            );
            return Ok(None);
        }
        (Ok(hash), Some(wait)) => chain.wait_for_tx(&hash, wait).await,
        (Err(error), _) => Err(error),
    };
    match &done {
        Ok(included) => print(
            context,
            &Response {
                height: included.height,
                hash: &included.hash,
                codespace: "",
                code: 0,
                data: &included.data,
                log: &included.log,
                gas: Some((included.gas_wanted, included.gas_used)),
                events: &included.events,
            },
        ),
        Err(ClientError::Refused(refusal)) => print(
            context,
            &Response {
                height: refusal.height.unwrap_or(0),
                hash: &refusal.hash,
                codespace: &refusal.codespace,
                code: refusal.code,
                data: &[],
                log: &refusal.log,
                gas: Some((refusal.gas_wanted, refusal.gas_used)),
                events: &[],
            },
        ),
        Err(_) => {}
    }
    Ok(Some(done?))
}

/// In JSON all of it; for people what they look for.
fn print(context: &Context, response: &Response<'_>) {
    let mut fields = report::response(response);
    if context.format == Format::Text {
        fields.retain(|(name, _)| name != "data" && name != "events");
        fields.retain(|(name, _)| response.code != 0 || name != "codespace");
        for (name, _) in &mut fields {
            if name == "raw_log" {
                *name = "log".to_owned();
            }
        }
    }
    context.print(&Tree::Map(fields));
}
