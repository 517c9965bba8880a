//! What `session` does at its blocks: pins when a session round is done, refunds at expiry.

use std::collections::BTreeMap;

use race_proto::race::beacon::v1::{Purpose, Round};
use race_proto::race::session::v1::{
    EventSessionClosed, EventSessionPinned, Pin, PinnedHost, Session, SessionStatus,
};
use race_randomness::hash::{be, h};

use super::{escrow_account, get, idle, is_open, keys, left, put};
use crate::address::{Account, ConsensusAddress};
use crate::context::Context;
use crate::events::typed;
use crate::state::State;
use crate::{bank, beacon, epoch, model, pricing, settlement};

/// The block at whose end a session that expires at `expiry_height` is closed: settlements of what
/// was served up to its expiry have the usual grace.
pub(super) fn end_of(state: &State, expiry_height: u64) -> u64 {
    let grace = crate::params::get(state, &settlement::params::SETTLE_GRACE);
    expiry_height.saturating_add(grace)
}

/// Pins every session that waits for this round: those that were opened before it was
/// and have no pin of this epoch yet. A session whose model nobody with power hosts waits on; a
/// round of an earlier epoch pins nothing. While an earlier round that could pin a session is open, a later
/// one does not: else those who sign both could choose.
pub fn session_round_done(state: &mut State, context: &Context<'_>, round: &Round) {
    let Some(id) = &round.id else { return };
    let current = epoch::current(state).number;
    if id.purpose() != Purpose::SessionRound || id.epoch != current || round.seed.len() != 32 {
        return;
    }
    let powers = epoch::powers(state, current);
    let rounds = beacon::open_rounds(state);
    let earlier: Vec<u64> = rounds
        .iter()
        .filter(|open| {
            open.id.as_ref().is_some_and(|open| {
                let same = (open.purpose, open.epoch) == (id.purpose, id.epoch);
                same && open.round < id.round
            })
        })
        .map(|open| open.opened)
        .collect();
    let mut served: BTreeMap<String, Option<Served>> = BTreeMap::new();
    for (session, ()) in keys::OPEN.all(state) {
        let Some(session) = get(state, session) else {
            continue;
        };
        let waits = earlier
            .iter()
            .any(|opened| *opened >= session.opened_height);
        if waits || round.opened < session.opened_height || session.pinned_epoch >= current {
            continue;
        }
        let found = served
            .entry(session.model_id.clone())
            .or_insert_with(|| served_by(state, &session.model_id, &powers));
        if let Some(served) = found {
            pin_session(
                state,
                context,
                session,
                (current, id.round),
                served,
                &round.seed,
            );
        }
    }
}

/// What pins of one model share: its price in units and its hosts.
struct Served {
    units_per_token: u64,
    hosts: Vec<PinnedHost>,
}

/// The committee's members that host a model, by address; `None` unless there is one.
fn served_by(
    state: &State,
    model_id: &str,
    powers: &BTreeMap<ConsensusAddress, u64>,
) -> Option<Served> {
    let units_per_token = model::get(state, model_id)?.units_per_token;
    let hosts: Vec<PinnedHost> = powers
        .iter()
        .filter(|(address, weight)| **weight > 0 && model::is_host(state, model_id, address))
        .map(|(address, weight)| PinnedHost {
            address: address.to_vec(),
            weight: *weight,
        })
        .collect();
    (!hosts.is_empty()).then_some(Served {
        units_per_token,
        hosts,
    })
}

/// Pins one session in an epoch by a round of it.
fn pin_session(
    state: &mut State,
    context: &Context<'_>,
    mut session: Session,
    (epoch, round): (u64, u64),
    served: &Served,
    round_seed: &[u8],
) {
    let seed = h(
        "race/session/assignment/v1",
        &[context.chain_id.as_bytes(), round_seed, &be(session.id)],
    );
    let pin = Pin {
        session_id: session.id,
        epoch,
        round,
        seed: seed.to_vec(),
        price_per_unit: pricing::current(state).to_string(),
        units_per_token: served.units_per_token,
        hosts: served.hosts.clone(),
    };
    keys::PINS.put(state, &(epoch, session.id), &pin);
    session.pinned_epoch = epoch;
    session.set_status(SessionStatus::Active);
    put(state, &session);
    state.emit(typed(&EventSessionPinned {
        id: session.id,
        epoch,
        round,
    }));
}

/// Closes the sessions whose time for settlements ends with this block; what is left goes back to
/// the owner.
pub fn expire(state: &mut State, context: &Context<'_>) {
    for ((end, id), ()) in keys::ENDS.under(state, &context.height) {
        keys::ENDS.remove(state, &(end, id));
        if let Some(session) = get(state, id).filter(is_open) {
            close(state, session);
        }
    }
}

/// Closes a session before its time: it makes room for one that is used.
pub(super) fn close_idle(state: &mut State, id: u64) {
    let Some(session) = get(state, id) else {
        return;
    };
    // Where the grace was changed since, the entry stays until its block and does nothing.
    let end = (end_of(state, session.expiry_height), id);
    if keys::ENDS.has(state, &end) {
        keys::ENDS.remove(state, &end);
    }
    close(state, session);
}

fn close(state: &mut State, mut session: Session) {
    let owner = Account::parse(&session.owner).expect("state is damaged: an owner");
    let refunded = left(&session);
    bank::transfer(state, &escrow_account(), &owner, refunded)
        .expect("session_escrow holds what every open session has left");
    session.set_status(SessionStatus::Closed);
    put(state, &session);
    keys::OPEN.remove(state, &session.id);
    idle::closed(state, session.id);
    let open = keys::OPEN_COUNT.get_or_default(state).saturating_sub(1);
    keys::OPEN_COUNT.put(state, &open);
    match keys::OPEN_BY_OWNER.get(state, &owner).unwrap_or(0) {
        0 | 1 => keys::OPEN_BY_OWNER.remove(state, &owner),
        own => keys::OPEN_BY_OWNER.put(state, &owner, &own.saturating_sub(1)),
    }
    let epoch = epoch::current(state).number;
    keys::CLOSED.put(state, &(epoch, session.id), &());
    let refunded = refunded.to_string();
    state.emit(typed(&EventSessionClosed {
        id: session.id,
        refunded,
    }));
}

/// At a switch nothing changes yet: the pins of the epoch that ended stay in force until the new
/// epoch's first session round ([`session_round_done`]).
pub fn at_switch(_: &mut State, _: &Context<'_>) {}
