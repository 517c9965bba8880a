//! `MsgOpenLeaves`: all sampled leaves in one multiproof; they fall to checkers at once.

use race::proof::{Multiproof, MAX_PROOF_BYTES};
use race_proto::race::epoch::v1::Phase;
use race_proto::race::race::v1::{MsgOpenLeaves, MsgOpenLeavesResponse, OpenedLeaf, Opening};
use race_proto::Any;

use crate::address::Account;
use crate::context::Context;
use crate::error::TxError;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::race::{self as module, errors::Error, keys};
use crate::state::State;
use crate::tx::gas;
use crate::{epoch, fields, node};

struct Open {
    sender: Account,
    epoch: u64,
    attempt: u32,
    multiproof: Multiproof,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgOpenLeaves = decode(bytes)?;
    let got = msg.multiproof.len();
    if got > MAX_PROOF_BYTES {
        return Err(Error::TooLarge {
            what: "bytes of the multiproof",
            limit: MAX_PROOF_BYTES,
            got,
        }
        .into());
    }
    let multiproof = Multiproof::decode(&msg.multiproof).map_err(|e| Error::BadProof {
        reason: e.to_string(),
    })?;
    let sender = fields::signer("sender", &msg.sender)?;
    Ok(Box::new(Open {
        sender,
        epoch: msg.epoch,
        attempt: msg.attempt,
        multiproof,
    }))
}

impl CheckedMsg for Open {
    fn signer(&self) -> Account {
        self.sender
    }

    fn lane(&self) -> Lane {
        Lane::Protocol
    }

    fn gas(&self) -> u64 {
        gas::LARGE
    }

    fn execute(&self, state: &mut State, _: &Context<'_>) -> Result<Any, TxError> {
        let address = node::address(&node::by_sender(state, &self.sender)?);
        epoch::require(state, self.epoch, self.attempt, Phase::Open)?;
        let entry = (self.epoch, self.attempt, address);
        let name = || hex::encode_upper(address);
        let submission = keys::SUBMISSIONS.get(state, &entry);
        let submission = submission.ok_or_else(|| Error::NoSubmission { address: name() })?;
        if let Some(result) = keys::RESULTS.get(state, &entry) {
            let outcome = result.outcome().as_str_name();
            return Err(Error::Struck {
                address: name(),
                outcome,
            }
            .into());
        }
        if keys::OPENINGS.has(state, &entry) {
            return Err(Error::AlreadyOpened { address: name() }.into());
        }
        let positions = module::sample(state, self.epoch, self.attempt, &address);
        let positions = positions.ok_or(Error::NoChallenge)?;
        let root: [u8; 32] = fields::stored(&submission.root);
        let opened = self.multiproof.verify(&root, submission.count, &positions);
        let opened = opened.map_err(|e| Error::BadProof {
            reason: e.to_string(),
        })?;
        let leaves: Vec<OpenedLeaf> = opened
            .into_iter()
            .map(|o| OpenedLeaf {
                position: o.position,
                nonce: o.nonce,
                leaf: o.leaf.to_vec(),
            })
            .collect();
        module::fall_to_checkers(state, self.epoch, self.attempt, &address, &leaves);
        keys::OPENINGS.put(
            state,
            &entry,
            &Opening {
                address: address.to_vec(),
                leaves,
            },
        );
        Ok(response(&MsgOpenLeavesResponse {}))
    }
}
