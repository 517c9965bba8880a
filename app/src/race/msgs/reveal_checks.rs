//! `MsgRevealChecks`: the sender's checks of one or more participants, as they were committed to.

use race_proto::race::epoch::v1::Phase;
use race_proto::race::race::v1::{
    Assigned, Check, CheckList, MsgRevealChecks, MsgRevealChecksResponse,
};
use race_proto::Any;

use crate::address::{Account, ConsensusAddress};
use crate::context::Context;
use crate::error::TxError;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::race::checks::{self, MAX_REVEALED};
use crate::race::{errors::Error, keys};
use crate::state::State;
use crate::tx::gas;
use crate::{epoch, fields, node};

struct RevealChecks {
    sender: Account,
    epoch: u64,
    attempt: u32,
    salt: [u8; 32],
    digests: Vec<[u8; 32]>,
    checks: Vec<Check>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgRevealChecks = decode(bytes)?;
    let salt = fields::bytes("salt", &msg.salt)?;
    let got = msg.checks.len();
    if got > MAX_REVEALED {
        return Err(Error::TooLarge {
            what: "checks",
            limit: MAX_REVEALED,
            got,
        }
        .into());
    }
    if got == 0 {
        let reason = "got no checks".to_owned();
        return Err(Error::WrongChecks { reason }.into());
    }
    for check in &msg.checks {
        let _: [u8; 32] = fields::bytes("checks.digest", &check.digest)?;
        let _: [u8; 20] = fields::bytes("checks.participant", &check.participant)?;
    }
    let digests = msg.digests.iter().map(|d| fields::bytes("digests", d));
    let digests = digests.collect::<Result<_, _>>()?;
    let (epoch, attempt) = (msg.epoch, msg.attempt);
    let sender = fields::signer("sender", &msg.sender)?;
    Ok(Box::new(RevealChecks {
        sender,
        epoch,
        attempt,
        salt,
        digests,
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
        let (epoch, attempt) = (self.epoch, self.attempt);
        let name = || hex::encode_upper(address);
        let committed = keys::COMMITMENTS.get(state, &(epoch, attempt, address));
        let committed = committed.ok_or_else(|| Error::NotCommitted { address: name() })?;
        let commitment = checks::check_commitment(
            context.chain_id,
            epoch,
            attempt,
            &address,
            &self.salt,
            &self.digests,
        );
        if committed.commitment != commitment {
            return Err(Error::Mismatch.into());
        }
        let assigned = keys::ASSIGNED.under(state, &(epoch, attempt, address));
        if assigned.len() != self.digests.len() {
            return Err(wrong(format!(
                "{} participants fell to the checker, it committed to the checks of {}",
                assigned.len(),
                self.digests.len()
            )));
        }
        // Participants and digests come in the same order, and each participant at most once.
        let mut places = assigned.iter().zip(&self.digests);
        for list in checks::by_participant(&self.checks) {
            let participant = participant(list);
            let place = places.find(|((key, _), _)| key.3 == participant);
            let ((key, assigned), digest) = place.ok_or_else(|| {
                let who = hex::encode_upper(participant);
                wrong(format!(
                    "{who} did not fall to the checker, or is out of order"
                ))
            })?;
            same_positions(list, assigned)?;
            if checks::list_digest(list) != *digest {
                return Err(Error::Mismatch.into());
            }
            if keys::CHECKS.has(state, key) {
                let (address, participant) = (name(), hex::encode_upper(participant));
                return Err(Error::AlreadyRevealed {
                    address,
                    participant,
                }
                .into());
            }
            let checks = list.to_vec();
            keys::CHECKS.put(state, key, &CheckList { checks });
        }
        Ok(response(&MsgRevealChecksResponse {}))
    }
}

/// Whose leaves a list of checks is about.
fn participant(list: &[Check]) -> ConsensusAddress {
    list.first()
        .map_or_else(Default::default, |check| node::member(&check.participant))
}

fn wrong(reason: String) -> TxError {
    Error::WrongChecks { reason }.into()
}

fn same_positions(list: &[Check], assigned: &Assigned) -> Result<(), TxError> {
    let got = list.iter().map(|check| &check.position);
    if got.eq(&assigned.positions) {
        return Ok(());
    }
    let who = hex::encode_upper(participant(list));
    let (expected, got) = (assigned.positions.len(), list.len());
    Err(wrong(format!(
        "{expected} positions of {who} were drawn, got {got}, or others, or in another order"
    )))
}
