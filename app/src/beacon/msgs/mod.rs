//! Messages of `beacon`: free; one of each for a member and a round or a key generation, complaints
//! one for each dealer, shares one for each signing attempt. A proposer's signatures are no member's
//! message: [`crate::injected`].

mod commit;
mod complain;
mod confirm;
mod deal;
mod post_shares;
mod reveal;
mod signatures;

use race_proto::race::beacon::v1::{KeyGeneration, KeyStatus, Round, RoundId, RoundStatus};
use race_randomness::dkg::Refusal;

use super::errors::Error;
use super::keygen::{self, KeyAttempt};
use crate::address::{Account, ConsensusAddress};
use crate::error::TxError;
use crate::message::MessageType;
use crate::node;
use crate::state::State;

pub use deal::TYPE_URL as DEAL;
pub use post_shares::TYPE_URL as POST_SHARES;

/// What transactions may carry.
pub const MESSAGES: &[MessageType] = &[
    MessageType {
        type_url: "/race.beacon.v1.MsgCommit",
        parse: commit::parse,
    },
    MessageType {
        type_url: "/race.beacon.v1.MsgReveal",
        parse: reveal::parse,
    },
    MessageType {
        type_url: DEAL,
        parse: deal::parse,
    },
    MessageType {
        type_url: "/race.beacon.v1.MsgComplain",
        parse: complain::parse,
    },
    MessageType {
        type_url: "/race.beacon.v1.MsgConfirm",
        parse: confirm::parse,
    },
    MessageType {
        type_url: POST_SHARES,
        parse: post_shares::parse,
    },
    MessageType {
        type_url: signatures::TYPE_URL,
        parse: signatures::parse,
    },
];

/// A round that is not closed.
fn open_round(state: &State, id: &RoundId) -> Result<Round, Error> {
    super::round(state, id)
        .filter(|round| !matches!(round.status(), RoundStatus::Done | RoundStatus::Failed))
        .ok_or_else(|| Error::NotOpen {
            round: super::shown(id),
        })
}

/// The key generation that a message names and the member that sends it, when it takes such messages.
fn key_generation(
    state: &State,
    sender: &Account,
    attempt: &KeyAttempt,
    expected: KeyStatus,
) -> Result<(KeyGeneration, ConsensusAddress), TxError> {
    let address = node::address(&node::by_sender(state, sender)?);
    let generation =
        keygen::generation(state, attempt).filter(|generation| generation.status() == expected);
    let generation = generation.ok_or_else(|| {
        let (epoch, race_attempt, key_attempt) = attempt;
        Error::NoKeyGeneration {
            attempt: format!("{epoch}/{race_attempt}/{key_attempt}"),
            window: match expected {
                KeyStatus::Deal => "deals",
                _ => "complaints and confirmations",
            },
        }
    })?;
    if !keygen::members(&generation).contains(&address) {
        let address = hex::encode_upper(address);
        return Err(Error::NotInKeyGeneration { address }.into());
    }
    Ok((generation, address))
}

/// Why the board refused a post.
fn refused(refusal: &Refusal) -> Error {
    let reason = refusal.to_string();
    Error::KeyPost { reason }
}
