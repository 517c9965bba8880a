//! `raced model generate`: one request of a session.

use std::time::Duration;

use clap::Args;
use race_app::session::ATTEMPTS;
use race_proto::race::epoch::v1 as epoch;
use race_proto::race::inference::v1 as inference;
use race_proto::race::session::v1 as session;
use race_proto::race::settlement::v1 as settlement;

use crate::cli::config::{ClientConfig, NodeFlag};
use crate::cli::console::Format;
use crate::cli::error::CliError;
use crate::cli::{Context, Outcome};
use crate::client::{ChainClient, ClientError};
use crate::comet::keys::Address;
use crate::serving::client::{Ask, AskError, Asked, Drawn};
use crate::tree::Tree;
use crate::wallet::amount;
use crate::wallet::session_index::SessionIndex;
use crate::wallet::session_key::SessionFile;

/// Blocks for which a request stays valid.
const VALID_BLOCKS: u64 = 100;
const POLL: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(super) struct Generate {
    /// The session to ask in, opened with `raced tx session open` from this home
    #[arg(long, value_name = "ID")]
    session: u64,
    /// What to ask
    prompt: String,
    /// What the model is told before the question
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// Which request of the session, used once [default: the next one]
    #[arg(long, value_name = "N")]
    index: Option<u64>,
    /// Most tokens of the answer
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: u32,
    /// How freely tokens are drawn; 0 takes the likeliest
    #[arg(long, value_name = "X", default_value = "0.7", value_parser = parse_temperature)]
    temperature: u32,
    /// The most to pay, such as 10micoin [default: the session's ceiling]
    #[arg(long, value_name = "AMOUNT", value_parser = amount::parse)]
    max_fee: Option<u128>,
    /// The node to ask, HOST:PORT [default: the request's executor, as the chain names it]
    #[arg(long, value_name = "HOST:PORT")]
    grpc: Option<String>,
    /// How long to wait until hosts are drawn for the session
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
    #[command(flatten)]
    node: NodeFlag,
}

/// A decimal number with up to three places, in thousandths.
fn parse_temperature(text: &str) -> Result<u32, String> {
    let expected = || format!("expected a number from 0 to 10 such as 0.7, got {text:?}");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |t: &str| t.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 3 {
        return Err(expected());
    }
    let millis: u32 = format!("{whole}{part:0<3}")
        .parse()
        .map_err(|_| expected())?;
    if millis > 10_000 {
        return Err(expected());
    }
    Ok(millis)
}

/// What comes from others is shown without what could steer a terminal.
fn shown(text: &str) -> String {
    let harmless = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    text.chars().filter(harmless).collect()
}

