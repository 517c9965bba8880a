//! Asking the chain, and waiting until it shows what must be seen.

use std::future::Future;
use std::time::Duration;

use prost::Message;
use race_proto::race::epoch::v1 as epoch;
use tokio::time::{sleep, timeout};

use crate::client::ChainClient;
use crate::node::Failure;

/// How long anything in the story may take: several epochs.
const PATIENCE: Duration = Duration::from_secs(420);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(400);

/// The chain as the story sees it.
pub struct Sight {
    /// The client.
    pub chain: ChainClient,
}

impl Sight {
    /// One query.
    ///
    /// # Errors
    /// The query failed.
    pub async fn ask<Q: Message, A: Message + Default>(
        &self,
        path: &str,
        query: &Q,
    ) -> Result<A, Failure> {
        Ok(self.chain.ask(path, query).await?)
    }

    /// Looks again and again until `look` sees something; a failed query counts as not yet.
    ///
    /// # Errors
    /// Nothing was seen in time.
    pub async fn until<T, F>(&self, what: &str, mut look: impl FnMut() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<Option<T>, Failure>>,
    {
        let mut last = None;
        let seen = timeout(PATIENCE, async {
            loop {
                match look().await {
                    Ok(Some(seen)) => return seen,
                    Ok(None) => last = None,
                    Err(error) => last = Some(error.to_string()),
                }
                sleep(PAUSE).await;
            }
        })
        .await;
        seen.map_err(|_| match last {
            Some(error) => {
                format!("not seen on chain: {what} (the last query failed: {error})").into()
            }
            None => format!("not seen on chain: {what}").into(),
        })
    }

    /// Where the calendar stands.
    ///
    /// # Errors
    /// The query failed.
    pub async fn epoch(&self) -> Result<epoch::Epoch, Failure> {
        let answer: epoch::QueryCurrentResponse = self
            .ask(
                "/race.epoch.v1.Query/Current",
                &epoch::QueryCurrentRequest {},
            )
            .await?;
        answer
            .epoch
            .ok_or_else(|| "the chain has no epoch yet".into())
    }

    /// Waits for an epoch.
    ///
    /// # Errors
    /// It did not come in time.
    pub async fn epoch_at_least(&self, number: u64) -> Result<epoch::Epoch, Failure> {
        self.until(&format!("epoch {number}"), || async move {
            let epoch = self.epoch().await?;
            Ok((epoch.number >= number).then_some(epoch))
        })
        .await
    }
}
