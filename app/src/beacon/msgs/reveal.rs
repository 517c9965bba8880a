//! `MsgReveal`: the secret that was committed to; while a race seed falls back, the second one.

use race_proto::race::beacon::v1::{MsgReveal, MsgRevealResponse, Purpose, RoundId, RoundStatus};
use race_proto::Any;
use race_randomness::commit_reveal::{commitment, Which};

use crate::address::Account;
use crate::beacon::{self, errors::Error, keys};
use crate::context::Context;
use crate::error::TxError;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::state::State;
use crate::tx::gas;
use crate::{fields, node};

struct Reveal {
    sender: Account,
    round: RoundId,
    secret: [u8; 32],
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgReveal = decode(bytes)?;
    let secret = fields::bytes("secret", &msg.secret)?;
    let round = msg.round.ok_or(Error::NoRoundId)?;
    Ok(Box::new(Reveal {
        sender: fields::signer("sender", &msg.sender)?,
        round,
        secret,
    }))
}

impl CheckedMsg for Reveal {
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
        let (after, end, height) = (round.commit_end, round.reveal_end, context.height);
        let falls_back = round.status() == RoundStatus::Fallback;
        let reveals = round.status() == RoundStatus::Open && height > after && height <= end;
        if !falls_back && !reveals {
            let (round, start) = (beacon::shown(&self.round), after.saturating_add(1));
            return Err(Error::NotTakingReveals {
                round,
                start,
                end,
                height,
            }
            .into());
        }
        let part = (keys::key(&self.round), address);
        let name = || hex::encode_upper(address);
        let known = keys::CONTRIBUTIONS.get(state, &part);
        let mut known = known.ok_or_else(|| Error::NotCommitted { address: name() })?;
        // The second secret of a race seed is for its fallback alone.
        let second = falls_back && self.round.purpose() == Purpose::RaceSeed;
        let (which, committed, slot) = match second {
            true => (
                Which::Fallback,
                &known.fallback_commitment,
                &mut known.fallback_secret,
            ),
            false => (Which::Reveal, &known.commitment, &mut known.secret),
        };
        if !slot.is_empty() {
            return Err(Error::AlreadyRevealed { address: name() }.into());
        }
        let bound = beacon::bound(context.chain_id, &self.round).ok_or(Error::NoRoundId)?;
        if *committed != commitment(&bound, &address, which, &self.secret) {
            return Err(Error::Mismatch.into());
        }
        *slot = self.secret.to_vec();
        keys::CONTRIBUTIONS.put(state, &part, &known);
        Ok(response(&MsgRevealResponse {}))
    }
}
