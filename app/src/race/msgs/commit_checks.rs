//! `MsgCommitChecks`: a salted digest over all checks that fell to the sender.

use race_proto::race::epoch::v1::Phase;
use race_proto::race::race::v1::{CheckCommitment, MsgCommitChecks, MsgCommitChecksResponse};
use race_proto::Any;

use crate::address::Account;
use crate::context::Context;
use crate::error::TxError;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::race::{errors::Error, keys};
use crate::state::State;
use crate::tx::gas;
use crate::{epoch, fields, node};

struct CommitChecks {
    sender: Account,
    epoch: u64,
    attempt: u32,
    commitment: [u8; 32],
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgCommitChecks = decode(bytes)?;
    let commitment = fields::bytes("commitment", &msg.commitment)?;
    let sender = fields::signer("sender", &msg.sender)?;
    Ok(Box::new(CommitChecks {
        sender,
        epoch: msg.epoch,
        attempt: msg.attempt,
        commitment,
    }))
}

impl CheckedMsg for CommitChecks {
    fn signer(&self) -> Account {
        self.sender
    }

    fn lane(&self) -> Lane {
        Lane::Protocol
    }

    fn gas(&self) -> u64 {
        gas::SMALL
    }

    fn execute(&self, state: &mut State, _: &Context<'_>) -> Result<Any, TxError> {
        let address = node::address(&node::by_sender(state, &self.sender)?);
        epoch::require(state, self.epoch, self.attempt, Phase::CheckCommit)?;
        epoch::require_member(state, self.epoch, &address)?;
        let entry = (self.epoch, self.attempt, address);
        let name = || hex::encode_upper(address);
        if keys::ASSIGNED.under(state, &entry).is_empty() {
            return Err(Error::NothingToCheck { address: name() }.into());
        }
        if keys::COMMITMENTS.has(state, &entry) {
            return Err(Error::AlreadyCommitted { address: name() }.into());
        }
        let commitment = CheckCommitment {
            address: address.to_vec(),
            commitment: self.commitment.to_vec(),
        };
        keys::COMMITMENTS.put(state, &entry, &commitment);
        Ok(response(&MsgCommitChecksResponse {}))
    }
}
