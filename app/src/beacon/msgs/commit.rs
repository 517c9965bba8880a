//! `MsgCommit`: a member's commitment to a secret of a round.

use race_proto::race::beacon::v1::{
    Contribution, MsgCommit, MsgCommitResponse, Purpose, RoundId, RoundStatus,
};
use race_proto::Any;

use crate::address::Account;
use crate::beacon::{self, errors::Error, keys};
use crate::context::Context;
use crate::error::TxError;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::state::State;
use crate::tx::gas;
use crate::{epoch, fields, node};

struct Commit {
    sender: Account,
    round: RoundId,
    commitment: [u8; 32],
    /// Of a race seed.
    fallback: Option<[u8; 32]>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgCommit = decode(bytes)?;
    let commitment = fields::bytes("commitment", &msg.commitment)?;
    let round = msg.round.ok_or(Error::NoRoundId)?;
    let fallback = match (round.purpose(), msg.fallback_commitment.as_slice()) {
        (Purpose::RaceSeed, []) => {
            let expected = "a race seed takes two commitments: give that of its fallback too";
            return Err(Error::Fallback { expected }.into());
        }
        (Purpose::RaceSeed, bytes) => Some(fields::bytes("fallback_commitment", bytes)?),
        (_, []) => None,
        _ => {
            let expected = "only a race seed has a fallback of its own: leave its commitment empty";
            return Err(Error::Fallback { expected }.into());
        }
    };
    Ok(Box::new(Commit {
        sender: fields::signer("sender", &msg.sender)?,
        round,
        commitment,
        fallback,
    }))
}

impl CheckedMsg for Commit {
    fn signer(&self) -> Account {
        self.sender
    }

    fn lane(&self) -> Lane {
        Lane::Protocol
    }

    fn gas(&self) -> u64 {
        gas::SMALL
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        let address = node::address(&node::by_sender(state, &self.sender)?);
        let round = super::open_round(state, &self.round)?;
        epoch::require_member(state, self.round.epoch, &address)?;
        let (start, end, height) = (round.commit_start, round.commit_end, context.height);
        let takes = round.status() == RoundStatus::Open && (start..=end).contains(&height);
        if !takes {
            let round = beacon::shown(&self.round);
            return Err(Error::NotTakingCommits {
                round,
                start,
                end,
                height,
            }
            .into());
        }
        let part = (keys::key(&self.round), address);
        if keys::CONTRIBUTIONS.has(state, &part) {
            return Err(Error::AlreadyCommitted {
                address: hex::encode_upper(address),
            }
            .into());
        }
        let contribution = Contribution {
            address: address.to_vec(),
            commitment: self.commitment.to_vec(),
            fallback_commitment: self.fallback.map_or_else(Vec::new, |c| c.to_vec()),
            ..Contribution::default()
        };
        keys::CONTRIBUTIONS.put(state, &part, &contribution);
        Ok(response(&MsgCommitResponse {}))
    }
}
