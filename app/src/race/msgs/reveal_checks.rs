//! `MsgRevealChecks`: exactly the sender's assignment, as it was committed to.

use race_proto::race::epoch::v1::Phase;
use race_proto::race::race::v1::{Check, CheckList, MsgRevealChecks, MsgRevealChecksResponse};
use race_proto::Any;

use crate::address::Account;
use crate::context::Context;
use crate::error::TxError;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::race::{checks, errors::Error, keys};
use crate::state::State;
use crate::tx::gas;
use crate::{epoch, fields, node};

/// More checks than any draw gives: 1000 participants of 1024 positions would share them.
const MAX_CHECKS: usize = 16_384;

struct RevealChecks {
    sender: Account,
    epoch: u64,
    attempt: u32,
    salt: [u8; 32],
    checks: Vec<Check>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgRevealChecks = decode(bytes)?;
    let salt = fields::bytes("salt", &msg.salt)?;
    let got = msg.checks.len();
    if got > MAX_CHECKS {
        return Err(Error::TooLarge {
            what: "checks",
            limit: MAX_CHECKS,
            got,
        }
        .into());
    }
    for check in &msg.checks {
        let _: [u8; 32] = fields::bytes("checks.digest", &check.digest)?;
        let _: [u8; 20] = fields::bytes("checks.participant", &check.participant)?;
    }
    let (epoch, attempt) = (msg.epoch, msg.attempt);
    let sender = fields::signer("sender", &msg.sender)?;
    Ok(Box::new(RevealChecks {
        sender,
        epoch,
        attempt,
        salt,
        checks: msg.checks,
    }))
}

impl CheckedMsg for RevealChecks {
    fn signer(&self) -> Account {
        self.sender
    }

    fn lane(&self) -> Lane {
        Lane::Protocol
    }

    fn gas(&self) -> u64 {
        gas::LARGE
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        let address = node::address(&node::by_sender(state, &self.sender)?);
        epoch::require(state, self.epoch, self.attempt, Phase::CheckReveal)?;
        let entry = (self.epoch, self.attempt, address);
        let name = || hex::encode_upper(address);
        let committed = keys::COMMITMENTS.get(state, &entry);
        let mut committed = committed.ok_or_else(|| Error::NotCommitted { address: name() })?;
        if committed.revealed {
            return Err(Error::AlreadyRevealed { address: name() }.into());
        }
        let commitment = checks::check_commitment(
            context.chain_id,
            self.epoch,
            self.attempt,
            &address,
            &self.salt,
            &self.checks,
        );
        if committed.commitment != commitment {
            return Err(Error::Mismatch.into());
        }
        let assigned = keys::ASSIGNED.get(state, &entry).unwrap_or_default().checks;
        let wrong = |reason| Error::WrongChecks {
            expected: assigned.len(),
            got: self.checks.len(),
            reason,
        };
        if self.checks.len() != assigned.len() {
            return Err(wrong("another number of them").into());
        }
        let same =
            |(a, b): (&Check, &Check)| a.participant == b.participant && a.position == b.position;
        if !assigned.iter().zip(&self.checks).all(same) {
            return Err(wrong("others, or in another order").into());
        }
        committed.revealed = true;
        keys::COMMITMENTS.put(state, &entry, &committed);
        keys::CHECKS.put(
            state,
            &entry,
            &CheckList {
                checks: self.checks.clone(),
            },
        );
        Ok(response(&MsgRevealChecksResponse {}))
    }
}