/// The session on chain, once hosts are drawn for it in the current epoch.
async fn pinned(
    chain: &ChainClient,
    id: u64,
    wait: Duration,
    context: &Context,
) -> Result<session::Session, CliError> {
    let begin = std::time::Instant::now();
    let mut told = false;
    loop {
        let answer: session::QuerySessionResponse = chain
            .ask(
                "/race.session.v1.Query/Session",
                &session::QuerySessionRequest { id },
            )
            .await?;
        let now: epoch::QueryCurrentResponse = chain
            .ask(
                "/race.epoch.v1.Query/Current",
                &epoch::QueryCurrentRequest {},
            )
            .await?;
        let session = answer.session.unwrap_or_default();
        if session.status() == session::SessionStatus::Closed || now.height > session.expiry_height
        {
            return Err(CliError::failed(format!(
                "session {id} expired at height {}; open another with raced tx session open",
                session.expiry_height
            )));
        }
        let current = now.epoch.map_or(0, |epoch| epoch.number);
        if answer.pin.is_some_and(|pin| pin.epoch == current) {
            return Ok(session);
        }
        if begin.elapsed() >= wait {
            return Err(CliError::failed(format!(
                "no hosts are drawn for session {id} in epoch {current}: it waits for a beacon round, or no node hosts {}; wait longer with --wait",
                session.model_id
            )));
        }
        if !told {
            context.note(&format!("waiting until hosts are drawn for session {id}"));
            told = true;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The lowest index from `from` on that the chain has not settled.
async fn unsettled(chain: &ChainClient, session_id: u64, from: u64) -> Result<u64, ClientError> {
    let mut index = from;
    loop {
        let task: Result<settlement::QueryTaskResponse, _> = chain
            .ask(
                "/race.settlement.v1.Query/Task",
                &settlement::QueryTaskRequest { session_id, index },
            )
            .await;
        match task {
            Ok(answer) if answer.task.is_some() => index = index.saturating_add(1),
            Err(error) if !error.is_not_found() => return Err(error),
            Ok(_) | Err(_) => return Ok(index),
        }
    }
}

impl Generate {
    pub(super) async fn run(self, context: Context) -> Outcome {
        let file = SessionFile::load(&context.home, self.session)?;
        let flags = ClientConfig {
            node: self.node.node.clone(),
            chain_id: Some(file.chain_id.clone()),
            ..ClientConfig::default()
        };
        let chain = flags.or(ClientConfig::read(&context.home)?).chain().await?;
        let wait = Duration::from_secs(self.wait);
        let session = pinned(&chain, self.session, wait, &context).await?;
        let key = file.signing_key()?;
        if session.session_key != key.verifying_key().as_bytes() {
            return Err(CliError::failed(format!(
                "session {} of this chain has another key than the file in {}; it was opened on another chain",
                self.session,
                context.home.display()
            )));
        }
        let counter = SessionIndex::new(&context.home, self.session);
        let at_least = match self.index {
            Some(_) => 0,
            None => unsettled(&chain, self.session, counter.next()?).await?,
        };
        let next = self.index.unwrap_or(at_least);
        if next >= session.max_index {
            return Err(CliError::failed(format!(
                "session {} pays for {} requests, its indices end at {}; open another",
                self.session,
                session.max_index,
                session.max_index.saturating_sub(1)
            )));
        }
        let index = counter.claim(self.index, at_least)?;
        let asked = self.ask(&chain, &session, &key, index, &context).await;
        let (asked, attempt) = asked.map_err(|error| error.with("index", index))?;
        let end = &asked.finished;
        if let Some(why) = &asked.unacknowledged {
            context.note(&format!(
                "the answer's acknowledgement did not arrive ({}); send it with the same question and --index {index}",
                shown(why)
            ));
        }
        let executor = Address(asked.executor);
        match context.format {
            Format::Json => context.print(&Tree::map([
                ("session", Tree::from(self.session)),
                ("index", Tree::from(index)),
                ("attempt", Tree::from(attempt)),
                ("executor", Tree::text(executor)),
                ("text", Tree::text(&asked.text)),
                ("stop_reason", Tree::text(&end.stop_reason)),
                ("prompt_tokens", Tree::from(end.prompt_tokens)),
                ("output_tokens", Tree::from(end.output_tokens)),
                ("fee", Tree::text(&end.fee)),
                ("digest", Tree::text(hex::encode(&end.digest))),
                ("acknowledged", Tree::from(asked.unacknowledged.is_none())),
            ])),
            Format::Text => {
                context.console.write("\n");
                let fee = end
                    .fee
                    .parse()
                    .map_or_else(|_| end.fee.clone(), amount::show);
                context.note(&format!(
                    "request {index}, executor {executor}: {} prompt and {} answer tokens ({}), {fee}\ndigest {}",
                    end.prompt_tokens,
                    end.output_tokens,
                    end.stop_reason,
                    hex::encode(&end.digest)
                ));
            }
        }
        Ok(())
    }

    /// Asks the drawn executor, and those drawn after it while they are not there.
    async fn ask(
        &self,
        chain: &ChainClient,
        session: &session::Session,
        key: &ed25519_dalek::SigningKey,
        index: u64,
        context: &Context,
    ) -> Result<(Asked, u32), CliError> {
        let streams = context.format == Format::Text;
        let expiry = chain.height().await?.saturating_add(VALID_BLOCKS);
        let ceiling = session.ceiling.parse().unwrap_or(u128::MAX >> 1);
        let mut absent = None;
        for attempt in 0..ATTEMPTS {
            let drawn = Drawn::ask(chain, self.session, index, attempt).await?;
            let ask = Ask {
                chain_id: chain.chain_id(),
                session: self.session,
                index,
                attempt,
                drawn: &drawn,
                body: self.body(&session.model_id),
                max_fee: self.max_fee.map_or(ceiling, |fee| fee.min(ceiling)),
                expiry_height: expiry,
                key,
            };
            let grpc = self.grpc.as_deref().unwrap_or(&drawn.grpc);
            let asked = ask
                .run(grpc, &mut |text| {
                    if streams {
                        context.console.write(&shown(text));
                    }
                })
                .await;
            match asked {
                Ok(asked) => return Ok((asked, attempt)),
                // A node that was named and is not there will not be there for the next either.
                Err(error @ AskError::Unreachable { .. }) if self.grpc.is_some() => {
                    return Err(CliError::from(error).while_doing("--grpc"));
                }
                Err(error) if error.is_absent() => {
                    let text = CliError::from(error);
                    context.note(&format!("executor {attempt}: {}", text.message()));
                    absent = Some(text);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(absent.unwrap_or_else(|| CliError::failed("no executor was drawn")))
    }

    fn body(&self, model_id: &str) -> inference::RequestBody {
        let message = |role: &str, content: &str| inference::ChatMessage {
            role: role.to_owned(),
            content: content.to_owned(),
        };
        let system = self.system.iter().map(|text| message("system", text));
        inference::RequestBody {
            model_id: model_id.to_owned(),
            messages: system.chain([message("user", &self.prompt)]).collect(),
            prompt: String::new(),
            max_tokens: self.max_tokens,
            temperature_millis: self.temperature,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temperature_is_exact_in_thousandths_or_refused() {
        for (text, millis) in [
            ("0", 0),
            ("0.7", 700),
            ("1", 1_000),
            ("1.25", 1_250),
            ("10", 10_000),
        ] {
            assert_eq!(parse_temperature(text), Ok(millis), "{text}");
        }
        for text in ["", "-1", "0.7001", "10.001", "1e3", "warm", ".5"] {
            assert!(parse_temperature(text).is_err(), "{text}");
        }
    }

    #[test]
    fn text_from_others_cannot_steer_a_terminal() {
        assert_eq!(shown("a\u{1b}[2Jb\nc\td\u{7}"), "a[2Jb\nc\td");
    }
}
