//! What `session` does at its blocks: pins when a session round is done, refunds at expiry.

use race_proto::race::beacon::v1::{Purpose, Round};
use race_proto::race::session::v1::{
    EventSessionClosed, EventSessionPinned, Pin, PinnedHost, Session, SessionStatus,
};
use race_randomness::hash::{be, h};

use super::{escrow_account, get, keys, left, put};
use crate::address::Account;
use crate::context::Context;
use crate::events::typed;
use crate::state::State;
use crate::{bank, epoch, fields, model, pricing, settlement};

/// The block at whose end a session that expires at `expiry_height` is closed: settlements of what
/// was served up to its expiry have the usual grace.
pub(super) fn end_of(state: &State, expiry_height: u64) -> u64 {
    let grace = crate::params::get(state, &settlement::params::SETTLE_GRACE);
    expiry_height.saturating_add(grace)
}

/// Pins every session that waits for this round: those that were opened before its commits began
/// and have no pin of this epoch yet. A round of an earlier epoch pins nothing.
pub fn session_round_done(state: &mut State, context: &Context<'_>, round: &Round) {
    let Some(id) = &round.id else { return };
    let current = epoch::current(state).number;
    if id.purpose() != Purpose::SessionRound || id.epoch != current || round.seed.len() != 32 {
        return;
    }
    for (session, ()) in keys::OPEN.all(state) {
        let Some(session) = get(state, session) else {
            continue;
        };
        let committed_later = round.commit_start > session.opened_height;
        if committed_later && session.pinned_epoch < current {
            pin_session(state, context, session, current, id.round, &round.seed);
        }
    }
}

/// Pins one session, unless nobody with power hosts its model: then it waits on.
fn pin_session(
    state: &mut State,
    context: &Context<'_>,
    mut session: Session,
    epoch: u64,
    round: u64,
    round_seed: &[u8],
) {
    let Some(model) = model::get(state, &session.model_id) else {
        return;
    };
    let hosts: Vec<PinnedHost> = model::hosts(state, &session.model_id)
        .into_iter()
        .map(|host| {
            let weight = epoch::power(state, epoch, &fields::stored(&host.address));
            PinnedHost {
                address: host.address,
                weight,
            }
        })
        .filter(|host| host.weight > 0)
        .collect();
    if hosts.is_empty() {
        return;
    }
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
        units_per_token: model.units_per_token,
        hosts,
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
        if let Some(session) = get(state, id) {
            close(state, session);
        }
    }
}

fn close(state: &mut State, mut session: Session) {
    let owner = Account::parse(&session.owner).expect("state is damaged: an owner");
    let refunded = left(&session);
    bank::transfer(state, &escrow_account(), &owner, refunded)
        .expect("session_escrow holds what every open session has left");
    session.set_status(SessionStatus::Closed);
    put(state, &session);
    keys::OPEN.remove(state, &session.id);
    let open = keys::OPEN_COUNT.get_or_default(state).saturating_sub(1);
    keys::OPEN_COUNT.put(state, &open);
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
