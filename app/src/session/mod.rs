//! Sessions: a developer's escrow for inference on one model, and who serves it.
//!
//! A session waits for the first session round whose commits began after it was opened; that
//! round's seed is nobody's choice, and with it price, units and hosts are pinned for the epoch. At
//! each switch that the session outlives it is pinned again by the new epoch's first done round;
//! the old pin stays in force until then.
//!
//! When as many are open as may be, one that nobody used makes room (`idle`).
//!
//! Invariant: the account `session_escrow` holds exactly what open sessions have put in and not
//! spent ([`invariants::escrow_is_the_sum`]).

pub mod errors;
pub mod export;
mod idle;
pub mod invariants;
pub mod keys;
pub mod msgs;
pub mod params;
pub mod phase;
pub mod queries;

use std::collections::BTreeMap;

use race_proto::race::session::v1::{Pin, Session, SessionStatus};
use race_randomness::draw;
use race_randomness::hash::be;

use crate::address::{Account, ConsensusAddress};
use crate::auth;
use crate::coin::{stored, Nicoin};
use crate::fields;
use crate::state::State;

pub use keys::STORE;
pub use msgs::MESSAGES;
pub use queries::QUERIES;

/// Attempts at a request: the first executor and two to retry with.
pub const ATTEMPTS: u32 = 3;

/// A session, open or closed not long ago.
pub fn get(state: &State, id: u64) -> Option<Session> {
    keys::SESSIONS.get(state, &id)
}

/// Stores a session's progress.
pub(crate) fn put(state: &mut State, session: &Session) {
    keys::SESSIONS.put(state, &session.id, session);
}

/// Notes that something was settled of a session, which keeps its place.
pub(crate) fn used(state: &mut State, id: u64) {
    idle::used(state, id);
}

/// Whether a session still takes settlements.
pub fn is_open(session: &Session) -> bool {
    matches!(
        session.status(),
        SessionStatus::Pending | SessionStatus::Active
    )
}

/// Who serves a session in an epoch. Kept as long as the epoch's tasks are.
pub fn pin(state: &State, epoch: u64, id: u64) -> Option<Pin> {
    keys::PINS.get(state, &(epoch, id))
}

/// The pin in force: the newest.
pub fn newest_pin(state: &State, session: &Session) -> Option<Pin> {
    pin(state, session.pinned_epoch, session.id)
}

/// The account that holds all escrows.
pub fn escrow_account() -> Account {
    auth::module_account("session_escrow")
}

/// What a session has left, in nicoin.
pub fn left(session: &Session) -> Nicoin {
    stored(&session.escrow).saturating_sub(stored(&session.spent))
}

/// The hosts of a pin by address, with their weights.
pub fn hosts(pin: &Pin) -> BTreeMap<ConsensusAddress, u64> {
    pin.hosts
        .iter()
        .map(|host| (fields::stored(&host.address), host.weight))
        .collect()
}

/// The executor of request `index`, attempt `attempt`, under a pin: drawn by weight among the
/// pinned hosts with the pin's seed. The same for whoever computes it; `None` without hosts and from
/// attempt [`ATTEMPTS`] on.
pub fn executor(pin: &Pin, index: u64, attempt: u32) -> Option<ConsensusAddress> {
    if attempt >= ATTEMPTS {
        return None;
    }
    let domain = [be(pin.session_id), be(index), be(u64::from(attempt))];
    let domain: Vec<&[u8]> = domain.iter().map(<[u8; 8]>::as_slice).collect();
    let seed = fields::stored(&pin.seed);
    draw::weighted("race/session/executor/v1", &seed, &domain, &hosts(pin), 1)
        .first()
        .copied()
}

/// The sessions that were closed in an epoch and are not forgotten.
pub(crate) fn closed_in(state: &State, epoch: u64) -> Vec<u64> {
    let closed = keys::CLOSED.under(state, &epoch);
    closed.iter().map(|(key, ())| key.1).collect()
}

/// Forgets the pins of an epoch and all that belonged to sessions closed in it.
pub(crate) fn prune(state: &mut State, epoch: u64) {
    keys::PINS.remove_under(state, &epoch);
    for id in closed_in(state, epoch) {
        if let Some(session) = get(state, id) {
            let owner = Account::parse(&session.owner).expect("state is damaged: an owner");
            keys::OWNERS.remove(state, &(owner, id));
        }
        keys::SESSIONS.remove(state, &id);
        keys::CLOSED.remove(state, &(epoch, id));
    }
}
