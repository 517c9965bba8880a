//! Messages of `gov`: the SDK's.

mod deposit;
mod submit_proposal;
mod vote;

use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::gov::v1::Proposal;

use super::{keys, Error};
use crate::bank::coins::Coins;
use crate::coin::Nicoin;
use crate::error::TxError;
use crate::message::MessageType;
use crate::state::State;

/// What transactions may carry.
pub const MESSAGES: &[MessageType] = &[
    MessageType {
        type_url: "/cosmos.gov.v1.MsgSubmitProposal",
        parse: submit_proposal::parse,
    },
    MessageType {
        type_url: "/cosmos.gov.v1.MsgDeposit",
        parse: deposit::parse,
    },
    MessageType {
        type_url: "/cosmos.gov.v1.MsgVote",
        parse: vote::parse,
    },
];

/// Reads a deposit: nothing, or a positive amount of nicoin.
fn amount(coins: &[Coin]) -> Result<Nicoin, TxError> {
    let coins = Coins::parse(coins)?;
    match coins.0.is_empty() || (coins.is_valid() && coins.foreign().is_none()) {
        true => Ok(coins.nicoin()),
        false => Err(Error::InvalidDeposit {
            coins: coins.to_string(),
        }
        .into()),
    }
}

fn find(state: &State, id: u64) -> Result<Proposal, TxError> {
    keys::PROPOSALS
        .get(state, &id)
        .ok_or_else(|| Error::UnknownProposal { id }.into())
}

/// Checks the length of a text.
fn short(what: &str, text: &str, limit: usize) -> Result<(), TxError> {
    match text.len() <= limit {
        true => Ok(()),
        false => Err(Error::TooLong {
            what: what.to_owned(),
            limit,
            length: text.len(),
        }
        .into()),
    }
}
