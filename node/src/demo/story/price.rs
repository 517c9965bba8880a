//! The providers vote on a price, and it moves to their median.

use race_app::coin;
use race_proto::race::pricing::v1 as pricing;

use super::{say, Failure, Story};

/// What the operators vote the price up to, in per mille of the current one: within the clamp.
const VOTES: [u128; 4] = [1_020, 1_050, 1_050, 1_080];

impl Story<'_> {
    pub(super) async fn price(&self) -> Result<(u64, u128), Failure> {
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

    pub(super) async fn vote_price(&mut self) -> Result<(), Failure> {
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

    pub(super) async fn price_moved(&mut self) -> Result<(), Failure> {
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
}
