//! From genesis over the beacon's seed to powers that were raced for.

use race_proto::race::{beacon::v1 as beacon, epoch::v1 as epoch, race::v1 as race_pb};

use super::{say, Failure, Story};

impl Story<'_> {
    pub(super) async fn genesis(&mut self) -> Result<(), Failure> {
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

    pub(super) async fn beacon(&mut self) -> Result<(), Failure> {
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

    pub(super) async fn race(&mut self) -> Result<(), Failure> {
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
}
