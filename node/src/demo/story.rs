//! The steps of the story. Each is a transaction or a query; what is printed was read from the
//! chain.

use std::io::Write as _;

use race_app::address::Account;
use race_app::coin;
use race_inference::gguf::Header;
use race_proto::cosmos::gov::v1 as gov;
use race_proto::race::{
    beacon::v1 as beacon, duty::v1 as duty, epoch::v1 as epoch, inference::v1 as inference,
    model::v1 as model, pricing::v1 as pricing, race::v1 as race_pb, reputation::v1 as reputation,
    session::v1 as session, settlement::v1 as settlement, treasury::v1 as treasury,
};

use super::sight::Sight;
use super::{say, FORGER};
use crate::client::{ChainClient, TxOptions};
use crate::localnet::Plan;
use crate::network::Network;
use crate::node::Failure;
use crate::serving::client::{Ask, Asked};
use crate::wallet::amount;
use crate::wallet::key::Key;
use crate::wallet::keyring::Keyring;
use crate::wallet::session_key::SessionFile;
use crate::wallet::sign::any;

/// Units of compute for a token of the demo model: its parameters in millions.
const UNITS_PER_TOKEN: u64 = 135;
/// Tokens of an answer.
const MAX_TOKENS: u32 = 48;
/// What the operators vote the price up to, in per mille of the current one: within the clamp.
const VOTES: [u128; 4] = [1_020, 1_050, 1_050, 1_080];

struct Story<'a> {
    plan: &'a Plan,
    network: &'a Network,
    sight: Sight,
    keyring: Keyring,
    step: u32,
    max_mean_distance: u32,
}

/// Tells the whole story.
///
/// # Errors
/// A step was not seen on chain.
pub async fn tell(plan: &Plan, network: &Network, max_mean_distance: u32) -> Result<(), Failure> {
    let chain = ChainClient::new(&network.nodes[0].rpc, &network.chain_id)?;
    let keyring = Keyring::open(&plan.client_home(), "test")?;
    let mut story = Story {
        plan,
        network,
        sight: Sight { chain },
        keyring,
        step: 0,
        max_mean_distance,
    };
    story.genesis().await?;
    let proposal = story.propose_model().await?;
    story.beacon().await?;
    story.race().await?;
    story.model_is_loaded(proposal).await?;
    story.vote_price().await?;
    let opened = story.open_session().await?;
    let (honest, forged) = story.ask_both(&opened).await?;
    story.settled(&opened, honest, forged).await?;
    story.forger_is_found(&opened, forged).await?;
    story.honest_is_checked(&opened, honest).await?;
    story.price_moved().await?;
    story.paid(&opened, honest, forged).await?;
    say("\nEvery step was seen on chain.");
    Ok(())
}

/// The session of the story.
struct Opened {
    id: u64,
    file: SessionFile,
    epoch: u64,
    model_id: String,
    first_price: u128,
}

