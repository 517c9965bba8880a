//! A developer opens a session and asks.

use std::io::Write as _;

use race_proto::race::{epoch::v1 as epoch, inference::v1 as inference, session::v1 as session};

use super::{say, Failure, Opened, Story, UNITS_PER_TOKEN};
use crate::demo::FORGER;
use crate::serving::client::{Ask, Asked, Drawn};
use crate::wallet::amount;
use crate::wallet::session_key::SessionFile;

/// Tokens of an answer.
const MAX_TOKENS: u32 = 48;

impl Story<'_> {
    pub(super) async fn open_session(&mut self) -> Result<Opened, Failure> {
        self.title("A developer opens a session");
        // Room for both answers in one epoch: wait for the serving time when little is left.
        let sight = &self.sight;
        let now = sight
            .until("an epoch in its serving time", || async move {
                let epoch = sight.epoch().await?;
                let height = sight.chain.height().await?;
                let room = epoch.phase() == epoch::Phase::Serve
                    && epoch.phase_end > height.saturating_add(5);
                Ok(room.then_some(height))
            })
            .await?;
        let (_, first_price) = self.price().await?;
        let model_id = self.network.models[0].id.clone();
        let alice = self.key("alice")?;
        let file = SessionFile::generate(
            &self.network.chain_id,
            &alice.account().to_string(),
            &model_id,
        );
        let ceiling = first_price
            .saturating_mul(u128::from(UNITS_PER_TOKEN))
            .saturating_mul(512);
        let open = session::MsgOpenSession {
            creator: alice.account().to_string(),
            model_id: model_id.clone(),
            escrow: Some(amount::coin(ceiling.saturating_mul(64))),
            ceiling: Some(amount::coin(ceiling)),
            session_key: hex::decode(&file.session_key)?,
            integrity_level: 0,
            expiry_height: now.saturating_add(400),
        };
        let included = self.send("alice", &open).await?;
        let response: session::MsgOpenSessionResponse = included.response(0)?;
        let id = response.id;
        say(&format!(
            "   session {id} in block {}, escrow {}",
            included.height,
            amount::show(ceiling.saturating_mul(64))
        ));
        let (file, _) = file.opened(&self.plan.client_home(), id)?;
        let sight = &self.sight;
        let pin = sight
            .until("the session's beacon round", || async move {
                let answer: session::QuerySessionResponse = sight
                    .ask(
                        "/race.session.v1.Query/Session",
                        &session::QuerySessionRequest { id },
                    )
                    .await?;
                Ok(answer.pin)
            })
            .await?;
        say(&format!(
            "   pinned by session round {} of epoch {}: {} hosts, {} nicoin per unit",
            pin.round,
            pin.epoch,
            pin.hosts.len(),
            pin.price_per_unit
        ));
        Ok(Opened {
            id,
            file,
            epoch: pin.epoch,
            model_id,
            first_price,
        })
    }

    /// Finds an index that an honest node executes and one that the forger does, and asks both.
    pub(super) async fn ask_both(&mut self, opened: &Opened) -> Result<(u64, u64), Failure> {
        self.title("The developer asks; the drawn executors answer");
        let forger = hex::decode(&self.network.nodes[usize::from(FORGER)].validator)?;
        let (mut honest, mut forged) = (None, None);
        for index in 0..64 {
            let answer: session::QueryExecutorResponse = self
                .sight
                .ask(
                    "/race.session.v1.Query/Executor",
                    &session::QueryExecutorRequest {
                        session_id: opened.id,
                        index,
                        attempt: 0,
                    },
                )
                .await?;
            let slot = if answer.address == forger {
                &mut forged
            } else {
                &mut honest
            };
            slot.get_or_insert((index, self.node_name(&answer.address)));
            if honest.is_some() && forged.is_some() {
                break;
            }
        }
        let (honest, forged) = honest
            .zip(forged)
            .ok_or("the draw named no honest node or no forger in 64 indices")?;
        for ((index, executor), question) in [
            (
                &honest,
                "Name three colours of the rainbow and say one sentence about each.",
            ),
            (&forged, "Explain in a few sentences why the sky is blue."),
        ] {
            let mark = if *index == forged.0 {
                " (which forges)"
            } else {
                ""
            };
            say(&format!(
                "   request {index}, executed by {executor}{mark}: {question}"
            ));
            print!("   > ");
            std::io::stdout().flush()?;
            let asked = self.ask_one(opened, *index, question).await?;
            say(&format!(
                "\n   {} prompt and {} answer tokens, {} nicoin, acknowledged",
                asked.finished.prompt_tokens, asked.finished.output_tokens, asked.finished.fee
            ));
        }
        Ok((honest.0, forged.0))
    }

    async fn ask_one(&self, opened: &Opened, index: u64, question: &str) -> Result<Asked, Failure> {
        let body = inference::RequestBody {
            model_id: opened.model_id.clone(),
            messages: vec![inference::ChatMessage {
                role: "user".into(),
                content: question.into(),
            }],
            prompt: String::new(),
            max_tokens: MAX_TOKENS,
            temperature_millis: 700,
        };
        let height = self.sight.chain.height().await?;
        let drawn = Drawn::ask(&self.sight.chain, opened.id, index, 0).await?;
        let ask = Ask {
            chain_id: &self.network.chain_id,
            session: opened.id,
            index,
            attempt: 0,
            drawn: &drawn,
            body,
            max_fee: u128::MAX >> 1,
            expiry_height: height.saturating_add(100),
            key: &opened.file.signing_key()?,
        };
        // Any node takes the request; this one forwards it.
        let mut show = |text: &str| {
            print!("{}", text.replace('\n', " "));
            // A closed standard output shows at the next line.
            drop(std::io::stdout().flush());
        };
        let asked = ask.run(&self.network.nodes[0].grpc, &mut show).await?;
        match asked.unacknowledged {
            Some(why) => Err(format!("the acknowledgement did not arrive: {why}").into()),
            None => Ok(asked),
        }
    }
}
