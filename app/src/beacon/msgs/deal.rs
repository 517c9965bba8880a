//! `MsgDeal`: a member's polynomial for the next committee's key, committed to and shared out.

use race_proto::race::beacon::v1::{KeyDeal, KeyGeneration, KeyStatus, MsgDeal, MsgDealResponse};
use race_proto::Any;
use race_randomness::dkg::Refusal;
use race_randomness::hash::h;

use crate::address::Account;
use crate::beacon::keygen::{self, KeyAttempt, MAX_DEALS_A_BLOCK};
use crate::beacon::{errors::Error, events, keys};
use crate::context::Context;
use crate::error::TxError;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::state::State;
use crate::tx::gas;
use crate::{fields, node};

/// The message's name, by which proposals count deals.
pub const TYPE_URL: &str = "/race.beacon.v1.MsgDeal";

struct Deal {
    sender: Account,
    attempt: KeyAttempt,
    deal: Vec<u8>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgDeal = decode(bytes)?;
    Ok(Box::new(Deal {
        sender: fields::signer("sender", &msg.sender)?,
        attempt: (msg.epoch, msg.race_attempt, msg.key_attempt),
        deal: msg.deal,
    }))
}

impl Deal {
    /// The generation and what it will keep of the deal, after checking everything but its proofs, which
    /// take tens of milliseconds.
    fn check(
        &self,
        state: &State,
        context: &Context<'_>,
    ) -> Result<(KeyGeneration, KeyDeal), TxError> {
        let (generation, dealer) =
            super::key_generation(state, &self.sender, &self.attempt, KeyStatus::Deal)?;
        let (expected, got) = (generation.deal_bytes, self.deal.len());
        if u32::try_from(got) != Ok(expected) {
            return Err(Error::DealSize { expected, got }.into());
        }
        if keys::DEALS.has(state, &(self.attempt, dealer)) {
            return Err(super::refused(&Refusal::DealtAlready(dealer)).into());
        }
        let deal = KeyDeal {
            dealer: dealer.to_vec(),
            digest: h(
                "race/beacon/deal/v1",
                &[context.chain_id.as_bytes(), &self.deal],
            )
            .to_vec(),
            height: context.height,
        };
        Ok((generation, deal))
    }
}

impl CheckedMsg for Deal {
    fn signer(&self) -> Account {
        self.sender
    }

    fn lane(&self) -> Lane {
        Lane::Protocol
    }

    fn gas(&self) -> u64 {
        gas::LARGE
    }

    fn admit(&self, state: &mut State, context: &Context<'_>) -> Result<(), TxError> {
        let (_, deal) = self.check(state, context)?;
        keys::DEALS.put(state, &(self.attempt, node::member(&deal.dealer)), &deal);
        Ok(())
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        let (generation, deal) = self.check(state, context)?;
        let dealt = keys::DEALT.get_or_default(state);
        if dealt >= MAX_DEALS_A_BLOCK {
            let limit = MAX_DEALS_A_BLOCK;
            return Err(Error::BlockFull { limit }.into());
        }
        keygen::deal(state, context, &generation, &deal, &self.deal)
            .map_err(|refusal| super::refused(&refusal))?;
        keys::DEALT.put(state, &dealt.saturating_add(1));
        events::deal(state, &generation, &deal);
        Ok(response(&MsgDealResponse {}))
    }
}