impl Story<'_> {
    fn title(&mut self, text: &str) {
        self.step = self.step.saturating_add(1);
        say(&format!("\n{}. {text}", self.step));
    }

    fn key(&self, name: &str) -> Result<Key, Failure> {
        Ok(self.keyring.get(name)?.1)
    }

    fn node_name(&self, address: &[u8]) -> String {
        let hex = hex::encode_upper(address);
        self.network
            .nodes
            .iter()
            .find(|n| n.validator == hex)
            .map_or_else(|| hex.clone(), |n| n.name.clone())
    }

    async fn send<M: prost::Name>(
        &self,
        from: &str,
        message: &M,
    ) -> Result<crate::client::Included, Failure> {
        Ok(self
            .sight
            .chain
            .send(&self.key(from)?, vec![any(message)], &TxOptions::default())
            .await?)
    }

    async fn genesis(&mut self) -> Result<(), Failure> {
        self.title("Keys and genesis");
        for node in &self.network.nodes {
            say(&format!(
                "   {}  validator {}  operator {}",
                node.name,
                &node.validator[..12],
                node.operator
            ));
        }
        let first = self.sight.chain.rpc().validators(Some(1)).await?;
        let powers: Vec<_> = first.validators.iter().map(|v| v.voting_power).collect();
        say(&format!(
            "   chain {}; equal powers at genesis: {powers:?}",
            self.network.chain_id
        ));
        if powers.len() != self.network.nodes.len() || powers.windows(2).any(|p| p[0] != p[1]) {
            return Err("the genesis validators do not have equal powers".into());
        }
        Ok(())
    }

    async fn propose_model(&mut self) -> Result<u64, Failure> {
        self.title("A model team proposes a model; the providers vote");
        let file = self
            .network
            .models
            .first()
            .ok_or("the network has no model file")?;
        let header = Header::read(file.path.as_ref())?;
        let register = model::MsgRegisterModel {
            authority: Account::of_module("gov").to_string(),
            model: Some(model::Model {
                id: file.id.clone(),
                weights_digest: hex::decode(&file.sha256)?,
                tokenizer_digest: header.tokenizer_digest.to_vec(),
                units_per_token: UNITS_PER_TOKEN,
                numeric_format: header.format(),
                thresholds: Some(model::Thresholds {
                    top_k: 20,
                    margin_limit: 5_000,
                    classes: vec![model::LengthClass {
                        min_length: 4,
                        max_mean_distance: self.max_mean_distance,
                        max_mean_margin: 2_500,
                        max_violations_millis: 300,
                    }],
                }),
                min_memory_bytes: 256 << 20,
                context_length: 1_024,
                ..model::Model::default()
            }),
        };
        let alice = self.key("alice")?;
        let submit = gov::MsgSubmitProposal {
            messages: vec![any(&register)],
            initial_deposit: vec![amount::coin(amount::parse("10icoin")?)],
            proposer: alice.account().to_string(),
            metadata: String::new(),
            title: format!("Register {}", file.id),
            summary: "A small instruction-tuned model for everyone".into(),
            expedited: false,
        };
        let included = self.send("alice", &submit).await?;
        let response: gov::MsgSubmitProposalResponse = included.response(0)?;
        say(&format!(
            "   proposal {} is open since block {}",
            response.proposal_id, included.height
        ));
        for node in &self.network.nodes {
            let vote = gov::MsgVote {
                proposal_id: response.proposal_id,
                voter: node.operator.clone(),
                option: gov::VoteOption::Yes.into(),
                metadata: String::new(),
            };
            let included = self.send(&node.name, &vote).await?;
            say(&format!(
                "   {} votes yes in block {}",
                node.name, included.height
            ));
        }
        Ok(response.proposal_id)
    }

    async fn beacon(&mut self) -> Result<(), Failure> {
        self.title("The beacon draws the race seed");
        let id = beacon::RoundId {
            purpose: beacon::Purpose::RaceSeed.into(),
            epoch: 1,
            attempt: 1,
            round: 0,
        };
        let sight = &self.sight;
        let round = sight
            .until("the seed of the first race", || async move {
                let answer: beacon::QueryRoundResponse = sight
                    .ask(
                        "/race.beacon.v1.Query/Round",
                        &beacon::QueryRoundRequest { id: Some(id) },
                    )
                    .await?;
                Ok(answer
                    .round
                    .filter(|r| r.status() == beacon::RoundStatus::Done)
                    .map(|r| (r, answer.contributions)))
            })
            .await?;
        let (round, contributions) = round;
        say(&format!(
            "   {} members committed and revealed; {} seed {}",
            contributions
                .iter()
                .filter(|c| !c.secret.is_empty())
                .count(),
            if round.degraded {
                "the committee did not sign, so their second secrets made the"
            } else {
                "the committee's threshold signature over them gives"
            },
            hex::encode(&round.seed),
        ));
        Ok(())
    }

    async fn race(&mut self) -> Result<(), Failure> {
        self.title("The race: nonces become voting power");
        self.sight.epoch_at_least(2).await?;
        let results: race_pb::QueryResultsResponse = self
            .sight
            .ask(
                "/race.race.v1.Query/Results",
                &race_pb::QueryResultsRequest {
                    epoch: 1,
                    attempt: 0,
                },
            )
            .await?;
        let committee: epoch::QueryCommitteeResponse = self
            .sight
            .ask(
                "/race.epoch.v1.Query/Committee",
                &epoch::QueryCommitteeRequest { epoch: 2 },
            )
            .await?;
        for result in &results.results {
            let power = committee
                .members
                .iter()
                .find(|m| m.address == result.address)
                .map_or(0, |m| m.power);
            say(&format!(
                "   {}  claimed {}  accepted {}  power {power}",
                self.node_name(&result.address),
                result.claimed,
                result.accepted
            ));
            if result.outcome() != race_pb::Outcome::Accepted {
                return Err(
                    format!("an honest race was not accepted: {:?}", result.outcome()).into(),
                );
            }
        }
        // CometBFT's own set follows two blocks after the switch.
        let (sight, members) = (&self.sight, &committee.members);
        let height = sight
            .until(
                "the new powers in CometBFT's validator set",
                || async move {
                    let set = sight.chain.rpc().validators(None).await?;
                    let same = set.validators.len() == members.len()
                        && set.validators.iter().all(|v| {
                            members.iter().any(|m| {
                                hex::encode_upper(&m.address) == v.address
                                    && i64::try_from(m.power) == Ok(v.voting_power)
                            })
                        });
                    Ok(same.then_some(set.block_height))
                },
            )
            .await?;
        say(&format!(
            "   CometBFT's validator set has these powers at block {height}"
        ));
        Ok(())
    }

    async fn model_is_loaded(&mut self, proposal: u64) -> Result<(), Failure> {
        self.title("The model passes; every node loads it and says so");
        let sight = &self.sight;
        sight
            .until("the proposal passed", || async move {
                let answer: gov::QueryProposalResponse = sight
                    .ask(
                        "/cosmos.gov.v1.Query/Proposal",
                        &gov::QueryProposalRequest {
                            proposal_id: proposal,
                        },
                    )
                    .await?;
                let status = answer
                    .proposal
                    .map(|p| p.status())
                    .ok_or("no such proposal")?;
                match status {
                    gov::ProposalStatus::Passed => Ok(Some(())),
                    gov::ProposalStatus::Rejected | gov::ProposalStatus::Failed => {
                        Err(format!("the proposal ended as {status:?}").into())
                    }
                    _ => Ok(None),
                }
            })
            .await?;
        let id = self.network.models[0].id.clone();
        let (model_id, nodes) = (&id, self.network.nodes.len());
        let hosts = sight
            .until("all nodes host the model", || async move {
                let answer: model::QueryModelResponse = sight
                    .ask(
                        "/race.model.v1.Query/Model",
                        &model::QueryModelRequest {
                            id: model_id.clone(),
                        },
                    )
                    .await?;
                Ok((answer.hosts.len() == nodes).then_some(answer.hosts))
            })
            .await?;
        for host in hosts {
            say(&format!(
                "   {} hosts {id} since block {}",
                self.node_name(&host.address),
                host.since_height
            ));
        }
        Ok(())
    }

    async fn price(&self) -> Result<(u64, u128), Failure> {
        let answer: pricing::QueryPriceResponse = self
            .sight
            .ask(
                "/race.pricing.v1.Query/Price",
                &pricing::QueryPriceRequest {},
            )
            .await?;
        let current = answer.current.ok_or("the chain has no price")?;
        Ok((current.epoch, coin::stored(&current.price)))
    }

    async fn vote_price(&mut self) -> Result<(), Failure> {
        self.title("The providers vote on the price of compute");
        let (_, price) = self.price().await?;
        for (node, vote) in self.network.nodes.iter().zip(VOTES) {
            let voted = price.saturating_mul(vote) / 1_000;
            let message = pricing::MsgVotePrice {
                sender: node.operator.clone(),
                price: voted.to_string(),
            };
            let included = self.send(&node.name, &message).await?;
            say(&format!(
                "   {} votes {voted} nicoin per unit in block {} (now {price})",
                node.name, included.height
            ));
        }
        Ok(())
    }

    async fn open_session(&mut self) -> Result<Opened, Failure> {
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
    async fn ask_both(&mut self, opened: &Opened) -> Result<(u64, u64), Failure> {
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
        let ask = Ask {
            chain_id: &self.network.chain_id,
            session: opened.id,
            index,
            attempt: 0,
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
        Ok(ask.run(&self.network.nodes[0].grpc, &mut show).await?)
    }

    async fn task(&self, session_id: u64, index: u64) -> Result<settlement::Task, Failure> {
        let answer: settlement::QueryTaskResponse = self
            .sight
            .ask(
                "/race.settlement.v1.Query/Task",
                &settlement::QueryTaskRequest { session_id, index },
            )
            .await?;
        answer.task.ok_or_else(|| "no such task".into())
    }

    async fn settled(&mut self, opened: &Opened, honest: u64, forged: u64) -> Result<(), Failure> {
        self.title("Both answers are settled: hashes only");
        for index in [honest, forged] {
            let task = self
                .sight
                .until("the settled task", || async {
                    Ok(self.task(opened.id, index).await.ok())
                })
                .await?;
            say(&format!(
                "   request {index}: {} holds {} nicoin, digest {}, block {}, epoch {}",
                self.node_name(&task.executor),
                task.fee,
                &hex::encode(&task.digest)[..16],
                task.height,
                task.epoch
            ));
        }
        Ok(())
    }

    async fn forger_is_found(&mut self, opened: &Opened, forged: u64) -> Result<(), Failure> {
        self.title("The forged answer is found out");
        let before = self
            .sight
            .chain
            .balance(&self.key("alice")?.account())
            .await?;
        let (sight, id) = (&self.sight, opened.id);
        let task = self.task(id, forged).await?;
        let epoch = task.epoch;
        let case = sight
            .until("the re-verification of the forged answer", || async move {
                let answer: duty::QueryReverificationsResponse = sight
                    .ask(
                        "/race.duty.v1.Query/Reverifications",
                        &duty::QueryReverificationsRequest { epoch },
                    )
                    .await?;
                let decided = answer.reverifications.into_iter().find(|case| {
                    case.session_id == id
                        && case.index == forged
                        && matches!(
                            case.status(),
                            duty::ReverificationStatus::False
                                | duty::ReverificationStatus::Upheld
                                | duty::ReverificationStatus::Void
                        )
                });
                Ok(decided)
            })
            .await?;
        if case.status() != duty::ReverificationStatus::False {
            return Err("the forged answer was not found false".into());
        }
        let accusers: Vec<_> = case.accusers.iter().map(|a| self.node_name(a)).collect();
        say(&format!(
            "   accused by {}; {} of {} weight confirmed that it is false",
            accusers.join(", "),
            case.false_weight,
            case.electorate
        ));
        let task = self.task(id, forged).await?;
        let after = self
            .sight
            .chain
            .balance(&self.key("alice")?.account())
            .await?;
        let fee = coin::stored(&task.fee);
        if task.status() != settlement::TaskStatus::False || after < before.saturating_add(fee) {
            return Err(
                format!("the user was not refunded: {before} -> {after}, fee {fee}").into(),
            );
        }
        say(&format!("   the developer is refunded {fee} nicoin"));
        let answer: reputation::QueryReputationResponse = self
            .sight
            .ask(
                "/race.reputation.v1.Query/Reputation",
                &reputation::QueryReputationRequest {
                    address: task.executor.clone(),
                },
            )
            .await?;
        let standing = answer.reputation.unwrap_or_default();
        say(&format!(
            "   {}: reputation {}, convictions {}",
            self.node_name(&task.executor),
            standing.value,
            standing.convictions
        ));
        if standing.value != 0 || standing.convictions == 0 {
            return Err("the forger kept its reputation".into());
        }
        Ok(())
    }

    async fn honest_is_checked(&mut self, opened: &Opened, honest: u64) -> Result<(), Failure> {
        self.title("The honest answer was spot-checked");
        let task = self.task(opened.id, honest).await?;
        let checkers: Vec<_> = task.checkers.iter().map(|a| self.node_name(a)).collect();
        if checkers.is_empty() {
            return Err("nobody checked the honest answer".into());
        }
        say(&format!(
            "   checked with one prefill each by {}",
            checkers.join(", ")
        ));
        Ok(())
    }

    async fn price_moved(&mut self) -> Result<(), Failure> {
        self.title("The price moved to the weighted median of the votes");
        let (epoch, price) = self.price().await?;
        say(&format!("   {price} nicoin per unit in epoch {epoch}"));
        let votes: pricing::QueryVotesResponse = self
            .sight
            .ask(
                "/race.pricing.v1.Query/Votes",
                &pricing::QueryVotesRequest {},
            )
            .await?;
        if !votes.votes.iter().any(|v| v.price == price.to_string()) {
            return Err(format!("{price} is none of the votes").into());
        }
        Ok(())
    }

    async fn paid(&mut self, opened: &Opened, honest: u64, forged: u64) -> Result<(), Failure> {
        self.title("The honest executor is paid at the end of the next epoch; the forger is not");
        let task = self.task(opened.id, honest).await?;
        let forger = self.task(opened.id, forged).await?.executor;
        let (sight, epoch) = (&self.sight, task.epoch);
        say(&format!(
            "   waiting for the end of epoch {}",
            epoch.saturating_add(1)
        ));
        let releases = sight
            .until("the releases of the epoch", || async move {
                let answer: treasury::QueryReleasesResponse = sight
                    .ask(
                        "/race.treasury.v1.Query/Releases",
                        &treasury::QueryReleasesRequest { epoch },
                    )
                    .await?;
                Ok((!answer.releases.is_empty()).then_some(answer.releases))
            })
            .await?;
        for release in &releases {
            say(&format!(
                "   {}: released {} (minted {}), forfeited {}",
                self.node_name(&release.address),
                release.released,
                release.minted,
                release.forfeited
            ));
        }
        let released = |address: &[u8]| {
            releases
                .iter()
                .find(|r| r.address == address)
                .map_or(0, |r| coin::stored(&r.released))
        };
        if released(&task.executor) == 0 {
            return Err("the honest executor was not paid".into());
        }
        if released(&forger) != 0 {
            return Err("the forger was paid".into());
        }
        let paid = self.task(opened.id, honest).await;
        let paid_now = paid.map_or(true, |task| task.status() == settlement::TaskStatus::Final);
        if !paid_now || opened.epoch > epoch || opened.first_price == 0 {
            return Err("the honest task is not final".into());
        }
        Ok(())
    }
}
