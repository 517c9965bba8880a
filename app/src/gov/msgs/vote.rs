//! `MsgVote`: a committee member's operator votes; a later vote replaces an earlier one.

use race_proto::cosmos::gov::v1::{
    MsgVote, MsgVoteResponse, ProposalStatus, Vote, VoteOption, WeightedVoteOption,
};
use race_proto::Any;

use super::{find, short};
use crate::address::Account;
use crate::context::Context;
use crate::epoch;
use crate::error::TxError;
use crate::events::event;
use crate::gov::{keys, Error};
use crate::message::{decode, response, signer, CheckedMsg};
use crate::node;
use crate::state::State;
use crate::tx::gas;

const MAX_METADATA: usize = 255;

struct CastVote {
    voter: Account,
    id: u64,
    option: VoteOption,
    metadata: String,
}

/// The option must be one of the four.
pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgVote = decode(bytes)?;
    let voter = signer(&msg.voter)?;
    short("metadata", &msg.metadata, MAX_METADATA)?;
    match VoteOption::try_from(msg.option) {
        Ok(VoteOption::Unspecified) | Err(_) => {
            Err(Error::InvalidVote { option: msg.option }.into())
        }
        Ok(option) => Ok(Box::new(CastVote {
            voter,
            id: msg.proposal_id,
            option,
            metadata: msg.metadata,
        })),
    }
}

impl CheckedMsg for CastVote {
    fn signer(&self) -> Account {
        self.voter
    }

    fn gas(&self) -> u64 {
        gas::SMALL
    }

    fn execute(&self, state: &mut State, _: &Context<'_>) -> Result<Any, TxError> {
        let proposal = find(state, self.id)?;
        if proposal.status() != ProposalStatus::VotingPeriod {
            return Err(Error::Inactive { id: self.id }.into());
        }
        let node = node::by_operator(state, &self.voter);
        let power = node.map_or(0, |node| {
            epoch::power(state, epoch::current(state).number, &node::address(&node))
        });
        if power == 0 {
            return Err(Error::NoPower {
                voter: self.voter.to_string(),
            }
            .into());
        }
        let weight = "1.000000000000000000".to_owned();
        let vote = Vote {
            proposal_id: self.id,
            voter: self.voter.to_string(),
            options: vec![WeightedVoteOption {
                option: self.option as i32,
                weight: weight.clone(),
            }],
            metadata: self.metadata.clone(),
        };
        keys::VOTES.put(state, &(self.id, self.voter), &vote);
        let option = format!(
            "[{{\"option\":{},\"weight\":\"{weight}\"}}]",
            self.option as i32
        );
        let attributes = [
            ("voter", &*vote.voter),
            ("option", &*option),
            ("proposal_id", &*self.id.to_string()),
        ];
        state.emit(event("proposal_vote", &attributes));
        Ok(response(&MsgVoteResponse {}))
    }
}
