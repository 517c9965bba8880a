//! `MsgSubmitProposal`: puts messages to the vote.

use race_proto::cosmos::gov::v1::{
    MsgSubmitProposal, MsgSubmitProposalResponse, Proposal, ProposalStatus, TallyResult,
};
use race_proto::Any;

use super::{amount, short};
use crate::address::Account;
use crate::bank;
use crate::coin::Nicoin;
use crate::context::Context;
use crate::error::TxError;
use crate::events::event;
use crate::gov::{authority, deposits, keys, params, phase, Error, GOVERNED};
use crate::message::{decode, response, signer, CheckedMsg};
use crate::params::get;
use crate::registry;
use crate::state::State;
use crate::time::timestamp;
use crate::tx::gas;

const MAX_MESSAGES: usize = 16;
const MAX_TITLE: usize = 255;
const MAX_SUMMARY: usize = 10_200;
const MAX_METADATA: usize = 255;

struct SubmitProposal {
    proposer: Account,
    deposit: Nicoin,
    msg: MsgSubmitProposal,
}

/// Every message must be one that governance may send, pass its own checks and be in its name.
pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgSubmitProposal = decode(bytes)?;
    let proposer = signer(&msg.proposer)?;
    if msg.expedited {
        return Err(Error::NotSupported {
            what: "an expedited proposal".to_owned(),
        }
        .into());
    }
    short("title", &msg.title, MAX_TITLE)?;
    short("summary", &msg.summary, MAX_SUMMARY)?;
    short("metadata", &msg.metadata, MAX_METADATA)?;
    if msg.messages.is_empty() {
        return Err(Error::NoMessages {}.into());
    }
    if msg.messages.len() > MAX_MESSAGES {
        let reason = format!("a proposal carries at most {MAX_MESSAGES} messages");
        return Err(Error::InvalidMessage {
            index: MAX_MESSAGES,
            reason,
        }
        .into());
    }
    for (index, any) in msg.messages.iter().enumerate() {
        check_message(index, any)?;
    }
    Ok(Box::new(SubmitProposal {
        proposer,
        deposit: amount(&msg.initial_deposit)?,
        msg,
    }))
}

/// Coins in the gov account are deposits, so no proposal may move them: it carries only what governance
/// alone may send.
fn check_message(index: usize, any: &Any) -> Result<(), TxError> {
    let kind = registry::message(&any.type_url).filter(|kind| GOVERNED.contains(&kind.type_url));
    let kind = kind.ok_or_else(|| Error::Unroutable {
        type_url: any.type_url.clone(),
    })?;
    let checked = (kind.parse)(&any.value).map_err(|e| Error::InvalidMessage {
        index,
        reason: e.log,
    })?;
    match checked.signer() == authority() {
        true => Ok(()),
        false => Err(Error::InvalidSigner {
            signer: checked.signer().to_string(),
        }
        .into()),
    }
}

impl CheckedMsg for SubmitProposal {
    fn signer(&self) -> Account {
        self.proposer
    }

    fn gas(&self) -> u64 {
        gas::LARGE
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        let full = Nicoin::from(get(state, &params::MIN_DEPOSIT));
        let part = Nicoin::from(get(state, &params::MIN_INITIAL));
        let needed = full.saturating_mul(part).div_ceil(1000);
        if self.deposit < needed {
            let (got, needed) = (bank::shown(self.deposit), bank::shown(needed));
            return Err(Error::DepositTooSmall { got, needed }.into());
        }
        let limit = get(state, &params::MAX_ACTIVE);
        let open = u64::try_from(keys::OPEN.all(state).len()).unwrap_or(u64::MAX);
        let room = open < limit || (self.deposit >= full && phase::make_room(state));
        if !room {
            return Err(Error::TooManyOpen { limit }.into());
        }
        let id = keys::NEXT_ID.next(state, 1);
        let end = context
            .time_ms
            .saturating_add(get(state, &params::DEPOSIT_PERIOD));
        let zero = || "0".to_owned();
        let mut proposal = Proposal {
            id,
            messages: self.msg.messages.clone(),
            status: ProposalStatus::DepositPeriod as i32,
            final_tally_result: Some(TallyResult {
                yes_count: zero(),
                abstain_count: zero(),
                no_count: zero(),
                no_with_veto_count: zero(),
            }),
            submit_time: Some(timestamp(context.time_ms)),
            deposit_end_time: Some(timestamp(end)),
            metadata: self.msg.metadata.clone(),
            title: self.msg.title.clone(),
            summary: self.msg.summary.clone(),
            proposer: self.proposer.to_string(),
            ..Proposal::default()
        };
        keys::OPEN.put(state, &id, &end);
        let names: String = self
            .msg
            .messages
            .iter()
            .map(|any| format!(",{}", any.type_url))
            .collect();
        let attributes = [
            ("proposal_id", &*id.to_string()),
            ("proposal_messages", &*names),
        ];
        state.emit(event("submit_proposal", &attributes));
        deposits::add(state, context, &mut proposal, &self.proposer, self.deposit)?;
        Ok(response(&MsgSubmitProposalResponse { proposal_id: id }))
    }
}
