//! What was answered is settled, checked and paid, or found out.

use race_app::coin;
use race_proto::race::{
    duty::v1 as duty, reputation::v1 as reputation, settlement::v1 as settlement,
    treasury::v1 as treasury,
};

use super::{say, Failure, Opened, Story};

impl Story<'_> {
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

    pub(super) async fn settled(
        &mut self,
        opened: &Opened,
        honest: u64,
        forged: u64,
    ) -> Result<(), Failure> {
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

    pub(super) async fn forger_is_found(
        &mut self,
        opened: &Opened,
        forged: u64,
    ) -> Result<(), Failure> {
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

    pub(super) async fn honest_is_checked(
        &mut self,
        opened: &Opened,
        honest: u64,
    ) -> Result<(), Failure> {
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

    pub(super) async fn paid(
        &mut self,
        opened: &Opened,
        honest: u64,
        forged: u64,
    ) -> Result<(), Failure> {
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
