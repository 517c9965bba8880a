//! `MsgOpenSession`: a developer puts coins into escrow for requests to one model.

use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::race::session::v1::{
    EventSessionOpened, MsgOpenSession, MsgOpenSessionResponse, Session, SessionStatus,
};
use race_proto::Any;

use crate::address::Account;
use crate::coin::{self, Nicoin, DENOM};
use crate::context::Context;
use crate::error::TxError;
use crate::events::typed;
use crate::message::{decode, response, CheckedMsg};
use crate::session::{errors::Error, escrow_account, idle, keys, params, phase};
use crate::state::State;
use crate::tx::gas;
use crate::{bank, fields, model};

struct OpenSession {
    creator: Account,
    model_id: String,
    escrow: Nicoin,
    ceiling: Nicoin,
    /// How many requests the escrow covers at the ceiling.
    max_index: u64,
    session_key: [u8; 32],
    expiry_height: u64,
}

/// Most requests of a session: an index in a settled record has 32 bits.
const MAX_INDEX: u64 = 1 << 32;

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgOpenSession = decode(bytes)?;
    let creator = fields::signer("creator", &msg.creator)?;
    let escrow = amount("escrow", msg.escrow.as_ref())?;
    let ceiling = amount("ceiling", msg.ceiling.as_ref())?;
    let covered = escrow.checked_div(ceiling).unwrap_or(0);
    if covered == 0 {
        return Err(Error::Escrow { escrow, ceiling }.into());
    }
    let max_index = u64::try_from(covered).unwrap_or(u64::MAX).min(MAX_INDEX);
    let session_key = session_key(&msg.session_key)?;
    if msg.integrity_level != 0 {
        return Err(Error::IntegrityLevel {
            got: msg.integrity_level,
        }
        .into());
    }
    Ok(Box::new(OpenSession {
        creator,
        model_id: msg.model_id,
        escrow,
        ceiling,
        max_index,
        session_key,
        expiry_height: msg.expiry_height,
    }))
}

/// A positive amount of the chain's coin.
fn amount(field: &'static str, coin: Option<&Coin>) -> Result<Nicoin, Error> {
    let refuse = |why: String| Error::Amount { field, why };
    let coin = coin.ok_or_else(|| refuse("is missing".to_owned()))?;
    if coin.denom != DENOM {
        return Err(refuse(format!(
            "expected an amount of {DENOM}, got {:?}",
            short(&coin.denom)
        )));
    }
    match coin::parse(&coin.amount) {
        Ok(0) => Err(refuse("expected more than 0".to_owned())),
        Ok(amount) => Ok(amount),
        Err(error) => Err(refuse(error.to_string())),
    }
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A key with which signatures can be verified: weak points would let anyone acknowledge.
fn session_key(bytes: &[u8]) -> Result<[u8; 32], Error> {
    let why = format!("expected 32 bytes, got {}", bytes.len());
    let key: [u8; 32] = bytes.try_into().map_err(|_| Error::SessionKey { why })?;
    match ed25519_dalek::VerifyingKey::from_bytes(&key) {
        Ok(point) if !point.is_weak() => Ok(key),
        _ => Err(Error::SessionKey {
            why: "these bytes are no ed25519 public key".to_owned(),
        }),
    }
}

impl OpenSession {
    fn check(&self, state: &State, height: u64) -> Result<(), Error> {
        let id = self.model_id.clone();
        match model::get(state, &id) {
            None => return Err(Error::Model { id: short(&id) }),
            Some(model) if model.retired => return Err(Error::Retired { id }),
            Some(_) => {}
        }
        let min = crate::params::get(state, &params::MIN_CEILING);
        if self.ceiling < Nicoin::from(min) {
            let got = self.ceiling;
            return Err(Error::Ceiling { got, min });
        }
        let from = height.saturating_add(crate::params::get(state, &params::MIN_BLOCKS));
        let to = height.saturating_add(crate::params::get(state, &params::MAX_BLOCKS));
        if !(from..=to).contains(&self.expiry_height) {
            return Err(Error::Expiry {
                got: self.expiry_height,
                from,
                to,
            });
        }
        let limit = crate::params::get(state, &params::MAX_OPEN_PER_OWNER);
        if keys::OPEN_BY_OWNER.get(state, &self.creator).unwrap_or(0) >= limit {
            return Err(Error::OwnerFull { limit });
        }
        Ok(())
    }
}

impl CheckedMsg for OpenSession {
    fn signer(&self) -> Account {
        self.creator
    }

    fn gas(&self) -> u64 {
        gas::LARGE
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        self.check(state, context.height)?;
        if let Some(idle) = idle::room(state)? {
            phase::close_idle(state, idle);
        }
        bank::transfer(state, &self.creator, &escrow_account(), self.escrow)?;
        let id = keys::NEXT_ID.next(state, 1);
        let session = Session {
            id,
            owner: self.creator.to_string(),
            model_id: self.model_id.clone(),
            escrow: self.escrow.to_string(),
            spent: "0".to_owned(),
            ceiling: self.ceiling.to_string(),
            session_key: self.session_key.to_vec(),
            integrity_level: 0,
            opened_height: context.height,
            expiry_height: self.expiry_height,
            status: SessionStatus::Pending.into(),
            max_index: self.max_index,
            pinned_epoch: 0,
            settled: 0,
        };
        keys::SESSIONS.put(state, &id, &session);
        keys::OPEN.put(state, &id, &());
        idle::used(state, id);
        let open = keys::OPEN_COUNT.get_or_default(state).saturating_add(1);
        keys::OPEN_COUNT.put(state, &open);
        let own = keys::OPEN_BY_OWNER.get(state, &self.creator).unwrap_or(0);
        keys::OPEN_BY_OWNER.put(state, &self.creator, &own.saturating_add(1));
        keys::ENDS.put(state, &(phase::end_of(state, self.expiry_height), id), &());
        keys::OWNERS.put(state, &(self.creator, id), &());
        state.emit(typed(&EventSessionOpened {
            id,
            owner: session.owner,
            model_id: session.model_id,
            escrow: session.escrow,
        }));
        Ok(response(&MsgOpenSessionResponse { id }))
    }
}
