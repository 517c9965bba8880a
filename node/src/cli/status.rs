//! `raced status`: how a node is, for people.

use clap::Parser;
use race_proto::cosmos::upgrade::v1beta1::{QueryCurrentPlanRequest, QueryCurrentPlanResponse};
use race_proto::race::epoch::v1 as epoch;
use race_proto::race::reputation::v1 as reputation;

use super::error::CliError;
use super::{Context, Outcome, Run};
use crate::client::ChainClient;
use crate::comet::home::Home;
use crate::comet::keys::ValidatorKey;
use crate::config::Config;
use crate::metrics::chain::phase_name;
use crate::metrics::health::planned;
use crate::node::pid_file;
use crate::status;
use crate::tree::Tree;

/// Show how the node of --home is: height, epoch, phase, power, reputation, what it is doing
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  raced status --home target/localnet/node0")]
pub struct Status {}

impl Run for Status {
    async fn run(self, context: Context) -> Outcome {
        let home = std::path::absolute(&context.home)?;
        let config =
            Config::load(&home, std::env::vars(), &[]).map_err(|e| CliError::from(e).as_usage())?;
        let address = ValidatorKey::load(&Home::new(&home).validator_key())?.address();
        let running = pid_file(&home).exists();
        let chain = ChainClient::connect(&format!("http://{}", config.comet.rpc))
            .await
            .map_err(|e| {
                let halted = status::Status::read(&home).unwrap_or_default().halted;
                match (running, halted.is_empty()) {
                    (true, _) => CliError::from(e)
                        .while_doing("the node starts or its CometBFT does not answer"),
                    (false, true) => {
                        CliError::from(e).while_doing("the node does not run; raced start runs it")
                    }
                    (false, false) => CliError::failed(format!("the node does not run: {halted}")),
                }
            })?;
        let now: epoch::QueryCurrentResponse = chain
            .ask(
                "/race.epoch.v1.Query/Current",
                &epoch::QueryCurrentRequest {},
            )
            .await?;
        let committee: epoch::QueryCommitteeResponse = chain
            .ask(
                "/race.epoch.v1.Query/Committee",
                &epoch::QueryCommitteeRequest { epoch: 0 },
            )
            .await?;
        let standing: reputation::QueryReputationResponse = chain
            .ask(
                "/race.reputation.v1.Query/Reputation",
                &reputation::QueryReputationRequest {
                    address: address.0.to_vec(),
                },
            )
            .await?;
        let plan: QueryCurrentPlanResponse = chain
            .ask(
                "/cosmos.upgrade.v1beta1.Query/CurrentPlan",
                &QueryCurrentPlanRequest {},
            )
            .await?;
        let upgrade = plan.plan.map(|plan| planned(&plan, now.height));
        let calendar = now.epoch.unwrap_or_default();
        let member = committee.members.iter().find(|m| m.address == address.0);
        let own = status::Status::read(&home).unwrap_or_default();
        let phase = phase_name(calendar.phase());
        let race = own.race.as_ref();
        context.print(&Tree::map([
            ("moniker", Tree::text(&config.moniker)),
            ("chain_id", Tree::text(chain.chain_id())),
            ("address", Tree::text(address)),
            ("height", Tree::from(now.height)),
            ("epoch", Tree::from(calendar.number)),
            ("phase", Tree::text(phase)),
            ("blocks_left", Tree::from(now.blocks_left)),
            ("power", Tree::from(member.map_or(0, |m| m.power))),
            ("total_power", Tree::from(committee.total_power)),
            ("accepted_nonces", Tree::from(member.map_or(0, |m| m.count))),
            (
                "reputation",
                Tree::from(standing.reputation.map_or(0, |r| r.value)),
            ),
            ("check_rate_millis", Tree::from(standing.check_rate_millis)),
            ("key_shares", Tree::from(own.shares as u64)),
            ("doing", Tree::text(own.doing)),
            ("race_tried", Tree::from(race.map_or(0, |r| r.tried))),
            ("race_found", Tree::from(race.map_or(0, |r| r.found))),
            (
                "race_nonces_per_second",
                Tree::from(race.map_or(0.0, |r| r.nonces_per_second)),
            ),
            (
                "race_blocks_left",
                Tree::from(race.map_or(0, |r| r.blocks_left)),
            ),
            ("upgrade", Tree::text(upgrade.unwrap_or_default())),
            ("models", Tree::text(own.models.join(", "))),
            ("unsettled_answers", Tree::from(own.unsettled as u64)),
        ]));
        Ok(())
    }
}
