//! `MsgVotePrice`: a provider proposes a price per unit of compute.

use race_proto::race::pricing::v1::{
    EventPriceVoted, MsgVotePrice, MsgVotePriceResponse, PriceVote,
};
use race_proto::Any;

use crate::address::Account;
use crate::coin::{self, Nicoin};
use crate::context::Context;
use crate::error::TxError;
use crate::events::typed;
use crate::message::{decode, response, CheckedMsg};
use crate::pricing::{errors::Error, keys};
use crate::state::State;
use crate::tx::gas;
use crate::{fields, node};

/// The whole supply: no unit of compute costs more.
const MAX_PRICE: Nicoin = 1_000_000_000_000_000_000;

struct VotePrice {
    sender: Account,
    price: Nicoin,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgVotePrice = decode(bytes)?;
    let sender = fields::signer("sender", &msg.sender)?;
    match coin::parse(&msg.price) {
        Ok(price) if (1..=MAX_PRICE).contains(&price) => Ok(Box::new(VotePrice { sender, price })),
        _ => Err(Error::Price {
            got: msg.price.chars().take(80).collect(),
        }
        .into()),
    }
}

impl CheckedMsg for VotePrice {
    fn signer(&self) -> Account {
        self.sender
    }

    fn gas(&self) -> u64 {
        gas::SMALL
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        let address = node::address(&node::by_sender(state, &self.sender)?);
        let price = self.price.to_string();
        let vote = PriceVote {
            address: address.to_vec(),
            price: price.clone(),
            height: context.height,
        };
        keys::VOTES.put(state, &address, &vote);
        state.emit(typed(&EventPriceVoted {
            address: address.to_vec(),
            price,
        }));
        Ok(response(&MsgVotePriceResponse {}))
    }
}
