//! `MsgPostShares`: a member's shares of a race seed's signature, when it did not come out of votes.

use race_proto::race::beacon::v1::{MsgPostShares, MsgPostSharesResponse, RoundId};
use race_proto::Any;

use crate::address::{Account, ConsensusAddress};
use crate::beacon::signing::{self, Awaited};
use crate::beacon::{self, errors::Error, keys};
use crate::context::Context;
use crate::error::TxError;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::state::State;
use crate::tx::gas;
use crate::{fields, node};

/// The message's name, by which proposals count posts.
pub const TYPE_URL: &str = "/race.beacon.v1.MsgPostShares";

struct PostShares {
    sender: Account,
    round: RoundId,
    signing_attempt: u32,
    shares: Vec<u8>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgPostShares = decode(bytes)?;
    Ok(Box::new(PostShares {
        sender: fields::signer("sender", &msg.sender)?,
        round: msg.round.ok_or(Error::NoRoundId)?,
        signing_attempt: msg.signing_attempt,
        shares: msg.shares,
    }))
}

impl PostShares {
    /// The member and what it signs, after checking everything but the shares themselves.
    fn check(
        &self,
        state: &State,
        context: &Context<'_>,
    ) -> Result<(ConsensusAddress, Awaited), TxError> {
        let address = node::address(&node::by_sender(state, &self.sender)?);
        let round = super::open_round(state, &self.round)?;
        let name = || beacon::shown(&self.round);
        let awaited = signing::awaited_of(context.chain_id, &round, self.signing_attempt);
        let awaited = awaited.ok_or_else(|| Error::NotAwaited {
            round: name(),
            attempt: self.signing_attempt,
        })?;
        if self.signing_attempt < 2 {
            return Err(Error::NotTakingShares { round: name() }.into());
        }
        if keys::POSTED.has(state, &(keys::key(&self.round), address)) {
            let address = fields::shown(&address);
            return Err(Error::AlreadyPosted { address }.into());
        }
        Ok((address, awaited))
    }

    fn keep(&self, state: &mut State, address: ConsensusAddress) {
        let entry = (keys::key(&self.round), address);
        keys::POSTED.put(state, &entry, &self.shares);
    }
}

impl CheckedMsg for PostShares {
    fn signer(&self) -> Account {
        self.sender
    }

    fn lane(&self) -> Lane {
        Lane::Protocol
    }

    fn gas(&self) -> u64 {
        gas::LARGE
    }

    /// The pairing is left to the block.
    fn admit(&self, state: &mut State, context: &Context<'_>) -> Result<(), TxError> {
        let (address, awaited) = self.check(state, context)?;
        signing::are_shares_of(state, &awaited, &address, &self.shares)?;
        self.keep(state, address);
        Ok(())
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        let (address, awaited) = self.check(state, context)?;
        signing::are_good_shares(state, &awaited, &address, &self.shares)?;
        self.keep(state, address);
        Ok(response(&MsgPostSharesResponse {}))
    }
}
