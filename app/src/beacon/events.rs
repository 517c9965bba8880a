//! Events of `beacon`.

use race_proto::race::beacon::v1::{EventRoundFailed, EventSeed, Round};

use crate::events::typed;
use crate::state::State;

pub(super) fn seed(state: &mut State, round: &Round) {
    state.emit(typed(&EventSeed {
        id: round.id,
        seed: round.seed.clone(),
        degraded: round.degraded,
        revealed_power: round.revealed_power,
    }));
}

pub(super) fn failed(state: &mut State, round: &Round) {
    let revealed_power = round.revealed_power;
    state.emit(typed(&EventRoundFailed {
        id: round.id,
        revealed_power,
    }));
}
